"""Cutting a text into events where the model is surprised: EM-LLM's segmenter.

Fountas et al., "Human-inspired Episodic Memory for Infinite Context LLMs" (arXiv 2407.09450).
A new event begins at a token whose surprise ``s = -log p`` stands out from the tokens before it:
``s > mean + gamma * deviation`` over a window. Then each border is put where the two events that it
parts hold together best: where the graph of similarities between keys has the highest modularity,
or the least conductance.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np

from memos.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

Measure = Literal["modularity", "conductance"]


@dataclass(frozen=True, slots=True)
class Events:
    """How a text is cut by surprise."""

    gamma: float = 1.0
    """By how many standard deviations surprise must stand out: more gives fewer events."""
    window: int = 64
    """Over how many tokens before a token the mean and the deviation are taken."""
    least: int = 8
    """An event has at least so many tokens."""
    most: int = 128
    """An event has at most so many tokens."""

    def starts(self, surprise: NDArray[np.float32]) -> list[int]:
        """Where events begin: 0, and then each token that is surprising.

        Of two that are nearer than ``least``, the more surprising one counts. Where nothing
        surprises for ``most`` tokens, an event begins all the same.

        Args:
            surprise: [T], the negative logarithm of what each token was held likely.

        Raises:
            BadInput: the settings contradict each other.
        """
        if not 0 < self.least <= self.most or self.window < 2:
            raise BadInput(f"events of {self.least} to {self.most} tokens, window {self.window}")
        starts = [0]
        for place in range(self.least, len(surprise) - self.least + 1):
            near = place - starts[-1] < self.least
            if place - starts[-1] >= self.most:
                starts.append(place)
            elif not self._stands_out(surprise, place):
                continue
            elif not near:
                starts.append(place)
            elif len(starts) > 1 and surprise[place] > surprise[starts[-1]]:
                starts[-1] = place
        return starts

    def _stands_out(self, surprise: NDArray[np.float32], place: int) -> bool:
        before = surprise[max(0, place - self.window) : place]
        return bool(surprise[place] > before.mean() + self.gamma * before.std())


def refined(
    starts: Sequence[int],
    similarity: NDArray[np.float32],
    *,
    measure: Measure = "modularity",
    least: int = 1,
) -> list[int]:
    """Each border put where its two events hold together best; one after the other, from the front.

    Args:
        starts: where events begin, the first at 0.
        similarity: [T, T], not negative and symmetric: how alike the keys of two tokens are.
        measure: of which the best place is looked for.
        least: an event keeps at least so many tokens.
    """
    best = {"modularity": _modularity, "conductance": lambda graph, cut: -_conductance(graph, cut)}
    if measure not in best:
        raise BadInput(
            f"no events are refined by {measure!r}", hint=f"pass one of {', '.join(best)}"
        )
    found = list(starts)
    for number in range(1, len(found)):
        start = found[number - 1]
        end = found[number + 1] if number + 1 < len(found) else len(similarity)
        found[number] = start + _cut(similarity[start:end, start:end], best[measure], least)
    return found


def key_similarity(keys: NDArray[np.float32]) -> NDArray[np.float32]:
    """[T, T]: the mean cosine of keys over all layers and heads, less what all have in common.

    Args:
        keys: [layers, T, heads, width], brought to one position: a rotation is no likeness.
    """
    centred = keys - keys.mean(axis=1, keepdims=True)
    units = centred / np.maximum(np.linalg.norm(centred, axis=-1, keepdims=True), 1e-9)
    flat = units.transpose(1, 0, 2, 3).reshape(units.shape[1], -1)
    alike = flat @ flat.T / (units.shape[0] * units.shape[2])
    np.fill_diagonal(alike, 0)  # a token's likeness to itself says nothing
    return np.asarray(np.maximum(alike, 0), np.float32)


def spans(starts: Sequence[int], tokens: int) -> list[tuple[int, int]]:
    """From where to where each event reaches."""
    return list(pairwise([*starts, tokens]))


def _cut(
    graph: NDArray[np.float32], worth: Callable[[NDArray[np.float32], int], float], least: int
) -> int:
    """Where to cut tokens in two."""
    places = range(least, len(graph) - least + 1)
    return max(places, key=lambda cut: worth(graph, cut), default=len(graph) // 2)


def _modularity(graph: NDArray[np.float32], cut: int) -> float:
    """Of two communities: links inside, less what there would be by chance."""
    whole = float(graph.sum()) or 1.0
    one, other = float(graph[:cut].sum()), float(graph[cut:].sum())
    inside = float(graph[:cut, :cut].sum() + graph[cut:, cut:].sum())
    return inside / whole - (one**2 + other**2) / whole**2


def _conductance(graph: NDArray[np.float32], cut: int) -> float:
    """Links between the two, by those of the lesser one."""
    between = float(graph[:cut, cut:].sum())
    least = min(float(graph[:cut].sum()), float(graph[cut:].sum()))
    return between / least if least else 1.0
