"""What is known about cubes beside the cubes, in the catalog's own database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache, singledispatch
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select

from memos.cube import Right, Scope
from memos.ports.ledger import (
    Blocked,
    Certificate,
    Checkpointed,
    Entry,
    Grant,
    Installed,
    Placed,
    Quarantined,
    Revocation,
    Snapshot,
    SnapshotDropped,
    Tombstone,
    Training,
    TrainingEnded,
    Uninstalled,
)
from memos.stores import training_rows
from memos.stores.block_rows import keep_in
from memos.stores.catalog_rows import chunks, scope_key
from memos.stores.driver_sqlite import asking
from memos.stores.errors_sqlite import legible, parsed
from memos.stores.filter_sql import microseconds
from memos.stores.tables import (
    blocks,
    certificates,
    grants,
    installed,
    installed_cubes,
    places,
    quarantine,
    snapshots,
    tombstones,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import Connection, Engine, Select

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_GRANTS = (
    "SELECT number, principal, right, cube_id, scope, label, granted_by, at, expires_at"
    " FROM grants {} ORDER BY number"
)
_EVERY = _GRANTS.format("")
_MINE = _GRANTS.format("WHERE principal = ?")
_KNOWN = 4096
"""Grants that are not parsed anew for each call that asks for them."""


class SqlLedger:
    """Reads; what is written comes with :meth:`memos.ports.catalog.Catalog.commit`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @legible("a grant")
    def grants(self, principal: str | None = None) -> list[Grant]:
        """All grants, or those of one principal, oldest first."""
        with asking(self._engine) as cursor:
            if principal is None:
                cursor.execute(_EVERY)
            else:
                cursor.execute(_MINE, (principal,))
            return [grant_of(row) for row in cursor.fetchall()]

    @legible("a tombstone")
    def tombstone(self, cube_id: str) -> Tombstone | None:
        """That the cube was forgotten."""
        rows = self._read(select(tombstones).where(tombstones.c.cube_id == cube_id))
        return next(map(_tombstone, rows), None)

    @legible("a tombstone")
    def tombstones(self) -> list[Tombstone]:
        """All, oldest first."""
        query = select(tombstones).order_by(tombstones.c.at, tombstones.c.cube_id)
        return [_tombstone(row) for row in self._read(query)]

    @legible("a certificate")
    def certificate(self, certificate_id: str) -> Certificate | None:
        """The certificate of that id."""
        rows = self._read(select(certificates).where(certificates.c.id == certificate_id))
        return next(map(_certificate, rows), None)

    @legible("a certificate")
    def certificates(self) -> list[Certificate]:
        """All, oldest first."""
        query = select(certificates).order_by(certificates.c.at, certificates.c.id)
        return [_certificate(row) for row in self._read(query)]

    @legible("a snapshot")
    def snapshot(self, name: str, by: str) -> Snapshot | None:
        """The moment to which the principal ``by`` gave that name."""
        rows = self._read(select(snapshots).where(snapshots.c.by == by, snapshots.c.name == name))
        return next((Snapshot(row.name, _time(row.at), row.by) for row in rows), None)

    @legible("a snapshot")
    def snapshots(self) -> list[Snapshot]:
        """All, of everybody, oldest moment first."""
        query = select(snapshots).order_by(snapshots.c.at, snapshots.c.name, snapshots.c.by)
        return [Snapshot(row.name, _time(row.at), row.by) for row in self._read(query)]

    @legible("an installed bundle")
    def installed(self, namespace: str | None = None) -> list[Installed]:
        """All installed bundles, or those under ``namespace``."""
        query = select(installed).order_by(
            installed.c.namespace, installed.c.owner, installed.c.scope
        )
        members = select(installed_cubes).order_by(installed_cubes.c.cube_id)
        if namespace is not None:
            query = query.where(installed.c.namespace == namespace)
            members = members.where(installed_cubes.c.namespace == namespace)
        cubes: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
        for row in self._read(members):
            key = (row.owner, row.scope, row.namespace)
            cubes.setdefault(key, []).append((row.cube_id, row.origin))
        return [
            Installed(
                namespace=row.namespace,
                owner=row.owner,
                scope=Scope.model_validate_json(row.scope),
                bundle=row.bundle,
                name=row.name,
                version=row.version,
                licence=row.licence,
                signer=row.signer,
                at=_time(row.at),
                by=row.by,
                cubes=tuple(cubes.get((row.owner, row.scope, row.namespace), ())),
            )
            for row in self._read(query)
        ]

    @legible("what is in quarantine")
    def quarantined(self) -> list[Quarantined]:
        """Everything in quarantine, oldest first."""
        return [
            Quarantined(row.cube_id, row.version, _time(row.at), row.reason, row.body)
            for row in self._read(select(quarantine).order_by(quarantine.c.number))
        ]

    def places(self) -> dict[str, str]:
        """By digest, where blobs lie that are not in the usual place."""
        return {row.digest: row.place for row in self._read(select(places))}

    def blocks(self, cube_ids: Collection[str] | None = None) -> dict[str, tuple[str, ...]]:
        """By cube id, the names of the blocks that each KV cube is kept in, in order."""
        everything = select(blocks).order_by(blocks.c.cube_id, blocks.c.number)
        queries = [everything]
        if cube_ids is not None:
            queries = [everything.where(blocks.c.cube_id.in_(some)) for some in chunks(cube_ids)]
        kept: dict[str, list[str]] = {}
        for query in queries:
            for row in self._read(query):
                kept.setdefault(row.cube_id, []).append(row.name)
        return {cube_id: tuple(names) for cube_id, names in kept.items()}

    @legible("a training")
    def trainings(self) -> list[Training]:
        """All that have begun and not ended, or are owed, oldest first."""
        with self._engine.connect() as connection:
            return training_rows.read(connection)

    def _read(self, query: Select[Any]) -> Sequence[Any]:
        with self._engine.connect() as connection:
            return connection.execute(query).all()


@singledispatch
def enter(entry: Entry, connection: Connection) -> None:
    """Write an entry within a transaction."""
    raise TypeError(f"no table of {connection.engine.url} takes a {type(entry).__name__}")


@enter.register(Grant)
def _grant_entered(entry: Grant, connection: Connection) -> None:
    connection.execute(
        insert(grants).values(
            principal=entry.principal,
            right=str(entry.right),
            cube_id=entry.cube_id,
            scope=entry.scope.named(),
            label=entry.label,
            granted_by=entry.granted_by,
            at=microseconds(entry.at),
            expires_at=None if entry.expires_at is None else microseconds(entry.expires_at),
        )
    )


@enter.register(Revocation)
def _revocation_entered(entry: Revocation, connection: Connection) -> None:
    connection.execute(delete(grants).where(grants.c.number == entry.number))


@enter.register(Tombstone)
def _tombstone_entered(entry: Tombstone, connection: Connection) -> None:
    connection.execute(delete(tombstones).where(tombstones.c.cube_id == entry.cube_id))
    connection.execute(
        insert(tombstones).values(
            cube_id=entry.cube_id,
            kind=entry.kind,
            at=microseconds(entry.at),
            by=entry.by,
            certificate=entry.certificate,
        )
    )


@enter.register(Certificate)
def _certificate_entered(entry: Certificate, connection: Connection) -> None:
    connection.execute(delete(certificates).where(certificates.c.id == entry.id))
    connection.execute(
        insert(certificates).values(id=entry.id, at=microseconds(entry.at), body=entry.body)
    )


@enter.register(Snapshot)
def _snapshot_entered(entry: Snapshot, connection: Connection) -> None:
    connection.execute(
        insert(snapshots).values(name=entry.name, at=microseconds(entry.at), by=entry.by)
    )


@enter.register(SnapshotDropped)
def _snapshotdropped_entered(entry: SnapshotDropped, connection: Connection) -> None:
    connection.execute(
        delete(snapshots).where(snapshots.c.by == entry.by, snapshots.c.name == entry.name)
    )


@enter.register(Installed)
def _installed_entered(entry: Installed, connection: Connection) -> None:
    enter(Uninstalled(entry.namespace, entry.owner, entry.scope), connection)
    key = {
        "owner": entry.owner,
        "scope": scope_key(entry.scope),
        "namespace": entry.namespace,
    }
    connection.execute(
        insert(installed).values(
            **key,
            bundle=entry.bundle,
            name=entry.name,
            version=entry.version,
            licence=entry.licence,
            signer=entry.signer,
            at=microseconds(entry.at),
            by=entry.by,
        )
    )
    members = [{**key, "cube_id": here, "origin": origin} for here, origin in entry.cubes]
    if members:
        connection.execute(insert(installed_cubes), members)


@enter.register(Uninstalled)
def _uninstalled_entered(entry: Uninstalled, connection: Connection) -> None:
    connection.execute(
        delete(installed).where(
            installed.c.owner == entry.owner,
            installed.c.scope == scope_key(entry.scope),
            installed.c.namespace == entry.namespace,
        )
    )


@enter.register(Quarantined)
def _quarantined_entered(entry: Quarantined, connection: Connection) -> None:
    connection.execute(
        insert(quarantine).values(
            cube_id=entry.cube_id,
            version=entry.version,
            at=microseconds(entry.at),
            reason=entry.reason,
            body=entry.body,
        )
    )


@enter.register(Placed)
def _placed_entered(entry: Placed, connection: Connection) -> None:
    connection.execute(delete(places).where(places.c.digest == entry.digest))
    if entry.place != "disk":
        connection.execute(insert(places).values(digest=entry.digest, place=entry.place))


@enter.register(Blocked)
def _blocked_entered(entry: Blocked, connection: Connection) -> None:
    keep_in(connection, entry)


@enter.register(Training)
def _training_entered(entry: Training, connection: Connection) -> None:
    training_rows.begin(connection, entry)


@enter.register(Checkpointed)
def _checkpointed_entered(entry: Checkpointed, connection: Connection) -> None:
    training_rows.reach(connection, entry)


@enter.register(TrainingEnded)
def _trainingended_entered(entry: TrainingEnded, connection: Connection) -> None:
    training_rows.end(connection, entry)


@lru_cache(_KNOWN)
def grant_of(row: tuple[Any, ...]) -> Grant:
    """The grant in a row as SQLite has it, in the order of the table's columns."""
    # Which grants there are is asked anew for every call; what a row means stays the same.
    number, principal, right, cube_id, scope, label, granted_by, at, expires_at = row
    return Grant(
        principal=principal,
        right=Right(right),
        granted_by=granted_by,
        at=_time(at),
        cube_id=cube_id,
        scope=Scope.model_validate(parsed(scope)),
        label=label,
        expires_at=None if expires_at is None else _time(expires_at),
        number=number,
    )


def _tombstone(row: Any) -> Tombstone:
    return Tombstone(row.cube_id, row.kind, _time(row.at), row.by, row.certificate)


def certificate_of(row: tuple[Any, ...]) -> Certificate:
    """The certificate in a row as SQLite has it, in the order of the table's columns."""
    known_as, at, body = row
    return Certificate(known_as, _time(at), parsed(body))


def _certificate(row: Any) -> Certificate:
    return Certificate(row.id, _time(row.at), row.body)


def _time(microsecond: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microsecond)
