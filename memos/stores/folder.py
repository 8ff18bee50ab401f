"""The folder of a store: one process at a time, and nobody else's eyes.

<store>/
  lock          held while the store is open
  sealed.json   only where the store is encrypted: see memos.stores.seal
  catalog.db    the truth, with the word index beside it
  vectors/      one folder a vector backend
  blobs/        content by its SHA-256
  archive/      the same, compressed: what is seldom read
  kv/           blocks of attention state, which can be made anew
  quarantine/   damaged files that a repair took out of the way; with the first of them
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from memos.errors import BackendError, BadInput, CorruptionError, StoreLocked
from memos.ports.grounds import CATALOG, LOCK, refuse_backup
from memos.stores.modes import loose, tighten

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PAUSE = 0.05
_OPEN = b"open\n"
"""What the lock holds while the store is open, and after a crash."""


class Folder:
    """An open store folder; it is locked until :meth:`release`."""

    CATALOG = CATALOG
    BLOBS = "blobs"
    ARCHIVE = "archive"
    SEAL = "sealed.json"
    UNFINISHED_SEAL = "sealed.json.part"

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock: int | None = lock
        self.crashed = bool(os.fstat(lock).st_size)
        """Whether the last process that had it open did not release it."""
        if not self.crashed:
            os.write(lock, _OPEN)

    @classmethod
    def open(cls, path: Path, *, lock_seconds: float) -> Folder:
        """Make the folder if need be, and lock it.

        The lock belongs to the open file: it goes with the process, however that ends.

        Raises:
            BadInput: the path is a file, a backup, or a folder with other things in it.
            CorruptionError: the catalog has lost all it held.
            StoreLocked: somebody else has it open, still after ``lock_seconds``.
            BackendError: the folder cannot be made or written.
        """
        with _usable(path):
            _require_ours(path)
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not cls.holds_store(path):
                tighten(path)  # it may have been there before, and open to others
            lock = os.open(path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if not _locked(lock, lock_seconds):
            os.close(lock)
            message = f"the store {path} is in use by another process"
            raise StoreLocked(
                message, hint="close it there, or wait longer: the setting lock_seconds"
            )
        try:
            _require_catalog(path)
            return cls(path, lock)
        except CorruptionError:
            os.close(lock)
            raise
        except OSError as error:
            os.close(lock)
            message = f"the folder {path} cannot be written: {error.strerror}"
            raise BackendError(message, hint="make room on its disk") from error

    @staticmethod
    def holds_store(path: Path) -> bool:
        """Whether a store lies there.

        Raises:
            BackendError: one may not look.
        """
        with _usable(path):
            return (path / Folder.CATALOG).is_file()

    @property
    def catalog(self) -> Path:
        """The catalog's database file."""
        return self.path / Folder.CATALOG

    @property
    def blobs(self) -> Path:
        """The folder of the blobs."""
        return self.path / self.BLOBS

    @property
    def kv(self) -> Path:
        """The folder of blocks of attention state."""
        return self.path / "kv"

    @property
    def quarantine(self) -> Path:
        """The folder of damaged files."""
        return self.path / "quarantine"

    def vectors(self, backend: str) -> Path:
        """The folder of a vector backend."""
        folder = self.path / "vectors"
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder / backend

    def loose(self) -> list[str]:
        """What in it, or it itself, others than the owner have a right to."""
        return [str(path) for path in loose(self.path)]

    def tighten(self) -> list[str]:
        """Take these rights from them; what was changed."""
        return [str(path) for path in tighten(self.path)]

    def release(self, *, clean: bool = True) -> None:
        """Let others open it; what a crash left has been seen to, unless not ``clean``."""
        if self._lock is not None and clean:
            with suppress(OSError):  # whoever opens it next then looks once more than needed
                os.ftruncate(self._lock, 0)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


_BEFORE = {LOCK, Folder.SEAL, Folder.UNFINISHED_SEAL, "archive"}
"""What lies in a folder before the store does, and stays there if it never does."""


@contextmanager
def _usable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message = f"the folder {path} cannot be used: {error.strerror}"
        raise BackendError(message, hint="choose a folder that you may write to") from error


def _require_ours(path: Path) -> None:
    if path.exists() and not path.is_dir():
        raise BadInput(f"{path} is a file", hint="name a folder")
    refuse_backup(path)
    if path.is_dir() and not Folder.holds_store(path):
        others = sorted(each.name for each in path.iterdir() if each.name not in _BEFORE)
        if others:
            message = f"{path} is not a store, and not empty: it holds {others[0]!r}"
            raise BadInput(message, hint="name a folder that is empty or does not exist")


def _require_catalog(path: Path) -> None:
    """Refuse a store whose catalog has lost all it held: it would pass for a new one."""
    catalog = path / Folder.CATALOG
    log = path / f"{Folder.CATALOG}-wal"
    sizes = [each.stat().st_size for each in (catalog, log) if each.exists()]
    if sizes and not any(sizes) and (path / Folder.BLOBS).exists():
        message = f"{catalog} is empty, and the store around it is not"
        raise CorruptionError(message, hint="restore a backup: memos restore")


def _locked(lock: int, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() >= until:
                return False
            time.sleep(_PAUSE)
        else:
            return True
