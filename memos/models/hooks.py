"""Hooks on the modules of a model, for as long as something is worn."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


@dataclass(frozen=True, slots=True)
class Hook:
    """What is called when a module computes."""

    module: Any
    call: Callable[..., Any]
    before: bool = False
    """Called with the module's arguments, those by name too, and may change them; otherwise with
    its input and its output, which it may replace."""


@contextmanager
def hooked(hooks: Iterable[Hook]) -> Iterator[None]:
    """Put hooks on; afterwards they are gone."""
    handles = []
    try:
        for hook in hooks:
            if hook.before:
                register = hook.module.register_forward_pre_hook
                handles.append(register(hook.call, with_kwargs=True))
            else:
                handles.append(hook.module.register_forward_hook(hook.call))
        yield
    finally:
        for handle in handles:
            handle.remove()
