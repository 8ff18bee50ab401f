"""What must hold of a cube from anywhere before it may stand in the catalog beside our own."""

from __future__ import annotations

import math
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from memos.cube import Plaintext, Principal
from memos.cube.identity import is_cube_id
from memos.errors import BadInput, CorruptionError
from memos.governance.sensitivity import checked_sensitivity
from memos.kinds.drafts import (
    TEXT_LIMIT,
    checked_labels,
    checked_metadata,
    checked_text,
    holds_nul,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from memos.cube import MemCube

TOLERANCE = timedelta(minutes=5)
"""By how much the clock of the machine that wrote a bundle may be ahead of ours."""
_LARGEST = 2**31


def require_sound(cube: MemCube, now: datetime | None) -> None:
    """Refuse a version that our own calls would never have written.

    Args:
        cube: one version of a cube, as :func:`memos.cube.wire.from_json` read it.
        now: what was recorded later than this is refused; None accepts any time.

    Raises:
        BadInput: an id is no UUID, a text is none, a number or a time is out of range.
    """
    ids = [cube.id, *(parent.id for parent in cube.provenance.parents)]
    for odd in (one for one in ids if not is_cube_id(one)):
        raise BadInput(f"{odd!r:.60} is no cube's id", hint="ids are UUIDs")
    _require_texts(cube)
    _require_numbers(cube)
    _require_times(cube, now)
    governance = cube.header.governance
    checked_sensitivity(governance.sensitivity)
    if governance.redacted:
        message = f"cube {cube.id} is what somebody was shown redacted, and not the memory itself"
        raise BadInput(message, hint="ask for a bundle of whom it belongs to")
    if governance.owner is not None:
        Principal.read(governance.owner)


def require_history(versions: Sequence[MemCube]) -> None:
    """Refuse versions that do not make up one cube, from its first to its current.

    Raises:
        BadInput: one is missing or out of order, or they disagree on what never changes.
    """
    first = versions[0]
    for number, cube in enumerate(versions, start=1):
        life = cube.header.life
        if cube.version != number or life.previous not in {None, number - 1}:
            message = f"cube {cube.id} comes with version {cube.version} out of order"
            raise BadInput(message, hint="nothing was imported")
        same = (cube.kind, cube.scope, cube.created_at)
        if same != (first.kind, first.scope, first.created_at):
            message = f"version {number} of cube {cube.id} is of another kind, scope or birth"
            raise BadInput(message, hint="nothing was imported")
        content = cube.content_version
        if content > number or versions[content - 1].header.digest != cube.header.digest:
            message = f"version {number} of cube {cube.id} does not have the content of {content}"
            raise BadInput(message, hint="nothing was imported")


def parents_first(histories: Mapping[str, Sequence[MemCube]]) -> tuple[str, ...]:
    """The ids, none before what any version of it was derived from.

    Raises:
        CorruptionError: a parent is not among them at that version.
        BadInput: a cube is derived from itself.
    """
    above = {cube_id: _above(versions, histories) for cube_id, versions in histories.items()}
    children: dict[str, list[str]] = {}
    for cube_id, parents in above.items():
        for parent in parents:
            children.setdefault(parent, []).append(cube_id)
    waiting = {cube_id: len(parents) for cube_id, parents in above.items()}
    ready = [cube_id for cube_id, count in waiting.items() if not count]
    for cube_id in ready:  # it grows while it is read
        for child in children.get(cube_id, ()):
            waiting[child] -= 1
            if not waiting[child]:
                ready.append(child)
    if len(ready) < len(waiting):
        odd = next(cube_id for cube_id, count in waiting.items() if count)
        raise BadInput(f"cube {odd} is derived from itself", hint="nothing was imported")
    return tuple(ready)


def _above(versions: Sequence[MemCube], histories: Mapping[str, Sequence[MemCube]]) -> set[str]:
    """The ids of all that any of these versions was derived from."""
    parents = {parent for cube in versions for parent in cube.provenance.parents}
    for parent in parents:
        if parent.version > len(histories.get(parent.id, ())):
            message = f"cube {versions[0].id} refers to {parent.id}, which the bundle lacks"
            raise CorruptionError(message, hint="nothing was imported")
    return {parent.id for parent in parents}


def _require_texts(cube: MemCube) -> None:
    header = cube.header
    if len(header.title) > TEXT_LIMIT:
        raise BadInput(f"the title of cube {cube.id} has {len(header.title):,} characters")
    checked_labels(header.labels, f"the labels of cube {cube.id}")
    checked_metadata(header.metadata, f"the metadata of cube {cube.id}")
    for what, text in _texts(cube):
        checked_text(text, f"{what} of cube {cube.id}")
    if holds_nul(cube.model_dump()):
        raise BadInput(f"a text of cube {cube.id} holds a NUL", hint="nothing was imported")


def _texts(cube: MemCube) -> Iterator[tuple[str, str]]:
    for name, value in cube.scope.named().items():
        yield name, value
    payload = cube.payload
    if isinstance(payload, Plaintext):
        yield "the text", payload.text
        optional = {"the speaker": payload.speaker, "the role": payload.role}
        yield from ((what, text) for what, text in optional.items() if text is not None)
        for name, value in payload.attributes.items():
            yield "an attribute's name", name
            yield f"the {name!r:.40}", value


def _require_numbers(cube: MemCube) -> None:
    behaviour = cube.header.behaviour
    position = cube.payload.position if isinstance(cube.payload, Plaintext) else None
    whole = {"position": position or 0, "hits": behaviour.hits}
    for name, value in whole.items():
        if not 0 <= value < _LARGEST:
            raise BadInput(f"{name} of cube {cube.id} is {value:.3g}, out of range")
    if not math.isfinite(behaviour.importance):
        raise BadInput(f"importance of cube {cube.id} is {behaviour.importance}")


def _require_times(cube: MemCube, now: datetime | None) -> None:
    header = cube.header
    recorded = [header.created_at, header.updated_at, cube.provenance.time]
    valid = [header.valid_from, header.valid_to, header.governance.expires_at]
    for time in [*recorded, *valid, header.behaviour.last_hit_at]:
        try:
            _ = time and time.astimezone(UTC)
        except OverflowError as error:
            raise BadInput(f"cube {cube.id} has a time beyond all calendars: {time}") from error
    if now is not None and max(recorded) > now + TOLERANCE:
        message = f"cube {cube.id} was recorded at {max(recorded)}, which is yet to come"
        raise BadInput(message, hint="set the clocks right: what comes later must be newer")
