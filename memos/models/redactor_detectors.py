"""Redaction with detect-secrets and phonenumbers, beside our own patterns."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any

from memos.errors import BadSetting, MissingLibrary
from memos.models import redacting
from memos.models.key_patterns import keys
from memos.models.personal_patterns import cards, emails
from memos.ports.redactor import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from memos.ports.redactor import Redacted

REGIONS = ("US", "GB", "DE", "FR", "ES", "PT")
"""Where telephone numbers without a country code are taken to belong."""

_INSTALL = "pip install 'agent-memos[redaction]'"
_WINDOW, _OVERLAP = 4096, 1024
"""The library's patterns are made for lines of code: some take the square of a text's length."""

_LEFT_OUT = {"Public IP (ipv4)", "Artifactory Credentials"}
"""Of detect-secrets: addresses are no secrets, and the other takes minutes on a hostile text."""

_SHORTEST_SECRET = 8
_LONG = re.compile(r"\S{11}|://")
"""A text without anything so long holds no key that the library knows."""
_DIGITS = re.compile(r"\d(?:\D{0,4}\d){6}")
"""A text without so many digits holds no telephone number."""


class DetectorRedactor:
    """Keys by detect-secrets, telephone numbers by phonenumbers, the rest by our patterns.

    The libraries are imported with the first text. They hold data and patterns, and are never
    asked to verify a key, so nothing goes over a network.
    """

    def __init__(self, regions: Sequence[str] = REGIONS) -> None:
        """Choose the regions.

        Args:
            regions: two-letter codes (ISO 3166) of the countries whose telephone numbers are
                recognised without a country code, too.
        """
        self._regions = tuple(regions)
        self._lock = threading.Lock()
        self._loaded: _Detectors | None = None

    def redact(self, texts: Sequence[str]) -> list[Redacted]:
        """Each text without what was found in it, in the order of the texts.

        Raises:
            MissingLibrary: one of the two libraries is not installed.
            BadSetting: a region is none that phonenumbers knows.
        """
        with self._lock:
            if self._loaded is None:
                self._loaded = _Detectors(self._regions)
        return [redacting.redact(text, self._loaded.findings) for text in texts]


class _Detectors:
    """The libraries, loaded."""

    def __init__(self, regions: Sequence[str]) -> None:
        self._secrets = _secret_patterns()
        self._phones = _phonenumbers()
        self._regions = regions
        unknown = sorted(set(regions) - self._phones.SUPPORTED_REGIONS)
        if unknown:
            message = f"redaction.regions: there is no region {unknown[0]!r}"
            raise BadSetting(message, hint="two capital letters, such as US or GB")

    def findings(self, text: str) -> Iterator[Finding]:
        """Everything that is recognised in a text; findings may overlap."""
        yield from emails(text)
        yield from cards(text)
        yield from keys(text)
        if _LONG.search(text):
            yield from self._listed_keys(text)
        if _DIGITS.search(text):
            yield from self._numbers(text)

    def _listed_keys(self, text: str) -> Iterator[Finding]:
        for start in range(0, max(len(text) - _OVERLAP, 1), _WINDOW - _OVERLAP):
            window = text[start : start + _WINDOW]
            for pattern in self._secrets:
                for match in pattern.finditer(window):
                    first, last = _secret_in(match)
                    yield Finding(start + first, start + last, "key")

    def _numbers(self, text: str) -> Iterator[Finding]:
        """Numbers with a country code if they may exist; others only if they are written as there.

        Written as there: valid in one of the regions, and grouped in its way. So dates, order
        numbers and versions are left alone.
        """
        leniency = self._phones.Leniency
        searches: list[tuple[str | None, int]] = []
        if "+" in text or "\uff0b" in text:
            searches.append((None, leniency.POSSIBLE))
        searches.extend((region, leniency.STRICT_GROUPING) for region in self._regions)
        for region, strictness in searches:
            # It gives up after so many numbers that are none; no text has more than characters.
            matches = self._phones.PhoneNumberMatcher(text, region, strictness, len(text))
            for match in matches:
                yield Finding(match.start, match.end, "phone")


def _secret_in(match: re.Match[str]) -> tuple[int, int]:
    """Where the secret is: the longest group, or all, where groups name only parts of it."""
    spans = [match.span(group) for group in range(1, match.re.groups + 1)]
    first, last = max(spans, key=lambda span: span[1] - span[0], default=(0, 0))
    if last - first >= _SHORTEST_SECRET:
        return first, last
    start = match.start() + len(match[0]) - len(match[0].lstrip())
    return start, start + len(match[0].strip())


def _secret_patterns() -> list[re.Pattern[str]]:
    try:
        from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
        from detect_secrets.plugins.base import RegexBasedDetector
    except ImportError as error:
        raise MissingLibrary("detect-secrets is not installed", hint=_INSTALL) from error
    return [
        pattern
        for what, detector in sorted(get_mapping_from_secret_type_to_class().items())
        if issubclass(detector, RegexBasedDetector) and what not in _LEFT_OUT
        for pattern in detector.denylist
    ]


def _phonenumbers() -> Any:
    try:
        import phonenumbers
    except ImportError as error:
        raise MissingLibrary("phonenumbers is not installed", hint=_INSTALL) from error
    return phonenumbers
