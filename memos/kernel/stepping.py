"""The optional steps around a search: other wordings before, another order after.

    question --rewriter--> wordings --finder--> hits of each --merged--> one ranking
    ranking --shown--> as the principal sees it --reranker--> another order --> the best k

Neither step can make a hit of what the finder did not admit, for neither sees more than that.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from memos.errors import BadAnswer, BadInput
from memos.kernel.arguments import read_step
from memos.kernel.handle import Handle
from memos.kinds.drafts import checked_text
from memos.kinds.prompt import memory_line
from memos.retrieval.merging import merged, reordered
from memos.retrieval.spans import distinct

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from memos.ports.steps import Reranker, Rewriter
    from memos.retrieval.hit import Hit


_WORDINGS = 8
"""Further wordings that are searched for."""
_LONGEST = 1_000
"""Characters of one of them."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which optional steps a search takes, by name; None for those that the settings name."""

    rewriter: str | None = None
    reranker: str | None = None

    @classmethod
    def read(cls, rewrite: object, rerank: object) -> Self:
        """What a caller names.

        Raises:
            BadInput: that is no name.
        """
        return cls(read_step(rewrite, "rewrite"), read_step(rerank, "rerank"))

    def require_none(self) -> None:
        """For a search that takes no steps, whatever the settings say.

        Raises:
            BadInput: one is named.
        """
        for what, name in (("rewrite", self.rewriter), ("rerank", self.reranker)):
            if name not in {None, "none"}:
                hint = f"the past is searched as it is: leave {what} out"
                raise BadInput(f"known_at and {what}={name!r} exclude each other", hint=hint)


USUAL = Choice()
"""As the settings say."""


class Stepping(Handle):
    """What a search does with its optional steps."""

    def _worded(
        self, query: str, most: int, find: Callable[[str, int], list[Hit]], rewriter: Rewriter
    ) -> list[Hit]:
        """The best hits of a question and its other wordings, and no passage twice."""
        asked, *further = [find(one, most) for one in (query, *_usable(rewriter.rewrite(query)))]
        hits = merged(asked, further)
        kept = {cube.id for cube in distinct(hit.cube for hit in hits)}
        return [hit for hit in hits if hit.cube.id in kept][:most]

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


def _usable(wordings: Sequence[object]) -> list[str]:
    """The first few that can be searched for."""
    usable: list[str] = []
    for one in wordings[:_WORDINGS]:
        with suppress(BadInput):
            usable.append(checked_text(one, "a wording", most=_LONGEST))
    return usable
