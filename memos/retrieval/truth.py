"""What is true at a time: valid time as conditions.

valid_from <= t < valid_to        an end that is not known is open: it counts as always
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.ports.filters import Condition, Every, Filter, Operator, Some

if TYPE_CHECKING:
    from datetime import datetime

    from memos.cube import MemCube


def true_at(time: datetime) -> Filter:
    """What was true then."""
    begun = Condition("valid_from", Operator.LTE, time.isoformat())
    return Every((_open("valid_from", begun), lasting(time)))


def lasting(time: datetime) -> Filter:
    """What was not over by then; what begins later lasts as well."""
    return _open("valid_to", Condition("valid_to", Operator.GT, time.isoformat()))


def is_over(cube: MemCube, time: datetime) -> bool:
    """Whether a cube's time has ended by then; the reverse of :func:`lasting`."""
    end = cube.header.valid_to
    return end is not None and end <= time


def is_past(microseconds: int | None, time: datetime) -> bool:
    """The same, of an end in microseconds since 1970; None where it is open."""
    return microseconds is not None and microseconds <= round(time.timestamp() * 1_000_000)


def _open(field: str, condition: Condition) -> Filter:
    return Some((Condition(field, Operator.EQ, None), condition))
