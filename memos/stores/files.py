"""Files by name: whole or absent, on disk when a call returns, and for their owner only.

folder/
├── .3f9c….part      being written; removed when the folder is next opened
├── 0a/
│   └── 0a41…        the content under the name 0a41…
└── ff/
"""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

from memos.errors import BackendError
from memos.stores.digests import is_digest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from memos.ports.blocks import Content

_FOLDER_MODE = 0o700
_FILE_MODE = 0o600
_UNFINISHED = ".part"


class Files:
    """Contents by names of 64 hexadecimal digits, each in a file.

    A content is written under a temporary name, forced to disk, then renamed: a name never stands
    on half a file. One store has the folder at a time.
    """

    def __init__(self, folder: Path, *, owned: bool = True, called: str = "blob") -> None:
        """Files in a folder; one that is not ``owned`` belongs to a process that is at work.

        ``called`` is what errors call a content.
        """
        self._folder = folder
        self._called = called
        if not owned:
            return
        with _translated(f"the {called}s in {folder} cannot be opened"):
            folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
            for leftover in folder.glob(f".*{_UNFINISHED}"):
                leftover.unlink(missing_ok=True)

    def put(self, name: str, content: Content) -> None:
        """Store ``content`` durably, in the place of what had the name."""
        with _translated(f"{self._called} {name} of {len(content)} bytes cannot be written"):
            self._write(self.path(name), content)
        self.settle(name)

    def settle(self, name: str) -> None:
        """Make what has the name durable: whoever renamed it may have died before it was."""
        with _translated(f"{self._called} {name} cannot be made durable"):
            _force(self.path(name).parent)
            _force(self._folder)

    def find(self, name: str, size: int = -1) -> bytes | None:
        """The content, or its first ``size`` bytes; None where there is none."""
        with _translated(f"{self._called} {name} cannot be read"):
            try:
                with self.path(name).open("rb") as file:
                    return file.read(size)
            except FileNotFoundError:
                return None

    def drop(self, name: str) -> None:
        """Remove the file, if it is there."""
        path = self.path(name)
        with _translated(f"{self._called} {name} cannot be removed"):
            try:
                path.unlink()
            except FileNotFoundError:
                return
            _force(path.parent)

    def names(self) -> Iterator[str]:
        """Every name there is, in ascending order."""
        with _translated(f"the {self._called}s in {self._folder} cannot be listed"):
            for shard in sorted(self._folder.glob("[0-9a-f][0-9a-f]")):
                for name in sorted(path.name for path in shard.iterdir()):
                    if is_digest(name) and name.startswith(shard.name):
                        yield name

    def size_bytes(self, name: str) -> int | None:
        """The length of a file, None where there is none."""
        with _translated(f"{self._called} {name} cannot be looked at"):
            try:
                return self.path(name).stat().st_size
            except FileNotFoundError:
                return None

    def path(self, name: str) -> Path:
        """Where the file of that name lies, or would lie."""
        return self._folder / name[:2] / name

    def _write(self, path: Path, content: Content) -> None:
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
