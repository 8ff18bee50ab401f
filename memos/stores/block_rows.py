"""Which KV cube is kept in which blocks; every function works within one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from memos.ports.catalog import Errand
from memos.stores.catalog_rows import chunks, owe
from memos.stores.tables import blocks

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

    from memos.ports.ledger import Blocked


def keep_in(connection: Connection, entry: Blocked) -> None:
    """Write in which blocks a cube is kept, and owe those that it leaves."""
    before = _left(connection, [entry.cube_id])
    rows = [
        {"cube_id": entry.cube_id, "name": name, "number": number}
        for number, name in enumerate(dict.fromkeys(entry.blocks))
    ]
    if rows:
        connection.execute(insert(blocks), rows)
    _owe(connection, before)


def unkeep(connection: Connection, ids: Collection[str]) -> None:
    """Cubes go: so do their rows, and the blocks that are nobody else's are owed."""
    if ids:
        _owe(connection, _left(connection, ids))


def _left(connection: Connection, ids: Collection[str]) -> set[str]:
    names: set[str] = set()
    for chunk in chunks(ids):
        mine = blocks.c.cube_id.in_(chunk)
        names.update(connection.execute(select(blocks.c.name).where(mine)).scalars())
        connection.execute(delete(blocks).where(mine))
    return names


def _owe(connection: Connection, names: Collection[str]) -> None:
    used: set[str] = set()
    for chunk in chunks(names):
        query = select(blocks.c.name).where(blocks.c.name.in_(chunk))
        used.update(connection.execute(query).scalars())
    owe(connection, [(Errand.BLOCK, name) for name in sorted(set(names) - used)])
