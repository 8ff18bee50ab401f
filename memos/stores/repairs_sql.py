"""The catalog's rows as they are, and their mending, through SQLAlchemy."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, text, update

from memos.cube import Kind
from memos.cube.header import FINDABLE
from memos.cube.wire import from_json
from memos.errors import MemosError
from memos.ports.catalog import Errand
from memos.ports.journal import bound
from memos.ports.repairs import Kept, Mending, Stored
from memos.stores import catalog_rows as rows
from memos.stores.block_rows import unkeep
from memos.stores.bonds_sql import entered, kept
from memos.stores.errors_sqlite import legible
from memos.stores.journal_sql import place, record
from memos.stores.ledger_sql import enter
from memos.stores.tables import cubes, edges, labels, versions
from memos.stores.training_rows import checkpoints, leave

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from sqlalchemy import Connection, Engine

    from memos.cube import MemCube

_PAGE = 200

# From the table alone, without its indexes, which may be damaged as well.
_CUBES = text("SELECT id FROM cubes NOT INDEXED UNION SELECT cube_id FROM versions NOT INDEXED")
_LOOSE = text(
    """
    SELECT rowid AS number, source, relation, target FROM edges NOT INDEXED
    WHERE relation NOT IN ('next', 'mentions', 'titled', 'derived',
                           'supersedes', 'contradicts', 'duplicates')
       OR source NOT IN (SELECT id FROM cubes)
       OR (relation NOT IN ('mentions', 'titled') AND target NOT IN (SELECT id FROM cubes))
    ORDER BY rowid
    """
)
# A body that is damaged names its blob all the same, unless just there.
_REFERRING = text(
    "SELECT blob, body FROM versions NOT INDEXED"
    """ WHERE blob IS NOT NULL OR body LIKE '%"blob":"%'"""
)
_DIGEST = re.compile(r'"blob":"([0-9a-f]{64})"')
_UNREADABLE = (
    "json_valid(answer) = 0 OR json_valid(scope) = 0"
    " OR length(fingerprint) != 64 OR fingerprint GLOB '*[^0-9a-f]*'"
)


class SqlRepairs:
    """Over the engine of :class:`memos.stores.catalog_sql.SqlCatalog`; ``key`` seals its rows."""

    def __init__(self, engine: Engine, *, key: bytes | None = None) -> None:
        self._engine = engine
        self._writing = engine.execution_options(write=True)
        self._key = key

    def stored(self) -> Iterator[Stored]:
        """Every version, by cube and number."""
        with self._engine.connect() as connection:
            ids = sorted(str(one) for one in connection.execute(_CUBES).scalars())
        for start in range(0, len(ids), _PAGE):
            with self._engine.connect() as connection:
                page = list(_stored(connection, ids[start : start + _PAGE]))
            yield from page

    def loose_edges(self) -> dict[int, str]:
        """Edges that start or end in nothing, or say nothing we know."""
        with self._engine.connect() as connection:
            return {
                row.number: f"{row.source} {row.relation} {row.target}"
                for row in connection.execute(_LOOSE)
            }

    def referred(self) -> set[str]:
        """Every digest that the bodies of KV and LoRA cubes, the columns, or trainings name."""
        with self._engine.connect() as connection:
            found = connection.execute(_REFERRING).all()
            reached = checkpoints(connection)
        named = reached | {str(row.blob) for row in found if row.blob}
        return named.union(*(_DIGEST.findall(str(row.body)) for row in found))

    def broken_receipts(self) -> list[str]:
        """The keys of receipts that cannot be read."""
        query = text(f"SELECT key FROM receipts WHERE {_UNREADABLE} ORDER BY key")  # noqa: S608
        with self._engine.connect() as connection:
            return [str(key) for key in connection.execute(query).scalars()]

    def kept(self) -> Iterator[Kept]:
        """Every grant, then every certificate."""
        return kept(self._engine)

    def mend(self, mending: Mending) -> None:
        """Apply it in one transaction."""
        with self._writing.begin() as connection:
            at = place(connection)
            gone = self._isolate(connection, mending)
            for cube_id in mending.rewrite:
                if cube_id not in gone:
                    _rewrite(connection, cube_id)
            rows.unplace(connection)
            _relink(connection, mending)
            if mending.drop_receipts:
                connection.execute(text(f"DELETE FROM receipts WHERE {_UNREADABLE}"))  # noqa: S608
            bonds = entered(mending.also, connection)
            record(connection, at, bound(mending.audit, bonds), self._key)

    def reindex(self) -> None:
        """Make the database's own indexes anew."""
        with self._writing.begin() as connection:
            connection.execute(text("REINDEX"))

    def _isolate(self, connection: Connection, mending: Mending) -> set[str]:
        """Put versions into quarantine, and return the ids of the cubes that went with them."""
        gone: set[str] = set()
        for entry in mending.quarantine:
            enter(entry, connection)
            named = (versions.c.cube_id == entry.cube_id, versions.c.version == entry.version)
            connection.execute(delete(versions).where(*named))
        for cube_id in dict.fromkeys(entry.cube_id for entry in mending.quarantine):
            if not _rewrite(connection, cube_id):
                _remove(connection, cube_id)
                gone.add(cube_id)
        rows.owe(connection, [(Errand.DROP, one) for one in sorted(gone)])
        return gone


def _stored(connection: Connection, ids: Collection[str]) -> Iterator[Stored]:
    found: dict[str, list[Any]] = {one: [] for one in ids}
    query = select(versions).where(versions.c.cube_id.in_(ids)).order_by(versions.c.version)
    with legible("a version of a cube"):
        for row in connection.execute(query):
            found.setdefault(row.cube_id, []).append(row)
        tops = {row.id: row for row in connection.execute(_plain(ids))}
    named: dict[str, set[str]] = {one: set() for one in ids}
    for row in connection.execute(select(labels).where(labels.c.cube_id.in_(ids))):
        named.setdefault(row.cube_id, set()).add(row.label)
    for cube_id in ids:
        yield from _of_one(cube_id, found[cube_id], tops.get(cube_id), named[cube_id])


def _plain(ids: Collection[str]) -> Any:
    """The rows of cubes as SQLite has them: the types of the columns may not hold any more."""
    columns = ", ".join(f'"{column.name}"' for column in cubes.columns)
    listed = ", ".join(f":id{number}" for number in range(len(ids)))
    statement = f"SELECT {columns} FROM cubes WHERE id IN ({listed})"  # noqa: S608 - our own names
    return text(statement).bindparams(**{f"id{number}": one for number, one in enumerate(ids)})


def _of_one(cube_id: str, there: list[Any], top: Any, named: set[str]) -> Iterator[Stored]:
    current = None if top is None else top.version
    for row in there:
        cube, damage = _read(row)
        newest = row.version == current or (top is None and row is there[-1])
        differs: tuple[str, ...] = ()
        if cube is not None:
            wrong = _columns(row, rows.version_row(cube, 0))
            if newest:
                wrong += _top(top, cube, named)
            differs = tuple(wrong)
        yield Stored(cube_id, row.version, newest, str(row.body), cube, damage, differs)
    if current not in {row.version for row in there} and top is not None:
        damage = f"version {current}, which should be its newest, is missing"
        version = current if isinstance(current, int) else 0
        yield Stored(cube_id, version, current=True, body="", cube=None, damage=damage)


def _read(row: Any) -> tuple[MemCube | None, str]:
    try:
        cube = from_json(row.body)
    except MemosError as error:
        return None, error.message
    if (cube.id, cube.version) != (row.cube_id, row.version):
        return None, f"it holds version {cube.version} of {cube.id}"
    return cube, ""


def _columns(row: Any, expected: dict[str, Any]) -> list[str]:
    return [
        name
        for name, value in expected.items()
        # When a version was recorded, its body does not tell.
        if name not in {"body", "recorded_at"} and getattr(row, name) != value
    ]


def _top(top: Any, cube: MemCube, named: set[str]) -> list[str]:
    if top is None:
        return ["cubes"]
    expected = rows.cube_row(cube)
    del expected["metadata"]
    wrong = [name for name, value in expected.items() if getattr(top, name) != value]
    if not _same_json(top.metadata, cube.metadata):
        wrong.append("metadata")
    return wrong + (["labels"] if named != set(cube.header.labels) else [])


def _same_json(there: object, value: object) -> bool:
    try:
        return bool(json.loads(str(there)) == json.loads(json.dumps(value)))
    except ValueError:
        return False


def _rewrite(connection: Connection, cube_id: str) -> bool:
    """Write the columns of a cube from its newest version; False where there is none."""
    query = (
        select(versions.c.body)
        .where(versions.c.cube_id == cube_id)
        .order_by(versions.c.version.desc())
        .limit(1)
    )
    body = connection.execute(query).scalar()
    if body is None:
        return False
    cube = from_json(body)
    row = rows.cube_row(cube)
    done = connection.execute(update(cubes).where(cubes.c.id == cube_id).values(**row))
    if not done.rowcount:
        connection.execute(insert(cubes), row)
    connection.execute(delete(labels).where(labels.c.cube_id == cube_id))
    tags = [{"cube_id": cube_id, "label": label} for label in set(cube.header.labels)]
    if tags:
        connection.execute(insert(labels), tags)
    _rewrite_versions(connection, cube_id)
    if cube.kind is Kind.PLAINTEXT:
        errand = Errand.INDEX if cube.state in FINDABLE else Errand.DROP
        rows.owe(connection, [(errand, cube_id)])
    return True


def _rewrite_versions(connection: Connection, cube_id: str) -> None:
    query = select(versions).where(versions.c.cube_id == cube_id)
    for row in connection.execute(query).all():
        cube, _ = _read(row)
        if cube is not None:
            told = rows.version_row(cube, 0)
            values = {name: told[name] for name in ("digest", "blob") if told[name]}
            named = (versions.c.cube_id == cube_id, versions.c.version == row.version)
            connection.execute(update(versions).where(*named).values(**values))


def _remove(connection: Connection, cube_id: str) -> None:
    unkeep(connection, [cube_id])
    leave(connection, [cube_id])
    connection.execute(delete(labels).where(labels.c.cube_id == cube_id))
    connection.execute(delete(cubes).where(cubes.c.id == cube_id))
    either = (edges.c.source == cube_id) | (edges.c.target == cube_id)
    connection.execute(delete(edges).where(either))


def _relink(connection: Connection, mending: Mending) -> None:
    for chunk in rows.chunks(mending.drop_edges):
        listed = ", ".join(str(int(number)) for number in chunk)
        connection.execute(text(f"DELETE FROM edges WHERE rowid IN ({listed})"))  # noqa: S608
    for edge in mending.unlink:
        connection.execute(
            delete(edges).where(
                edges.c.source == edge.source,
                edges.c.relation == str(edge.relation),
                edges.c.target == edge.target,
                edges.c.version == edge.version,
            )
        )
    rows.add_edges(connection, mending.link)
