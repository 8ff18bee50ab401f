"""Asserts that nothing is left of something in the files of a backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.ports.traces import Search
from memos.stores.traces_files import FileTraces

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray


def assert_gone(
    folder: Path | None, texts: Sequence[str], vectors: Sequence[NDArray[np.float32]] = ()
) -> None:
    """No byte of ``texts`` and ``vectors`` lies in a file; a backend without files has none."""
    if folder is None:
        return
    search = FileTraces(folder).find(texts, vectors=vectors)
    assert search.files
    assert search == Search(files=search.files, size_bytes=search.size_bytes), search
