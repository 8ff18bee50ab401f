"""What is known about a cube without opening it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, JsonValue

from memos.cube.frozen import Frozen
from memos.cube.payload import Digest, Kind
from memos.cube.scope import Scope


class State(StrEnum):
    """Where a cube is in its life."""

    GENERATED = "generated"
    ACTIVATED = "activated"
    MERGED = "merged"
    ARCHIVED = "archived"
    EXPIRED = "expired"
    FROZEN = "frozen"


FINDABLE = frozenset({State.GENERATED, State.ACTIVATED, State.FROZEN})
"""The states in which a search finds a plaintext cube."""


def _aware(time: datetime) -> datetime:
    if time.utcoffset() is None:
        raise ValueError("a time needs a time zone")
    return time


Time = Annotated[datetime, AfterValidator(_aware)]


class Governance(Frozen):
    """Who answers for a cube, and under which rules."""

    owner: str | None = None
    sensitivity: str = "normal"
    expires_at: Time | None = None
    licence: str | None = None
    legal_hold: bool = False
    redacted: bool = False
    """Whether this is what a reader without the right to see it whole is shown: parts of it are
    replaced, and its digest is that of what is shown. Never true of what is stored."""


class Behaviour(Frozen):
    """How a cube has been used."""

    hits: int = Field(default=0, ge=0)
    last_hit_at: Time | None = None
    importance: float = 0.0


class Life(Frozen):
    """State and version."""

    state: State = State.GENERATED
    version: int = Field(default=1, ge=1)
    previous: int | None = None
    content: int | None = Field(default=None, ge=1)
    """The version that brought this content, where this one only changed the header."""


class Header(Frozen):
    """What is known about a cube without opening it.

    ``valid_from`` and ``valid_to`` say when the memory was true in the world; ``created_at`` and
    ``updated_at`` when we learned it (the time of the first version and of this one).
    """

    id: str
    kind: Kind
    title: str
    labels: tuple[str, ...] = ()
    metadata: dict[str, JsonValue] = Field(default_factory=dict)
    created_at: Time
    updated_at: Time
    valid_from: Time | None = None
    valid_to: Time | None = None
    digest: Digest
    scope: Scope = Scope()
    governance: Governance = Governance()
    behaviour: Behaviour = Behaviour()
    life: Life = Life()
