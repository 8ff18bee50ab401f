"""Trained attention prefixes: made-up keys and values that stand before every text.

Prefix tuning (Li and Liang, 2021, arXiv 2101.00190) trains the keys and values of a few tokens that
never were. A *cartridge* (Eyuboglu et al., 2025, arXiv 2506.06266) begins as the attention state of
what is to be learnt, and the first token's stays as the model made it: the model keeps attending to
it when it has nothing to attend to, so training it is unstable.

A prefix is worn as attention state is: the positions of a text are moved behind it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from memos.cube import Prefix
from memos.errors import BadInput, CorruptionError, NotSupported
from memos.models.adapter_wire import Packet, require_float
from memos.models.attention_before import putting_before, standing_before
from memos.models.hooks import Hook, hooked
from memos.models.kv_attention import NAME
from memos.models.kv_reading import read as read_text
from memos.models.trainee import AtOnce

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    import torch

    from memos.models.lesson import Lesson
    from memos.ports.runtime import Recipe

_MOST = 256
"""So many tokens at most, where the recipe does not say."""


@dataclass(frozen=True, slots=True)
class LoadedPrefix:
    """Keys and values that stand before a text."""

    adapter: Prefix
    keys: torch.Tensor
    """[layers, tokens, heads, width], as are the values."""
    values: torch.Tensor

    @property
    def ahead(self) -> int:
        """How many tokens stand before a text."""
        return self.adapter.tokens

    def packet(self) -> Packet:
        """What its bytes are made of."""
        shape = {"tokens": self.adapter.tokens, "layers": self.adapter.layers}
        return Packet("prefix", shape, _named(self.keys, self.values))


@dataclass(frozen=True, slots=True)
class PrefixTrainee(AtOnce):
    """A prefix in training: all but its first token."""

    sink: tuple[torch.Tensor, torch.Tensor]
    """Keys and values of the first token; of none where there is but one."""
    weights: list[torch.Tensor]
    """Keys and values of the others."""
    stages: Sequence[range]
    first: int = field(default=0, init=False)

    @property
    def prefix(self) -> LoadedPrefix:
        """What it is now."""
        import torch

        keys, values = (
            torch.cat(pair, dim=1) for pair in zip(self.sink, self.weights, strict=True)
        )
        return _loaded(keys, values)

    @property
    def adapter(self) -> Prefix:
        """Its shape."""
        return self.prefix.adapter

    def worn(self, model: Any) -> AbstractContextManager[None]:
        """Put it on a model; afterwards the model is as it was."""

        def before() -> Any:
            prefix = self.prefix
            return standing_before(None, [(prefix.keys, prefix.values)])

        return hooked([Hook(model, putting_before(before), before=True)])

    def packet(self) -> Packet:
        """What its bytes are made of."""
        return self.prefix.packet()


def trainee(model: Any, lesson: Lesson, recipe: Recipe) -> PrefixTrainee:
    """A prefix to be trained: the attention state of what is to be learnt.

    Raises:
        BadInput: the recipe's number of tokens is none.
        NotSupported: the model's attention cannot be given more than its text.
    """
    if recipe.tokens < 0:
        raise BadInput(f"a prefix of {recipe.tokens} tokens", hint="0 for as many as suit")
    _require_open(model)
    state = read_text(model, lesson.told[: recipe.tokens or _MOST]).state
    sinks = min(1, state.tokens - 1)
    keys, values = state.keys.float(), state.values.float()
    sink = keys[:, :sinks].clone(), values[:, :sinks].clone()
    weights = [part[:, sinks:].clone().requires_grad_() for part in (keys, values)]
    return PrefixTrainee(sink, weights, [range(len(lesson.examples))])


def read(packet: Packet, model: Any) -> LoadedPrefix:
    """The prefix that :meth:`LoadedPrefix.packet` gave.

    Raises:
        CorruptionError: it does not fit the model.
        NotSupported: the model's attention cannot be given more than its text.
    """
    import torch

    tokens, layers = packet.number("tokens"), packet.number("layers")
    if layers != model.config.get_text_config().num_hidden_layers:
        raise CorruptionError(f"the prefix is of {layers} layers, which the model has not")
    _require_open(model)
    heads, width = _heads(model)
    names = {f"layers.{n}.{part}" for n in range(layers) for part in ("key", "value")}
    if set(packet.tensors) != names:
        odd = min(names ^ set(packet.tensors))
        raise CorruptionError(f"the prefix has {odd} too much or too little")
    for name in names:
        require_float(name, packet.tensors[name], (tokens, heads, width))
    keys, values = (
        torch.stack([packet.tensors[f"layers.{n}.{part}"] for n in range(layers)])
        for part in ("key", "value")
    )
    return _loaded(keys, values)


def hooks(model: Any, rows: Sequence[int] | None, prefixes: Sequence[LoadedPrefix]) -> list[Hook]:
    """By which each of some rows stands behind its prefix; without rows, all behind the only."""
    before = standing_before(rows, [(prefix.keys, prefix.values) for prefix in prefixes])
    return [Hook(model, putting_before(lambda: before), before=True)]


def _loaded(keys: torch.Tensor, values: torch.Tensor) -> LoadedPrefix:
    layers, tokens = keys.shape[:2]
    parameters = keys.numel() + values.numel()
    return LoadedPrefix(Prefix(tokens=tokens, layers=layers, parameters=parameters), keys, values)


def _named(keys: torch.Tensor, values: torch.Tensor) -> Mapping[str, torch.Tensor]:
    named = {f"layers.{n}.key": layer for n, layer in enumerate(keys)}
    return {**named, **{f"layers.{n}.value": layer for n, layer in enumerate(values)}}


def _require_open(model: Any) -> None:
    if str(model.config._attn_implementation) != NAME:  # noqa: SLF001 - no other name for it
        raise NotSupported(
            f"the attention of {model.config.model_type} cannot be given a prefix",
            hint="train a LoRA, or use a model that takes attention functions of transformers",
        )


def _heads(model: Any) -> tuple[int, int]:
    """How many heads keys have, and how wide they are."""
    config = model.config.get_text_config()
    heads = int(getattr(config, "num_key_value_heads", None) or config.num_attention_heads)
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return heads, int(width)
