"""Blobs as files, named after their content.

folder/
├── .3f9c….part      being written; removed when the store is next opened
├── 0a/
│   └── 0a41…        the whole content of the blob 0a41…
└── ff/
"""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

from memos.cube.identity import digest_of
from memos.errors import BackendError, CorruptionError
from memos.stores.digests import absent, checked, is_digest, verified

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FOLDER_MODE = 0o700
_FILE_MODE = 0o600
_UNFINISHED = ".part"


class FileBlobs:
    """One file a blob, readable by its owner only.

    A blob is written under a temporary name, forced to disk, then renamed: the name of a digest
    never stands on half a file. One store has the folder at a time.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with _translated(f"the blobs in {folder} cannot be opened"):
            folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
            for leftover in folder.glob(f".*{_UNFINISHED}"):
                leftover.unlink(missing_ok=True)

    def put(self, content: bytes) -> str:
        """Store ``content`` durably and return its digest; a damaged copy is replaced."""
        digest = digest_of(content)
        with _translated(f"blob {digest} of {len(content)} bytes cannot be written"):
            if not self._is_whole(digest):
                self._write(digest, content)
            # Also where the blob was there: whoever renamed it may have died before this.
            _force(self._path(digest).parent)
            _force(self._folder)
        return digest

    def get(self, digest: str) -> bytes:
        """The content, verified against ``digest``."""
        path = self._path(digest)
        with _translated(f"blob {digest} cannot be read"):
            try:
                content = path.read_bytes()
            except FileNotFoundError as error:
                raise absent(digest) from error
        return verified(content, digest)

    def drop(self, digest: str) -> None:
        """Remove the blob, if it is there."""
        path = self._path(digest)
        with _translated(f"blob {digest} cannot be removed"):
            try:
                path.unlink()
            except FileNotFoundError:
                return
            _force(path.parent)

    def digests(self) -> Iterator[str]:
        """Every digest there is, in ascending order."""
        with _translated(f"the blobs in {self._folder} cannot be listed"):
            for shard in sorted(self._folder.glob("[0-9a-f][0-9a-f]")):
                for name in sorted(path.name for path in shard.iterdir()):
                    if is_digest(name) and name.startswith(shard.name):
                        yield name

    def size_bytes(self, digest: str) -> int | None:
        """The length of a blob, None where there is no such blob."""
        path = self._path(digest)
        with _translated(f"blob {digest} cannot be looked at"):
            try:
                return path.stat().st_size
            except FileNotFoundError:
                return None

    def _path(self, digest: str) -> Path:
        return self._folder / checked(digest)[:2] / digest

    def _is_whole(self, digest: str) -> bool:
        try:
            self.get(digest)
        except CorruptionError:
            return False
        return True

    def _write(self, digest: str, content: bytes) -> None:
        path = self._path(digest)
        path.parent.mkdir(mode=_FOLDER_MODE, exist_ok=True)
        unfinished = self._folder / f".{secrets.token_hex(16)}{_UNFINISHED}"
        try:
            descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)


def _force(folder: Path) -> None:
    """Make what was created, renamed or removed in ``folder`` survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _translated(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        hint = "look at the folder's owner, its rights and the space that is left"
        raise BackendError(f"{what}: {error}", hint=hint) from error
