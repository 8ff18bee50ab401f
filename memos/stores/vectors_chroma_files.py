"""What Chroma's files keep of entries that were dropped, and how it is erased.

<folder>/
  chroma.sqlite3            ids, metadata, and a queue with the vectors of the latest writes
  <segment>/
    data_level0.bin         the graph's slots, all of one size; a dropped one is only marked
    header.bin              their size and number
    length.bin              how long each vector was before it was normalised
    link_lists.bin          numbers of slots
    index_metadata.pickle   the ids; written anew as a whole
  purged                    ours: there from a purge to the next write

    slot    | count  mark | link link … | vector … | label |
            0        2    4             data       label    size

A dropped slot still leads a search from one part of the graph to another. So it is not emptied but
given the vector of a neighbour that lives, which changes next to nothing in what is found. All this
is done while Chroma has the folder closed.
"""

from __future__ import annotations

import os
import sqlite3
import struct
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from memos.errors import BackendError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

NOBODY = "~nobody"
"""An id that no entry has. Dropping it moves Chroma to write its graph; only this word is left."""

_DATABASE = "chroma.sqlite3"
_HEADER = struct.Struct("=i6QiI3QdQ")
_KNOWN = 1
"""The version of the layout above."""

_DEAD = 1
"""The bit of a slot's mark that says it was dropped."""

_ANEW = "remove the folder, then `memos check --repair` indexes anew"


class Marker:
    """Remembers, through crashes, that nothing was written since a purge."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "purged"
        self._known_absent = False

    def is_set(self) -> bool:
        """Whether there is nothing to erase."""
        return self._path.exists()

    def set(self) -> None:
        """Say that everything is erased."""
        self._path.touch(mode=0o600)
        _force(self._path.parent)
        self._known_absent = False

    def clear(self) -> None:
        """Say, before a write, that there may be something to erase."""
        if not self._known_absent and self._path.exists():
            self._path.unlink()
            _force(self._path.parent)
        self._known_absent = True


@dataclass(frozen=True)
class _Layout:
    """Where things stand in the file of slots."""

    used: int
    """Slots, living and dead; the file may be longer."""
    size: int
    data: int
    label: int

    @classmethod
    def read(cls, segment: Path) -> Self:
        """What the header of a graph says.

        Raises:
            BackendError: it is not a layout that we know.
        """
        header = (segment / "header.bin").read_bytes()
        if len(header) == _HEADER.size:
            version, origin, _, used, size, label, data, *_ = _HEADER.unpack(header)
            sound = 4 <= data < label == size - 8 and data % 4 == 0
            if (version, origin, sound) == (_KNOWN, 0, True):
                return cls(used, size, data, label)
        message = f"{segment} was written by a Chroma whose files are not known here"
        raise BackendError(message, hint=_ANEW)


def holds_anything(folder: Path) -> bool:
    """Whether Chroma has ever written there."""
    return (folder / _DATABASE).exists()


def erase(folder: Path) -> None:
    """Erase what was dropped or replaced; Chroma has written its graphs and closed the folder.

    Raises:
        BackendError: it cannot be done; bytes may be left.
    """
    graphs = [header.parent for header in sorted(folder.glob("*/header.bin"))]
    for graph in graphs:
        _erase_graph(graph, _Layout.read(graph))
    try:
        with closing(sqlite3.connect(folder / _DATABASE, isolation_level=None)) as connection:
            _require_short_queue(connection, folder)
            connection.execute("PRAGMA temp_store = MEMORY")
            connection.execute("VACUUM")
    except sqlite3.Error as error:
        message = f"what was dropped cannot be erased from {folder / _DATABASE}: {error}"
        hint = "it takes as much free space as the file has"
        raise BackendError(message, hint=hint) from error


def _require_short_queue(connection: sqlite3.Connection, folder: Path) -> None:
    query = "SELECT count(*) FROM embeddings_queue WHERE id <> ? OR vector IS NOT NULL"
    (waiting,) = connection.execute(query, (NOBODY,)).fetchone()
    if waiting:
        message = f"Chroma keeps {waiting} writes in the queue of {folder}; they are not erased"
        raise BackendError(message, hint=_ANEW)


def _erase_graph(graph: Path, layout: _Layout) -> None:
    content = np.memmap(graph / "data_level0.bin", dtype=np.uint8, mode="r+")
    end = layout.used * layout.size
    if len(content) < end:
        message = f"{graph} is cut short: {len(content)} bytes are fewer than {end}"
        raise BackendError(message, hint=_ANEW)
    _overwrite_dead(content[:end].reshape(layout.used, layout.size), layout)
    content[end:] = 0  # whatever was in that memory when Chroma wrote it
    content.flush()
    lengths = np.memmap(graph / "length.bin", dtype=np.uint8, mode="r+")
    lengths[4 * layout.used :] = 0
    lengths.flush()


def _overwrite_dead(slots: NDArray[np.uint8], layout: _Layout) -> None:
    """Give each dead slot the vector of its first neighbour that lives, or zeros."""
    is_dead = slots[:, 2] & _DEAD != 0
    dead = np.flatnonzero(is_dead)
    counts = slots[dead, :2].view("<u2")
    links = slots[dead, 4 : layout.data].view("<u4").astype(np.int64)
    real = (np.arange(links.shape[1]) < counts) & (links < layout.used)
    links = np.where(real, links, dead[:, np.newaxis])
    lives = ~is_dead[links]
    first = links[np.arange(len(dead)), lives.argmax(axis=1)]
    vectors = slots[first, layout.data : layout.label]
    vectors[~lives.any(axis=1)] = 0
    slots[dead, layout.data : layout.label] = vectors


def _force(folder: Path) -> None:
    """Make what was created or removed in ``folder`` survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
