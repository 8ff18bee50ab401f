"""How units are put together: windows, sessions, paragraphs, sections."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memos.errors import BadInput
from memos.ingest.formats import Format
from memos.ingest.views import View, chosen, paragraphs, read_views, sections, sessions, windows
from memos.ports.segmenter import Unit

units = st.lists(
    st.builds(Unit, st.just("x"), st.sampled_from(["", "a", "b"])), max_size=30
)  # fmt: skip


@given(units, st.integers(1, 8), st.integers(1, 8))
def test_windows_hold_every_turn_and_never_two_conversations(
    given_units: list[Unit], size: int, step: int
) -> None:
    found = windows(size, min(step, size))(given_units)
    spoken = {place for place, unit in enumerate(given_units) if unit.conversation}
    assert {place for window in found for place in window} == spoken
    assert len(found) == len(set(found))
    for window in found:
        assert 0 < len(window) <= size
        assert len({given_units[place].conversation for place in window}) == 1


@given(units)
def test_a_session_is_one_conversation_with_all_its_turns(given_units: list[Unit]) -> None:
    found = sessions(given_units)
    assert len(found) == len({unit.conversation for unit in given_units} - {""})
    for session in found:
        assert session == tuple(sorted(session))


def test_sections_are_what_stands_under_the_same_headings_in_a_run() -> None:
    path = [("A",), ("A",), ("A", "B"), ("A",), ()]
    assert sections([Unit("x", headings=one) for one in path]) == [(0, 1), (2,), (3,), (4,)]


def test_paragraphs_are_their_sentences() -> None:
    assert paragraphs([Unit("x", block=one) for one in (1, 1, 2)]) == [(0, 1), (2,)]


def test_the_finest_view_is_read_and_the_others_are_derived() -> None:
    assert chosen((), Format.JSON) == (View.TURN, ())
    assert chosen([View.SESSION], Format.SLACK) == (View.TURN, (View.SESSION,))
    assert chosen([View.SECTION, View.SENTENCE], Format.TEXT) == (View.SENTENCE, (View.SECTION,))
    assert chosen([View.SECTION], Format.MARKDOWN) == (View.PARAGRAPH, (View.SECTION,))
    with pytest.raises(BadInput, match="no view 'turn'"):
        chosen([View.TURN], Format.PDF)


@pytest.mark.parametrize("bad", ["turn", 7, None, ["nonsense"], [7], b"page"])
def test_names_of_views_are_read_or_refused(bad: object) -> None:
    with pytest.raises(BadInput):
        read_views(bad)
