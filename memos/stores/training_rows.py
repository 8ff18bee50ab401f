"""Which trainings are owed, and how far they have come; all that writes works in a transaction."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Text, delete, insert, select, type_coerce, update

from memos.cube import Parent, Scope
from memos.ports.catalog import Errand
from memos.ports.ledger import Reason, Training
from memos.stores.catalog_rows import owe
from memos.stores.filter_sql import microseconds
from memos.stores.tables import trainings

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

    from memos.ports.ledger import Checkpointed, TrainingEnded

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NOTHING = {"checkpoint": None, "step": 0}


def read(connection: Connection) -> list[Training]:
    """All trainings, oldest first."""
    query = select(trainings).order_by(trainings.c.at, trainings.c.id)
    return [_training(row) for row in connection.execute(query)]


def checkpoints(connection: Connection) -> set[str]:
    """The digests of all blobs that hold what a training has reached."""
    query = select(trainings.c.checkpoint).where(trainings.c.checkpoint.is_not(None))
    return {str(digest) for digest in connection.execute(query).scalars()}


def begin(connection: Connection, entry: Training) -> None:
    """Write a training down, in the place of what was known of it."""
    before = _checkpoints_of(connection, [entry.id])
    connection.execute(delete(trainings).where(trainings.c.id == entry.id))
    connection.execute(
        insert(trainings).values(
            id=entry.id,
            key=entry.key,
            scope=entry.scope.named(),
            asked_by=entry.asked_by,
            parents=_listed(entry.parents),
            at=microseconds(entry.at),
            reason=str(entry.reason),
            method=entry.method,
            title=entry.title,
            steps=entry.steps,
            replaces=entry.replaces,
            checkpoint=entry.checkpoint,
            step=entry.step,
        )
    )
    _owe(connection, before)


def reach(connection: Connection, entry: Checkpointed) -> None:
    """Write down what a training has reached, if it is still that training."""
    before = _checkpoints_of(connection, [entry.training])
    named = (trainings.c.id == entry.training, trainings.c.key == entry.key)
    values = {"checkpoint": entry.checkpoint, "step": entry.step}
    connection.execute(update(trainings).where(*named).values(**values))
    _owe(connection, before | ({entry.checkpoint} if entry.checkpoint else set()))


def end(connection: Connection, entry: TrainingEnded) -> None:
    """A training is over."""
    before = _checkpoints_of(connection, [entry.training])
    named = (trainings.c.id == entry.training, trainings.c.key == entry.key)
    connection.execute(delete(trainings).where(*named))
    _owe(connection, before)


def leave(connection: Connection, ids: Collection[str]) -> None:
    """Cubes go: out of what is to be trained, with all that was reached with them."""
    gone = set(ids)
    columns = (trainings.c.id, trainings.c.replaces, trainings.c.checkpoint)
    parents = type_coerce(trainings.c.parents, Text).label("parents")
    owed: set[str] = set()
    for row in connection.execute(select(*columns, parents)).all() if gone else ():
        there = _pairs(row.parents)
        left = [] if there is None else [pair for pair in there if pair[0] not in gone]
        if left == there and row.replaces not in gone:
            continue
        owed |= {row.checkpoint} - {None}
        here = trainings.c.id == row.id
        if row.replaces in gone or not left:
            connection.execute(delete(trainings).where(here))
            continue
        # Not even the title stays: whoever gave it had in mind what is forgotten.
        values = {"key": "", "title": None, "parents": left, "reason": str(Reason.FORGOTTEN)}
        connection.execute(update(trainings).where(here).values(**values, **_NOTHING))
    _owe(connection, owed)


def _pairs(text: str) -> list[list[Any]] | None:
    """Ids and versions; None where they cannot be read, and might be any."""
    try:
        return [[cube_id, version] for cube_id, version in json.loads(text)]
    except (ValueError, TypeError):
        return None


def start_over(connection: Connection) -> None:
    """Every training begins anew: what was reached is not here."""
    connection.execute(update(trainings).values(**_NOTHING))


def _checkpoints_of(connection: Connection, ids: Collection[str]) -> set[str]:
    query = select(trainings.c.checkpoint).where(trainings.c.id.in_(ids))
    return {str(digest) for digest in connection.execute(query).scalars() if digest}


def _owe(connection: Connection, digests: Collection[str]) -> None:
    left = set(digests) - checkpoints(connection) if digests else set()
    owe(connection, [(Errand.SWEEP, digest) for digest in sorted(left)])


def _listed(parents: Collection[Parent]) -> list[list[object]]:
    return [[parent.id, parent.version] for parent in parents]


def _training(row: Any) -> Training:
    return Training(
        id=row.id,
        key=row.key,
        scope=Scope.model_validate(row.scope),
        asked_by=row.asked_by,
        parents=tuple(Parent(id=one, version=version) for one, version in row.parents),
        at=_EPOCH + timedelta(microseconds=row.at),
        reason=Reason(row.reason),
        method=row.method,
        title=row.title,
        steps=row.steps,
        replaces=row.replaces,
        checkpoint=row.checkpoint,
        step=row.step,
    )
