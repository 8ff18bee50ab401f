"""Files for other programs, written beside the name that they take when they are whole."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MODE = 0o600


@contextmanager
def aside(path: Path) -> Iterator[Path]:
    """A new, empty file for its owner only; at the end of the block it takes the name ``path``.

    What is there then is replaced: of a link the link itself, not what it leads to. Where the
    block fails, nothing is left behind.

    Raises:
        OSError: the file cannot be written.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        _remove(partial)
        partial.touch(_MODE, exist_ok=False)
        yield partial
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        partial.rename(path)
    finally:
        _remove(partial)


def _remove(path: Path) -> None:
    with suppress(OSError):  # whatever is wrong with the place is told when it is written
        path.unlink(missing_ok=True)
