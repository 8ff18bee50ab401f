"""Which cubes: a condition as data, for storage to enforce."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import JsonValue


class Operator(StrEnum):
    """How a field is compared with a value."""

    EQ = "eq"
    NE = "ne"
    IN = "in"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    CONTAINS = "contains"
    """a label is among the labels; a text contains another, whatever the case"""


@dataclass(frozen=True, slots=True)
class Condition:
    """One field compared with one value."""

    field: str
    """A header column (see ``FIELDS``) or ``metadata.<key>``."""
    operator: Operator
    value: JsonValue


@dataclass(frozen=True, slots=True)
class Every:
    """All of the parts hold; with no parts, everything does."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """At least one of the parts holds."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold. A field without a value holds under no condition but ``ne``."""

    part: Filter


Filter = Condition | Every | Some | Not

FIELDS = frozenset(
    {
        "id",
        "kind",
        "state",
        "title",
        "text",
        "speaker",
        "role",
        "position",
        "labels",
        "user_id",
        "agent_id",
        "session_id",
        "created_at",
        "updated_at",
        "valid_from",
        "valid_to",
        "version",
        "owner",
        "sensitivity",
        "expires_at",
        "source",
    }
)
"""The header columns that a condition may name; times are ISO 8601 strings."""

EVERYTHING = Every(())
