"""The ways to train an adapter, by name: each is a file of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from memos.errors import BadInput
from memos.models import adapter_prefix, adapter_side, lora

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from memos.cube import AnyAdapter
    from memos.models.adapter_wire import Packet
    from memos.models.hooks import Hook
    from memos.models.lesson import Lesson
    from memos.models.trainee import Trainee
    from memos.ports.runtime import Recipe


class Wearable(Protocol):
    """An adapter that was loaded for a model."""

    @property
    def adapter(self) -> AnyAdapter:
        """Its shape."""
        ...

    @property
    def ahead(self) -> int:
        """How many positions it takes before a text."""
        ...


@dataclass(frozen=True, slots=True)
class Method:
    """One way to train."""

    trainee: Callable[[Any, Lesson, Recipe], Trainee]
    """Of a model: a new adapter to be trained."""
    read: Callable[[Packet, Any], Wearable]
    """From its bytes, for a model; a CorruptionError where it does not fit."""
    hooks: Callable[[Any, Sequence[int] | None, Sequence[Any]], list[Hook]]
    """By which rows of a batch wear one each; without rows, all wear the only one."""


METHODS = {
    "lora": Method(lora.trainee, lora.read, lora.hooks),
    "prefix": Method(adapter_prefix.trainee, adapter_prefix.read, adapter_prefix.hooks),
    "side": Method(adapter_side.trainee, adapter_side.read, adapter_side.hooks),
}


def named(name: str) -> Method:
    """The method of that name.

    Raises:
        BadInput: there is none.
    """
    try:
        return METHODS[name]
    except KeyError:
        message = f"no way to train is called {name!r}"
        raise BadInput(message, hint=", ".join(METHODS)) from None
