"""The catalog in a SQL database, through SQLAlchemy."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, bindparam, delete, exists, func, insert, or_, select

from memos.cube import Kind, MemCube, Scope, State
from memos.cube.wire import from_json
from memos.errors import CorruptionError, KeyReused, MemosError
from memos.ports.catalog import Change, Counts, Errand, Receipt, Selection, Task
from memos.ports.graph import Edge, Relation
from memos.ports.journal import bound
from memos.stores import catalog_rows as rows
from memos.stores.block_rows import unkeep
from memos.stores.bonds_sql import entered
from memos.stores.catalog_rows import Value, chunks, scope_key, versions_of
from memos.stores.engine_sqlite import problems, purge
from memos.stores.errors_sqlite import legible
from memos.stores.expiries import Expiries
from memos.stores.filter_sql import condition_of, microseconds
from memos.stores.journal_sql import place, record
from memos.stores.tables import audit, cubes, edges, notes, outbox, receipts, versions
from memos.stores.training_rows import checkpoints, leave

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Engine


class SqlCatalog:
    """The catalog over an engine whose tables :func:`memos.stores.schema.upgrade` has made.

    Args:
        engine: on the database.
        key: seals the audit rows; see :class:`memos.stores.journal_sql.SqlJournal`.
    """

    def __init__(self, engine: Engine, *, key: bytes | None = None) -> None:
        self._key = key
        self._engine = engine
        self._writing = engine.execution_options(write=True)
        self._expiries = Expiries(engine)

    def commit(self, change: Change) -> None:
        """Apply a change in one transaction."""
        with self._writing.begin() as connection:
            at = place(connection)
            rows.check_expectations(connection, change)
            _refuse_repeated(connection, change.receipt)
            fresh = rows.unindexed(connection, change.put)
            digests = rows.forget(connection, change.forget)
            unkeep(connection, change.forget)
            leave(connection, change.forget)
            if change.forget:
                rows.veil_keys(connection)
            rows.put(connection, change)
            if digests:
                rows.unplace(connection)
            rows.link(connection, change)
            rows.owe(connection, rows.errands(connection, change, digests, fresh))
            bonds = entered(change.also, connection)
            _receive(connection, change.receipt)
            record(connection, at, bound(change.audit, bonds), self._key)
        self._expiries.sooner(change.put)

    def find(self, cube_id: str, version: int | None = None) -> MemCube | None:
        """The cube at a version, by default its current one."""
        wanted = cubes.c.version if version is None else version
        query = _bodies().where(cubes.c.id == cube_id, versions.c.version == wanted)
        with self._engine.connect() as connection:
            body = connection.execute(query).scalar()
        return None if body is None else _cube(body)

    def find_all(self, ids: Sequence[str]) -> list[MemCube]:
        """The current versions, in the order of ``ids``."""
        found: dict[str, MemCube] = {}
        with self._engine.connect() as connection:
            for chunk in chunks(ids):
                cubes_there = map(_cube, connection.execute(_FOUND, {"ids": chunk}).scalars())
                found.update({cube.id: cube for cube in cubes_there})
        return [found[cube_id] for cube_id in ids if cube_id in found]

    def select(self, selection: Selection) -> list[MemCube]:
        """Current versions that the selection admits."""
        with self._engine.connect() as connection:
            query = _selected(_current(), selection)
            cubes_there = map(_cube, connection.execute(query).scalars())
            return [_owned(cube, selection.scope) for cube in cubes_there]

    def ids(self, selection: Selection) -> list[str]:
        """The ids of what :meth:`select` would return."""
        with self._engine.connect() as connection:
            return list(connection.execute(_selected(select(cubes.c.id), selection)).scalars())

    def history(self, cube_id: str) -> list[MemCube]:
        """Every version, oldest first."""
        query = (
            select(versions.c.body)
            .where(versions.c.cube_id == cube_id)
            .order_by(versions.c.version)
        )
        with self._engine.connect() as connection:
            return [_cube(body) for body in connection.execute(query).scalars()]

    def then(self, selection: Selection, at: datetime) -> list[MemCube]:
        """The versions that were current at a time, of cubes that have changed since."""
        others = versions.alias()
        newest = (
            select(func.max(others.c.version))
            .where(others.c.cube_id == cubes.c.id, others.c.recorded_at <= microseconds(at))
            .scalar_subquery()
        )
        has_changed = cubes.c.version > 1, versions.c.version < cubes.c.version
        past = _bodies().where(*has_changed, versions.c.version == newest)
        with self._engine.connect() as connection:
            query = _selected(past, selection)
            return [_cube(body) for body in connection.execute(query).scalars()]

    def next_expiry(self) -> datetime | None:
        """A time before which nothing expires."""
        return self._expiries.next()

    def due(self, now: datetime, limit: int) -> list[MemCube]:
        """Cubes whose time is over and whose state does not say so yet."""
        late = [
            cubes.c.expires_at <= microseconds(now),
            cubes.c.state != str(State.EXPIRED),
        ]
        with self._engine.connect() as connection:
            query = _current().where(*late).order_by(cubes.c.expires_at).limit(limit)
            found = list(_readable(connection.execute(query).scalars()))
        if not found:
            self._expiries.look(now)
        return found

    def versions(self, ids: Collection[str]) -> dict[str, int]:
        """The current version of each id that exists."""
        with self._engine.connect() as connection:
            return versions_of(connection, ids)

    def contents(self, ids: Collection[str]) -> dict[str, int]:
        """The version that brought the current content, of each id that exists."""
        return self._column(cubes.c.content, ids)

    def sensitivities(self, ids: Collection[str]) -> dict[str, str]:
        """How sensitive each of the cubes is now."""
        return self._column(cubes.c.sensitivity, ids)

    def blobs(self) -> set[str]:
        """Every digest that some version, or some training, refers to."""
        query = select(versions.c.blob).where(versions.c.blob.is_not(None)).distinct()
        with self._engine.connect() as connection:
            found = {digest for digest in connection.execute(query).scalars() if digest}
            return found | checkpoints(connection)

    @legible("an edge")
    def edges_of(
        self, nodes: Collection[str], relations: Collection[Relation] | None = None
    ) -> list[Edge]:
        """Every edge that starts or ends in one of ``nodes``."""
        found: set[Edge] = set()
        with self._engine.connect() as connection:
            for chunk in chunks(nodes):
                wanted = [str(each) for each in (Relation if relations is None else relations)]
                found.update(
                    Edge(row.source, Relation(row.relation), row.target, row.version)
                    for row in connection.execute(_TOUCHING, {"ids": chunk, "relations": wanted})
                )
        return sorted(found)

    @legible("a task of the outbox")
    def pending(self, limit: int) -> list[Task]:
        """The oldest tasks of the outbox."""
        query = select(outbox).order_by(outbox.c.number).limit(limit)
        with self._engine.connect() as connection:
            found = connection.execute(query)
            return [Task(row.number, Errand(row.errand), row.subject) for row in found]

    def settle(self, tasks: Collection[Task]) -> None:
        """Take done tasks off the outbox."""
        with self._writing.begin() as connection:
            for chunk in chunks([task.number for task in tasks]):
                connection.execute(delete(outbox).where(outbox.c.number.in_(chunk)))

    def owe(self, tasks: Sequence[tuple[Errand, str]]) -> None:
        """Put tasks on the outbox."""
        with self._writing.begin() as connection:
            rows.owe(connection, tasks)

    def receipt(self, key: str, scope: Scope) -> Receipt | None:
        """What a call with this key answered."""
        with self._engine.connect() as connection:
            row = connection.execute(_receipt(key, scope)).one_or_none()
        return None if row is None else Receipt(key, scope, row.fingerprint, row.answer)

    def note(self, name: str, value: str | None = None) -> str | None:
        """Read a named note of the store; with ``value``, write it first."""
        if value is not None:
            with self._writing.begin() as connection:
                connection.execute(delete(notes).where(notes.c.name == name))
                connection.execute(insert(notes).values(name=name, value=value))
        with self._engine.connect() as connection:
            query = select(notes.c.value).where(notes.c.name == name)
            return connection.execute(query).scalar()

    def counts(self) -> Counts:
        """How much there is."""
        with self._engine.connect() as connection:
            kinds = select(cubes.c.kind, func.count()).group_by(cubes.c.kind)
            found = {row[0]: row[1] for row in connection.execute(kinds)}
            users = select(func.count(func.distinct(cubes.c.user_id)))
            sizes = {
                table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in (versions, edges, audit, outbox)
            }
            return Counts(
                cubes={kind: found.get(kind, 0) for kind in Kind},
                versions=sizes["versions"],
                users=connection.execute(users).scalar_one(),
                edges=sizes["edges"],
                audit_rows=sizes["audit"],
                pending=sizes["outbox"],
            )

    def problems(self) -> list[str]:
        """What the database itself finds wrong with its file."""
        return problems(self._engine) if self._engine.dialect.name == "sqlite" else []

    def _column(self, column: ColumnElement[Value], ids: Collection[str]) -> dict[str, Value]:
        found: dict[str, Value] = {}
        with self._engine.connect() as connection:
            for chunk in chunks(ids):
                query = select(cubes.c.id, column.label("value")).where(cubes.c.id.in_(chunk))
                found.update({row.id: row.value for row in connection.execute(query)})
        return found

    def purge(self) -> None:
        """Erase what was forgotten or settled, by rewriting the file."""
        purge(self._engine)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()


def _bodies() -> Select[str]:
    return select(versions.c.body).join(cubes, cubes.c.id == versions.c.cube_id)


def _current() -> Select[str]:
    return _bodies().where(versions.c.version == cubes.c.version)


# Made once: building them takes longer than answering them.
_IDS: Any = bindparam("ids", expanding=True)
_FOUND = _current().where(cubes.c.id.in_(_IDS))
_TOUCHING = select(edges).where(
    or_(edges.c.source.in_(_IDS), edges.c.target.in_(_IDS)),
    edges.c.relation.in_(bindparam("relations", expanding=True)),
)


def _selected(query: Select[str], selection: Selection) -> Select[str]:
    for name, value in selection.scope.named().items():
        query = query.where(cubes.c[name] == value)
    if selection.kinds:
        query = query.where(cubes.c.kind.in_([str(kind) for kind in selection.kinds]))
    query = query.where(condition_of(selection.where))
    if selection.unchanged_since is not None:
        query = query.where(_unchanged(selection.unchanged_since))
    if selection.after is not None:
        here, there = cubes.c.id, selection.after
        query = query.where(here < there if selection.newest_first else here > there)
    if selection.latest_first:
        query = query.order_by(cubes.c.valid_from.desc().nulls_last(), cubes.c.id.desc())
    else:
        query = query.order_by(cubes.c.id.desc() if selection.newest_first else cubes.c.id)
    return query.limit(selection.limit)


def _unchanged(since: datetime) -> ColumnElement[bool]:
    others = versions.alias()
    return exists().where(
        others.c.cube_id == cubes.c.id,
        others.c.version == cubes.c.version,
        others.c.recorded_at <= microseconds(since),
    )


def _cube(body: str) -> MemCube:
    try:
        return from_json(body)
    except MemosError as error:
        message = f"a row of the catalog is not a cube: {error.message}"
        hint = "memos check --repair puts it into quarantine; a backup may have it whole"
        raise CorruptionError(message, hint=hint) from error


def _owned(cube: MemCube, scope: Scope) -> MemCube:
    """The cube, which is in the scope that was asked for; its columns may be damaged."""
    if not scope.covers(cube.scope):
        message = f"the columns of cube {cube.id} say that it is in {scope}, which it is not"
        raise CorruptionError(message, hint="memos check --repair")
    return cube


def _readable(bodies: Iterable[str]) -> Iterator[MemCube]:
    # What cannot be read is not served, expired or not; to tell of it is the task of a check.
    for body in bodies:
        with suppress(CorruptionError):
            yield _cube(body)


def _refuse_repeated(connection: Connection, receipt: Receipt | None) -> None:
    if receipt is None:
        return
    if connection.execute(_receipt(receipt.key, receipt.scope)).one_or_none() is not None:
        message = f"idempotency key {receipt.key!r} is taken"
        raise KeyReused(message, hint="use a new key for a new call")


def _receive(connection: Connection, receipt: Receipt | None) -> None:
    if receipt is not None:
        connection.execute(
            insert(receipts).values(
                key=receipt.key,
                scope=scope_key(receipt.scope),
                fingerprint=receipt.fingerprint,
                answer=receipt.answer,
            )
        )


def _receipt(key: str, scope: Scope) -> Select[Any]:
    return select(receipts).where(receipts.c.key == key, receipts.c.scope == scope_key(scope))
