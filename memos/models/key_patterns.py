"""Keys, tokens and passwords, recognised by their form or by the name they are assigned to.

The forms are those that the pattern files of scanners for source code lack, or know in part.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from memos.ports.redactor import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

_PRIVATE_KEY = (  # one that is cut off ends where the text does
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:[^-]|-(?!----)){0,16384}"
    r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?"
)
_FORMS = [
    (mark, re.compile(form))
    for mark, form in (
        ("sk-", r"(?<![\w-])sk-(?=[\w-]*\d)[\w-]{20,}"),  # OpenAI, Anthropic and their like
        ("AKIA", r"(?<!\w)AKIA[A-Z0-9]{16}(?!\w)"),  # Amazon
        ("ASIA", r"(?<!\w)ASIA[A-Z0-9]{16}(?!\w)"),
        ("gh", r"(?<!\w)gh[opusr]_\w{36,}"),  # GitHub
        ("github_pat_", r"(?<!\w)github_pat_\w{22,}"),
        ("gl", r"(?<!\w)gl[a-z]{2,6}-[\w-]{20,}"),  # GitLab
        ("AIza", r"(?<!\w)AIza[\w-]{35}"),  # Google
        ("ya29.", r"(?<!\w)ya29\.[\w-]{20,}"),
        ("hf_", r"(?<!\w)hf_[A-Za-z0-9]{30,}"),  # Hugging Face
        ("npm_", r"(?<!\w)npm_[A-Za-z0-9]{36}"),
        ("pypi-", r"(?<!\w)pypi-[\w-]{32,}"),
        ("xox", r"(?<!\w)xox[a-z]-[\w-]{10,}"),  # Slack
        ("xapp-", r"(?<!\w)xapp-[\w-]{20,}"),
        ("_", r"(?<!\w)(?:sk|rk|pk|whsec)_(?:live_|test_)?[A-Za-z0-9]{24,}"),  # Stripe
        (":", r"(?<!\d)\d{8,10}:[\w-]{32,48}(?![\w-])"),  # Telegram
        ("eyJ", r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*){0,3}"),  # JSON Web Token
        ("AKC", r"(?<!\w)AKC[A-Za-z0-9]{20,}"),  # Artifactory
        ("AGE-SECRET", r"(?<!\w)AGE-SECRET-KEY-1[A-Z0-9]{50,}"),
        ("PRIVATE KEY", _PRIVATE_KEY),
    )
]
"""By something that every key of the form contains; looking for that first is quick."""

_PASSISH = r"pass(?:word|wd|phrase|code)|passw|pwd|(?<![a-z])pw"
_KEYISH = (
    r"(?:api|access|auth|private|client|encryption|signing|secret|account|session|bearer)"
    r"[ _.-]?(?:key|token|secret)|secret|token|credentials?"
)
_QUOTE = r"[\"'`]"
_NAME_ENDS = rf"[\w.-]{{0,24}}{_QUOTE}?"
_NAMED = rf"(?:{_PASSISH}|{_KEYISH}){_NAME_ENDS}"
_TOLD = r"(?:api|access|auth|secret)[ _-](?:key|token)"
"""What people say of a key in a sentence."""

_ASSIGNED = r"[ \t]{0,3}(?::=|=>|==?|:)[ \t]{0,3}"
_NO_VALUE = r"(?![\[\]$<{*])"
"""What a value does not begin with: a placeholder, a variable, a blank to be filled in."""

_BARE = r"[^\s\"'`\[\](){}<>,;]"
_MIXED = rf"(?={_BARE}{{0,64}}\d)(?={_BARE}{{0,64}}[^\W\d_])"
"""Letters and digits: words of a sentence are not taken for passwords."""

_NO_CALL = r"(?![\w.]{1,64}[(\[])"
_VALUE = rf"(?P<value>{_BARE}{{6,}}+)"

_OPEN = rf"(?P<quote>{_QUOTE})"
_QUOTED, _SPACED = r"[^\s\"'`\[\]]{6,1024}", r"[^\n\"'`\[\]]{6,128}"
"""Between quotes; a passphrase may have spaces."""

_MARKS = ("pass", "pwd", "pw", "key", "token", "secret", "credential", "bearer")
"""One of these is in every name, in small letters."""

_ASSIGNED_FORMS = (
    rf"{_NAMED}{_ASSIGNED}{_OPEN}{_NO_VALUE}(?P<value>{_QUOTED})(?P=quote)",
    rf"(?:{_PASSISH}){_NAME_ENDS}{_ASSIGNED}{_OPEN}{_NO_VALUE}(?P<value>{_SPACED})(?P=quote)",
    rf"{_NAMED}={_NO_VALUE}{_NO_CALL}{_VALUE}",
    rf"{_NAMED}{_ASSIGNED}{_QUOTE}?{_NO_VALUE}{_NO_CALL}{_MIXED}{_VALUE}",
    rf"(?:{_PASSISH}|{_TOLD})[ ]is:?[ ]{_QUOTE}?{_NO_VALUE}{_MIXED}{_VALUE}",
    rf"(?<!\w)bearer[ ]+{_NO_VALUE}(?=\S{{0,64}}\d)(?P<value>[\w.+/=~-]{{16,}}+)",
)
_ASSIGNMENTS = [re.compile(form, re.IGNORECASE) for form in _ASSIGNED_FORMS]


def keys(text: str) -> Iterator[Finding]:
    """Keys of known forms, private keys whole, and values assigned to names such as api_key."""
    for mark, form in _FORMS:
        if mark in text:
            for match in form.finditer(text):
                yield Finding(match.start(), match.end(), "key")
    small = text.lower()
    if not any(mark in small for mark in _MARKS):
        return
    for assignment in _ASSIGNMENTS:
        for match in assignment.finditer(text):
            value = match["value"]
            if not match.groupdict().get("quote"):
                value = value.rstrip(".:")  # a sentence's, not the value's
            yield Finding(match.start("value"), match.start("value") + len(value), "key")
