"""What every redactor must do."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memos.ports.redactor import Redacted, Redactor

KEY = "sk-" + "proj-aB3dE5fG7hI9jK1lM2nO4pQ6rS8tU0vW"
_PRIVATE = "PRIVATE KEY"
PRIVATE_KEY = (
    f"-----BEGIN RSA {_PRIVATE}-----\nMIIBOgIBAAJBAKj34GkxFh\n-----END RSA {_PRIVATE}-----"
)
RECOGNISED = [
    ("email", "ada@example.com"),
    ("email", "ada.lovelace+notes@mail.example.co.uk"),
    ("email", "jürgen@müller.example"),
    ("phone", "+1 202-555-0143"),
    ("phone", "+44 20 7946 0018"),
    ("phone", "+351912345678"),
    ("card", "4111111111111111"),
    ("card", "5555 5555 5555 4444"),
    ("card", "3782-822463-10005"),
    ("key", "AKIA" + "IOSFODNN7EXAMPLE"),
    ("key", "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"),
    ("key", KEY),
    ("key", "xoxb-" + "123456789012-1234567890123-AbCdEfGhIjKlMnOpQrStUvWx"),
    ("key", PRIVATE_KEY),
]
ORDINARY = [
    "Alice moved to Lisbon in May 2024, to flat 12.",
    "The meeting is on 2024-05-12 at 10:30, in room 4-117.",
    "The number 4111111111111112 is no card.",
    "Ask @alice. The key is under the mat; the password is her dog's name.",
    "  Two lines,\r\n\ttabs, a NUL \x00 and [brackets].  ",
    "",
]
PIECES = st.sampled_from([
    *(thing for _, thing in RECOGNISED), *ORDINARY, "[email]", "[key]", "password=", "hunter2x",
    "Bearer ", "://a:b", "@", ".", " ", "-", "+", "1", "555", "0143", "\n", '"', "é", "电话",
])  # fmt: skip


class RedactorSuite(ABC):
    """Inherit from it and say how a redactor is made."""

    @pytest.fixture
    @abstractmethod
    def redactor(self) -> Redactor:
        """A redactor; a costly one may be shared by all tests."""

    @abstractmethod
    def another(self) -> Redactor:
        """The same redactor, made anew."""

    @pytest.mark.parametrize(("what", "thing"), RECOGNISED)
    def test_what_has_a_known_form_is_replaced_by_its_name(
        self, redactor: Redactor, what: str, thing: str
    ) -> None:
        text = f"I was told: {thing} is it, they said."
        (redacted,) = redactor.redact([text])
        assert redacted.text == f"I was told: [{what}] is it, they said."
        assert [(found.what, text[found.start : found.end]) for found in redacted.findings] == [
            (what, thing)
        ]

    @pytest.mark.parametrize(
        "text", ["api_key={}", "password: '{}'", 'the "client_secret": "{}", too']
    )
    def test_a_value_with_a_secret_s_name_is_a_key(self, redactor: Redactor, text: str) -> None:
        (redacted,) = redactor.redact([text.format("q7Hn3Vb9Kx2Lm5Pz8Rt1Wy4")])
        assert redacted.text == text.format("[key]")

    @pytest.mark.parametrize("text", ORDINARY)
    def test_a_text_without_findings_comes_back_as_the_very_same_characters(
        self, redactor: Redactor, text: str
    ) -> None:
        (redacted,) = redactor.redact([text])
        assert (redacted.text, redacted.findings) == (text, ())

    def test_several_things_in_a_text_are_all_replaced_in_their_order(
        self, redactor: Redactor
    ) -> None:
        things = [thing for _, thing in RECOGNISED]
        (redacted,) = redactor.redact([" and then ".join(things)])
        assert redacted.text == " and then ".join(f"[{what}]" for what, _ in RECOGNISED)
        assert len(redacted.findings) == len(things)

    def test_texts_come_back_in_their_order_each_as_if_it_were_alone(
        self, redactor: Redactor
    ) -> None:
        texts = [*(f"it is {thing}" for _, thing in RECOGNISED), *ORDINARY, "it is +1 202-555-0143"]
        together = redactor.redact(texts)
        assert together == [redactor.redact([text])[0] for text in texts]
        assert redactor.redact([]) == []

    def test_a_long_text_is_searched_to_its_end(self, redactor: Redactor) -> None:
        filling = "and then she went on to tell the whole story from its beginning " * 1000
        (redacted,) = redactor.redact([f"{filling}{KEY} {filling}ada@example.com"])
        assert redacted.text == f"{filling}[key] {filling}[email]"

    def test_another_one_made_alike_redacts_alike(self, redactor: Redactor) -> None:
        texts = [f"{thing}, {ordinary}" for _, thing in RECOGNISED for ordinary in ORDINARY]
        assert self.another().redact(texts) == redactor.redact(texts)

    def test_any_text_keeps_the_promises(self, redactor: Redactor) -> None:
        @settings(max_examples=100, deadline=None)
        @given(text=st.lists(PIECES | st.text(max_size=8), max_size=8).map("".join))
        def check(text: str) -> None:
            (redacted,) = redactor.redact([text])
            _holds(redacted, text)
            assert redactor.redact([redacted.text]) == [type(redacted)(redacted.text)]

        check()

    def test_nothing_is_asked_over_a_network(self) -> None:
        with _counted_connections() as made:
            self.another().redact([f"it is {thing}" for _, thing in RECOGNISED])
        assert made == []


def _holds(redacted: Redacted, text: str) -> None:
    """The findings are in order and within the text; what is left is what they leave."""
    findings = redacted.findings
    assert all(0 <= found.start < found.end <= len(text) for found in findings)
    assert all(one.end <= other.start for one, other in pairwise(findings))
    left, read = "", 0
    for found in findings:
        left += text[read : found.start] + f"[{found.what}]"
        read = found.end
    assert redacted.text == left + text[read:]


_WATCHERS: list[list[str]] = []


@contextmanager
def _counted_connections() -> Iterator[list[str]]:
    """What Python tells its auditors of names looked up and connections made meanwhile."""
    if not _WATCHERS:
        sys.addaudithook(_tell)  # it cannot be taken away again, so there is one for all
    made: list[str] = []
    _WATCHERS.append(made)
    try:
        yield made
    finally:
        _WATCHERS.remove(made)


def _tell(event: str, arguments: tuple[Any, ...]) -> None:
    if event in {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}:
        for watcher in _WATCHERS:
            watcher.append(f"{event} {arguments!r}")
