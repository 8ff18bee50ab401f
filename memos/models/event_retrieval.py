"""Finding events again: those that answer a query, and those that were beside them.

Fountas et al., "Human-inspired Episodic Memory for Infinite Context LLMs" (arXiv 2407.09450), its
two-stage retrieval, for each layer and head by itself. Each event is represented by the tokens in
it that had most attention; the events whose representatives are most like a query fill the
*similarity buffer*. Their neighbours in the text go through the *contiguity buffer*, a queue from
which the oldest drops out: who remembers an event, soon remembers what came next.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memos.models.events import spans
from memos.ports.pruning import Kept, Known, best, budget_of, told

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from numpy.typing import NDArray

Queue = tuple[int, ...]
"""Numbers of events, the oldest first."""


@dataclass(frozen=True, slots=True)
class Recalled:
    """What a query brings back."""

    similar: tuple[int, ...]
    """The events that are most like it, the best first."""
    contiguous: Queue
    """Events beside those that were recalled lately; none of ``similar``. Passed on to the next
    query."""

    @property
    def events(self) -> tuple[int, ...]:
        """All that is recalled."""
        return (*self.similar, *self.contiguous)


def recalled(
    likeness: NDArray[np.float32],
    queue: Queue = (),
    *,
    count: int,
    contiguity: float = 0.3,
    reach: int = 1,
) -> Recalled:
    """Which ``count`` events a query brings back.

    Args:
        likeness: [events]: how like the query each is.
        queue: what the last query left in the contiguity buffer.
        count: how many events there is room for, in both buffers.
        contiguity: which part of the room the contiguity buffer has.
        reach: how far a neighbour may be, in events.
    """
    room = round(contiguity * count)
    similar = tuple(best(likeness, min(count - room, len(likeness))).tolist())
    beside = [
        event + step
        for event in reversed(similar)  # the best comes last, and drops out last
        for step in (*range(-reach, 0), *range(reach, 0, -1))
        if 0 <= event + step < len(likeness)
    ]
    lately = [event for event in (*queue, *beside) if event not in similar]
    # a neighbour that is named again is new again
    fresh = dict.fromkeys(reversed(lately))
    kept = [event for event, _ in zip(fresh, range(room), strict=False)]
    return Recalled(similar, tuple(reversed(kept)))


def representatives(
    attention: NDArray[np.float32], events: Sequence[tuple[int, int]], *, count: int
) -> list[NDArray[np.int64]]:
    """For each event the places of the tokens in it that had most attention.

    Args:
        attention: [T], in one layer and head.
        events: from where to where each reaches.
        count: how many represent an event.
    """
    return [start + best(attention[start:end], min(count, end - start)) for start, end in events]


def likeness(
    query: NDArray[np.float32], keys: NDArray[np.float32], places: Sequence[NDArray[np.int64]]
) -> NDArray[np.float32]:
    """[events]: the most attention that any query would pay to an event's representatives.

    As if there were nothing but representatives: what a query has in common with all of them says
    nothing, and is gone in the softmax.

    Args:
        query: [queries, width]: the tokens of a question, and the heads that share a key head.
        keys: [T, width], of one layer and head, brought to one position: nearness is no likeness.
        places: of the representatives of each event.
    """
    scores = query @ keys[np.concatenate(places)].T
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    begins = np.cumsum([0, *(len(where) for where in places[:-1])])
    return np.asarray(np.add.reduceat(weights, begins, axis=1).max(axis=0), np.float32)


@dataclass(frozen=True, slots=True)
class EventRetrieval:
    """Keeps, for each layer and head, the events that a question brings back.

    It needs to know the question, so it chooses what is loaded for it and not what is stored. Its
    keys are to be brought to one position, the one at which the question begins: see
    :func:`memos.models.kv_rotation.rotated`. The first tokens are always kept (arXiv 2309.17453),
    and so are the newest.
    """

    starts: tuple[int, ...]
    """Where events begin."""
    first: int = 4
    newest: int = 16
    count: int = 8
    """How many tokens represent an event; the paper takes 4, which is few for narrow keys."""
    contiguity: float = 0.3
    """Which part of the room the neighbours of similar events have."""

    @property
    def needs(self) -> AbstractSet[str]:
        """Keys, the queries of the question, and attention for the representatives."""
        return frozenset({"keys", "queries", "attention"})

    def keep(self, known: Known, share: float) -> Kept:
        """As many tokens in each layer and head; the last event that is recalled may be cut."""
        keys, queries = told(known.keys, "keys"), told(known.queries, "queries")
        attention = told(known.attention, "attention")
        layers, _, heads, _ = keys.shape
        budget = budget_of(share, known.tokens)
        chosen = [
            [
                self._tokens(
                    queries[layer, :, head].reshape(-1, keys.shape[-1]),
                    keys[layer, :, head],
                    attention[layer, head],
                    budget,
                )
                for head in range(heads)
            ]
            for layer in range(layers)
        ]
        return Kept(np.array(chosen, np.int64))

    def _tokens(
        self,
        query: NDArray[np.float32],
        keys: NDArray[np.float32],
        attention: NDArray[np.float32],
        budget: int,
    ) -> list[int]:
        """The places of ``budget`` tokens, ascending."""
        tokens = len(keys)
        always = [*range(min(self.first, tokens)), *reversed(range(tokens - self.newest, tokens))]
        events = [(max(a, self.first), b) for a, b in spans(self.starts, tokens) if b > self.first]
        if budget <= len(always) or not events:
            return sorted([*always, *reversed(range(tokens))][:budget])
        alike = likeness(query, keys, representatives(attention, events, count=self.count))
        room = max(1, round((budget - len(always)) * len(events) / tokens))
        found = recalled(alike, count=min(room, len(events)), contiguity=self.contiguity)
        rest = [event for event in best(alike, len(events)).tolist() if event not in found.events]
        order = [*always, *(t for e in (*found.events, *rest) for t in range(*events[e]))]
        return sorted(list(dict.fromkeys(order))[:budget])
