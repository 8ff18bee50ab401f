"""E-mail addresses, payment cards and telephone numbers, recognised by their form."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from memos.ports.redactor import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNSPACED = "\u0e00-\u0eff\u1100-\u11ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff"
"""Thai, Lao, Chinese, Japanese and Korean, in which words stand next to an address unspaced."""

_NO_UNSPACED = rf"(?![{_UNSPACED}])"
_LABEL = rf"{_NO_UNSPACED}[^\W_](?:{_NO_UNSPACED}[\w-]){{0,62}}\."
_LAST_LABEL = rf"(?:xn--[a-z0-9-]{{1,59}}|(?:{_NO_UNSPACED}[^\W\d_]){{2,63}})"
_DOMAIN = re.compile(rf"@(?:{_LABEL})+{_LAST_LABEL}", re.IGNORECASE)
_LOCAL = re.compile(
    rf"""(?:"[^"\s]{{1,62}}"|{_NO_UNSPACED}\w(?:{_NO_UNSPACED}[\w.%+'#~-]){{0,63}})\Z"""
)
_LONGEST_LOCAL = 64
"""Of RFC 5321; it also keeps the search linear in the text's length."""

_GROUPS = re.compile(
    r"(?<![A-Za-z\d])(?<!\d\.)(?:\d{4}(?:\.\d{4}){3}|"
    r"\d{3,19}(?:[ \u00a0\u202f\n\u2010-\u2015-]\d{3,19})*)(?![A-Za-z\d])"
)
_GROUP = re.compile(r"\d+")
_ISSUER = re.compile(r"3[04-9]|[456]|2[2-7]")
_SHORTEST_CARD, _LONGEST_CARD = 13, 19
_FIRST_GROUP = 4

_INTERNATIONAL = re.compile(r"[+\uff0b]\d(?:[ ().\u00a0/-]{0,3}\d){6,14}(?!\d)")


def emails(text: str) -> Iterator[Finding]:
    """E-mail addresses, of any alphabet; looked for from the ``@`` outwards."""
    for domain in _DOMAIN.finditer(text):
        at = domain.start()
        local = _LOCAL.search(text, max(0, at - _LONGEST_LOCAL), at)
        if local is not None:
            yield Finding(local.start(), domain.end(), "email")


def cards(text: str) -> Iterator[Finding]:
    """Numbers of 13 to 19 digits, in groups or not, with an issuer's beginning and a check digit.

    One in ten numbers has a right check digit by chance, so groups must look like a card's: four
    digits or more, then three or more.
    """
    for run in _GROUPS.finditer(text):
        groups = list(_GROUP.finditer(text, run.start(), run.end()))
        first = 0
        while first < len(groups):
            last = _card_ends(groups, first)
            if last is not None:
                yield Finding(groups[first].start(), groups[last].end(), "card")
                first = last
            first += 1


def international_phones(text: str) -> Iterator[Finding]:
    """Numbers of 7 to 15 digits after a plus, with the usual separators."""
    for match in _INTERNATIONAL.finditer(text):
        yield Finding(match.start(), match.end(), "phone")


def _card_ends(groups: list[re.Match[str]], first: int) -> int | None:
    """The last group of the longest card that starts with the first, if one does."""
    digits, found = "", None
    if len(groups[first][0]) < _FIRST_GROUP:
        return None
    for place in range(first, len(groups)):
        digits += groups[place][0]
        if len(digits) > _LONGEST_CARD:
            break
        if len(digits) >= _SHORTEST_CARD and _is_card(digits):
            found = place
    return found


def _is_card(digits: str) -> bool:
    values = [int(digit) for digit in digits]
    if _ISSUER.match("".join(map(str, values))) is None:
        return False
    doubled = [sum(divmod(2 * value, 10)) for value in values[-2::-2]]
    return (sum(values[-1::-2]) + sum(doubled)) % 10 == 0
