"""Parts of a prompt that were read alone, each from its blocks, as one attention state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memos.models.kv_compose import Segment, compose
from memos.models.kv_state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from memos.models.kv_session import Session


@dataclass(frozen=True, slots=True)
class Joined:
    """The attention state of a prompt up to its question."""

    state: State
    computed: int
    """How many tokens were computed, for the first time or anew."""
    blocks: tuple[tuple[str, ...], ...]
    """Of each part, the names of the blocks that it lies in, its beginning's included."""


class Joiner:
    """Joins the parts of prompts of one model.

    Args:
        model: the causal model.
        read: opens and reads a text up to the last of two cuts under a salt: its session, and the
            names of its blocks; the caller closes the session.
    """

    def __init__(
        self,
        model: Any,
        read: Callable[[Sequence[int], Sequence[int], str], tuple[Session, tuple[str, ...]]],
    ) -> None:
        self._model, self._read = model, read

    def join(
        self, tokens: Sequence[int], cuts: Sequence[int], salts: Sequence[str], recompute: float
    ) -> Joined:
        """The state of ``tokens`` up to the last cut; the first ends what all parts begin with."""
        head, segments, blocks, computed = tokens[: cuts[0]], [], [], 0
        prefix: State | None = None
        for start, end, salt in zip(cuts, cuts[1:], salts, strict=False):
            part = tokens[start:end]
            session, names = self._read([*head, *part], (len(head), len(head) + len(part)), salt)
            with session:
                whole = _read_off(session)
                computed += whole.tokens - session.reused
            prefix = _slice(whole, 0, len(head)) if prefix is None else prefix
            made = _slice(whole, len(head), whole.tokens)
            segments.append(Segment(tuple(part), made, len(head)))
            blocks.append(names)
        if prefix is None:
            raise ValueError("there are no parts to join")
        composed = compose(self._model, prefix, segments, recompute=recompute)
        return Joined(composed.state, computed + len(composed.recomputed), tuple(blocks))


def _read_off(session: Session) -> State:
    """What lies in a session's pages, in memory of its own."""
    import torch

    slab = session.pages.slab
    states = [slab.state(page, tokens) for page, tokens in session.pages.all()]
    if session.wait is not None:
        for layer in range(slab.layout.layers):
            session.wait(layer)
    keys = torch.cat([state.keys for state in states], dim=1)
    return State(keys, torch.cat([state.values for state in states], dim=1))


def _slice(state: State, start: int, end: int) -> State:
    return State(state.keys[:, start:end], state.values[:, start:end])
