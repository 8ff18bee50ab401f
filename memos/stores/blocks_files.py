"""Blocks as files, read several at once: whole or absent, and for their owner only.

folder/
├── .reading.json    which way of reading is fastest here: see memos.stores.block_probe
├── 0a/
│   └── 0a41…        the block of that name, its body from byte 4096 on
└── ff/

Files are written as memos.stores.files says. With a key they are sealed and named as
memos.stores.boxes says, and their bodies begin elsewhere.
"""

from __future__ import annotations

import errno
import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Literal, Protocol

from memos.errors import BackendError, OutOfSpace
from memos.stores.block_checks import absent, damaged, found, require_block, verified_block
from memos.stores.block_probe import fastest_way
from memos.stores.block_reading import Reader, Way
from memos.stores.boxes import HEAD, Boxes
from memos.stores.digests import checked
from memos.stores.files import Files
from memos.stores.keys import derived

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from memos.ports.blocks import Content

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_SPOILT = {errno.EIO, errno.EBADMSG, errno.EUCLEAN}
"""What a disk answers that has lost the bytes."""

THREADS = 4
AHEAD_BYTES = 64 << 20


class BlockFiles:
    """One file a block, in a folder that one process has at a time."""

    def __init__(
        self,
        folder: Path,
        *,
        cipher_key: bytes | None = None,
        reading: Literal["auto"] | Way = "auto",
        threads: int = THREADS,
        ahead_bytes: int = AHEAD_BYTES,
    ) -> None:
        """Open a folder, which is made where it is absent; what a crash left unfinished goes.

        Args:
            folder: nothing else may lie in it.
            cipher_key: 32 bytes, from which the keys for contents and names are derived; None for
                files that are not encrypted.
            reading: a way of memos.stores.block_reading; ``auto`` tries them for a moment.
            threads: how many blocks are read and verified at a time.
            ahead_bytes: how much is read ahead of whoever takes many blocks, at most, but always
                one block; as much memory is kept for the next readings.

        Raises:
            BackendError: the folder cannot be made or listed.
            BadSetting: there is no such way of reading.
        """
        self._files = Files(folder, called="block")
        self._form: _Form = _Plain() if cipher_key is None else _Sealed(cipher_key)
        way = fastest_way(folder) if reading == "auto" else reading
        self._reader = Reader(way, kept_bytes=ahead_bytes)
        self._threads, self._ahead_bytes = threads, ahead_bytes
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._sizes = self._listed()

    @property
    def reading(self) -> Way:
        """The way in which files are read."""
        return self._reader.way

    def put(self, name: str, content: Content) -> None:
        """Keep a block durably, in the place of what had the name."""
        require_block(name, content)
        file = self._form.file_of(name)
        try:
            self._files.put(file, self._form.written(name, content))
        except BackendError as error:
            cause = error.__cause__
            if isinstance(cause, OSError) and cause.errno in _FULL:
                message = f"no room for block {name} of {len(content)} bytes: {cause.strerror}"
                hint = "make room on the disk, or give blocks a smaller budget"
                raise OutOfSpace(message, hint=hint) from cause
            raise
        finally:
            self._note(name)

    def get(self, name: str) -> Content:
        """The block, verified, in memory of its own that begins at a page."""
        path = self.path(name)
        try:
            raw = self._reader.read(path)
        except FileNotFoundError:
            raise absent(name) from None
        except OSError as error:
            if error.errno in _SPOILT:
                raise damaged(name, f"its disk cannot read it: {error.strerror}") from error
            hint = "look at the folder's owner, its rights and the memory that is left"
            raise BackendError(f"block {name} cannot be read: {error}", hint=hint) from error
        return self._form.read(name, raw)

    def get_many(self, names: Sequence[str]) -> Iterator[tuple[str, Content | None]]:
        """Each block, in order; the next ones are read and verified meanwhile."""
        listed = [checked(name) for name in names]
        if len(listed) <= 1:
            return ((name, found(self.get, name)) for name in listed)
        return self._in_order(deque(listed))

    def drop(self, name: str) -> None:
        """Remove a block's file, if it is there."""
        try:
            self._files.drop(self._form.file_of(name))
        finally:
            self._note(name)

    def sizes(self) -> dict[str, int]:
        """The names of all blocks, and how long their files are.

        A file that was sealed with another key, or whose beginning is damaged, has no name.
        """
        with self._lock:
            return dict(self._sizes)

    def close(self) -> None:
        """End the threads and let memory go; whoever still takes many gets the rest of them."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown()
        self._reader.close()

    def path(self, name: str) -> Path:
        """Where the file of a block lies, or would lie."""
        return self._files.path(self._form.file_of(name))

    def _in_order(self, names: deque[str]) -> Iterator[tuple[str, Content | None]]:
        """Keep the threads at work, but no more bytes in memory than may be read ahead."""
        waiting: deque[tuple[str, int, Future[Content | None]]] = deque()
        ahead = 0
        try:
            while names or waiting:
                while names and len(waiting) <= self._threads:
                    size = self._sizes.get(names[0], 0)
                    if waiting and ahead + size > self._ahead_bytes:
                        break
                    name = names.popleft()
                    waiting.append((name, size, self._submitted(name)))
                    ahead += size
                name, size, future = waiting.popleft()
                content = future.result()
                ahead -= size
                del future  # it holds the block, too
                yield name, content
                del content
        finally:
            for *_, future in waiting:
                future.cancel()

    def _submitted(self, name: str) -> Future[Content | None]:
        with self._lock:  # held while it is asked, so that nobody ends the threads in between
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="blocks")
            return self._pool.submit(found, self.get, name)

    def _note(self, name: str) -> None:
        """Remember the size of a block as it is now, whoever has changed it last."""
        with self._lock:
            size = self._files.size_bytes(self._form.file_of(name))
            if size is None:
                self._sizes.pop(name, None)
            else:
                self._sizes[name] = size

    def _listed(self) -> dict[str, int]:
        listed = {}
        for file in self._files.names():
            name = self._form.name_of(file, self._files)
            size = self._files.size_bytes(file)
            if name is not None and size is not None:
                listed[name] = size
        return listed


class _Form(Protocol):
    """How blocks look in files."""

    def file_of(self, name: str) -> str:
        """What the file of a block is called."""
        ...

    def name_of(self, file: str, files: Files) -> str | None:
        """The block in a file; None where nobody can tell."""
        ...

    def written(self, name: str, content: Content) -> Content:
        """The bytes of a block's file."""
        ...

    def read(self, name: str, raw: memoryview) -> Content:
        """The verified block in the bytes of a file."""
        ...


class _Plain:
    def file_of(self, name: str) -> str:
        return checked(name)

    def name_of(self, file: str, files: Files) -> str | None:  # noqa: ARG002 - the port's
        return file

    def written(self, name: str, content: Content) -> Content:  # noqa: ARG002 - the port's
        return content

    def read(self, name: str, raw: memoryview) -> Content:
        return verified_block(name, raw)


class _Sealed:
    def __init__(self, cipher_key: bytes) -> None:
        keys = [derived(cipher_key, purpose) for purpose in ("blocks", "block names")]
        self._boxes = Boxes(content_key=keys[0], name_key=keys[1])

    def file_of(self, name: str) -> str:
        return self._boxes.file_of(name)

    def name_of(self, file: str, files: Files) -> str | None:
        head = files.find(file, HEAD)
        return None if head is None else self._boxes.named(head, file)

    def written(self, name: str, content: Content) -> Content:
        return self._boxes.sealed(name, content)

    def read(self, name: str, raw: memoryview) -> Content:
        content = self._boxes.opened(raw, name)
        if content is None:
            raise damaged(name, "it cannot be decrypted")
        require_block(name, content)  # that every byte is as it was, its boxes have told
        return content
