"""The language model of this machine, asked as any other: by way of the runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.errors import BadInput
from memos.ports.llm import Completion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memos.ports.llm import Schema
    from memos.ports.runtime import Message, Runtime


class RuntimeLLM:
    """Asks a :class:`~memos.ports.runtime.Runtime`, under its own chat template.

    A schema is not enforced: the runtime decodes greedily, whatever the grammar.
    """

    remote = False
    """What it is told stays on this machine."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    @property
    def name(self) -> str:
        """The model's name, and the beginning of its weights' digest; the model is loaded."""
        fingerprint = self._runtime.fingerprint
        return f"{fingerprint.name}@{fingerprint.weights[:12]}"

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        stop: Sequence[str] = (),
        schema: Schema | None = None,  # noqa: ARG002 - it cannot be held to one
    ) -> Completion:
        """The assistant's next message."""
        if not messages:
            raise BadInput("there are no messages to answer", hint="pass at least one")
        tokens = self._runtime.encode(messages)
        generation = self._runtime.generate(tokens, limit=max_tokens)
        text = cut_at(generation.text, stop)
        return Completion(
            text=text,
            prompt_tokens=generation.prompt_tokens,
            tokens=len(generation.tokens),
            cut=text == generation.text and len(generation.tokens) >= max_tokens,
        )

    def close(self) -> None:
        """The runtime is not its own: nothing is let go."""


def cut_at(text: str, stop: Sequence[str]) -> str:
    """The text before the first of the stops in it."""
    ends = [at for one in stop if one and (at := text.find(one)) >= 0]
    return text[: min(ends)] if ends else text
