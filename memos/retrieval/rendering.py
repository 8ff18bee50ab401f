"""How a memory looks in a context: a date above it, a mark before it, and never a line of another.

    Monday, 8 May 2023
    [bkrt] Caroline: I went to a support group yesterday.
    [mzcd] Melanie: Look at this! (picture: a painting of a lake)

The same memory gives the same bytes on every machine and in every language of the system. A line
begins with no white space unless it goes on with the memory above it, so no tokenizer that cuts at
the ends of lines joins what stands on either side of a memory's end.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2s, sha256
from typing import TYPE_CHECKING

from memos.cube import Plaintext
from memos.retrieval.context import Placed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from datetime import datetime

    from memos.cube import MemCube

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_LETTERS = "bcdfghjkmnpqrstvwxz"
"""No vowels: a mark is never a word, and no tokenizer takes more for it than for digits."""
_SHORTEST = 4


@dataclass(frozen=True, slots=True)
class Entry:
    """A memory as it is written."""

    cube: MemCube
    mark: str
    group: tuple[str, ...]
    """Day and conversation; where another begins, so does a date line."""
    head: str
    line: str

    def placed(self, *, opens: bool) -> Placed:
        """What is remembered of it."""
        written = "\n".join((*self.group, self.head, self.line))
        digest = sha256(written.encode()).hexdigest()[:32]
        return Placed(id=self.cube.id, mark=self.mark, digest=digest, opens=opens)


def entry_of(cube: MemCube, mark: str) -> Entry:
    """The cube as it is written with this mark."""
    scope = cube.scope
    head = _head(cube)
    group = (head, scope.user_id or "", scope.agent_id or "", scope.session_id or "")
    return Entry(cube, mark, group, head, _line(cube, mark))


def mark_of(cube_id: str, taken: Collection[str]) -> str:
    """A short name that depends on the cube's id alone, unless another has it already.

    Two of thirty memories share their first four letters once in three hundred contexts; the
    later of the two then has a fifth.
    """
    number = int.from_bytes(blake2s(cube_id.encode()).digest())
    mark = ""
    while len(mark) < _SHORTEST or mark in taken:
        number, letter = divmod(number, len(_LETTERS))
        mark += _LETTERS[letter]
    return mark


def time_of(cube: MemCube) -> datetime:
    """When it was said or true; where nobody knows, when it was recorded."""
    return cube.header.valid_from or cube.header.created_at


def written(entries: Iterable[Entry]) -> Iterator[str]:
    """Each entry of a block as it stands below those before it, with its date where that is new."""
    group: tuple[str, ...] = ()
    for entry in entries:
        yield entry.line if entry.group == group else f"{entry.head}\n{entry.line}"
        group = entry.group


def _head(cube: MemCube) -> str:
    time = time_of(cube)
    date = f"{_DAYS[time.weekday()]}, {time.day} {_MONTHS[time.month - 1]} {time.year}"
    return date if cube.header.valid_from else f"Recorded {date}"


def _line(cube: MemCube, mark: str) -> str:
    lines = [line.rstrip() for line in cube.text.splitlines()]
    text = "\n  ".join(line for line in lines if line)
    named = " ".join((_speaker(cube) or "").split())
    speaker = f"{named}: " if named else ""
    return f"[{mark}] {speaker}{text.lstrip()}{_caption(cube)}\n"


def _speaker(cube: MemCube) -> str | None:
    return cube.speaker or (cube.payload.role if isinstance(cube.payload, Plaintext) else None)


def _caption(cube: MemCube) -> str:
    attributes = cube.payload.attributes if isinstance(cube.payload, Plaintext) else {}
    caption = " ".join(attributes.get("caption", "").split())
    return f" (picture: {caption})" if caption else ""
