"""Findings become a text without them, however they lie."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from memos.models.redacting import joined, redact
from memos.ports.redactor import Finding, Redacted

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_findings_that_overlap_are_one_and_bear_the_gravest_name() -> None:
    findings = [Finding(4, 9, "email"), Finding(0, 5, "phone"), Finding(8, 12, "key")]
    assert joined(findings) == [Finding(0, 12, "key")]


def test_findings_that_only_touch_stay_two() -> None:
    findings = [Finding(3, 6, "card"), Finding(0, 3, "key")]
    assert joined(findings) == [Finding(0, 3, "key"), Finding(3, 6, "card")]


def test_a_name_of_a_plugin_s_own_is_kept() -> None:
    redacted = redact("call Ada", lambda text: _each("Ada", "name", text))
    assert redacted == Redacted("call [name]", (Finding(5, 8, "name"),))


def test_what_comes_to_light_when_something_is_gone_goes_too() -> None:
    def find(text: str) -> Iterator[Finding]:
        yield from _each("ab", "x", text)
        yield from _each(r"c(?=\[x\])|(?<=\[y\])d", "y", text)

    redacted = redact("-cabd-", find)
    assert redacted.text == "-[y][x]d-"
    assert redacted.findings == (Finding(1, 2, "y"), Finding(2, 4, "x"))


def test_what_is_found_across_a_placeholder_takes_it_along() -> None:
    def find(text: str) -> Iterator[Finding]:
        yield from _each("b", "x", text)
        yield from _each(r"a\[x\]c", "y", text)

    assert redact("-abc-", find) == Redacted("-[y]-", (Finding(1, 4, "y"),))


def _each(pattern: str, what: str, text: str) -> Iterator[Finding]:
    for match in re.finditer(pattern, text):
        yield Finding(match.start(), match.end(), what)
