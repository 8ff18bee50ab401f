"""Texts read from their blocks, each in the way that suits it: the runtime's half that reads."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from memos.errors import BadInput, NotSupported
from memos.models.decode import Text
from memos.ports.blocks import chained, root_name
from memos.ports.progress import Progress, silent
from memos.ports.runtime import Prefilled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from memos.models.decode import Reader, Written
    from memos.models.kv_graph import Graphs
    from memos.models.kv_joining import Joined
    from memos.models.kv_session import Session
    from memos.models.kv_state import State
    from memos.models.kv_tiers import Tiers
    from memos.models.language_model import LanguageModel
    from memos.ports.blocks import Block, Layout

_NOBODY = "0" * 64
"""The name before the first block of a text that is not kept."""
_TOGETHER = 16
"""Questions that are answered in one batch."""


class BlockReader:
    """Reads texts of one model from blocks in their places; one call at a time."""

    def __init__(self, lm: LanguageModel, kv: Tiers) -> None:
        self._lm, self._kv = lm, kv
        self._graphs: Graphs | None = None

    def text(self, tokens: Sequence[int], cuts: Sequence[int], salt: str) -> Text:
        """A prompt, whose last token is in no block: its logits are asked for."""
        blocks = [one for one in self._blocks(tokens, cuts, salt) if one.end < len(tokens)]
        return Text(tokens, blocks)

    def prefill(
        self, tokens: Sequence[int], cuts: Sequence[int], salt: str, progress: Progress = silent
    ) -> Prefilled:
        """Read the tokens up to the last cut and keep what they leave; see the port."""
        blocks, layout = self._blocks(tokens, cuts, salt), self._require_layout()
        if not blocks:
            raise BadInput("there are no tokens to keep", hint="name at least one cut")
        text = Text(tokens[: blocks[-1].end], blocks)
        started = time.perf_counter()
        with self._kv.open(blocks, room=0, insist=True) as session:
            self._reader().read(text, self._cache(session), session, progress=progress)
            reused = session.reused
        return Prefilled(
            blocks=tuple(block.name for block in blocks),
            tokens=len(text.tokens),
            reused_tokens=reused,
            layers=layout.layers,
            size_bytes=len(text.tokens) * layout.token_bytes,
            seconds=time.perf_counter() - started,
        )

    def write(self, text: Text, kept: int, limit: int, *, plain: bool) -> tuple[Written, int]:
        """Continue a text greedily; what was written, and how many tokens were not computed.

        Args:
            text: the prompt.
            kept: how many of its tokens lie in stored blocks, or shall.
            limit: the most tokens to write.
            plain: whether the model wears no adapter.
        """
        with self._open(text, kept, limit) as (cache, session):
            written = self._reader(plain=plain).write(
                text, cache, session, limit=limit, stop=self._lm.stop
            )
            return written, session.reused if session else 0

    def logits(self, text: Text, kept: int) -> list[float]:
        """Logits [vocabulary] after the last token."""
        with self._open(text, kept, 0) as (cache, session):
            logits = self._reader().read(text, cache, session)
        return [] if logits is None else list(logits.float().tolist())

    def join(
        self, tokens: Sequence[int], cuts: Sequence[int], salts: Sequence[str], recompute: float
    ) -> Joined:
        """The state of a prompt up to the last cut, of parts that were each read alone."""
        from memos.models.kv_joining import Joiner

        self._blocks(tokens, cuts, "")  # cuts that are none are refused
        self._require_layout()
        return Joiner(self._lm.model, self._opened).join(tokens, cuts, salts, recompute)

    def write_behind(self, state: State, question: Sequence[int], limit: int) -> Written:
        """Continue a question greedily that stands behind a state."""
        from memos.models.kv_reading import cache_of

        reader, cache = self._lm.reader, cache_of(state)
        return reader.write(Text(question), cache, limit=limit, stop=self._lm.stop)

    def write_many(
        self, prompts: Sequence[Sequence[int]], cuts: Sequence[int], salt: str, limit: int
    ) -> list[tuple[int, ...]]:
        """Continue several prompts greedily at once; see the port."""
        from memos.models.kv_batch import write_batch

        shared = cuts[-1] if cuts else 0
        begin = {tuple(prompt[:shared]) for prompt in prompts}
        if len(begin) != 1 or not shared or any(len(one) <= shared for one in prompts):
            message = f"{len(prompts)} prompts do not begin alike and go on from token {shared}"
            raise BadInput(message, hint="name the cut up to which they do")
        self._require_layout()
        if self._lm.gathered:
            message = f"{self._lm.fingerprint.name} cannot answer several questions on one text"
            raise NotSupported(message, hint="ask one after the other")
        questions = [prompt[shared:] for prompt in prompts]
        session, _ = self._opened(prompts[0][:shared], cuts, salt)
        with session:
            return [
                answer
                for start in range(0, len(questions), _TOGETHER)
                for answer in write_batch(
                    self._lm.model, session.pages, questions[start : start + _TOGETHER],
                    limit=limit, stop=self._lm.stop, wait=session.wait,
                )
            ]  # fmt: skip

    def _opened(
        self, tokens: Sequence[int], cuts: Sequence[int], salt: str
    ) -> tuple[Session, tuple[str, ...]]:
        """A session in which a text was read up to the last cut; the caller closes it."""
        text = Text(tokens, self._blocks(tokens, cuts, salt))
        session = self._kv.open(text.blocks, room=0)
        try:
            self._reader().read(text, self._cache(session), session)
        except BaseException:
            session.close()
            raise
        return session, tuple(block.name for block in text.blocks)

    def _require_layout(self) -> Layout:
        layout = self._layout()
        if layout is None:
            raise NotSupported(
                f"the attention state of {self._lm.fingerprint.name} cannot be kept in blocks",
                hint="use a model in which every layer attends to the whole text",
            )
        return layout

    def _layout(self) -> Layout | None:
        """What blocks of this model look like; there is memory for them from now on."""
        layout = self._lm.layout
        if layout is not None:
            self._kv.attach(layout, self._lm.device)
        return layout

    def _blocks(self, tokens: Sequence[int], cuts: Sequence[int], salt: str) -> list[Block]:
        ends = [0, *cuts]
        if any(first >= last for first, last in pairwise(ends)) or ends[-1] > len(tokens):
            raise BadInput(
                f"{list(cuts)} are no cuts of {len(tokens)} tokens", hint="they must ascend"
            )
        layout = self._layout()
        root = root_name(self._lm.fingerprint, layout, salt) if layout else _NOBODY
        return chained(tokens, cuts, root=root, block_tokens=self._lm.stride)

    @contextmanager
    def _open(self, text: Text, kept: int, room: int) -> Iterator[tuple[Any, Session | None]]:
        if self._lm.layout is None:
            from transformers import DynamicCache

            yield DynamicCache(), None
            return
        room += len(text.tokens) - text.covered
        stored = sum(block.end <= kept for block in text.blocks)
        with self._kv.open(text.blocks, room=room, stored=stored) as session:
            yield self._cache(session), session

    def _cache(self, session: Session) -> Any:
        from memos.models.kv_cache import PagedCache

        return PagedCache(session.pages, gathered=self._lm.gathered, wait=session.wait)

    def _reader(self, *, plain: bool = True) -> Reader:
        """The model, with captured passes where there can be some: they know of no adapter."""
        reader = self._lm.reader
        if not plain or self._kv.graphs is None or self._lm.gathered:
            return reader
        if self._graphs is None:
            self._graphs = self._kv.graphs(reader.model)
        return replace(reader, graphs=self._graphs)
