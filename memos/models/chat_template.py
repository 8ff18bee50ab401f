"""Messages to token ids, so that no text within a message can pass for the chat's structure."""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING, Any

from memos.errors import BackendError, BadInput
from memos.models.decode import common_length
from memos.ports.runtime import Message

if TYPE_CHECKING:
    from collections.abc import Sequence

_PROBES = (
    "a",
    "A",
    "1",
    "é",
    "字",
    " a",
    "\n",
    "\n\n",
    "\t",
    "  a",
    ".",
    "'s",
    "<",
    "(",
    "?!",
    "_",
)
"""Beginnings of what a user may say: one of every class that tokenizers treat on its own."""


class ChatTemplate:
    """A tokenizer and its chat template."""

    def __init__(self, tokenizer: Any) -> None:
        if not tokenizer.chat_template:
            raise BackendError(
                f"the model {tokenizer.name_or_path} has no chat template",
                hint="pass a model that was tuned to follow instructions",
            )
        self._tokenizer = tokenizer
        special = set(tokenizer.all_special_ids)
        added = tokenizer.added_tokens_decoder
        self._special = special | {number for number, token in added.items() if token.special}
        self._template = tokenizer.get_chat_template()
        # what the template itself writes is structure too, whether or not it is called special
        emitted = {text for text in map(str, added.values()) if text in self._template}
        names = emitted | {str(tokenizer.convert_ids_to_tokens(i)) for i in self._special}
        self._structure = "|".join(re.escape(name) for name in sorted(names) if len(name) > 1)

    @property
    def text(self) -> str:
        """The template's source."""
        return str(self._template)

    def encode(self, messages: Sequence[Message]) -> tuple[int, ...]:
        """The prompt's token ids, the opening of the answer included.

        Text within a message that spells a special token is encoded in two pieces, so that it
        stays text.
        """
        mark = _unused(messages)
        chat = [{"role": m.role, "content": self._broken(m.content, mark)} for m in messages]
        pieces = self._rendered(chat, opening=True).split(mark)
        return tuple(chain.from_iterable(map(self._ids, pieces)))

    def prefix(self, messages: Sequence[Message]) -> tuple[int, ...]:
        """The tokens with which every prompt begins that ``messages`` and a user's words make."""
        prompts = [self.encode([*messages, Message("user", probe)]) for probe in _PROBES]
        first, *others = prompts
        return first[: min(common_length(first, other) for other in others)]

    def closing(self) -> tuple[int, ...]:
        """The special token that ends an answer; empty where the template writes none."""
        mark = _unused(())
        chat = [{"role": "user", "content": "a"}, {"role": "assistant", "content": mark}]
        after = self._rendered(chat, opening=False).rpartition(mark)[2]
        return tuple(number for number in self._ids(after) if number in self._special)[:1]

    def tokens_of(self, answer: str) -> tuple[int, ...]:
        """The ids of a text within an answer, special tokens broken."""
        mark = _unused([Message("assistant", answer)])
        return tuple(chain.from_iterable(map(self._ids, self._broken(answer, mark).split(mark))))

    def document(self, text: str) -> tuple[int, ...]:
        """The ids of a text outside any chat, begun as the tokenizer begins documents."""
        return tuple(self._tokenizer(text)["input_ids"])

    def _ids(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"]) if text else []

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of an answer, without special tokens."""
        text = self._tokenizer.decode(
            tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return str(text).strip()

    def _broken(self, text: str, mark: str) -> str:
        return re.sub(f"(?=(?:{self._structure}))(.)", rf"\1{mark}", text, flags=re.DOTALL)

    def _rendered(self, chat: list[dict[str, str]], *, opening: bool) -> str:
        from jinja2 import TemplateError

        try:
            return str(
                self._tokenizer.apply_chat_template(
                    chat, tokenize=False, add_generation_prompt=opening
                )
            )
        except TemplateError as error:
            roles = ", ".join(message["role"] for message in chat) or "none"
            raise BadInput(
                f"the model's chat template refuses the messages: {error}",
                hint=f"their roles are: {roles}",
            ) from error


def _unused(messages: Sequence[Message]) -> str:
    """A character, for private use by the Unicode standard, that no message contains."""
    said = {character for message in messages for character in message.content}
    return next(c for c in map(chr, range(0xF0000, 0xFFFFE)) if c not in said)
