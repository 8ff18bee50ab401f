"""Starting is quick because nothing heavy is loaded before it is needed."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = "{'torch', 'transformers', 'chromadb', 'sentence_transformers', 'networkx', 'dateparser'}"


@pytest.mark.parametrize(
    "statement",
    [
        "import memos",
        "from memos import MemOS, MemCube, Kind",
        "from memos.plugins import available; available('vectors')",
    ],
)
def test_importing_loads_no_heavy_library(statement: str) -> None:
    code = (
        f"import sys; {statement}; loaded = {HEAVY} & set(sys.modules); assert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
