"""What must not be read by everybody, taken out of texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Something recognised in a text: the characters from ``start`` up to before ``end``."""

    start: int
    end: int
    what: str
    """``email``, ``phone``, ``key``, ``card``, or another word that a backend has for it."""

    @property
    def placeholder(self) -> str:
        """What the redacted text has in its place, such as ``[email]``."""
        return f"[{self.what}]"


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text without what was found in it."""

    text: str
    findings: tuple[Finding, ...] = ()
    """Where it was, in the original's characters: ascending, and none overlaps another."""


class Redactor(Protocol):
    """Recognises personal data and secrets, and puts a word in square brackets in their place.

    It promises:

    - what it recognises is not in the text that it returns, not even in part;
    - equal texts are redacted equally, today and tomorrow, and nothing is asked over a network;
    - a redacted text is left as it is when it is redacted again;
    - a text in which nothing is found comes back as the very same characters;
    - if it cannot look (its library is missing), it raises, and returns no text.

    It recognises at least e-mail addresses, telephone numbers in international form (``+``, country
    code, number), payment cards (by their check digit), the keys of well-known services, private
    keys, and values that are assigned to a name such as ``api_key`` or ``password``. It is no
    guarantee: what has no form to be recognised by, such as a person's name, stays.
    """

    def redact(self, texts: Sequence[str]) -> list[Redacted]:
        """Each text without what was found in it, in the order of the texts.

        Raises:
            MissingLibrary: the library that looks is not installed.
            BadSetting: the backend was told to look for something that it does not know.
        """
        ...
