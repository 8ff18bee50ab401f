"""A search with the optional steps around it: other wordings before, another order after.

    question --rewriter--> wordings --finder--> hits of each --merged--> one ranking
    ranking --shown--> as the principal sees it --reranker--> another order --> the best k

Neither step can make a hit of what the finder did not admit, for neither sees more than that.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memos.errors import BadAnswer, BadInput
from memos.kernel.handle import Handle
from memos.kinds.drafts import checked_text
from memos.kinds.prompt import memory_line
from memos.retrieval.merging import merged, reordered

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from memos.governance.act import Act
    from memos.ports.filters import Filter
    from memos.ports.steps import Reranker, Rewriter
    from memos.retrieval.hit import Hit


_WORDINGS = 8
"""Further wordings that are searched for."""
_LONGEST = 1_000
"""Characters of one of them."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Which optional steps a search takes, by name; None for those that the settings name."""

    rewriter: str | None = None
    reranker: str | None = None


USUAL = Taken()
"""As the settings say."""


class Searching(Handle):
    """How every call that searches does it."""

    def _search(
        self, text: str, act: Act, *, k: int, where: Filter, taken: Taken = USUAL
    ) -> list[Hit]:
        with self._lock:
            vectors = self._index.vectors
        rewriter = self._steps.rewriter(taken.rewriter)
        reranker = self._steps.reranker(taken.reranker)

        def find(query: str, most: int) -> list[Hit]:
            wanted = most
            while True:
                found = self._finder.find(query, vectors, reach=act.reach(), k=wanted, where=where)
                kept = self._current(found)
                if len(kept) >= most or len(found) < wanted:
                    return kept[:most]
                wanted *= 2  # some were outdated; others may stand behind them

        hits = _recalled(text, max(k, reranker.offered), find, rewriter)
        act.touch(hit.cube.id for hit in hits)  # also what a reranker is shown, and puts away
        shown = act.shown([hit.cube for hit in hits], current=True)
        seen = [
            hit.model_copy(update={"cube": cube}) for hit, cube in zip(hits, shown, strict=True)
        ]
        return self._reranked(text, seen, reranker)[:k]

    def _current(self, hits: Sequence[Hit]) -> list[Hit]:
        """The hits without facts that do not speak for their sources any more."""
        outdated = self._currency.outdated([hit.cube for hit in hits])
        return [hit for hit in hits if hit.cube.id not in outdated]

    def _reranked(self, query: str, hits: list[Hit], reranker: Reranker) -> list[Hit]:
        """Another order of the best; those that the reranker may not be shown stay in place.

        Raises:
            BadAnswer: it names a hit that was not offered, or one twice.
        """
        best = enumerate(hits[: reranker.offered])
        places = [place for place, hit in best if self._steps.shows(hit.cube, reranker)]
        if len(places) < 2:
            return hits
        order = reranker.order(query, [memory_line(hits[place].cube) for place in places])
        if len(set(order)) < len(order) or not set(order) <= set(range(len(places))):
            message = f"the reranker ordered {len(places)} hits as {order[:20]}"
            raise BadAnswer(message, hint="search without it: rerank='none'")
        return reordered(hits, places, order)


def _recalled(
    query: str, k: int, find: Callable[[str, int], list[Hit]], rewriter: Rewriter
) -> list[Hit]:
    """The best ``k`` hits of a question and its other wordings."""
    asked, *further = [find(one, k) for one in (query, *_usable(rewriter.rewrite(query)))]
    return merged(asked, further)[:k]


def _usable(wordings: Sequence[object]) -> list[str]:
    """The first few that can be searched for."""
    usable: list[str] = []
    for one in wordings[:_WORDINGS]:
        with suppress(BadInput):
            usable.append(checked_text(one, "a wording", most=_LONGEST))
    return usable
