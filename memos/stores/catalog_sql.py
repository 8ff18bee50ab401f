"""The catalog in a SQL database, through SQLAlchemy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Select, bindparam, delete, func, insert, or_, select, update

from memos.cube import Kind, MemCube, Scope
from memos.cube.identity import canonical
from memos.cube.wire import from_json, to_json
from memos.errors import CorruptionError, KeyReused, MemosError, VersionConflict
from memos.ports.catalog import Audit, Change, Counts, Errand, Receipt, Selection, Task
from memos.ports.graph import Edge, Relation
from memos.stores.engine_sqlite import problems, purge
from memos.stores.filter_sql import condition_of, microseconds
from memos.stores.tables import audit, cubes, edges, labels, notes, outbox, receipts, versions

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from sqlalchemy import Connection, Engine

Value = TypeVar("Value")

_CHUNK = 500  # ids in one IN list; SQLite takes no more than 32,766 variables


class SqlCatalog:
    """The catalog over an engine whose tables :func:`memos.stores.schema.upgrade` has made."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writing = engine.execution_options(write=True)

    def commit(self, change: Change) -> None:
        """Apply a change in one transaction."""
        with self._writing.begin() as connection:
            _check_expectations(connection, change)
            doomed = _forget(connection, change.forget)
            _put(connection, change.put)
            _link(connection, change)
            _owe(connection, _errands(connection, change, doomed))
            _record(connection, change)

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
            for chunk in _chunks(ids):
                cubes_there = map(_cube, connection.execute(_FOUND, {"ids": chunk}).scalars())
                found.update({cube.id: cube for cube in cubes_there})
        return [found[cube_id] for cube_id in ids if cube_id in found]

    def select(self, selection: Selection) -> list[MemCube]:
        """Current versions that the selection admits."""
        with self._engine.connect() as connection:
            query = _selected(_current(), selection)
            return [_cube(body) for body in connection.execute(query).scalars()]

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

    def versions(self, ids: Collection[str]) -> dict[str, int]:
        """The current version of each id that exists."""
        with self._engine.connect() as connection:
            return _versions(connection, ids)

    def blobs(self) -> set[str]:
        """Every digest that some version refers to."""
        query = select(versions.c.blob).where(versions.c.blob.is_not(None)).distinct()
        with self._engine.connect() as connection:
            return {digest for digest in connection.execute(query).scalars() if digest}

    def edges_of(
        self, nodes: Collection[str], relations: Collection[Relation] | None = None
    ) -> list[Edge]:
        """Every edge that starts or ends in one of ``nodes``."""
        found: set[Edge] = set()
        with self._engine.connect() as connection:
            for chunk in _chunks(nodes):
                wanted = [str(each) for each in (Relation if relations is None else relations)]
                found.update(
                    Edge(row.source, Relation(row.relation), row.target, row.version)
                    for row in connection.execute(_TOUCHING, {"ids": chunk, "relations": wanted})
                )
        return sorted(found)

    def pending(self, limit: int) -> list[Task]:
        """The oldest tasks of the outbox."""
        query = select(outbox).order_by(outbox.c.number).limit(limit)
        with self._engine.connect() as connection:
            rows = connection.execute(query)
            return [Task(row.number, Errand(row.errand), row.subject) for row in rows]

    def settle(self, tasks: Collection[Task]) -> None:
        """Take done tasks off the outbox."""
        with self._writing.begin() as connection:
            for chunk in _chunks([task.number for task in tasks]):
                connection.execute(delete(outbox).where(outbox.c.number.in_(chunk)))

    def owe(self, tasks: Sequence[tuple[Errand, str]]) -> None:
        """Put tasks on the outbox."""
        with self._writing.begin() as connection:
            _owe(connection, tasks)

    def receipt(self, key: str, scope: Scope) -> Receipt | None:
        """What a call with this key answered."""
        with self._engine.connect() as connection:
            row = connection.execute(_receipt(key, scope)).one_or_none()
        return None if row is None else Receipt(key, scope, row.fingerprint, row.answer)

    def audits(self, limit: int) -> list[Audit]:
        """The newest audit rows, newest first."""
        query = select(audit).order_by(audit.c.number.desc()).limit(limit)
        with self._engine.connect() as connection:
            return [
                Audit(
                    at=datetime.fromtimestamp(0, UTC) + timedelta(microseconds=row.at),
                    actor=row.actor,
                    call=row.call,
                    scope=Scope.model_validate(row.scope),
                    subjects=tuple(row.subjects),
                    outcome=row.outcome,
                )
                for row in connection.execute(query)
            ]

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
            rows = {
                table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in (versions, edges, audit, outbox)
            }
            return Counts(
                cubes={kind: found.get(kind, 0) for kind in Kind},
                versions=rows["versions"],
                users=connection.execute(users).scalar_one(),
                edges=rows["edges"],
                audit_rows=rows["audit"],
                pending=rows["outbox"],
            )

    def problems(self) -> list[str]:
        """What the database itself finds wrong with its file."""
        return problems(self._engine)

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
    if selection.after is not None:
        here, there = cubes.c.id, selection.after
        query = query.where(here < there if selection.newest_first else here > there)
    order = cubes.c.id.desc() if selection.newest_first else cubes.c.id
    return query.order_by(order).limit(selection.limit)


def _cube(body: str) -> MemCube:
    try:
        return from_json(body)
    except MemosError as error:
        message = f"a row of the catalog is not a cube: {error.message}"
        raise CorruptionError(message, hint="memos check; restore a backup") from error


def _versions(connection: Connection, ids: Collection[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for chunk in _chunks(ids):
        query = select(cubes.c.id, cubes.c.version).where(cubes.c.id.in_(chunk))
        found.update({row.id: row.version for row in connection.execute(query)})
    return found


def _check_expectations(connection: Connection, change: Change) -> None:
    expected = dict(change.expects)
    for cube in change.put:
        expected.setdefault(cube.id, cube.version - 1)
    found = _versions(connection, expected)
    for cube_id, version in expected.items():
        if found.get(cube_id, 0) != version:
            there = found.get(cube_id, 0)
            is_at = f"is at version {there}" if there else "does not exist"
            message = f"cube {cube_id} {is_at}, expected version {version}"
            raise VersionConflict(message, hint="read it again and decide anew")
    if change.receipt is not None:
        query = _receipt(change.receipt.key, change.receipt.scope)
        if connection.execute(query).one_or_none() is not None:
            message = f"idempotency key {change.receipt.key!r} is taken"
            raise KeyReused(message, hint="use a new key for a new call")


def _forget(connection: Connection, ids: Collection[str]) -> set[str]:
    """Remove cubes and return the digests of the blobs that they referred to."""
    digests: set[str] = set()
    for chunk in _chunks(ids):
        query = select(versions.c.blob).where(
            versions.c.cube_id.in_(chunk), versions.c.blob.is_not(None)
        )
        digests.update(digest for digest in connection.execute(query).scalars() if digest)
        connection.execute(delete(labels).where(labels.c.cube_id.in_(chunk)))
        connection.execute(delete(versions).where(versions.c.cube_id.in_(chunk)))
        connection.execute(delete(cubes).where(cubes.c.id.in_(chunk)))
        either = or_(edges.c.source.in_(chunk), edges.c.target.in_(chunk))
        connection.execute(delete(edges).where(either))
    return digests


def _put(connection: Connection, put: Sequence[MemCube]) -> None:
    if not put:
        return
    born = [cube for cube in put if cube.version == 1]
    if born:
        connection.execute(insert(cubes), [_row(cube) for cube in born])
    for cube in put:
        if cube.version > 1:
            connection.execute(update(cubes).where(cubes.c.id == cube.id).values(**_row(cube)))
            connection.execute(delete(labels).where(labels.c.cube_id == cube.id))
    connection.execute(insert(versions), [_version_row(cube) for cube in put])
    current = {cube.id: cube.header.labels for cube in put}
    tags = [
        {"cube_id": one, "label": label} for one, named in current.items() for label in set(named)
    ]
    if tags:
        connection.execute(insert(labels), tags)


def _row(cube: MemCube) -> dict[str, Any]:
    header, payload = cube.header, cube.payload
    return {
        "id": cube.id,
        "kind": str(cube.kind),
        "state": str(cube.state),
        "version": cube.version,
        "user_id": header.scope.user_id,
        "agent_id": header.scope.agent_id,
        "session_id": header.scope.session_id,
        "title": header.title,
        "text": cube.text,
        "speaker": getattr(payload, "speaker", None),
        "role": getattr(payload, "role", None),
        "position": getattr(payload, "position", None),
        "metadata": header.metadata,
        "created_at": microseconds(header.created_at),
        "updated_at": microseconds(header.updated_at),
        "valid_from": None if header.valid_from is None else microseconds(header.valid_from),
        "valid_to": None if header.valid_to is None else microseconds(header.valid_to),
    }


def _version_row(cube: MemCube) -> dict[str, Any]:
    return {
        "cube_id": cube.id,
        "version": cube.version,
        "recorded_at": microseconds(cube.header.updated_at),
        "digest": cube.header.digest,
        "blob": next(iter(cube.blobs), None),
        "body": to_json(cube),
    }


def _link(connection: Connection, change: Change) -> None:
    for chunk in _chunks(change.replaces):
        connection.execute(
            delete(edges).where(
                edges.c.source.in_(chunk), edges.c.relation == str(Relation.MENTIONS)
            )
        )
    rows = [
        {
            "source": edge.source,
            "relation": str(edge.relation),
            "target": edge.target,
            "version": edge.version,
        }
        for edge in dict.fromkeys(change.edges)
    ]
    if rows:
        connection.execute(insert(edges), rows)


def _errands(
    connection: Connection, change: Change, digests: Collection[str]
) -> list[tuple[Errand, str]]:
    still: set[str | None] = set()
    for chunk in _chunks(digests):
        query = select(versions.c.blob).where(versions.c.blob.in_(chunk))
        still.update(connection.execute(query).scalars())
    return [
        *((Errand.INDEX, cube.id) for cube in change.put if cube.kind is Kind.PLAINTEXT),
        *((Errand.DROP, cube_id) for cube_id in change.forget),
        *((Errand.SWEEP, digest) for digest in sorted(set(digests) - still)),
    ]


def _owe(connection: Connection, tasks: Sequence[tuple[Errand, str]]) -> None:
    if tasks:
        rows = [{"errand": str(errand), "subject": subject} for errand, subject in tasks]
        connection.execute(insert(outbox), rows)


def _record(connection: Connection, change: Change) -> None:
    done = change.audit
    connection.execute(
        insert(audit).values(
            at=microseconds(done.at),
            actor=done.actor,
            call=done.call,
            scope=done.scope.named(),
            subjects=list(done.subjects),
            outcome=done.outcome,
        )
    )
    if change.receipt is not None:
        connection.execute(
            insert(receipts).values(
                key=change.receipt.key,
                scope=_scope_key(change.receipt.scope),
                fingerprint=change.receipt.fingerprint,
                answer=change.receipt.answer,
            )
        )


def _receipt(key: str, scope: Scope) -> Select[Any]:
    return select(receipts).where(receipts.c.key == key, receipts.c.scope == _scope_key(scope))


def _scope_key(scope: Scope) -> str:
    return canonical(scope.named()).decode()


def _chunks(values: Iterable[Value]) -> Iterator[list[Value]]:
    listed = list(values)
    for start in range(0, len(listed), _CHUNK):
        yield listed[start : start + _CHUNK]
