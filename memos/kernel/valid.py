"""Of which time a call asks: valid time, as conditions that storage enforces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.errors import BadInput
from memos.kernel.arguments import read_state, require_flags
from memos.kinds.times import read_time
from memos.ports.filters import Condition, Every, Operator
from memos.retrieval.truth import lasting, true_at

if TYPE_CHECKING:
    from datetime import datetime

    from memos.cube import State
    from memos.ports.filters import Filter

    Timely = datetime | str | float | None


def found_at(as_of: Timely, *, include_superseded: object) -> Filter | None:
    """What was true at the time that a search asks for; None where it asks for none.

    Raises:
        BadInput: it is no time, or what holds no more is asked for as well.
    """
    require_flags(include_superseded=include_superseded)
    if as_of is None:
        return None
    if include_superseded:
        message = "as_of and include_superseded exclude each other"
        raise BadInput(message, hint="as_of finds what was true then, superseded since or not")
    return true_at(read_time(as_of))


def listed_at(
    state: State | str | None, as_of: Timely, now: datetime, *, include_superseded: object
) -> Filter:
    """What a listing adds to its conditions.

    Raises:
        BadInput: the state or the time cannot be read.
    """
    require_flags(include_superseded=include_superseded)
    parts: list[Filter] = []
    if state is not None:
        parts.append(Condition("state", Operator.EQ, str(read_state(state))))
    if as_of is not None:
        parts.append(true_at(read_time(as_of)))
    elif not include_superseded:
        parts.append(lasting(now))
    return Every(tuple(parts))
