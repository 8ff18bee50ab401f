"""Imprints in a table of the catalog's own database.

    imprints    a cube: its id, the bytes of a token, all of them, and a checksum

The table is made when it is not there: an index can be rebuilt.
"""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import text

from memos.stores.driver_sqlite import asking
from memos.stores.engine_sqlite import purge
from memos.stores.errors_sqlite import legible, usable

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import Engine

    from memos.ports.imprint import Imprint
    from memos.ports.imprints import ImprintEntry

_WHAT = "the index of imprints"
_TABLE = text(
    """
    CREATE TABLE IF NOT EXISTS imprints (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        width INTEGER NOT NULL,
        signs BLOB NOT NULL,
        checksum INTEGER NOT NULL
    )
    """
)
_PUT = text(
    """
    INSERT INTO imprints (id, width, signs, checksum) VALUES (:id, :width, :signs, :checksum)
    ON CONFLICT (id) DO UPDATE
        SET width = excluded.width, signs = excluded.signs, checksum = excluded.checksum
    """
)
_OF = """
    SELECT i.id, i.width, i.signs, i.checksum FROM json_each(?) AS asked
    CROSS JOIN imprints AS i ON i.id = asked.value
"""
_DROP = text("DELETE FROM imprints WHERE id IN (SELECT value FROM json_each(:ids))")


class SqlImprints:
    """Reads and writes whole imprints; one that is not as it was put counts as absent."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writing = engine.execution_options(write=True)
        with usable(_WHAT), self._writing.begin() as connection:
            connection.execute(_TABLE)

    def put(self, entries: Sequence[ImprintEntry]) -> None:
        """Store durably, all or none, in the place of what had the same ids."""
        rows = {entry.id: _row(entry) for entry in entries}
        if not rows:
            return
        with usable(_WHAT), self._writing.begin() as connection:
            connection.execute(_PUT, list(rows.values()))

    @legible(_WHAT)
    def of(self, ids: Collection[str]) -> dict[str, Imprint]:
        """The imprints of those that have one."""
        with asking(self._engine) as cursor:
            cursor.execute(_OF, (json.dumps(list(ids)),))
            return {
                cube_id: np.frombuffer(signs, np.uint8).reshape(-1, width)
                for cube_id, width, signs, checksum in cursor.fetchall()
                if _is_whole(width, signs, checksum)
            }

    def drop(self, ids: Collection[str]) -> None:
        """Remove entries; absent ids are no error."""
        if not ids:
            return
        with usable(_WHAT), self._writing.begin() as connection:
            connection.execute(_DROP, {"ids": json.dumps(list(ids))})

    @legible(_WHAT)
    def ids(self) -> set[str]:
        """The ids of all entries, whole or not."""
        with asking(self._engine) as cursor:
            cursor.execute("SELECT id FROM imprints")
            return {row[0] for row in cursor.fetchall()}

    def clear(self) -> None:
        """Make the table anew."""
        with usable(_WHAT), self._writing.begin() as connection:
            connection.execute(text("DROP TABLE IF EXISTS imprints"))
            connection.execute(_TABLE)

    def purge(self) -> None:
        """Erase what was dropped or replaced, by writing the file anew, once with the catalog."""
        with usable(_WHAT):
            purge(self._engine)


def _row(entry: ImprintEntry) -> dict[str, object]:
    signs = np.ascontiguousarray(entry.imprint).tobytes()
    width = entry.imprint.shape[1]
    return {"id": entry.id, "width": width, "signs": signs, "checksum": _sum(width, signs)}


def _is_whole(width: object, signs: object, checksum: object) -> bool:
    return (
        isinstance(width, int)
        and isinstance(signs, bytes)
        and width > 0
        and len(signs) > 0
        and len(signs) % width == 0
        and checksum == _sum(width, signs)
    )


def _sum(width: int, signs: bytes) -> int:
    return zlib.crc32(signs, width)
