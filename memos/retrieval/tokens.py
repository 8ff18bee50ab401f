"""How many tokens a text is: by the caller's own tokenizer, or by an estimate without a model."""

from __future__ import annotations

import re
from collections.abc import Callable, Sized
from functools import cache
from math import ceil
from typing import Protocol

from memos.errors import BadInput, shown

Count = Callable[[str], int]


class Encoder(Protocol):
    """What has tokens, as the tokenizers of tiktoken, tokenizers and transformers have."""

    def encode(self, text: str) -> Sized:
        """The tokens of a text."""
        ...


Tokenizer = Callable[[str], int] | Callable[[str], Sized] | Encoder

MODEL = "model"
"""The name of the configured language model's tokenizer."""
_PROBE = "A word."
_PIECE = re.compile(r"[A-Za-z]+|\d+|[^\W\d_]+|[^\w\s]|_|\n")
_WORD = 6
"""Letters of one token, within a word."""
_WIDE = 0x2E80
"""From here on, a letter is a word or half of one, and costs about as much."""


def read_tokenizer(tokenizer: object, model: Count) -> Count:
    """A function that counts.

    Args:
        tokenizer: None for :func:`estimate`, ``"model"`` for the configured language model's, a
            function from a text to a number or to its tokens, or an object with ``encode``.
        model: counts as the configured model does.

    Raises:
        BadInput: it is none of these, or does not say how many tokens a short text is.
    """
    if tokenizer is None:
        return estimate
    if isinstance(tokenizer, str) and tokenizer == MODEL:
        return model
    encode = _encode(tokenizer)

    @cache
    def count(text: str) -> int:
        return _number(encode(text))

    try:
        count(_PROBE)
    except (TypeError, ValueError, AttributeError, LookupError) as error:
        message = f"{shown(tokenizer)} does not count the tokens of a text: {type(error).__name__}"
        raise BadInput(message, hint="it takes a text, and returns a number or tokens") from error
    return count


def estimate(text: str) -> int:
    """About how many tokens a text is, for a vocabulary of 50,000 to 200,000 as is usual.

    A token for each begun six Latin letters of a word, for each one and a half digits, for each
    mark and each end of a line; 0.6 for a letter of another alphabet, 1.3 for one of Chinese,
    Japanese or Korean. ``docs/context.md`` says how far it is off.
    """
    return ceil(sum(_weight(piece) for piece in _PIECE.findall(text)) - 1e-9)


def _weight(piece: str) -> float:
    if not piece.isascii():
        return sum(1.3 if ord(letter) >= _WIDE else 0.6 for letter in piece)
    if piece.isalpha():
        return ceil(len(piece) / _WORD)
    return ceil(len(piece) / 1.5)


def _encode(tokenizer: object) -> Callable[[str], object]:
    # A text has encode() as well, and is no tokenizer; one of transformers can be called as well,
    # and then answers with a mapping, whose length says nothing.
    named = None if isinstance(tokenizer, str) else _method(tokenizer)
    if named is not None:
        return named
    if callable(tokenizer):
        return tokenizer
    hint = 'pass a function, an object with encode(), "model", or nothing'
    raise BadInput(f"{shown(tokenizer)} is no tokenizer", hint=hint)


def _method(tokenizer: object) -> Callable[[str], object] | None:
    # encode() of tiktoken refuses texts that spell a special token; encode_ordinary() never does.
    for name in ("encode_ordinary", "encode"):
        method = getattr(tokenizer, name, None)
        if callable(method) and not isinstance(tokenizer, type):
            found: Callable[[str], object] = method
            return found
    return None


def _number(counted: object) -> int:
    number = len(counted) if isinstance(counted, Sized) else counted
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        raise TypeError(number)
    return number
