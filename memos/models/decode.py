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
class Reading:
    """What a text has left in the model."""

    logits: torch.Tensor
    """[vocabulary], after the last token."""
    cache: Any
    """The attention state; writing goes on in it."""
    reused: int
    """How many tokens were not computed."""


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
    the multiples of ``stride`` and the end of the beginning that it shares with others, and what
    is reused ends at one of them:

        0         stride        2 stride   shared     shared + stride
        |-------------|-------------|--------|-------------|------|
        |   reused                           |  computed, as ever |

    Every call that remains then has the shapes and the values that it has in a full reading, and
    its results are the same to the last bit.
    """

    model: Any
    stride: int

    def read(
        self,
        tokens: Sequence[int],
        state: State | None = None,
        *,
        shared: int = 0,
        progress: Progress = silent,
    ) -> Reading:
        """Read ``tokens``, resuming from what they have in common with ``state``.

        Without a state, the reading is cut after the first ``shared`` tokens: so it gives what
        resuming from a state of these tokens gives.
        """
        from transformers import DynamicCache

        reused = self._reusable(state, tokens) if state else 0
        cache = state.cache(reused) if state and reused else DynamicCache()
        cuts = self._cuts(reused, shared if reused == 0 else reused, len(tokens))
        for start, end in cuts[:-1]:
            progress("reading", start, len(tokens))
            self.step(tokens[start:end], cache)
        start, end = cuts[-1]
        progress("reading", start, len(tokens))
        logits = self.step(tokens[start:end], cache)
        progress("reading", len(tokens), len(tokens))
        return Reading(logits, cache, reused)

    def _cuts(self, reused: int, shared: int, end: int) -> list[tuple[int, int]]:
        """From where to where each call reads."""
        starts = [*range(reused, min(shared, end), self.stride)]
        starts += range(max(reused, min(shared, end)), end, self.stride)
        return list(zip(starts, [*starts[1:], end], strict=True))

    def _reusable(self, state: State, tokens: Sequence[int]) -> int:
        # the last token is always computed: its logits are what is asked for
        common = common_length(state.tokens, tokens[:-1])
        return common if common == len(state.tokens) else common - common % self.stride

    def step(self, tokens: Sequence[int], cache: Any) -> torch.Tensor:
        """Append ``tokens`` to ``cache``; the logits [vocabulary] after them."""
        import torch

        ids = torch.tensor([list(tokens)], device=self.model.device)
        with torch.inference_mode():
            return last_logits(self.model, cache, input_ids=ids)[0]

    def write(
        self,
        tokens: Sequence[int],
        *,
        limit: int,
        stop: Collection[int],
        state: State | None = None,
        shared: int = 0,
    ) -> Written:
        """Continue ``tokens`` greedily, until a token of ``stop`` or ``limit`` tokens."""
        reading = self.read(tokens, state, shared=shared)
        token = int(reading.logits.argmax())
        first_at = time.perf_counter()
        written: list[int] = []
        while token not in stop and len(written) < limit:
            written.append(token)
            if len(written) < limit:
                token = int(self.step([token], reading.cache).argmax())
        return Written(tuple(written), reading.reused, first_at)


def common_length(one: Sequence[int], other: Sequence[int]) -> int:
    """How long the beginning is that two token sequences share."""
    pairs = zip(one, other, strict=False)
    shorter = min(len(one), len(other))
    return next((place for place, (a, b) in enumerate(pairs) if a != b), shorter)


def logits_at(model: Any, places: torch.Tensor, **inputs: Any) -> torch.Tensor:
    """Logits [places, vocabulary] of the first row; a model that can computes no others."""
    if _takes(model, "logits_to_keep"):
        return model(**inputs, logits_to_keep=places).logits[0]  # type: ignore[no-any-return]
    return model(**inputs).logits[0, places]  # type: ignore[no-any-return]


def last_logits(model: Any, cache: Any, **inputs: Any) -> torch.Tensor:
    """Logits [rows, vocabulary] after the last token, which is appended to ``cache``.

    A model that can computes no others.
    """
    kept = {"logits_to_keep": 1} if _takes(model, "logits_to_keep") else {}
    return model(**inputs, **kept, **with_cache(model, cache)).logits[:, -1]  # type: ignore[no-any-return]


def with_cache(model: Any, cache: Any) -> dict[str, Any]:
    """The arguments with which ``model`` reads behind ``cache``, and appends to it."""
    # transformers 5.24 renamed it, and will stop taking the old name
    return {"cache" if _takes(model, "cache") else "past_key_values": cache, "use_cache": True}


def _takes(model: Any, parameter: str) -> bool:
    return parameter in inspect.signature(model.forward).parameters


def write_together(
    model: Any, prompts: Sequence[Sequence[int]], *, limit: int, stop: Collection[int]
) -> list[tuple[int, ...]]:
    """Continue several prompts greedily at once, each until a token of ``stop``.

    Padding changes the last bits of a computation, so where two tokens are all but equal an
    answer can differ from the one that :meth:`Reader.write` gives.
    """
    import torch
    from transformers import DynamicCache

    longest = max(map(len, prompts))
    gaps = [longest - len(prompt) for prompt in prompts]
    device = model.device
    ids = torch.tensor(
        [[0] * gap + list(p) for gap, p in zip(gaps, prompts, strict=True)], device=device
    )
    seen = torch.tensor([[0] * gap + [1] * (longest - gap) for gap in gaps], device=device)
    positions = (seen.cumsum(1) - 1).clamp(min=0)
    cache, answers = DynamicCache(), [list[int]() for _ in prompts]
    running = set(range(len(prompts)))
    with torch.inference_mode():
        for _ in range(limit):
            inputs = {"input_ids": ids, "attention_mask": seen, "position_ids": positions}
            logits = last_logits(model, cache, **inputs)
            ids = logits.argmax(-1, keepdim=True)
            tokens = ids[:, 0].tolist()
            running -= {row for row in running if tokens[row] in stop}
            if not running:
                break
            for row in running:
                answers[row].append(tokens[row])
            seen = torch.cat([seen, torch.ones_like(ids)], dim=1)
            positions = positions[:, -1:] + 1
    return [tuple(answer) for answer in answers]
