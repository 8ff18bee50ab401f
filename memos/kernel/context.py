"""The system call that puts memories into a prompt: context."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Unpack

from memos.cube import Kind, Right
from memos.cube.header import FINDABLE
from memos.errors import BadInput, shown
from memos.governance.matching import admits
from memos.kernel.arguments import read_share, require_count
from memos.kernel.searching import SearchCalls
from memos.kinds.drafts import checked_text
from memos.retrieval.composing import Terms, composed
from memos.retrieval.context import Context
from memos.retrieval.filters import read_filter
from memos.retrieval.tokens import read_tokenizer

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from memos.cube import MemCube
    from memos.governance.act import Act
    from memos.kernel.handle import Whose
    from memos.ports.filters import Filter
    from memos.retrieval.tokens import Tokenizer

_LARGEST_K = 1000
_LARGEST_BUDGET = 10_000_000
_SHORT = 8
"""Tokens of a memory that is short: so many times as many memories at most fill a budget."""
_FEWEST = 20


class ContextCalls(SearchCalls):
    """Put memories into a prompt."""

    def context(
        self,
        query: str,
        *,
        budget_tokens: int = 2000,
        tokenizer: Tokenizer | Literal["model"] | None = None,
        k: int | None = None,
        standing: float = 0.25,
        filters: Mapping[str, Any] | None = None,
        previous: Context | None = None,
        **whose: Unpack[Whose],
    ) -> Context:
        """The memories that answer a query, as a text for a prompt that fits into a budget.

        What the last context began with stands first again, byte for byte, as long as it is true
        and worth its room, so that a model's cache need not read it anew; ``breakpoints`` tell
        where. See docs/context.md.

        Args:
            query: what the prompt is about.
            budget_tokens: how many tokens the text may have.
            tokenizer: who counts them: a function from a text to a number or to tokens; an object
                with ``encode``, such as those of tiktoken and transformers; ``"model"`` for the
                configured language model's, which is loaded for it; None for an estimate.
            k: how many memories are looked at; None for as many as may fit, at most 1,000.
            standing: which share of the budget may go to memories that the query does not ask for,
                where keeping them keeps what stands behind them. 0 for none.
            filters: which memories may be in it; see ``search``.
            previous: the context that comes before this one; None for the last one with the same
                scope, filters and budget that this principal asked for. ``Context()`` for none.
            whose: whose memories.

        Returns:
            A context; an empty one where nothing was found, or where nothing of it fits: then
            ``left_out`` is not 0.

        Raises:
            BadInput: the query is empty, ``k``, the budget or the share is out of range, a filter
                cannot be read, or the tokenizer does not count.
        """
        with self._act("context", Right.READ, **whose) as act:
            text = checked_text(query, "the query")
            require_count(budget_tokens, "budget_tokens", largest=_LARGEST_BUDGET)
            terms = Terms(
                budget_tokens,
                read_share(standing, "standing"),
                read_tokenizer(tokenizer, self._parts.runtime.count),
            )
            where = act.asked(read_filter(filters))
            asked: Hashable = (str(act.principal), act.scope, repr(where), budget_tokens)
            before = self._recent.last(asked) if previous is None else _read_context(previous)
            hits = self._found(text, act, k=_enough(k, budget_tokens), where=where, at=act.at)
            found = [hit.cube for hit in hits]
            context = composed(found, self._still(before, found, act, where), before, terms)
            act.touch(cube.id for cube in context.cubes)
            if previous is None:
                self._recent.keep(asked, context)
            return context

    def _still(
        self, before: Context, found: Sequence[MemCube], act: Act, where: Filter
    ) -> dict[str, MemCube]:
        """What the context before holds, of what this call might find now, as it is shown now."""
        there = {cube.id: cube for cube in found}
        others = {placed.id for placed in before.layout} - there.keys()
        cubes = self._parts.catalog.find_all(sorted(act.readable(others)))
        outdated = self._currency.outdated(cubes, act.at)
        found_too = [
            cube
            for cube in cubes
            if _is_current(cube, act) and cube.id not in outdated and admits(where, cube)
        ]
        shown_too = act.shown(found_too, current=True)
        return there | {cube.id: cube for cube in shown_too}


def _is_current(cube: MemCube, act: Act) -> bool:
    """Whether a search could find it: nothing that is over or was put away stands on."""
    ends = cube.header.valid_to
    over = ends is not None and ends <= act.at
    inside = act.scope.covers(cube.scope)
    return cube.kind is Kind.PLAINTEXT and cube.state in FINDABLE and inside and not over


def _enough(k: object, budget: int) -> int:
    if k is None:
        return min(_LARGEST_K, max(_FEWEST, budget // _SHORT))
    require_count(k, "k", largest=_LARGEST_K)
    return int(str(k))


def _read_context(value: object) -> Context:
    if not isinstance(value, Context):
        hint = "pass what context() returned before, or nothing"
        raise BadInput(f"previous is {shown(value)}", hint=hint)
    return value
