"""What a change does to the catalog's rows; every function works within one transaction."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import and_, delete, insert, or_, select, text, update

from memos.cube import Kind
from memos.cube.header import FINDABLE
from memos.cube.identity import canonical, key_digest
from memos.cube.wire import to_sealed_json
from memos.errors import VersionConflict
from memos.ports.catalog import Errand
from memos.ports.graph import Relation
from memos.stores.filter_sql import microseconds
from memos.stores.tables import (
    cubes,
    edges,
    labels,
    outbox,
    places,
    quarantine,
    receipts,
    tombstones,
    versions,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from sqlalchemy import Connection

    from memos.cube import MemCube, Scope
    from memos.ports.catalog import Change
    from memos.ports.graph import Edge

Value = TypeVar("Value")

_ID = re.compile(r'"id":"([0-9a-f-]{36})"')
_BLOB = re.compile(r'"blob":"([0-9a-f]{64})"')
"""In a body that is in quarantine: the ids of the cube and of its parents, and its blob."""

_NAMING = (str(Relation.MENTIONS), str(Relation.TITLED))
_COMPARED = (str(Relation.DUPLICATES), str(Relation.CONTRADICTS))

_CHUNK = 500  # ids in one IN list; SQLite takes no more than 32,766 variables


def chunks(values: Iterable[Value]) -> Iterator[list[Value]]:
    """The values, some hundred at a time."""
    listed = list(values)
    for start in range(0, len(listed), _CHUNK):
        yield listed[start : start + _CHUNK]


def scope_key(scope: Scope) -> str:
    """A scope in a column that is a key: equal scopes have equal texts."""
    return canonical(scope.named()).decode()


def versions_of(connection: Connection, ids: Collection[str]) -> dict[str, int]:
    """The current version of each id that exists."""
    found: dict[str, int] = {}
    for chunk in chunks(ids):
        query = select(cubes.c.id, cubes.c.version).where(cubes.c.id.in_(chunk))
        found.update({row.id: row.version for row in connection.execute(query)})
    return found


def check_expectations(connection: Connection, change: Change) -> None:
    """Refuse a change whose cubes are not at the versions it was made for."""
    expected = dict(change.expects)
    anew = set(change.forget)
    for cube in change.put:
        if cube.id not in anew:
            expected.setdefault(cube.id, cube.version - 1)
    found = versions_of(connection, expected)
    for cube_id, version in expected.items():
        if found.get(cube_id, 0) != version:
            there = found.get(cube_id, 0)
            is_at = f"is at version {there}" if there else "does not exist"
            message = f"cube {cube_id} {is_at}, expected version {version}"
            raise VersionConflict(message, hint="read it again and decide anew")


def forget(connection: Connection, ids: Collection[str]) -> set[str]:
    """Remove cubes and return the digests of the blobs that they referred to."""
    digests: set[str] = set()
    for chunk in chunks(ids):
        query = select(versions.c.blob).where(
            versions.c.cube_id.in_(chunk), versions.c.blob.is_not(None)
        )
        digests.update(digest for digest in connection.execute(query).scalars() if digest)
        connection.execute(delete(labels).where(labels.c.cube_id.in_(chunk)))
        connection.execute(delete(versions).where(versions.c.cube_id.in_(chunk)))
        connection.execute(delete(cubes).where(cubes.c.id.in_(chunk)))
        either = or_(edges.c.source.in_(chunk), edges.c.target.in_(chunk))
        connection.execute(delete(edges).where(either))
    return digests | _discard(connection, ids)


def _discard(connection: Connection, ids: Collection[str]) -> set[str]:
    """Erase what is in quarantine of cubes, or was made from them; the digests of its blobs."""
    digests: set[str] = set()
    if ids:
        wanted = set(ids)
        for row in connection.execute(select(quarantine)).all():
            if row.cube_id in wanted or wanted.intersection(_ID.findall(str(row.body))):
                digests.update(_BLOB.findall(str(row.body)))
                connection.execute(delete(quarantine).where(quarantine.c.number == row.number))
    return digests


def veil_keys(connection: Connection) -> None:
    """Keep only the digests of idempotency keys that an earlier version wrote down in full."""
    in_full = text("length(key) != 64 OR key GLOB '*[^0-9a-f]*'")
    query = select(receipts.c.key, receipts.c.scope).where(in_full)
    for row in connection.execute(query).all():
        named = (receipts.c.key == row.key, receipts.c.scope == row.scope)
        connection.execute(update(receipts).where(*named).values(key=key_digest(row.key)))


def unplace(connection: Connection) -> None:
    """Say no more where blobs lie that no version refers to."""
    used = select(versions.c.blob).where(versions.c.blob.is_not(None))
    connection.execute(delete(places).where(places.c.digest.not_in(used)))


def put(connection: Connection, change: Change) -> None:
    """Write new versions; what is put is no longer among the forgotten."""
    put, known = change.put, microseconds(change.audit.at)
    if not put:
        return
    born = [cube for cube in put if cube.version == 1]
    if born:
        connection.execute(insert(cubes), [cube_row(cube) for cube in born])
    for chunk in chunks(cube.id for cube in born):
        connection.execute(delete(tombstones).where(tombstones.c.cube_id.in_(chunk)))
    for cube in put:
        if cube.version > 1:
            connection.execute(update(cubes).where(cubes.c.id == cube.id).values(**cube_row(cube)))
            connection.execute(delete(labels).where(labels.c.cube_id == cube.id))
    connection.execute(insert(versions), [version_row(cube, known) for cube in put])
    current = {cube.id: cube.header.labels for cube in put}
    tags = [
        {"cube_id": one, "label": label} for one, named in current.items() for label in set(named)
    ]
    if tags:
        connection.execute(insert(labels), tags)


def cube_row(cube: MemCube) -> dict[str, Any]:
    """What the table of cubes says of a cube, by column."""
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
        "content": cube.content_version,
        "owner": header.governance.owner,
        "sensitivity": header.governance.sensitivity,
        "expires_at": (
            None
            if header.governance.expires_at is None
            else microseconds(header.governance.expires_at)
        ),
        "legal_hold": header.governance.legal_hold,
        "source": None if cube.provenance.source is None else cube.provenance.source.uri,
    }


def version_row(cube: MemCube, known: int) -> dict[str, Any]:
    """What the table of versions holds of a cube that was learnt no earlier than ``known``."""
    return {
        "cube_id": cube.id,
        "version": cube.version,
        "recorded_at": max(known, microseconds(cube.header.updated_at)),
        "digest": cube.header.digest,
        "blob": next(iter(cube.blobs), None),
        "body": to_sealed_json(cube),
    }


def link(connection: Connection, change: Change) -> None:
    """Write edges, in the place of those that the old texts had."""
    for chunk in chunks(change.replaces):
        naming = and_(edges.c.source.in_(chunk), edges.c.relation.in_(_NAMING))
        either = or_(edges.c.source.in_(chunk), edges.c.target.in_(chunk))
        compared = and_(either, edges.c.relation.in_(_COMPARED))
        connection.execute(delete(edges).where(or_(naming, compared)))
    add_edges(connection, change.edges)


def add_edges(connection: Connection, added: Iterable[Edge]) -> None:
    """Write edges, each once."""
    rows = [
        {
            "source": edge.source,
            "relation": str(edge.relation),
            "target": edge.target,
            "version": edge.version,
        }
        for edge in dict.fromkeys(added)
    ]
    if rows:
        connection.execute(insert(edges), rows)


def unindexed(connection: Connection, put: Sequence[MemCube]) -> set[str]:
    """Those of the cubes about to be put of which the indexes do not hold what is put."""
    contents = {cube.id: cube.content_version for cube in put}
    found = {cube.id for cube in put if cube.version == 1}
    for chunk in chunks(contents.keys() - found):
        query = select(cubes.c.id, cubes.c.state, cubes.c.content).where(cubes.c.id.in_(chunk))
        found.update(
            row.id
            for row in connection.execute(query)
            if row.state not in FINDABLE or row.content != contents[row.id]
        )
    return found


def errands(
    connection: Connection, change: Change, digests: Collection[str], fresh: Collection[str]
) -> list[tuple[Errand, str]]:
    """What the derived stores are owed; ``fresh`` is what the indexes do not hold yet."""
    still: set[str | None] = set()
    for chunk in chunks(digests):
        query = select(versions.c.blob).where(versions.c.blob.in_(chunk))
        still.update(connection.execute(query).scalars())
    newest = {cube.id: cube for cube in change.put if cube.kind is Kind.PLAINTEXT}
    return [
        *(
            (Errand.INDEX, cube_id)
            for cube_id, cube in newest.items()
            if cube.state in FINDABLE and cube_id in fresh
        ),
        *((Errand.DROP, one) for one, cube in newest.items() if cube.state not in FINDABLE),
        *((Errand.DROP, cube_id) for cube_id in change.forget),
        *((Errand.SWEEP, digest) for digest in sorted(set(digests) - still)),
        *([(Errand.PURGE, "")] if change.forget else []),
    ]


def owe(connection: Connection, tasks: Sequence[tuple[Errand, str]]) -> None:
    """Put tasks on the outbox."""
    if tasks:
        rows = [{"errand": str(errand), "subject": subject} for errand, subject in tasks]
        connection.execute(insert(outbox), rows)
