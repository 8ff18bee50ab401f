"""What every full-text index must tell of how texts match a question, word by word."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memos.cube import EVERYBODY, Scope
from memos.ports.words import Room, WordEntry, Words
from memos.testing.vectors import ALICE, BOB

if TYPE_CHECKING:
    from memos.ports.words import Matches

ROUNDING = 1e-9
HERS = Scope(user_id="alice", session_id="s")
WORDS = ["tea", "green", "tram", "Lisbon", "milk", "kids", "children"]


class WordsAskedSuite(ABC):
    """Inherit from it beside :class:`memos.testing.words.WordsSuite`."""

    @pytest.fixture
    @abstractmethod
    def words(self) -> Words:
        """An empty index; the fixture closes it."""

    def test_a_text_has_a_share_of_1_in_each_word_of_the_question_that_it_has(
        self, words: Words
    ) -> None:
        put(words, a="green tea", b="a tram", c="nothing of it")
        match = asked(words, "a tram, or green tea").of(["a", "b", "c"])
        assert match.shares.shape == (3, 3)
        assert match.shares.sum(axis=1).tolist() == [2, 1, 0]
        assert set(match.shares.flat) == {0.0, 1.0}
        assert (match.scores > 0).tolist() == [True, True, False]
        assert (match.kin_scores > 0).tolist() == [True, True, False]

    def test_a_word_that_no_text_has_is_no_term(self, words: Words) -> None:
        put(words, a="green tea", b="a tram")
        matches = asked(words, "tea in xyzzyplugh")
        assert matches.rareness.shape == (1,)
        assert matches.of(["a"]).shares.tolist() == [[1]]

    def test_the_terms_are_told_as_the_question_spells_them(self, words: Words) -> None:
        put(words, a="She moves to Z\u00fcrich", b="a tram", c="\u642c\u5230\u91cc\u65af\u672c")
        matches = asked(words, "Moving by xyzzyplugh to Z\u00dcRICH, or moved by TRAM?")
        assert list(matches.terms) == ["Moving", "Z\u00dcRICH", "TRAM"]
        assert matches.of(["a", "b"]).shares.tolist() == [[1, 1, 0], [0, 0, 1]]
        assert list(asked(words, "\u91cc\u65af").terms) == ["\u91cc", "\u65af", "\u91cc\u65af"]

    def test_a_rare_word_weighs_more_than_a_common_one(self, words: Words) -> None:
        put(words, a="green tea", b="tea", c="tea with milk", d="coffee")
        rare = asked(words, "green tea").rareness
        assert len(rare) == 2
        assert rare.max() > rare.min() > 0
        assert [near.id for near in asked(words, "green tea").best(1)] == ["a"]

    def test_the_best_come_first_cut_at_k_and_ties_by_id(self, words: Words) -> None:
        put(words, **{f"t{number * 37 % 100:02}": "green tea" for number in range(100)})
        put(words, all="green tea with milk")
        matches = asked(words, "green tea with milk")
        assert [near.id for near in matches.best(3)] == ["all", "t00", "t01"]
        assert len(matches.best(500)) == 101
        assert matches.best(0) == []

    def test_the_best_have_the_scores_that_each_has_by_itself(self, words: Words) -> None:
        put(words, a="green tea", b="tea with milk", c="a tram to the tea garden", d="coffee")
        matches = asked(words, "green tea, and milk")
        best = matches.best(9)
        assert [near.score for near in best] == sorted((near.score for near in best), reverse=True)
        assert matches.of([near.id for near in best]).kin_scores.tolist() == [
            near.score for near in best
        ]

    def test_what_is_unknown_or_does_not_count_has_zeros_in_its_place(self, words: Words) -> None:
        words.put([WordEntry("hers", "green tea", ALICE), WordEntry("his", "green tea", BOB)])
        matches = asked(words, "tea", Room(ALICE))
        match = matches.of(["absent", "his", "hers", "absent"])
        for values in (match.shares[:, 0], match.scores, match.kin_scores):
            assert (values > 0).tolist() == [False, False, True, False]
        assert [near.id for near in matches.best(9)] == ["hers"]
        nothing = matches.of([])
        assert (nothing.shares.shape, nothing.scores.shape) == ((0, 1), (0,))

    @pytest.mark.parametrize("query", ["", "?!", "xyzzyplugh", "\ud800", "\0"])
    def test_a_question_without_a_known_word_matches_nothing(
        self, words: Words, query: str
    ) -> None:
        put(words, a="green tea")
        for rooms in ([Room(EVERYBODY)], [Room(BOB)], []):
            matches = asked(words, query, *rooms) if rooms else words.ask("tea", within=[])
            assert matches.best(9) == []
            assert matches.rareness.shape == (0,)
            assert list(matches.terms) == []
            assert matches.of(["a", "b"]).shares.shape == (2, 0)
            assert matches.of(["a", "b"]).scores.tolist() == [0, 0]

    def test_its_scores_are_those_of_near_and_its_shares_are_shares(self, words: Words) -> None:
        texts = st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join)

        @settings(max_examples=30, deadline=None)
        @given(st.lists(texts, min_size=1, max_size=5), texts)
        def check(contents: list[str], query: str) -> None:
            words.drop(words.ids())
            put(words, **{f"t{number}": each for number, each in enumerate(contents)})
            names = sorted(words.ids())
            near = {one.id: one.score for one in words.near(query, k=9, within=[Room(EVERYBODY)])}
            matches = asked(words, query)
            match = matches.of(names)
            assert match.scores.tolist() == pytest.approx([near.get(one, 0) for one in names])
            assert ((match.shares >= 0) & (match.shares <= 1)).all()
            assert ((match.shares == 1).any(axis=1) == (match.scores > 0)).all()
            assert (matches.rareness > 0).all()
            assert len(matches.terms) == len(matches.rareness)
            assert {one.id for one in matches.best(9)} == {
                one for one, score in zip(names, match.kin_scores, strict=True) if score
            }

        check()

    @pytest.mark.parametrize(
        "rooms",
        [
            [Room(HERS)],
            [Room(Scope(session_id="s"))],
            [Room(EVERYBODY, ["a", "b"])],
            [Room(ALICE, ["b"]), Room(HERS)],
        ],
        ids=["a user's session", "anybody's session", "ids among all", "both"],
    )
    def test_an_answer_does_not_tell_of_what_others_have(
        self, words: Words, rooms: list[Room]
    ) -> None:
        def numbers() -> list[list[object]]:
            matches = words.ask("green tea on the tram, and kids with a saxophone", within=rooms)
            match = matches.of(["a", "b"])
            arrays = [matches.rareness, match.shares, match.scores, match.kin_scores]
            best = [tuple(one) for one in matches.best(9)]
            return [*(each.tolist() for each in arrays), best, list(matches.terms)]

        words.put([WordEntry("a", "green tea", HERS), WordEntry("b", "tea on the tram", HERS)])
        alone = numbers()
        others = [BOB, ALICE, EVERYBODY, Scope(user_id="bob", session_id="t")]
        texts = ["a saxophone", "children on a tram", "green tea, green tea", "kids"]
        words.put(
            [
                WordEntry(f"{number} {text}", text, scope)
                for number, scope in enumerate(others)
                for text in texts
            ]
        )
        assert numbers() == alone

    def test_an_answer_is_whole_though_a_text_is_dropped_or_replaced_meanwhile(
        self, words: Words
    ) -> None:
        put(words, a="green tea", b="tea", c="tea with milk", z="coffee")
        matches = asked(words, "tea")
        words.drop(["a"])
        put(words, b="tea, as before")
        assert "c" in [near.id for near in matches.best(9)]
        assert matches.of(["c"]).scores[0] > 0


class WordsKinSuite(ABC):
    """For an index that knows English words which mean about the same; inherit as above."""

    @pytest.fixture
    @abstractmethod
    def words(self) -> Words:
        """An empty index; the fixture closes it."""

    def test_a_text_is_found_by_words_that_mean_about_the_same(self, words: Words) -> None:
        put(words, school="The children went to school.", coffee="Black coffee.")
        matches = asked(words, "how are the kids")
        assert [near.id for near in matches.best(9)] == ["school"]
        match = matches.of(["school", "coffee"])
        assert 0 < match.shares[0, 0] < 1
        assert match.scores.tolist() == [0, 0]
        assert match.kin_scores[0] > 0 == match.kin_scores[1]
        assert list(matches.terms) == ["kids"]

    def test_the_word_itself_comes_before_its_kin(self, words: Words) -> None:
        put(words, b="these kids", a="these children", c="these trams")
        matches = asked(words, "kids")
        assert [near.id for near in matches.best(9)] == ["b", "a"]
        assert asked(words, "children").best(1)[0].id == "a"

    def test_a_text_with_a_word_and_its_kin_has_the_word_once(self, words: Words) -> None:
        put(words, both="kids, children", one="kids, trams")
        match = asked(words, "kids").of(["both", "one"])
        assert match.shares.tolist() == [[1], [1]]
        assert match.kin_scores[0] == pytest.approx(match.kin_scores[1], abs=ROUNDING)

    def test_what_is_written_as_a_name_has_no_kin(self, words: Words) -> None:
        put(words, school="The children went to school.", coffee="Black coffee.")
        assert asked(words, "tell of Kid and his friend").best(9) == []
        assert asked(words, "Kids").best(9) != []  # a capital at the beginning says nothing

    def test_the_more_texts_have_kin_of_a_word_the_less_it_tells(self, words: Words) -> None:
        put(words, a="kids", b="a tram", c="coffee")
        before = asked(words, "kids").rareness[0]
        put(words, b="children")
        assert asked(words, "kids").rareness[0] < before


def put(words: Words, **texts: str) -> None:
    """Put texts of nobody, by their ids."""
    words.put([WordEntry(one, text, EVERYBODY) for one, text in texts.items()])


def asked(words: Words, query: str, *rooms: Room) -> Matches:
    """How the texts of these rooms match; of all where none is said."""
    return words.ask(query, within=rooms or [Room(EVERYBODY)])
