"""Facts by rules: sentences that say one of the things that we know how to ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.kinds.facts import facts_in
from memos.kinds.third_person import speaker, told
from memos.ports.steps import Assertion, NeedsLLM, Quote

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memos.cube import MemCube


class RuleExtractor:
    """Says in the third person what somebody said of themselves; of plain sentences alone."""

    needs_llm: NeedsLLM = "never"
    by: str | None = None

    def extract(self, cubes: Sequence[MemCube]) -> list[Assertion]:
        """The statements that fit a relation of :mod:`memos.kinds.relations`, or are dated."""
        return [
            Assertion(f"{said}.", (Quote(place, sentence),))
            for place, cube in enumerate(cubes)
            for sentence, said in told(cube)
            if any(fact.sure for fact in facts_in(said, speaker(cube)))
        ]
