"""A zip file from anybody: read member by member, and never more of it than was agreed.

Nothing is written to disk, so a name cannot lead out of a folder; but a name, a mode or a size
that none of our own bundles has says that somebody tries.
"""

from __future__ import annotations

import io
import os
import stat
import struct
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from memos.cube.identity import digest_of
from memos.errors import BadInput, CorruptionError, shown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

_PIECE = 1 << 20
_DIRECTORY = 8 << 20
"""Bytes that are read in one go at most; zipfile reads the whole table of contents at once."""
_PLAIN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1 | 0x40
_FOLDER = 0x10
"""The bit by which MS-DOS marks a folder."""
_BROKEN = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,  # and with it NotImplementedError, and what stands for an encrypted member
    ValueError,
    OverflowError,
)
"""What zipfile raises where bytes are not a zip."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is read of a bundle; ours stay far below."""

    members: int = 50_000
    unpacked: int = 8 << 30
    """Bytes of all members together."""
    text: int = 512 << 20
    """Bytes of one member that is JSON."""
    ratio: int = 100
    """Unpacked bytes for each packed one; the cubes of a real store come to about 15."""
    small: int = 8 << 20
    """Bytes up to which the ratio of a member does not matter."""


LIMITS = Limits()


class Archive:
    """An open zip file whose directory has been checked; use it in a ``with`` block.

    Raises:
        BadInput: it is no regular file, no zip, or nothing that we would have written.
        CorruptionError: it is damaged.
    """

    def __init__(self, path: Path, limits: Limits = LIMITS) -> None:
        self.limits = limits
        self.unpacked = 0
        """Bytes that have been unpacked so far."""
        self._path = path
        self._file = _Cautious(_opened(path))
        try:
            self._zip = _directory(self._file, path)
            self._members = _checked(self._zip.infolist(), self._file.size, limits)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._zip.close()
        self._file.close()

    @property
    def names(self) -> frozenset[str]:
        """The names of all members."""
        return frozenset(self._members)

    def read(self, name: str, *, limit: int | None = None) -> bytes:
        """The content of a member; of at most ``limit`` bytes.

        Raises:
            BadInput: there is no such member, or it unpacks to too much.
            CorruptionError: it is damaged.
        """
        member = self._members.get(name)
        if member is None:
            raise BadInput(f"the bundle has no {name}", hint="memos export writes bundles")
        most = self.limits.unpacked if limit is None else limit
        pieces, length = [], 0
        try:
            with self._zip.open(member) as stream:
                while piece := stream.read(_PIECE):
                    length += len(piece)
                    self.unpacked += len(piece)
                    _require_modest(member, length, most, self.limits)
                    pieces.append(piece)
        except _BROKEN as error:
            message = f"{name} in the bundle cannot be read: {error}"
            raise CorruptionError(message, hint="get it again; nothing was imported") from error
        if length != member.file_size:
            message = f"{name} in the bundle has {length:,} bytes, not {member.file_size:,}"
            raise CorruptionError(message, hint="get it again; nothing was imported")
        return b"".join(pieces)

    def verified(self, name: str, digest: str, *, limit: int | None = None) -> bytes:
        """The content of a member, which has this digest.

        Raises:
            CorruptionError: it has not.
        """
        content = self.read(name, limit=limit)
        if digest_of(content) != digest:
            message = f"{name} in the bundle does not have the digest that the manifest names"
            raise CorruptionError(message, hint="get it again; nothing was imported")
        return content


class _Cautious(io.BufferedReader):
    """A file that zipfile cannot be talked into reading whole: what is too much ends early."""

    def __init__(self, file: io.FileIO) -> None:
        super().__init__(file)
        self.size = os.fstat(file.fileno()).st_size

    def read(self, size: int | None = -1, /) -> bytes:
        asked = self.size if size is None or size < 0 else size
        return super().read(min(asked, _DIRECTORY))


def _opened(path: Path) -> io.FileIO:
    """The file; a pipe or a device would keep us waiting, or never end."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BadInput(f"there is no file {path}", hint="memos export writes one") from error
    except OSError as error:
        raise BadInput(f"{path} cannot be opened: {error.strerror}") from error
    except ValueError as error:  # a NUL in the name
        raise BadInput(f"{shown(str(path), 80)} is no name of a file") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise BadInput(f"{path} is no bundle: not a regular file", hint="memos export writes one")
    return io.FileIO(descriptor, closefd=True)


def _directory(file: _Cautious, path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except _BROKEN as error:
        message = f"{path} is no bundle: {error}"
        raise BadInput(message, hint="memos export writes one") from error


def _checked(
    members: Sequence[zipfile.ZipInfo], size: int, limits: Limits
) -> dict[str, zipfile.ZipInfo]:
    if len(members) > limits.members:
        raise _refused(f"it has {len(members):,} members, more than {limits.members:,}")
    found: dict[str, zipfile.ZipInfo] = {}
    for member in members:
        _require_plain(member)
        if member.filename in found:
            raise _refused(f"it has two members named {member.filename!r:.100}")
        found[member.filename] = member
    unpacked = sum(member.file_size for member in members)
    if unpacked > limits.unpacked:
        raise _refused(f"it unpacks to {unpacked:,} bytes, more than {limits.unpacked:,}")
    if sum(member.compress_size for member in members) > size:
        raise _refused("its members overlap")
    return found


def _require_plain(member: zipfile.ZipInfo) -> None:
    name = member.filename
    mode = member.external_attr >> 16
    if name != member.orig_filename or name.startswith("/") or not _is_simple(name):
        raise _refused(f"a member is named {member.orig_filename!r:.100}")
    if stat.S_IFMT(mode) not in {0, stat.S_IFREG} or member.external_attr & _FOLDER:
        raise _refused(f"its member {name!r:.100} is a link, a folder or a device")
    if member.flag_bits & _ENCRYPTED:
        raise _refused(f"its member {name!r:.100} is encrypted")
    if member.compress_type not in _PLAIN:
        raise _refused(f"its member {name!r:.100} is packed by method {member.compress_type}")


def _is_simple(name: str) -> bool:
    parts = name.split("/")
    return (
        name.isascii()
        and name.isprintable()
        and "\\" not in name
        and not {"", ".", ".."} & set(parts)
    )


def _require_modest(member: zipfile.ZipInfo, length: int, most: int, limits: Limits) -> None:
    if length > most:
        raise _refused(f"its {member.filename} unpacks to more than {most:,} bytes")
    if length > limits.small and length > limits.ratio * member.compress_size:
        packed = f"{member.compress_size:,} bytes into more than {length:,}"
        raise _refused(f"its {member.filename} unpacks {packed}")


def _refused(why: str) -> BadInput:
    hint = "nothing was imported; do not trust where it came from"
    return BadInput(f"this is no bundle of ours: {why}", hint=hint)
