"""Damaged files of a store, in a folder of their own.

<store>/quarantine/
├── disk-0a41…       a damaged blob, and where it lay
├── archive-0a41…
└── vectors-1        an index of vectors that could not be opened, with everything in it
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from memos.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from pathlib import Path

_MODE = 0o700
_VECTORS = "vectors-"


class QuarantineFolder:
    """Takes files out of the way by renaming them, so that nothing is lost at any moment.

    Args:
        folder: where they go; made with the first of them.
        blobs: for each place, where the file of a digest lies.
        vectors: the folder, or the file, of the index of vectors.
    """

    def __init__(
        self, folder: Path, *, blobs: Mapping[str, Callable[[str], Path]], vectors: Path
    ) -> None:
        self._folder = folder
        self._blobs = blobs
        self._vectors = vectors

    def blob(self, digest: str) -> bool:
        """Take a blob's files out of its store; False where there are none."""
        taken = [
            self._take(path_of(digest), f"{place}-{digest}")
            for place, path_of in self._blobs.items()
        ]
        return any(taken)

    def vectors(self) -> None:
        """Take the whole vector index out of the way, with the files that SQLite puts beside it."""
        number = 1
        while (self._folder / f"{_VECTORS}{number}").exists():
            number += 1
        for beside in ("", "-wal", "-shm", "-journal"):
            path = self._vectors.with_name(self._vectors.name + beside)
            self._take(path, f"{_VECTORS}{number}{beside}")

    def forget_vectors(self) -> None:
        """Erase every index of vectors that was taken aside."""
        self._erase(self._folder.glob(f"{_VECTORS}*"))

    def forget_blobs(self) -> None:
        """Erase every blob that was taken aside."""
        for place in self._blobs:
            self._erase(self._folder.glob(f"{place}-*"))

    def discard(self, digests: Collection[str]) -> None:
        """Erase what was taken aside of these blobs."""
        for digest in digests:
            self._erase(self._folder / f"{place}-{digest}" for place in self._blobs)

    @staticmethod
    def _erase(paths: Iterable[Path]) -> None:
        for path in list(paths):
            try:
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)
            except OSError as error:
                message = f"{path} cannot be erased: {error.strerror}"
                raise BackendError(message, hint="look at its owner and rights") from error

    def _take(self, path: Path, name: str) -> bool:
        try:
            if not path.exists():
                return False
            self._folder.mkdir(mode=_MODE, exist_ok=True)
            path.rename(self._folder / name)
        except OSError as error:
            message = f"{path} cannot be taken out of the way: {error.strerror}"
            raise BackendError(message, hint="look at the folder's owner and rights") from error
        return True
