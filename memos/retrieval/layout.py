"""In which order memories stand in a context, and where a cache may keep what stands there.

    block    what the context before began with                 its bytes, its order
    block    what of it has moved, and is wanted again          oldest first
    block    what is new                                        oldest first

A block is never changed, but by being cut short; so the first blocks are the same from call to
call, and a cache that holds them need not read them again.
"""

from __future__ import annotations

from collections import defaultdict
from hashlib import sha256
from itertools import accumulate, chain
from typing import TYPE_CHECKING

from memos.cube import Plaintext
from memos.retrieval.context import Breakpoint, Placed
from memos.retrieval.rendering import Entry, entry_of, mark_of, time_of, written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from memos.cube import MemCube

MOST_BREAKPOINTS = 4
"""Anthropic's prompt cache takes no more."""

Block = tuple[Entry, ...]


def chronological(cubes: Iterable[MemCube]) -> list[MemCube]:
    """Oldest day first; within a day conversation by conversation, each in the order of its turns.

    A conversation that goes on for months does not pull together what lies months apart.
    """
    rooms: dict[tuple[object, ...], list[MemCube]] = defaultdict(list)
    for cube in cubes:
        scope = cube.scope
        rooms[time_of(cube).date(), scope.user_id, scope.agent_id, scope.session_id].append(cube)
    ordered = sorted(rooms.values(), key=lambda room: min(map(_when, room)))
    return list(chain.from_iterable(sorted(room, key=_turn) for room in ordered))


def recovered(before: Sequence[Placed], there: Mapping[str, MemCube]) -> list[Block]:
    """What stood before, up to the first memory of which anything is another now.

    Args:
        before: what stood where.
        there: the cubes that may be shown now, as they are shown now.
    """
    blocks: list[list[Entry]] = []
    left = dict(there)
    taken: set[str] = set()
    for placed in before:
        cube = left.pop(placed.id, None)
        if cube is None:
            break
        entry = entry_of(cube, mark_of(cube.id, taken))
        if entry.placed(opens=placed.opens) != placed:
            break
        if placed.opens or not blocks:
            blocks.append([])
        blocks[-1].append(entry)
        taken.add(entry.mark)
    return [tuple(block) for block in blocks]


def cut(blocks: Sequence[Block], length: int) -> list[Block]:
    """The first so many entries, block by block."""
    parts: list[Block] = []
    for block in blocks:
        part = block[: max(0, length)]
        length -= len(block)
        if part:
            parts.append(part)
    return parts


def extended(blocks: Sequence[Block], *more: Iterable[MemCube]) -> list[Block]:
    """The blocks, and behind them one for each group of cubes that is not empty."""
    longer = list(blocks)
    taken = {entry.mark for block in blocks for entry in block}
    for cubes in more:
        block = []
        for cube in chronological(cubes):
            mark = mark_of(cube.id, taken)
            taken.add(mark)
            block.append(entry_of(cube, mark))
        if block:
            longer.append(tuple(block))
    return longer


def text_of(blocks: Iterable[Block]) -> str:
    """All that is written."""
    return "".join(chain.from_iterable(written(block) for block in blocks))


def layout_of(blocks: Iterable[Block]) -> tuple[Placed, ...]:
    """What is remembered of it."""
    return tuple(entry.placed(opens=entry is block[0]) for block in blocks for entry in block)


def breakpoints(
    blocks: Sequence[Block], reused: int, held: Iterable[int], count: Callable[[str], int]
) -> tuple[Breakpoint, ...]:
    """Where a cache should keep the text.

    Args:
        blocks: what is written.
        reused: how many of the first characters come from the context before.
        held: where that one had its breakpoints.
        count: counts tokens.

    In this order, as many as may be: the end; the last place that a cache already holds; how far
    that cache could have held it; the ends of blocks, the last first; and then the middle of
    whatever is longest without.
    """
    text = text_of(blocks)
    lines = list(accumulate(len(line) for block in blocks for line in written(block)))
    ends = list(accumulate(len(text_of([block])) for block in blocks))
    known = set(held).intersection(end for end in lines if end <= reused)
    asked = [len(text), *([max(known)] if known else []), reused, *reversed(ends)]
    chosen = sorted([end for end in dict.fromkeys(asked) if end][:MOST_BREAKPOINTS])
    while 0 < len(chosen) < min(MOST_BREAKPOINTS, len(lines)):
        chosen = sorted([*chosen, _between(chosen, [end for end in lines if end not in chosen])])
    return tuple(_breakpoint(text[:end], count) for end in chosen)


def _between(chosen: Sequence[int], others: Sequence[int]) -> int:
    """Which of the others is farthest from all that are chosen, and from the beginning."""
    return max(others, key=lambda end: (min(abs(end - one) for one in (0, *chosen)), -end))


def _breakpoint(text: str, count: Callable[[str], int]) -> Breakpoint:
    digest = sha256(text.encode()).hexdigest()
    return Breakpoint(characters=len(text), tokens=count(text), digest=digest)


def _when(cube: MemCube) -> tuple[datetime, str]:
    return time_of(cube), cube.id


def _turn(cube: MemCube) -> tuple[int, datetime, str]:
    position = cube.payload.position if isinstance(cube.payload, Plaintext) else None
    return (-1 if position is None else position, *_when(cube))
