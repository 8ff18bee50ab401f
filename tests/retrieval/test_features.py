"""What is measured of a candidate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from memos.retrieval.evidence import Evidence, Named
from memos.retrieval.features import features
from tests.retrieval.known import evidence, evidences, outline, turns

SHARES = ("cover", "cover1", "cover2", "session_cover", "together")


def told(known: Evidence, name: str) -> list[float]:
    """One feature of each candidate, rounded."""
    return [round(value, 3) for value in features(known)[name].tolist()]


@settings(deadline=None)
@given(evidences())
def test_every_feature_is_a_finite_number_of_each_candidate(known: Evidence) -> None:
    for name, values in features(known).items():
        assert values.shape == (known.count,), name
        assert np.isfinite(values).all(), name


@settings(deadline=None)
@given(evidences())
def test_what_is_a_share_stays_between_0_and_1_and_grows_with_what_is_around(
    known: Evidence,
) -> None:
    found = features(known)
    for name in SHARES:
        if name in found:
            assert (found[name] >= 0).all(), name
            assert (found[name] <= 1 + 1e-9).all(), name
    if "cover1" in found:
        assert (found["cover"] <= found["cover1"] + 1e-9).all()
        assert (found["cover1"] <= found["cover2"] + 1e-9).all()
        assert (found["cover"] <= found["session_cover"] + 1e-9).all()


def test_where_there_are_no_turns_and_no_names_nothing_is_said_of_them() -> None:
    found = features(evidence("Where does Ann live?", [outline("a"), outline("b")]))
    assert set(found) == {
        "vectors", "words", "kin", "cover", "asks", "asks_within", "self", "length", "when", "many",
        "where",
    }  # fmt: skip


def test_a_longer_text_is_longer_and_a_question_asks() -> None:
    known = evidence("tea?", [outline("a", "tea?"), outline("b", "Tea? I like my tea.")])
    assert told(known, "length") == [-1, 1]
    assert told(known, "asks") == [1, 0]
    assert told(known, "asks_within") == [1, 1]
    assert told(known, "self") == [0, 1]


@pytest.mark.parametrize(
    ("question", "name", "text"),
    [
        ("When was it?", "when", "Last week."),
        ("How many are there?", "many", "She has three."),
        ("Where does she live?", "where", "She lives in Lisbon."),
    ],
)
def test_a_text_with_the_kind_of_thing_that_is_asked_for_is_told_from_others(
    question: str, name: str, text: str
) -> None:
    notes = [outline("a", text), outline("b", "It is so.")]
    assert told(evidence(question, notes), name) == [1, 0]
    assert told(evidence("Who is it?", notes), name) == [0, 0]


def test_the_newer_a_candidate_is_the_more_where_the_newest_is_asked_for() -> None:
    notes = [outline("old", at=-5), outline("timeless"), outline("new", at=9), outline("b", at=0)]
    said = [*notes, outline("with b", at=0), outline("beside", at=10)]
    known = evidence("What is her latest address?", said, count=5)
    assert told(known, "recent") == [0, 0, 1, 0.5, 0.5]
    later = [each._replace(valid_from=each.valid_from and each.valid_from * 99) for each in said]
    assert told(replace(known, outlines=later), "recent") == [0, 0, 1, 0.5, 0.5]
    assert "recent" not in features(evidence("What is her address?", said))


def test_the_only_one_with_a_time_is_the_newest() -> None:
    known = evidence("Where does she live now?", [outline("a"), outline("b", at=0)])
    assert told(known, "recent") == [0, 1]
    assert told(evidence("Where does she live now?", [outline("a")]), "recent") == [0]


# --- conversations ------------------------------------------------------------------------------


def test_who_is_named_in_the_question_speaks_or_somebody_else_does() -> None:
    said = turns("one", "two", "three", speakers="ABC")
    known = evidence("What did b say?", said)
    assert told(known, "speaker") == [0, 1, 0]
    assert told(known, "other_speaker") == [1, 0, 1]


def test_where_no_speaker_is_named_nobody_is_somebody_else() -> None:
    known = evidence("What was said?", turns("one", "two", speakers="AB"))
    assert told(known, "speaker") == told(known, "other_speaker") == [0, 0]


def test_the_turn_after_a_question_answers_it_the_more_the_nearer_the_question_is() -> None:
    said = turns("Where is the violin?", "Under my bed.", "I see.", "And the bow?", "Lost.")
    known = evidence("violin", said, cosines=[0.9, 0.1, 0.1, 0.1, 0.1])
    assert told(known, "answers") == [0, 1, 0, 0, 1]
    near = told(known, "answers_near")
    assert near[1] > 0 > near[4]
    assert near[0] == near[2] == near[3] == 0


def test_a_turn_that_only_stands_beside_candidates_counts_for_them() -> None:
    said = [*turns("Where is the violin?", "Under my bed."), outline("far")]
    said = [said[1], said[2], said[0]]
    known = evidence("violin", said, cosines=[0, 0, 1], count=2)
    assert told(known, "answers") == [1, 0]
    assert told(known, "previous") == [1, -1]
    assert told(known, "vectors1") == [1, -1]


def test_a_good_turn_lifts_the_one_after_it_and_the_one_before() -> None:
    known = evidence("violin", turns("a", "b", "c", "d"), cosines=[0, 1, 0, 0])
    previous, following = told(known, "previous"), told(known, "next")
    assert max(previous) == previous[2] > previous[1]
    assert max(following) == following[0] > following[1]


def test_turns_together_cover_what_none_does_alone() -> None:
    shares = [[1, 0], [0, 1], [0, 0], [0, 0]]
    known = evidence("green tea", turns("a", "b", "c", "d"), shares=shares, rareness=[3, 1])
    assert told(known, "cover") == [0.75, 0.25, 0, 0]
    assert told(known, "cover1") == [1, 1, 0.25, 0]
    assert told(known, "cover2") == [1, 1, 1, 0.25]
    assert told(known, "session_cover") == [1, 1, 1, 1]


def test_sessions_of_the_same_name_of_two_users_are_two_and_a_note_is_one_by_itself() -> None:
    hers = turns("a", "b")
    his = [each._replace(id=f"his {each.id}", user_id="bob") for each in turns("c")]
    said = [*hers, *his, outline("note"), outline("other")]
    shares = [[1, 0], [0, 0], [0, 1], [0, 1], [0, 0]]
    known = evidence("green tea", said, shares=shares, rareness=[1, 1])
    assert told(known, "session_cover") == [0.5, 0.5, 0.5, 0.5, 0]


def test_a_session_is_as_near_as_its_nearest_turns() -> None:
    said = [*turns("a", "b"), *(each._replace(id="t") for each in turns("c", session="t"))]
    near = told(evidence("tea", said, cosines=[0.9, 0.1, 0.2]), "session_vectors")
    assert near[0] == near[1] > near[2]


# --- names --------------------------------------------------------------------------------------


def passages(*texts: str) -> Named:
    """Passages by a title and what they mention: ``Lisbon: Tagus, Porto``."""
    split = [text.partition(": ") for text in texts]
    return Named(
        [dict.fromkeys([title, *named.split(", ")], 1.0) for title, _, named in split],
        [title for title, _, _ in split],
    )


def test_a_passage_whose_title_a_good_candidate_names_is_linked() -> None:
    named = passages("Lisbon: Tagus", "Tagus: Spain", "Oslo: Norway")
    known = evidence("?", [outline(one) for one in "abc"], cosines=[1, 0, 0], named=named)
    linked = told(known, "linked")
    assert linked[1] == max(linked) > linked[0]
    assert linked[2] == 0
    linking = told(known, "linking")
    assert linking[0] > 0 == linking[2]


def test_what_names_the_title_of_a_good_candidate_is_linking() -> None:
    named = passages("Tagus: Spain", "Lisbon: Tagus", "Oslo: Norway")
    known = evidence("?", [outline(one) for one in "abc"], cosines=[1, 0, 0], named=named)
    linking = told(known, "linking")
    assert linking[1] == 1
    assert linking[2] == 0


def test_linked_passages_cover_together_what_neither_does_alone() -> None:
    named = passages("Lisbon: Tagus", "Tagus: Spain", "Oslo: Norway")
    shares = [[1, 0], [0, 1], [0, 1]]
    known = evidence(
        "?", [outline(one) for one in "abc"], cosines=[1, 0, 0], shares=shares, rareness=[1, 1],
        named=named,
    )  # fmt: skip
    together = told(known, "together")
    assert together[1] == 1
    assert together[2] == 0


def test_a_passage_under_a_title_that_the_question_names_is_told() -> None:
    named = passages("Lisbon: Tagus", "Oslo: Norway")
    named = Named(named.mentions, named.titles, frozenset({"Oslo"}))
    known = evidence("?", [outline("a"), outline("b")], named=named)
    assert told(known, "title") == [0, 1]


def test_a_walk_reaches_what_shares_names_with_good_candidates() -> None:
    named = Named([{"x": 1.0}, {"x": 1.0, "y": 1.0}, {"y": 1.0}, {"z": 1.0}], [None] * 4)
    notes = [outline(one) for one in "abcd"]
    walk = told(evidence("?", notes, cosines=[9, 0, 0, 0], named=named), "walk")
    assert walk[0] > walk[1] > walk[2] > walk[3]
