"""Attention states put one behind another, in whatever order, and mended where it matters.

    made    prefix | A          prefix | B          prefix | C      each behind the same prefix
    put     prefix | A | C, moved | B, moved                        keys turned to new positions
    mended  prefix | A | c.c..... | .b.b....                        some tokens computed anew

A state that was made alone knows nothing of what now stands before it. The first segment stands
where it was made and is exact. Of the others a fraction of the tokens is computed anew, in one pass
through the model in which they see each other and everything before them; their keys and values
take the places of the old ones. All of them computed anew is a full prefill: that is how this code
is tested. Which tokens deserve it:

``deviation``
    Yao et al., "CacheBlend" (arXiv 2405.16444): all tokens go through the first layers, and those
    with the largest ``sum((v_new - v_old)^2)`` are taken. What these layers then hold is exact, and
    kept.
``first``
    Hu et al., "EPIC" (arXiv 2410.15332), its LegoLink: the first tokens of each segment. A segment
    that was read alone holds much attention on its beginning, which is no beginning any more. It
    costs no pass to choose them.
``both``
    Half of them so, and half of them so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from memos.errors import BadInput
from memos.models.decode import with_cache
from memos.models.kv_reading import mask_of, read, require_full_attention
from memos.models.kv_rotation import rope_of, rotated
from memos.models.kv_state import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from memos.models.kv_rotation import Rope

Choice = Literal["deviation", "first", "both"]


@dataclass(frozen=True, slots=True)
class Segment:
    """Tokens that were read behind the shared prefix, and what they left."""

    tokens: tuple[int, ...]
    state: State
    """Of these tokens alone; never written to."""
    at: int
    """The position at which the first of them was read: the prefix's length, as a rule."""


@dataclass(frozen=True, slots=True)
class Composed:
    """A state of the whole sequence, approximate unless all of it was computed anew."""

    state: State
    """The prefix's tokens, then those of each segment: memory of its own."""
    recomputed: tuple[int, ...]
    """The positions of the tokens that went through the whole model, ascending."""
    deviation: torch.Tensor | None
    """[positions], float32: how far each token's values were from what they ought to be in the
    layer at which that was looked at, squared, by the old values' mean square; zero for what is
    exact. None where nobody looked."""
    work: float
    """The layers that tokens went through, as a share of a full prefill of all segments."""


def segment(model: Any, prefix: State, tokens: Sequence[int]) -> Segment:
    """Read ``tokens`` behind ``prefix``, as a segment that can be composed."""
    return Segment(tuple(tokens), read(model, tokens, prefix).state, prefix.tokens)


def compose(
    model: Any,
    prefix: State,
    segments: Sequence[Segment],
    *,
    recompute: float = 0.5,
    choose: Choice = "deviation",
    look_at: int = 1,
    rope: Rope | None = None,
) -> Composed:
    """Put ``segments`` behind ``prefix``, in this order.

    Args:
        model: the causal model of transformers that all states are of.
        prefix: what all segments were read behind, from position 0 on; at least one token.
        segments: not written to.
        recompute: which share of the tokens that are not exact is computed anew: 0 is free, 1 is
            as dear and as exact as a full prefill. What each share is worth was measured: see
            docs/decisions/0029-composed-mode.md.
        choose: by what these tokens are chosen.
        look_at: the layer, from 0, whose values tell the deviation. The passes up to there are paid
            for all tokens; layer 0 tells nothing, since its values depend on the token alone.
        rope: from :func:`memos.models.kv_rotation.rope_of`, where it is known already.

    Raises:
        BadInput: a share, choice or layer that does not exist, or states that do not go together.
        NotSupported: keys of this model cannot be moved.
    """
    _check_settings(prefix.keys.shape[0], recompute, choose, look_at)
    _check_states(prefix, segments)
    length = prefix.tokens + sum(len(one.tokens) for one in segments)
    require_full_attention(model, length)
    moved = _moved(prefix, segments, rope or rope_of(model))
    work = _Work(model, moved, _ids(model, prefix, segments))
    parts = _inexact(prefix, segments)
    quota = math.ceil(recompute * sum(end - start for start, end in parts))
    exact = _full(parts, quota)
    looks = quota > 0 and choose != "first" and not exact
    deviation = work.look([p for part in parts for p in range(*part)], look_at) if looks else None
    places = _chosen(parts, quota, choose, deviation)
    work.refresh(places)
    return Composed(moved, tuple(places), deviation, work.share(length - prefix.tokens))


def put_together(prefix: State, segments: Sequence[Segment], rope: Rope) -> State:
    """The segments behind the prefix with their keys moved, and nothing computed anew."""
    _check_states(prefix, segments)
    return _moved(prefix, segments, rope)


def refreshed(
    model: Any, state: State, tokens: Sequence[int], places: Sequence[int], *, first: int = 0
) -> State:
    """A copy of ``state`` in which the tokens at ``places`` are computed anew, in one pass.

    Args:
        model: whose state it is.
        state: of a whole sequence, from position 0 on.
        tokens: the ids from position ``first`` on, to the end of ``state``.
        places: positions, ascending, none before ``first``.
        first: so many tokens at the beginning have no id.
    """
    import torch

    copy = State(state.keys.clone(), state.values.clone())
    ids = torch.tensor([0] * first + list(tokens), device=model.device)
    _Work(model, copy, ids).refresh(places)
    return copy


class _Enough(Exception):
    """Ends a pass that went far enough; it is no error, and leaves this module never."""


class _Work:
    """Passes of some tokens of a sequence through a model, into the sequence's own state."""

    def __init__(self, model: Any, state: State, ids: torch.Tensor) -> None:
        self._model, self._state, self._ids = model, state, ids
        self._passed = 0

    def refresh(self, places: Sequence[int]) -> None:
        """Compute the tokens at ``places`` anew, in all layers."""
        if places:
            self._pass(places, None)
            self._passed += len(places) * self._state.keys.shape[0]

    def look(self, places: Sequence[int], layer: int) -> torch.Tensor:
        """The deviation [positions] of values in ``layer``; up to there all are computed anew."""
        import torch

        old = self._state.values[layer].float().clone()
        self._pass(places, layer)
        self._passed += len(places) * layer
        gap = (self._state.values[layer].float() - old).square().sum(dim=(1, 2))
        deviation = torch.zeros_like(gap)
        deviation[list(places)] = gap[list(places)]
        return deviation / old.square().sum(dim=(1, 2)).mean()

    def share(self, tokens: int) -> float:
        """What was done, as a share of what reading ``tokens`` tokens takes."""
        return self._passed / max(1, tokens * self._state.keys.shape[0])

    def _pass(self, places: Sequence[int], last: int | None) -> None:
        import torch

        at = torch.tensor(list(places), device=self._model.device)
        everywhere = torch.arange(self._state.tokens, device=at.device)
        inputs = {
            "input_ids": self._ids[at][None],
            "position_ids": at[None],
            "attention_mask": mask_of(everywhere > at[:, None], self._model.dtype),
        }
        cache = _scattering(self._state, at, last)
        with torch.no_grad():
            try:
                # the head is not wanted: the base model alone
                _base(self._model)(**inputs, **with_cache(_base(self._model), cache))
            except _Enough:
                return


def _base(model: Any) -> Any:
    return getattr(model, model.base_model_prefix, model)


def _scattering(state: State, places: torch.Tensor, last: int | None) -> Any:
    """A cache whose layers write at ``places`` of ``state``, and end the pass after ``last``."""
    from transformers.cache_utils import Cache, DynamicLayer

    class Scattering(DynamicLayer):  # type: ignore[misc]
        """One layer: views on the state, [1, heads, T, width], written to in place."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.keys = state.keys[number].transpose(0, 1)[None]
            self.values = state.values[number].transpose(0, 1)[None]
            self.is_initialized = True
            self._ends = number == last

        def update(
            self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any
        ) -> tuple[torch.Tensor, torch.Tensor]:
            self.keys[:, :, places] = key_states
            self.values[:, :, places] = value_states
            if self._ends:
                raise _Enough
            return self.keys, self.values

    return Cache(layers=[Scattering(number) for number in range(state.keys.shape[0])])


def _moved(prefix: State, segments: Sequence[Segment], rope: Rope) -> State:
    """One behind another, in new memory."""
    import torch

    keys, values, at = [prefix.keys], [prefix.values], prefix.tokens
    for one in segments:
        by = at - one.at
        keys.append(rotated(one.state.keys, by, rope) if by else one.state.keys)
        values.append(one.state.values)
        at += len(one.tokens)
    with torch.no_grad():
        return State(torch.cat(keys, dim=1), torch.cat(values, dim=1))


def _ids(model: Any, prefix: State, segments: Sequence[Segment]) -> torch.Tensor:
    """The token at each position; what the prefix's are is not known, and not asked."""
    import torch

    told = [token for one in segments for token in one.tokens]
    return torch.tensor([0] * prefix.tokens + told, device=model.device)


def _inexact(prefix: State, segments: Sequence[Segment]) -> list[tuple[int, int]]:
    """From where to where each segment reaches that does not stand where it was made."""
    parts, start = [], prefix.tokens
    for number, one in enumerate(segments):
        end = start + len(one.tokens)
        if number > 0 or one.at != start:
            parts.append((start, end))
        start = end
    return parts


def _full(parts: Sequence[tuple[int, int]], quota: int) -> bool:
    return quota == sum(end - start for start, end in parts)


def _chosen(
    parts: Sequence[tuple[int, int]], quota: int, choose: Choice, deviation: torch.Tensor | None
) -> list[int]:
    """The ``quota`` positions that are computed anew, ascending."""
    if deviation is None:
        return sorted(first_of_each(parts, quota))
    taken = first_of_each(parts, quota // 2) if choose == "both" else set()
    order = deviation.argsort(descending=True, stable=True).tolist()
    inside = {place for part in parts for place in range(*part)}
    rest = [place for place in order if place in inside and place not in taken]
    return sorted([*taken, *rest[: quota - len(taken)]])


def first_of_each(parts: Sequence[tuple[int, int]], quota: int) -> set[int]:
    """``quota`` positions: the first of each part, then the second of each, and so on."""
    longest = max((end - start for start, end in parts), default=0)
    rounds = (start + n for n in range(longest) for start, end in parts if start + n < end)
    return {place for _, place in zip(range(quota), rounds, strict=False)}


def _check_settings(layers: int, recompute: float, choose: str, look_at: int) -> None:
    if not 0 <= recompute <= 1:
        raise BadInput(f"recompute is {recompute}", hint="pass a share from 0 to 1")
    if choose not in get_args(Choice):
        names = ", ".join(get_args(Choice))
        raise BadInput(f"no tokens are chosen by {choose!r}", hint=f"pass one of {names}")
    if not 0 < look_at < layers:
        raise BadInput(f"no deviation is seen in layer {look_at}", hint=f"pass 1 to {layers - 1}")


def _check_states(prefix: State, segments: Sequence[Segment]) -> None:
    if prefix.tokens == 0:
        raise BadInput(
            "there is no prefix that the segments share",
            hint="read them behind at least one token: it takes the attention a beginning draws",
        )
    for number, one in enumerate(segments):
        if one.state.tokens != len(one.tokens) or one.at < 0:
            raise BadInput(
                f"segment {number} has {len(one.tokens)} tokens, its state {one.state.tokens},"
                f" from position {one.at} on"
            )
        if _form(one.state) != _form(prefix):
            raise BadInput(
                f"segment {number} is of another model than the prefix:"
                f" {_form(one.state)}, not {_form(prefix)}"
            )


def _form(state: State) -> tuple[object, ...]:
    k, v = state.keys, state.values
    return (k.shape[0], *k.shape[2:], *v.shape[2:], k.dtype, k.device)
