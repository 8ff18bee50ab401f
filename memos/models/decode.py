"""Reading and greedy writing, in steps whose results do not depend on where they began."""

from __future__ import annotations

import inspect
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memos.errors import BadInput
from memos.ports.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import torch

    from memos.models.kv_graph import Graphs
    from memos.models.kv_session import Session
    from memos.ports.blocks import Block


@dataclass(frozen=True, slots=True)
class Written:
    """What the model wrote, the token that ended it left out."""

    tokens: tuple[int, ...]
    first_at: float
    """The reading of ``time.perf_counter`` when the first token was known."""


@dataclass(frozen=True, slots=True)
class Text:
    """What is read: its tokens, and the blocks that the first of them are kept in."""

    tokens: Sequence[int]
    blocks: Sequence[Block] = ()

    @property
    def covered(self) -> int:
        """How many of the tokens lie in blocks."""
        return self.blocks[-1].end if self.blocks else 0


@dataclass(frozen=True, slots=True)
class Reader:
    """A causal language model that reads in strides.

    Floating-point sums depend on how a computation is cut: the same token, read after a cache,
    gets other last bits than within one long prompt. So a text is always read block by block, and
    then, behind them, in strides; what is reused is whole blocks:

        0      block      block    block | stride         stride
        |--------|----------|--------|---------------|------|
        |      reused       |   computed, as ever           |

    Every call that remains then has the shapes and the values that it has in a full reading, and
    its results are the same to the last bit.
    """

    model: Any
    stride: int
    """The tokens of a full block, and of one call behind the blocks."""
    call: int
    """The most tokens of one call on blocks; as many as ``stride`` makes results exact."""
    graphs: Graphs | None = None
    """Captured passes for short calls, on a GPU."""

    def read(
        self,
        text: Text,
        cache: Any,
        session: Session | None = None,
        *,
        progress: Progress = silent,
    ) -> torch.Tensor | None:
        """Read a text into an empty ``cache``.

        Args:
            text: what to read.
            cache: of the session's pages, where there is a session.
            session: knows which blocks are there, and keeps those that are computed.
            progress: told of the tokens that were read.

        Returns:
            Logits [vocabulary] after the last token; None where that was not computed.
        """
        logits: torch.Tensor | None = None
        waiting: list[Block] = []
        for block in text.blocks:
            progress("reading", block.start, len(text.tokens))
            if waiting and (_expects(session, block) or not self._joins(waiting, block)):
                logits, waiting = self._compute(waiting, text, cache, session), []
            if session is None or not session.ready(block):
                waiting.append(block)
        if waiting:
            logits = self._compute(waiting, text, cache, session)
        for start in range(text.covered, len(text.tokens), self.stride):
            progress("reading", start, len(text.tokens))
            logits = self.step(text.tokens[start : start + self.stride], cache)
        progress("reading", len(text.tokens), len(text.tokens))
        return logits

    def _joins(self, waiting: Sequence[Block], block: Block) -> bool:
        """Whether a block can be computed in one call with those before it."""
        fits = block.end - waiting[0].start <= self.call
        return fits and waiting[-1].tokens == self.stride

    def _compute(
        self, blocks: Sequence[Block], text: Text, cache: Any, session: Session | None
    ) -> torch.Tensor:
        if session is not None:
            session.next(blocks)
        started = time.perf_counter()
        logits = self.step(text.tokens[blocks[0].start : blocks[-1].end], cache)
        if session is not None:
            session.computed(blocks, time.perf_counter() - started)
        return logits

    def step(self, tokens: Sequence[int], cache: Any) -> torch.Tensor:
        """Append ``tokens`` to ``cache``; the logits [vocabulary] after them."""
        import torch

        if self.graphs is not None:
            logits = self.graphs.run(tokens, cache)
            if logits is not None:
                return logits
        ids = torch.tensor([list(tokens)], device=self.model.device)
        with torch.inference_mode():
            return last_logits(self.model, cache, input_ids=ids)[0]

    def write(
        self,
        text: Text,
        cache: Any,
        session: Session | None = None,
        *,
        limit: int,
        stop: Collection[int],
    ) -> Written:
        """Read a text whose last token is in no block, and continue it greedily.

        Until a token of ``stop``, or ``limit`` tokens.
        """
        logits = self.read(text, cache, session)
        if logits is None:
            raise BadInput(
                "there is nothing to continue", hint="leave the last token out of blocks"
            )
        token = int(logits.argmax())
        first_at = time.perf_counter()
        written: list[int] = []
        while token not in stop and len(written) < limit:
            written.append(token)
            if len(written) < limit:
                token = int(self.step([token], cache).argmax())
        return Written(tuple(written), first_at)


def _expects(session: Session | None, block: Block) -> bool:
    return session is not None and session.expects(block)


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
    model: Any,
    prompts: Sequence[Sequence[int]],
    *,
    limit: int,
    stop: Collection[int],
    alike: bool = False,
) -> list[tuple[int, ...]]:
    """Continue several prompts greedily at once, each until a token of ``stop``.

    Padding changes the last bits of a computation, so where two tokens are all but equal an
    answer can differ from the one that :meth:`Reader.write` gives.

        the beginning that all share, read once | gap | rest of a prompt, each a row | answer

    Args:
        model: the model.
        prompts: token ids, each at least one.
        limit: the most tokens of an answer.
        stop: the tokens that end one.
        alike: whether the model computes the same in every row, so that a beginning may be shared.
    """
    import torch
    from transformers import DynamicCache

    device = model.device
    shared = _beginning(prompts) if alike else 0
    longest = max(map(len, prompts))
    gaps = [longest - len(prompt) for prompt in prompts]
    rows = [[0] * gap + list(p[shared:]) for gap, p in zip(gaps, prompts, strict=True)]
    ids = torch.tensor(rows, device=device)
    seen = torch.tensor(
        [[1] * shared + [0] * gap + [1] * (longest - shared - gap) for gap in gaps], device=device
    )
    positions = (seen.cumsum(1) - 1).clamp(min=0)[:, shared:]
    cache, answers = DynamicCache(), [list[int]() for _ in prompts]
    running = set(range(len(prompts)))
    with torch.inference_mode():
        if shared:
            beginning = torch.tensor([list(prompts[0][:shared])], device=device)
            last_logits(model, cache, input_ids=beginning)
            cache.batch_repeat_interleave(len(prompts))
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


def _beginning(prompts: Sequence[Sequence[int]]) -> int:
    """How many first tokens all prompts share, of each but the last; 0 of a single prompt."""
    if len(prompts) == 1:
        return 0
    first, *_, last = sorted(map(tuple, prompts))
    most = min(map(len, prompts)) - 1
    pairs = zip(first[:most], last[:most], strict=False)
    return next((at for at, (one, other) in enumerate(pairs) if one != other), most)


def write_mixed(
    model: Any, prompt: Sequence[int], *, rows: int, limit: int, stop: Collection[int]
) -> Written:
    """Continue one prompt greedily by what several rows, each of which wears its own, expect.

    The rows read the same tokens; the next one is the likeliest in the mean of their
    probabilities.
    """
    import torch
    from transformers import DynamicCache

    cache, written = DynamicCache(), list[int]()
    ids = torch.tensor([list(prompt)] * rows, device=model.device)
    first_at = 0.0
    with torch.inference_mode():
        while len(written) < limit:
            logits = last_logits(model, cache, input_ids=ids)
            token = int(logits.float().softmax(-1).mean(0).argmax())
            first_at = first_at or time.perf_counter()
            if token in stop:
                break
            written.append(token)
            ids = torch.full((rows, 1), token, device=model.device)
    return Written(tuple(written), first_at)
