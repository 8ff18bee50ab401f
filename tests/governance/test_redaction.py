"""A reader without the right to see a memory whole is shown it without what must not be read."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memos.cube import MemCube, Plaintext, Source
from memos.cube.wire import from_json, payload_digest, to_json
from memos.errors import MissingLibrary
from memos.governance.redaction import Redaction, must_redact, redacted_cubes
from memos.governance.sensitivity import LEVELS
from memos.kinds.plaintext import title_of
from memos.models.redactor_patterns import PatternRedactor
from memos.testing.catalog import activation, plaintext

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memos.ports.redactor import Redacted, Redactor

ADA, KEY, CARD = (
    "ada@example.com",
    "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a",
    "4111111111111111",
)
PHONE = "+1 202-555-0143"
SECRETS = (ADA, KEY, CARD, PHONE)
HIDDEN = ("confidential", "secret")


class Counting:
    """A redactor that remembers how often it was called, and with what."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    def redact(self, texts: Sequence[str]) -> list[Redacted]:
        self.calls.append(list(texts))
        return PatternRedactor().redact(texts)


def unwilling() -> Redactor:
    raise MissingLibrary("detect-secrets is not installed", hint="pip install")


def nobody(_cube: MemCube) -> bool:
    return False


def sensitive(cube: MemCube, sensitivity: str = "secret") -> MemCube:
    governance = cube.header.governance.model_copy(update={"sensitivity": sensitivity})
    return with_header(cube, governance=governance)


def with_header(cube: MemCube, **update: Any) -> MemCube:
    return cube.model_copy(update={"header": cube.header.model_copy(update=update)})


def with_payload(cube: MemCube, **update: Any) -> MemCube:
    payload = cube.payload.model_copy(update=update)
    header = cube.header.model_copy(update={"digest": payload_digest(payload)})
    return cube.model_copy(update={"payload": payload, "header": header})


def titled(text: str) -> MemCube:
    return with_header(plaintext(text), title=title_of(text))


def shown(cube: MemCube) -> MemCube:
    (view,) = redacted_cubes([cube], PatternRedactor())
    return view


@pytest.mark.parametrize(
    ("sensitivity", "whole"), list(product((*LEVELS, "unheard-of"), (True, False)))
)
def test_only_sensitive_memories_are_redacted_and_only_for_others(
    sensitivity: str, whole: bool
) -> None:
    expected = sensitivity in {*HIDDEN, "unheard-of"} and not whole
    assert must_redact(sensitivity, HIDDEN, sees_whole=whole) is expected


def test_every_place_where_words_stand_is_redacted() -> None:
    cube = titled(f"write to {ADA}, pay with {CARD}")
    cube = with_payload(
        cube, speaker=ADA, role=f"friend of {ADA}", attributes={ADA: f"a photo of {KEY}"}
    )
    cube = with_header(
        cube,
        labels=("work", ADA),
        metadata={"deep": [{"er": [f"call {PHONE}", None, True, 1.5]}], ADA: 4111111111111111},
    )
    step = cube.provenance.step.model_copy(update={"parameters": {"question": f"who is {ADA}?"}})
    source = Source(uri=f"mailto:{ADA}", span=(0, 2))
    provenance = cube.provenance.model_copy(update={"source": source, "step": step})
    view = shown(cube.model_copy(update={"provenance": provenance}))
    assert not [secret for secret in SECRETS if secret in to_json(view)]
    assert view.payload == Plaintext(
        text="write to [email], pay with [card]",
        speaker="[email]",
        role="friend of [email]",
        attributes={"[email]": "a photo of [key]"},
    )
    assert view.header.title == view.text
    assert view.header.labels == ("work", "[email]")
    assert view.metadata == {
        "deep": [{"er": ["call [phone]", None, True, 1.5]}],
        "[email]": "[card]",
    }
    assert view.provenance.source == Source(uri="mailto:[email]", span=(0, 2))
    assert view.provenance.step.parameters == {"question": "who is [email]?"}


def test_a_view_is_marked_and_is_a_whole_cube_on_the_wire() -> None:
    view = shown(sensitive(titled(f"write to {ADA}")))
    assert view.header.governance.redacted
    assert view.header.governance.sensitivity == "secret"
    assert from_json(to_json(view)) == view


def test_a_view_keeps_whose_the_cube_is_and_its_place_in_life() -> None:
    cube = titled(f"write to {ADA}")
    view = shown(cube)
    assert (view.id, view.version, view.scope) == (cube.id, cube.version, cube.scope)
    assert view.header.behaviour == cube.header.behaviour


def test_a_cube_with_nothing_to_hide_comes_back_as_it_is() -> None:
    cube = with_header(titled("Alice moved to Lisbon."), metadata={"n": 12, "on": "2024-05-12"})
    assert shown(cube) is cube


def test_redacting_a_view_again_changes_nothing() -> None:
    view = shown(with_header(titled(f"write to {ADA}"), metadata={"password": "hunter2"}))
    assert shown(view) is view


@pytest.mark.parametrize(
    ("name", "value", "left"),
    [
        ("password", "hunter2", "[key]"),
        ("api_key", 'q7Hn3"Vb9Kx2', "[key]"),
        ("password", f"hunter2/{ADA}", "[key]"),
        ("pet", "hunter2", "hunter2"),
        ("note", f"hunter2, write to {ADA}", "hunter2, write to [email]"),
        ("password", "[key]", "[key]"),
    ],
)
def test_a_value_that_is_secret_by_its_name_goes_whole(name: str, value: str, left: str) -> None:
    assert shown(with_header(plaintext("x"), metadata={name: value})).metadata == {name: left}


def test_two_names_that_become_the_same_keep_both_their_values() -> None:
    cube = with_header(plaintext("x"), metadata={ADA: 1, "bob@example.com": 2, "[email] 2": 3})
    view = shown(cube)
    assert sorted(view.metadata.values(), key=str) == [1, 2, 3]
    assert "[email]" in view.metadata


@pytest.mark.parametrize("secret", SECRETS)
def test_a_title_does_not_show_the_beginning_of_what_the_text_hides(secret: str) -> None:
    for before in range(40, 90):
        text = "a" * (before - 1) + " " + secret + " and more of the same, on and on"
        view = shown(titled(text))
        assert view.header.title == title_of(view.text)
        derived = with_header(activation([plaintext("x")], b"blob"), title=title_of(text))
        assert secret[:8] not in shown(derived).header.title


def test_a_title_that_was_given_is_shown_as_redacted_as_the_attribute_it_came_from() -> None:
    long = f"{'a' * 70} {ADA}"
    cube = with_payload(plaintext("x"), attributes={"title": long})
    view = shown(with_header(cube, title=title_of(long)))
    assert view.payload.attributes == {"title": f"{'a' * 70} [email]"}  # type: ignore[union-attr]
    assert view.header.title == f"{'a' * 70} [email]"


def test_a_whole_title_of_a_derived_cube_is_redacted() -> None:
    derived = with_header(activation([plaintext("x")], b"blob"), title=f"KV of 1: ask {ADA}")
    view = shown(derived)
    assert view.header.title == "KV of 1: ask [email]"
    assert view.payload == derived.payload
    assert view.header.governance.redacted


def test_the_policy_leaves_the_order_and_what_may_be_seen() -> None:
    cubes = [
        sensitive(titled(f"{number}: {ADA}"), level)
        for number, level in enumerate(("public", "secret", "normal", "confidential", "secret"))
    ]
    own = cubes[4].id
    policy = Redaction(PatternRedactor, HIDDEN)
    views = policy.view(cubes, lambda cube: cube.id == own, {})
    assert [view.id for view in views] == [cube.id for cube in cubes]
    assert [view is cube for view, cube in zip(views, cubes, strict=True)] == [
        True, False, True, False, True,
    ]  # fmt: skip


def test_the_policy_follows_the_levels_it_is_given() -> None:
    cube = sensitive(titled(f"write to {ADA}"), "normal")
    assert Redaction(PatternRedactor, ("normal",)).view([cube], nobody, {}) != [cube]
    assert Redaction(PatternRedactor, ()).view([cube], nobody, {}) == [cube]


def test_many_cubes_are_one_call_and_a_text_is_asked_about_once() -> None:
    counting = Counting()
    cubes = [sensitive(titled(f"write to {ADA}")) for _ in range(50)]
    Redaction(lambda: counting, HIDDEN).view(cubes, nobody, {})
    assert len(counting.calls) == 1
    assert len(set(counting.calls[0])) == len(counting.calls[0])


def test_the_library_is_wanted_only_when_a_cube_must_be_redacted() -> None:
    policy = Redaction(unwilling, HIDDEN)
    plain = titled("anything")
    assert policy.view([plain], nobody, {}) == [plain]
    assert policy.view([sensitive(plain)], lambda _cube: True, {})[0].text == "anything"
    assert policy.view([], nobody, {}) == []


def test_without_the_library_nothing_sensitive_is_shown() -> None:
    with pytest.raises(MissingLibrary):
        Redaction(unwilling, HIDDEN).view([sensitive(titled("anything"))], nobody, {})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(SECRETS) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from((*SECRETS, "password", "a", "")), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(
    text=st.lists(st.sampled_from((*SECRETS, " ", "x", "said")), min_size=1).map(" ".join),
    metadata=st.dictionaries(st.text(max_size=4), JSON, max_size=3),
)
def test_whatever_the_cube_no_secret_is_shown_and_the_view_is_a_cube(
    text: str, metadata: dict[str, Any]
) -> None:
    view = shown(with_header(titled(text), metadata=metadata))
    assert not [secret for secret in SECRETS if secret in to_json(view)]
    assert from_json(to_json(view)) == view
    assert shown(view) == view


def test_an_old_version_is_no_less_sensitive_than_the_cube_is_now() -> None:
    policy = Redaction(PatternRedactor, HIDDEN)
    cube = titled("write to alice@example.org")
    assert policy.view([cube], nobody, {}) == [cube]
    assert policy.view([cube], nobody, {cube.id: "secret"}) != [cube]
    hidden = sensitive(cube)
    assert policy.view([hidden], nobody, {cube.id: "public"}) != [hidden]
