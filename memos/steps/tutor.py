"""The teacher that the settings name: made when it is first asked, and shown what it may see."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from memos.cube import MemCube
    from memos.ports.lessons import Lessons
    from memos.ports.steps import NeedsLLM
    from memos.steps.steps import Steps


class Tutor:
    """Teaches as the usual teacher of the steps does, which sees nothing that is withheld."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps

    @property
    def needs_llm(self) -> NeedsLLM:
        """Whether that one wants a language model."""
        return self._steps.teacher(None).needs_llm

    @property
    def by(self) -> str | None:
        """Which model that one asks."""
        return self._steps.teacher(None).by

    def lessons(self, cubes: Sequence[MemCube], withheld: Collection[str] = ()) -> Lessons:
        """The lessons of that one."""
        teacher = self._steps.teacher(None)
        hidden = {cube.id for cube in cubes if not self._steps.shows(cube, teacher)}
        return teacher.lessons(cubes, hidden.union(withheld))
