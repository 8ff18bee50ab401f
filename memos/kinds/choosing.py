"""Which KV cubes can serve a question: pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.cube import Activation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memos.cube import Fingerprint, MemCube


def fitting_states(
    hits: Sequence[MemCube], states: Sequence[MemCube], model: Fingerprint
) -> list[MemCube]:
    """The KV cubes that spare the model reading, the one that spares it the most first.

    One fits where it was made for the model, and from some of the hits alone: whatever else it
    held would stand in the prompt unasked.

    Args:
        hits: plaintext cubes that the question is answered with.
        states: KV cubes.
        model: the one that answers.
    """
    there = {cube.id for cube in hits}
    fitting = [
        (state.payload.tokens, state.id, state)
        for state in states
        if isinstance(state.payload, Activation)
        and not state.payload.model.differs(model)
        and there.issuperset(one.id for one in state.provenance.parents)
    ]
    return [state for *_, state in sorted(fitting, key=lambda each: each[:2], reverse=True)]
