"""Memories as facts: whom they are about, what is asked, and the short answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from memos.kinds.continuations import dated, gap, placed
from memos.kinds.questions import asked_and_answered
from memos.kinds.relations import related
from memos.kinds.third_person import is_told, speaker, statements

if TYPE_CHECKING:
    from memos.cube import MemCube
    from memos.kinds.fact import Fact

_ADDRESSED = re.compile(r"\b(?:you|your|yours)\b", re.IGNORECASE)


def facts_of(cube: MemCube) -> list[Fact]:
    """What one plaintext cube says; nothing, if it is of another kind."""
    if not is_told(cube):
        return []
    name = speaker(cube)
    return asked_and_answered(cube.text) or [
        fact for said in statements(cube) for fact in facts_in(said, name)
    ]


def facts_in(statement: str, speaker: str = "") -> list[Fact]:
    """What a statement in the third person says, and when it was.

    Of a statement that fits no relation, what it ends in is the answer; or else its last number,
    or its last name that is not the ``speaker``'s.
    """
    found = related(statement)
    if _ADDRESSED.search(statement):
        return found
    when = dated(statement)
    if when is not None and all(when.value not in fact.value for fact in found):
        found.append(when)
    if found and any(fact.about[1] != "owned" for fact in found):
        return found
    rest = placed(statement, speaker)
    if rest is not None and (not found or rest.about[1] != "said"):
        return [rest]
    if found:
        return found
    filled = gap(statement, speaker)
    return [filled] if filled is not None else []
