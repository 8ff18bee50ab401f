"""Reading and greedy writing, in steps whose results do not depend on where they began."""

from __future__ import annotations

import inspect
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memos.ports.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import torch

    from memos.models.kv_safetensors import State


@dataclass(frozen=True, slots=True)
class Written:
    """What the model wrote, the token that ended it left out."""

    tokens: tuple[int, ...]
    reused: int
    first_at: float
    """The reading of ``time.perf_counter`` when the first token was known."""


@dataclass(frozen=True, slots=True)
class Reader:
    """A causal language model that reads in strides.

    Floating-point sums depend on how a computation is cut: the same token, read after a cache,
    gets other last bits than within one long prompt. So a text is always cut at the same places,
    the multiples of ``stride``, and what is reused ends at one of them:

        0         stride        2 stride      3 stride
        |-------------|-------------|-------------|------|
        |   reused                  |  computed, as ever |

    Every call that remains then has the shapes and the values that it has in a full reading, and
    its results are the same to the last bit.
    """

    model: Any
    stride: int

    def read(
        self,
        tokens: Sequence[int],
        *,
        state: State | None = None,
        reuse: int = 0,
        progress: Progress = silent,
    ) -> tuple[torch.Tensor, Any]:
        """Logits [vocabulary] after ``tokens``, and the cache that holds them all."""
        from transformers import DynamicCache

        cache = state.cache(reuse) if state and reuse else DynamicCache()
        logits = None
        for start in range(reuse, len(tokens), self.stride):
            progress("reading", start, len(tokens))
            logits = self.step(tokens[start : start + self.stride], cache)
        progress("reading", len(tokens), len(tokens))
        assert logits is not None, "the last stride is never reused"  # noqa: S101
        return logits, cache

    def reusable(self, state: State, tokens: Sequence[int]) -> int:
        """How many tokens of ``state`` a reading of ``tokens`` may start behind."""
        common = 0
        for old, new in zip(state.tokens, tokens[:-1], strict=False):
            if old != new:
                break
            common += 1
        return common - common % self.stride

    def step(self, tokens: Sequence[int], cache: Any) -> torch.Tensor:
        """Append ``tokens`` to ``cache``; the logits [vocabulary] after them."""
        import torch

        ids = torch.tensor([list(tokens)], device=self.model.device)
        with torch.inference_mode():
            output = self.model(
                input_ids=ids, past_key_values=cache, use_cache=True, **last_logits(self.model, 1)
            )
        return output.logits[0, -1]  # type: ignore[no-any-return]

    def write(
        self, tokens: Sequence[int], *, limit: int, stop: Collection[int], state: State | None
    ) -> Written:
        """Continue ``tokens`` greedily, until a token of ``stop`` or ``limit`` tokens."""
        reuse = self.reusable(state, tokens) if state else 0
        logits, cache = self.read(tokens, state=state, reuse=reuse)
        token = int(logits.argmax())
        first_at = time.perf_counter()
        written: list[int] = []
        while token not in stop and len(written) < limit:
            written.append(token)
            if len(written) < limit:
                token = int(self.step([token], cache).argmax())
        return Written(tuple(written), reuse, first_at)


def last_logits(model: Any, count: int) -> dict[str, int]:
    """The argument by which a model computes only its last ``count`` logits, if it knows one."""
    known = "logits_to_keep" in inspect.signature(model.forward).parameters
    return {"logits_to_keep": count} if known else {}
