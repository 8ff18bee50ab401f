"""Lessons by rules: what the sentences of memories say that we know how to ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.kinds.lessons import lessons

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from memos.cube import MemCube
    from memos.ports.lessons import Lessons
    from memos.ports.steps import NeedsLLM


class RuleTeacher:
    """Asks in the wordings that we have for each relation, and shows nothing to anybody."""

    needs_llm: NeedsLLM = "never"
    by: str | None = None

    def lessons(
        self,
        cubes: Sequence[MemCube],
        withheld: Collection[str] = (),  # noqa: ARG002 - no model is shown anything
    ) -> Lessons:
        """See :func:`memos.kinds.lessons.lessons`."""
        return lessons(cubes)
