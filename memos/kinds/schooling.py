"""How weights are trained, and what they must reach."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from memos.kinds.examination import Demands
from memos.kinds.rule_teacher import RuleTeacher

if TYPE_CHECKING:
    from memos.ports.steps import Teacher


@dataclass(frozen=True, slots=True)
class Schooling:
    """What a parametric cube must reach to be used by default, and how it is trained."""

    demands: Demands = field(default_factory=Demands)
    seed: int = 0
    steps: int | None = None
    """Training steps at most; None for as many as the examples need."""
    teacher: Teacher = field(default_factory=RuleTeacher)
    """Who makes the lessons."""
    taught: str = "rules"
    """The teacher's name."""

    def decides(self) -> dict[str, object]:
        """All of it that decides which weights come out, for a digest."""
        return {
            "demands": asdict(self.demands),
            "seed": self.seed,
            "steps": self.steps,
            "teacher": [self.taught, self.teacher.by],
        }
