"""Keys and values that stand before a text, for some rows of a batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import torch

ARGUMENT = "memos_before"
"""The argument by which :class:`Before` passes through a model to its attention."""


@dataclass(frozen=True, slots=True)
class Before:
    """What some rows of a batch attend to besides their text."""

    rows: torch.Tensor | None
    """Which; None for all, of which all attend to the same."""
    keys: torch.Tensor
    """[layers, rows, heads, T, width]."""
    values: torch.Tensor
    seen: torch.Tensor
    """[rows, T]: true where a row has as many tokens before it."""

    def attend(
        self,
        attention: Callable[..., torch.Tensor],
        layer: int,
        given: tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor | None],
    ) -> torch.Tensor:
        """What ``attention`` gives; for the rows, of a text with more before it.

        Args:
            attention: of query, key, value and mask: [rows, S, heads, width].
            layer: its number.
            given: query, key and value [rows, heads, T, width], and the mask.
        """
        query, key, value, mask = given
        seen = _seen(mask, query.shape[2], key)
        if self.rows is None:
            return attention(query, *self._behind(layer, key, value, seen))
        usual = attention(query, key, value, mask)
        if seen is not None and len(seen) > 1:
            seen = seen[self.rows]
        rest = self._behind(layer, key[self.rows], value[self.rows], seen)
        # rows with nothing before them keep what they had, to the last bit
        return usual.index_copy(0, self.rows, attention(query[self.rows], *rest))

    def _behind(
        self, layer: int, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """Key, value and mask with what stands before them."""
        import torch

        count = len(key)
        keys, values = self.keys[layer].to(key.dtype), self.values[layer].to(value.dtype)
        key = torch.cat([keys.expand(count, -1, -1, -1), key], dim=2)
        value = torch.cat([values.expand(count, -1, -1, -1), value], dim=2)
        if mask is None:
            if bool(self.seen.all()):
                return key, value, None
            mask = self.seen.new_ones(1, 1, 1, key.shape[2] - self.seen.shape[1])
        mask = mask.expand(count, -1, -1, -1)
        seen = self.seen[:, None, None].expand(count, -1, mask.shape[2], -1)
        if mask.dtype != torch.bool:
            lowest = torch.finfo(mask.dtype).min
            seen = mask.new_zeros(seen.shape).masked_fill(~seen, lowest)
        return key, value, torch.cat([seen, mask], dim=-1)


def standing_before(
    rows: Sequence[int] | None, states: Sequence[tuple[torch.Tensor, torch.Tensor]]
) -> Before:
    """Of keys and values [layers, T, heads, width] one for each row; shorter ones are padded."""
    import torch

    lengths = [keys.shape[1] for keys, _ in states]
    keys, values = (
        torch.stack([_padded(state[part], max(lengths)) for state in states], dim=1)
        for part in (0, 1)
    )
    device = keys.device
    seen = torch.arange(max(lengths), device=device) < torch.tensor(lengths, device=device)[:, None]
    places = None if rows is None else torch.tensor(rows, device=device)
    return Before(places, keys, values, seen)


def putting_before(before: Callable[[], Before]) -> Callable[..., Any]:
    """A hook before a model: its texts stand behind what ``before`` gives."""

    def put(_: Any, positional: tuple[Any, ...], given: dict[str, Any]) -> Any:
        now = before()
        positions = _positions(given)
        far = now.seen.sum(1)
        if now.rows is None:
            moved = positions + far[:, None]
        else:
            rows = _tokens(given).shape[0]
            moved = positions.expand(rows, -1).index_add(
                0, now.rows, far[:, None].expand(-1, positions.shape[1])
            )
        return positional, {**given, "position_ids": moved, ARGUMENT: now}

    return put


def _positions(given: dict[str, Any]) -> torch.Tensor:
    """[rows or 1, S]: where the tokens stand, if nothing is before them."""
    import torch

    told: torch.Tensor | None = given.get("position_ids")
    if told is not None:
        return told
    cache = given.get("cache", given.get("past_key_values"))
    start = 0 if cache is None else int(cache.get_seq_length())
    tokens = _tokens(given)
    return torch.arange(start, start + tokens.shape[1], device=tokens.device)[None]


def _tokens(given: dict[str, Any]) -> torch.Tensor:
    told: torch.Tensor | None = given.get("input_ids")
    return given["inputs_embeds"] if told is None else told


def _seen(mask: torch.Tensor | None, queries: int, key: torch.Tensor) -> torch.Tensor | None:
    """The mask, also of texts in which every token sees those before it; None for one token."""
    import torch

    if mask is not None or queries == 1:
        return mask
    keys = key.shape[2]
    seen = torch.ones(queries, keys, dtype=torch.bool, device=key.device)
    return seen.tril(keys - queries)[None, None]


def _padded(state: torch.Tensor, length: int) -> torch.Tensor:
    """[heads, T, width] of each layer, as attention wants it."""
    import torch

    missing = length - state.shape[1]
    turned = state.transpose(1, 2)
    return torch.nn.functional.pad(turned, (0, 0, 0, missing)) if missing else turned
