"""A language model that is asked, wherever it runs; see ``runtime`` for one that also learns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pydantic import JsonValue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memos.ports.runtime import Message

Schema = Mapping[str, JsonValue]
"""A JSON schema."""


@dataclass(frozen=True, slots=True)
class Completion:
    """What the model said, and what it cost."""

    text: str
    prompt_tokens: int
    """As the model counts them; 0 where it does not tell."""
    tokens: int
    """Of the answer; 0 where the model does not tell."""
    cut: bool = False
    """Whether the answer ends because it was long enough, and not because it was over."""


class LLM(Protocol):
    """A language model that completes a chat.

    It promises:

    - it is asked as predictably as it can be: without chance, where it has a choice;
    - an answer is what the model said, and nothing else: where there is none, it raises;
    - no key that it was given is in an error, in what it writes, or in how it is displayed;
    - calls may come from several threads.
    """

    @property
    def name(self) -> str:
        """Which model, as provenance names it."""
        ...

    @property
    def remote(self) -> bool:
        """Whether what it is told leaves this machine."""
        ...

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        stop: Sequence[str] = (),
        schema: Schema | None = None,
    ) -> Completion:
        """The assistant's next message.

        Args:
            messages: the chat so far; at least one.
            max_tokens: the longest answer.
            stop: the answer ends before the first of these texts.
            schema: what the answer should be, as JSON. A model that can be held to it is; of
                another, the answer may be anything. Whoever asks checks it either way.

        Raises:
            BadInput: there are no messages, or they are too long for the model.
            Unreachable: there was no answer in time.
            BadAnswer: what came back is no answer of a language model.
            BackendError: the model refused.
            MissingKey: the settings say where a key is, and there is none.
        """
        ...

    def close(self) -> None:
        """Let go of connections and files; closing twice is no error."""
        ...
