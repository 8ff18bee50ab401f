"""What is left of a damaged cube, in quarantine: read as well as it can be.

Its bytes are not what was written, so nothing that it says is served. Forgetting believes it all
the same as far as it goes: whose it was, what it said, what it was made from.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memos.cube import Plaintext
from memos.cube.wire import salvaged
from memos.governance.matching import admits, compared
from memos.ports.filters import Condition, Every, Not, Operator, Some

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memos.cube import MemCube, Scope
    from memos.governance.access import Reach
    from memos.ports.filters import Filter
    from memos.ports.ledger import Quarantined

_ID = re.compile(r'"id":"([0-9a-f-]{36})"')
_BLOB = re.compile(r'"blob":"([0-9a-f]{64})"')
_KIND = re.compile(r'"kind":"(plaintext|activation|parametric)"')
_HELD = re.compile(r'"legal_hold":(\w+)')
_STRING = r'(null|"(?:[^"\\]|\\.)*")'
_FIELDS = {
    "user_id": ("scope", "user_id"),
    "agent_id": ("scope", "agent_id"),
    "session_id": ("scope", "session_id"),
    "text": ("payload", "text"),
    "source": ("source", "uri"),
}
"""By field, the last object of that name in the body, and the name within it."""
_END = '},"'
"""Ends an object that another member follows; within a string, the quote would be escaped."""


@dataclass(frozen=True, slots=True)
class Remains:
    """One version of a damaged cube."""

    cube_id: str
    version: int
    cube: MemCube | None
    """What it says; None where no cube can be made of it."""
    facts: Mapping[str, str | None]
    """The fields that can be read where none can."""
    kind: str | None
    names: frozenset[str]
    """Its own id, and those of what it was made from."""
    blobs: frozenset[str]
    held: bool | None
    """Whether it says that it is under legal hold; None where it does not say anything."""

    @property
    def text(self) -> str | None:
        """What it says; None where that cannot be read, or it is no text."""
        if self.cube is not None:
            return self.cube.text if isinstance(self.cube.payload, Plaintext) else None
        return self.facts.get("text")

    def lies_in(self, scope: Scope, where: Filter) -> bool | None:
        """Whether the filter admits it within a scope; None where that cannot be told."""
        if self.cube is not None:
            return scope.covers(self.cube.scope) and admits(where, self.cube)
        named = (Condition(name, Operator.EQ, one) for name, one in scope.named().items())
        return _decided(Every((*named, where)), self.facts)

    def is_within(self, reach: Reach) -> bool:
        """Whether the reach holds it for certain."""
        if self.cube is not None:
            return reach.holds(self.cube)
        return any(_decided(area.filter(), self.facts) for area in reach.areas)


def read_remains(entry: Quarantined) -> Remains:
    """Read a row of the quarantine."""
    body = str(entry.body)  # a damaged row of SQLite may hold a number
    said = _HELD.findall(body)
    kind = _KIND.search(body)
    return Remains(
        cube_id=entry.cube_id,
        version=entry.version,
        cube=salvaged(body),
        facts={"id": entry.cube_id, **_facts(body)},
        kind=None if kind is None else kind[1],
        names=frozenset({entry.cube_id, *_ID.findall(body)}),
        blobs=frozenset(_BLOB.findall(body)),
        # What is not clearly a no may have been a yes.
        held=said[-1] != "false" if said else None,
    )


def _facts(body: str) -> dict[str, str | None]:
    found = {}
    for field, (within, name) in _FIELDS.items():
        start = body.rfind(f'"{within}":{{')
        end = body.find(_END, start)
        part = "" if start < 0 else body[start : end if end >= 0 else None]
        match = re.search(f'"{name}":{_STRING}', part)
        if match is not None:
            try:
                found[field] = json.loads(match[1])
            except ValueError:
                continue  # an escape is damaged: what it says is not known
    return found


def _decided(where: Filter, facts: Mapping[str, str | None]) -> bool | None:
    """Whether the filter holds, as far as the facts tell; None where they do not."""
    if isinstance(where, Condition):
        return compared(facts[where.field], where) if where.field in facts else None
    if isinstance(where, Not):
        inner = _decided(where.part, facts)
        return None if inner is None else not inner
    parts = [_decided(part, facts) for part in where.parts]
    enough = isinstance(where, Some)
    if enough in parts:
        return enough
    return None if None in parts else not enough
