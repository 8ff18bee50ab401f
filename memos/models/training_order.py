"""In which order a training looks at its examples."""

from __future__ import annotations

import math
import random
from typing import Any


class Order:
    """Examples come round after round, shuffled; those that are learnt come less often."""

    def __init__(self, examples: int, unrelated: int, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - an order of examples, no secret
        self._losses = [math.inf] * examples
        self._counts = {"examples": examples, "unrelated": unrelated}
        self._left: dict[str, list[int]] = {"examples": [], "unrelated": []}

    def examples(self, count: int, enough: float, repeat: float) -> list[int]:
        """The next examples, each once; of those that are learnt only the share ``repeat``."""
        chosen: list[int] = []
        count = min(count, self._counts["examples"])
        while len(chosen) < count:
            number = self._next("examples")
            dull = self._losses[number] < enough and self._random.random() >= repeat
            if not dull and number not in chosen:
                chosen.append(number)
        return chosen

    def unrelated(self, count: int) -> list[int]:
        """The next of what is held still."""
        return [self._next("unrelated") for _ in range(min(count, self._counts["unrelated"]))]

    def note(self, numbers: list[int], losses: list[float]) -> None:
        """The loss of the worst token of each example, as it was seen last."""
        for number, loss in zip(numbers, losses, strict=True):
            self._losses[number] = loss

    def learnt(self, enough: float) -> float:
        """The share of the examples that are learnt, as far as was seen."""
        return sum(loss < enough for loss in self._losses) / len(self._losses)

    @property
    def state(self) -> dict[str, Any]:
        """All of it, as JSON can hold it."""
        version, numbers, gauss = self._random.getstate()
        losses = [None if math.isinf(loss) else loss for loss in self._losses]
        return {"random": [version, list(numbers), gauss], "losses": losses, "left": self._left}

    @state.setter
    def state(self, told: dict[str, Any]) -> None:
        losses = [math.inf if loss is None else float(loss) for loss in told["losses"]]
        left = {what: list(map(int, told["left"][what])) for what in self._counts}
        there = all(set(left[what]) <= set(range(count)) for what, count in self._counts.items())
        if len(losses) != self._counts["examples"] or not there:
            raise ValueError("the order is of other examples")
        version, numbers, gauss = told["random"]
        self._random.setstate((version, tuple(numbers), gauss))
        self._losses, self._left = losses, left

    def _next(self, what: str) -> int:
        left = self._left[what]
        if not left:
            left += range(self._counts[what])
            self._random.shuffle(left)
        return left.pop()
