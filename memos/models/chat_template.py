"""Messages to token ids, so that no text within a message can pass for the chat's structure."""

from __future__ import annotations

import re
from itertools import accumulate, chain, islice, pairwise
from typing import TYPE_CHECKING, Any

from memos.errors import BackendError, BadInput
from memos.ports.runtime import Message, Prompt

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


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

    def save(self, folder: Path) -> None:
        """Write the tokenizer and the template beside a model."""
        self._tokenizer.save_pretrained(folder)

    def encode(self, messages: Sequence[Message]) -> Prompt:
        """The prompt's token ids, the opening of the answer included.

        Text within a message that spells a special token is encoded in two pieces, so that it
        stays text; so is text on both sides of a message's cut.
        """
        mark, cut = _unused(messages)
        chat = [{"role": one.role, "content": self._cut(one, mark, cut)} for one in messages]
        parts = self._rendered(chat, opening=True).split(cut)
        ids = [tuple(chain.from_iterable(map(self._ids, part.split(mark)))) for part in parts]
        ends = tuple(accumulate(map(len, ids)))[:-1]
        # a template may leave a message out, or say it twice
        found = len(ends) == sum(len(one.cuts) for one in messages)
        return Prompt(tuple(chain.from_iterable(ids)), ends if found else ())

    def opening(self) -> tuple[int, ...]:
        """What stands before the words of a user who says something first."""
        prompt = self.encode([Message("user", "a", cuts=(0,))])
        return prompt.tokens[: prompt.cuts[0]] if prompt.cuts else ()

    def closing(self) -> tuple[int, ...]:
        """The special token that ends an answer; empty where the template writes none."""
        mark, _ = _unused(())
        chat = [{"role": "user", "content": "a"}, {"role": "assistant", "content": mark}]
        after = self._rendered(chat, opening=False).rpartition(mark)[2]
        return tuple(number for number in self._ids(after) if number in self._special)[:1]

    def tokens_of(self, answer: str) -> tuple[int, ...]:
        """The ids of a text within an answer, special tokens broken."""
        mark, _ = _unused([Message("assistant", answer)])
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

    def _cut(self, message: Message, mark: str, cut: str) -> str:
        ends = [0, *message.cuts, len(message.content)]
        parts = (message.content[start:end] for start, end in pairwise(ends))
        return cut.join(self._broken(part, mark) for part in parts)

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


def _unused(messages: Sequence[Message]) -> tuple[str, str]:
    """Two characters, for private use by the Unicode standard, that no message contains."""
    said = {character for message in messages for character in message.content}
    first, second = islice((c for c in map(chr, range(0xF0000, 0xFFFFE)) if c not in said), 2)
    return first, second
