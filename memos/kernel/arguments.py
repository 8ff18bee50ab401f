"""What a call was given, checked before anything is done with it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from memos.cube import Kind, State
from memos.cube.identity import is_cube_id
from memos.errors import BadInput, shown
from memos.kinds.drafts import checked_text
from memos.ports.grounds import require_outside

_LARGEST = 2**31 - 1
POLICIES = ("auto", "never")
"""Whether a new memory is compared with the older ones of its mind."""


def require_id(cube_id: object) -> None:
    """Refuse what cannot be a cube's id.

    Raises:
        BadInput: it is no UUID.
    """
    if not isinstance(cube_id, str) or not is_cube_id(cube_id):
        raise BadInput(f"{shown(cube_id)} is no cube's id", hint="ids are UUIDs: memos ls")


def read_kind(name: object) -> Kind:
    """The kind of that name.

    Raises:
        BadInput: there is none.
    """
    if isinstance(name, str) and name in set(Kind):
        return Kind(name)
    raise BadInput(f"there is no kind {shown(name)}", hint=f"there are: {', '.join(Kind)}")


def read_state(name: object) -> State:
    """The state of that name.

    Raises:
        BadInput: there is none.
    """
    if isinstance(name, str) and name in set(State):
        return State(name)
    raise BadInput(f"there is no state {shown(name)}", hint=f"there are: {', '.join(State)}")


def read_policy(name: object, default: str) -> str:
    """Whether older memories are superseded by new ones, ``auto`` or ``never``.

    Raises:
        BadInput: it is neither.
    """
    return default if name is None else read_choice(name, "supersede", POLICIES)


def read_choice(name: object, what: str, choices: Sequence[str]) -> str:
    """One of several names.

    Raises:
        BadInput: it is none of them.
    """
    if isinstance(name, str) and name in choices:
        return str(name)
    raise BadInput(f"{what} is {shown(name)}", hint=f"there are: {', '.join(choices)}")


def require_whole(value: object, what: str) -> None:
    """Refuse what is no whole number; True and False are none.

    Raises:
        BadInput: so it is.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadInput(f"{what} is {shown(value)}", hint="pass a whole number")


def require_count(value: object, what: str, *, largest: int | None = None) -> None:
    """Refuse what is no positive number of things.

    Raises:
        BadInput: it is no whole number, or out of range.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise BadInput(f"{what} is {shown(value)}", hint="ask for at least 1")
    if largest is not None and value > largest:
        raise BadInput(f"{what} is {shown(value)}", hint=f"at most {largest:,} is possible")


def read_ids(ids: object, what: str = "ids") -> list[str]:
    """Ids without repeats, in their order; whether they are ids of cubes is not looked at.

    Raises:
        BadInput: they are no sequence of texts.
    """
    if isinstance(ids, str | bytes) or not isinstance(ids, Sequence):
        raise BadInput(f"{what} is {shown(ids)}", hint="pass a list of ids")
    for one in ids:
        if not isinstance(one, str):
            raise BadInput(f"{what} holds {shown(one)}", hint="ids are UUIDs: memos ls")
    return list(dict.fromkeys(ids))


def read_share(value: object, what: str) -> float:
    """A share of a whole.

    Raises:
        BadInput: it is no number between 0 and 1.
    """
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    if not numeric or not math.isfinite(float(str(value))) or not 0 <= float(str(value)) <= 1:
        raise BadInput(f"{what} is {shown(value)}", hint="pass a share between 0 and 1")
    return float(str(value))


def require_flags(**flags: object) -> None:
    """Refuse what is neither True nor False: a text such as "no" would count as yes.

    Raises:
        BadInput: one of the flags is something else.
    """
    for name, flag in flags.items():
        if not isinstance(flag, bool):
            raise BadInput(f"{name} is {shown(flag)}", hint="pass True or False")


def require_page(limit: object, after: object, *, newest_first: object) -> None:
    """Refuse what does not say how to read page by page.

    Raises:
        BadInput: the limit is no number of cubes, or what to go on from is no id.
    """
    require_flags(newest_first=newest_first)
    if limit is not None:
        require_count(limit, "limit", largest=_LARGEST)
    if after is not None:
        require_id(after)


def read_step(name: object, what: str) -> str | None:
    """The name of an optional step; None for the usual one.

    Raises:
        BadInput: it is no text.
    """
    if name is None or (isinstance(name, str) and name):
        return name
    raise BadInput(f"{what} is {shown(name)}", hint="name a step, such as 'llm'")


def read_source(source: object, start: object) -> tuple[str, int]:
    """Where something was read, and from which entry on.

    Raises:
        BadInput: the source is no text, or the entry is no number of one.
    """
    require_whole(start, "the entry of the source")
    if start != 0:
        require_count(start, "the entry of the source", largest=_LARGEST)
    return checked_text(source, "the source"), int(str(start))


def read_path(path: object) -> Path:
    """The path of a file or folder; ``~`` is the user's own.

    Raises:
        BadInput: it cannot be one.
    """
    if not isinstance(path, str | Path) or "\x00" in str(path) or not Path(path).name:
        raise BadInput(f"{shown(path, 80)} is no name of a file", hint="pass a path")
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise BadInput(f"{shown(path, 80)} is in nobody's home", hint="pass a path") from error


def read_outlet(path: object, grounds: Iterable[Path]) -> Path:
    """The path of a file that is to be written, outside of what is the store's own.

    Raises:
        BadInput: it cannot be one, is a folder, or lies in a store or a backup.
    """
    place = read_path(path)
    require_outside(place, grounds)
    with suppress(OSError):  # what cannot be looked at cannot be written: that is told then
        if place.is_dir():
            raise BadInput(f"{shown(str(place), 80)} is a folder", hint="name a file")
    return place
