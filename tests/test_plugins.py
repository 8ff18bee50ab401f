"""Backends are found by name, and nothing is imported before it is asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest

from memos.errors import UnknownBackend
from memos.plugins import BUILT_IN, available, find


def test_every_built_in_backend_can_be_imported() -> None:
    for port, backends in BUILT_IN.items():
        for name in backends:
            assert callable(find(port, name))


def test_an_unknown_name_is_answered_with_those_there_are() -> None:
    with pytest.raises(UnknownBackend, match=r"'pinecone'.*chroma, exact"):
        find("vectors", "pinecone")
    with pytest.raises(UnknownBackend, match="none"):
        find("teleport", "x")


def test_listing_backends_imports_none_of_them() -> None:
    code = (
        "import sys; from memos.plugins import available; "
        "assert set(available('vectors')) >= {'chroma', 'exact'}; "
        "assert not {'chromadb', 'torch', 'numpy', 'memos.stores'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_plugin_s_entry_points_are_listed_beside_the_built_in_ones() -> None:
    assert {"hash", "sentence"} <= set(available("embedder"))
