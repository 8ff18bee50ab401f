"""Redaction by patterns alone keeps the port's promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from memos.models.redactor_patterns import PatternRedactor
from memos.testing.redactor import RedactorSuite

if TYPE_CHECKING:
    from memos.ports.redactor import Redactor


class TestPatternRedactor(RedactorSuite):
    @pytest.fixture
    def redactor(self) -> Redactor:
        return PatternRedactor()

    def another(self) -> Redactor:
        return PatternRedactor()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("我的邮箱是mallory@example.com。", "我的邮箱是[email]。"),
        ("alice@example.com으로 보내", "[email]으로 보내"),
        ("at xn: grace@bücher.xn--p1ai!", "at xn: [email]!"),
        ('"ada"@example.com', "[email]"),
        ("卡号4111111111111111。", "卡号[card]。"),
        ("4111 1111 1111 1111 1230", "[card] 1230"),
        ("4111\u00a01111\u00a01111\u00a01111", "[card]"),
        ("\uff14111111111111111", "[card]"),  # a full-width digit
        ("postgres://app:hunter2@db.example.com/app", "postgres://app:[email]/app"),
        ("My wifi password is Sunshine42.", "My wifi password is [key]."),
        ("passphrase: 'correct horse battery'", "passphrase: '[key]'"),
        ("Authorization: Bearer 0123456789abcdef", "Authorization: Bearer [key]"),
        ("password=ada@example.com", "password=[key]"),
    ],
)
def test_it_stops_where_the_thing_ends(text: str, left: str) -> None:
    assert PatternRedactor().redact([text])[0].text == left


@pytest.mark.parametrize(
    "text",
    [
        "password = getpass()",
        "token = os.environ['TOKEN']",
        "API_KEY=${API_KEY} PASSWORD=<your password> SECRET=[key]",
        "5 @ 3.50 each, root@server1, @property",
        "Tracking 1Z999AA10123456784, hash a4111111111111111",
        "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15",
        "-----BEGIN PUBLIC KEY-----\nMFwwDQYJKoZIhvcNAQEB\n-----END PUBLIC KEY-----",
    ],
)
def test_what_only_looks_like_it_is_left(text: str) -> None:
    assert PatternRedactor().redact([text])[0].text == text


def test_a_private_key_that_is_cut_off_goes_whole() -> None:
    cut = "-----BEGIN " + "PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC"
    assert PatternRedactor().redact([f"it was {cut}"])[0].text == "it was [key]"
