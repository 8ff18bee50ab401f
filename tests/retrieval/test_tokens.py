"""How many tokens a text is."""

from __future__ import annotations

from typing import Any

import pytest

from memos.errors import BadInput
from memos.retrieval.tokens import estimate, read_tokenizer


def no_model(text: str) -> int:
    raise AssertionError(text)


class Words:
    """A tokenizer as tiktoken and transformers have it; called, it answers with something else."""

    def encode(self, text: str) -> list[str]:
        return text.split()

    def __call__(self, text: str) -> dict[str, str]:
        return {"input_ids": text}


class Strict(Words):
    """One that refuses what spells a special token, unless it is asked to take it as it is."""

    def encode(self, text: str) -> list[str]:
        raise ValueError(text)

    def encode_ordinary(self, text: str) -> list[str]:
        return text.split()


WRONG: list[Any] = [
    "cl100k_base", 7, b"model", {}, object(), Words, lambda: 1, lambda text: text == "",
    lambda text: -1, lambda text: 1.5, lambda text: None,
]  # fmt: skip


def test_what_does_not_count_is_refused() -> None:
    for tokenizer in WRONG:
        with pytest.raises(BadInput, match="token"):
            read_tokenizer(tokenizer, no_model)


def test_what_a_tokenizer_raises_later_is_its_own() -> None:
    def moody(text: str) -> int:
        if len(text) > 20:
            raise RuntimeError("too long")
        return len(text)

    count = read_tokenizer(moody, no_model)
    with pytest.raises(RuntimeError, match="too long"):
        count("x" * 21)


def test_an_estimate_grows_with_words_digits_marks_lines_and_letters_of_any_script() -> None:
    assert estimate("") == 0
    assert [estimate(text) for text in ("a", "memory", "memories", "123", "?!", "\n")] == [
        1, 1, 2, 2, 2, 1,
    ]  # fmt: skip
    assert estimate("猫が好き") == 6
    assert estimate("Привет") == 4
    assert estimate("one two") == estimate("one") + estimate("two")
