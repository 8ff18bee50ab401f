"""Redaction by patterns alone: no library, and no telephone numbers in national form."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from memos.models import redacting
from memos.models.key_patterns import keys
from memos.models.personal_patterns import cards, emails, international_phones

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from memos.ports.redactor import Finding, Redacted


class PatternRedactor:
    """Knows the forms that stand in :mod:`memos.models`, and needs nothing to be installed."""

    def redact(self, texts: Sequence[str]) -> list[Redacted]:
        """Each text without what was found in it, in the order of the texts."""
        return [redacting.redact(text, _findings) for text in texts]


def _findings(text: str) -> Iterator[Finding]:
    return chain(emails(text), cards(text), keys(text), international_phones(text))
