"""What every full-text index must do."""

from __future__ import annotations

import unicodedata
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memos.cube import EVERYBODY, Scope
from memos.ports.words import Room, WordEntry, Words
from memos.testing.traces import assert_gone
from memos.testing.vectors import ALICE, BOB, SCOPES

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from memos.ports.near import Near

MOVED = "Alice moved to Lisbon in May."
COFFEE = "Bob drinks his coffee black."


class WordsSuite(ABC):
    """Inherit from it and say how an index is made and opened again."""

    @pytest.fixture
    @abstractmethod
    def words(self) -> Words:
        """An empty index; the fixture closes it."""

    @abstractmethod
    def reopened(self, words: Words) -> Words:
        """The same index, opened again; ``words`` itself where nothing is durable."""

    @abstractmethod
    def files(self) -> Path | None:
        """The folder that the index's files lie in; None where it has none."""

    def test_one_word_in_common_is_enough(self, words: Words) -> None:
        words.put([entry("moved", MOVED), entry("coffee", COFFEE)])
        assert found(words, "anything new from Lisbon or Porto?") == ["moved"]
        assert found(words, "Paris") == []

    def test_more_words_in_common_come_first_with_positive_scores(self, words: Words) -> None:
        words.put([entry("a", "Lisbon is sunny"), entry("b", "Alice likes Lisbon")])
        words.put([entry(f"other {number}", COFFEE) for number in range(10)])
        near = words.near("Alice in Lisbon", k=9, within=[Room(EVERYBODY)])
        assert [one.id for one in near] == ["b", "a"]
        assert near[0].score > near[1].score > 0

    def test_a_rare_word_weighs_more_than_a_common_one(self, words: Words) -> None:
        words.put([entry(f"{number}", "tea with milk") for number in range(10)])
        words.put([entry("rare", "tram with milk"), *(entry(f"x{n}", COFFEE) for n in range(20))])
        assert found(words, "a tram, or tea?")[0] == "rare"

    def test_a_word_every_text_has_is_found_with_a_positive_score(self, words: Words) -> None:
        words.put([entry("a", "tea"), entry("b", "green tea")])
        assert all(near.score > 0 for near in words.near("tea", k=9, within=[Room(EVERYBODY)]))
        assert sorted(found(words, "tea")) == ["a", "b"]

    @pytest.mark.parametrize("query", ["move", "moves", "moving", "MOVED", "lisbon"])
    def test_words_match_by_their_stem_whatever_the_case(self, words: Words, query: str) -> None:
        words.put([entry("moved", MOVED), entry("coffee", COFFEE)])
        assert found(words, query) == ["moved"]

    def test_stop_words_match_nothing_beside_other_words(self, words: Words) -> None:
        words.put([entry("moved", MOVED), entry("other", "In May it is to be seen where he was")])
        assert found(words, "Where did he move to, and when?") == ["moved"]
        assert found(words, "Didn't they've moved?") == ["moved"]

    def test_nothing_but_stop_words_is_looked_for_as_it_is(self, words: Words) -> None:
        words.put([entry("hamlet", "To be, or not to be"), entry("coffee", "Black coffee")])
        assert found(words, "to be or not") == ["hamlet"]

    @pytest.mark.parametrize(
        "query",
        [
            '"Lisbon"',
            'Lisbon"',
            "*Lisbon*",
            "Lisb* Lisbon",
            "NEAR(Lisbon)",
            "NEAR(Lisbon coffee, 2",
            "-Lisbon",
            "NOT Lisbon",
            "AND Lisbon OR",
            "text:Lisbon",
            "words:Lisbon",
            "{text} : Lisbon",
            "^Lisbon + May",
            "(Lisbon))",
            "Lisbon; DROP TABLE words --",
            "Lisbon' OR '1'='1",
            "Lisbon\0Porto",
            "%Lisbon_ ?1 :k @among $x",
            "\\Lisbon/ <b>May</b>",
            "Lisbon \N{GRINNING FACE} \u202e \ufeff \ud800",
        ],
    )
    def test_no_character_is_an_operator(self, words: Words, query: str) -> None:
        words.put([entry("moved", MOVED), entry("tea", "green tea")])
        assert found(words, query) == ["moved"]

    @pytest.mark.parametrize(
        "query", ["", " \t\n", "?!", '"', '""', "*", "()", "-", "\0", "\ud800"]
    )
    def test_a_query_without_words_finds_nothing(self, words: Words, query: str) -> None:
        words.put([entry("moved", MOVED)])
        assert found(words, query) == []

    @pytest.mark.parametrize(
        "query",
        ["zurich", "Zürich", unicodedata.normalize("NFD", "Zürich"), "istanbul", "İstanbul"],
    )
    def test_accents_do_not_count(self, words: Words, query: str) -> None:
        words.put([entry("a", "Sie zog von İstanbul nach Zürich."), entry("b", MOVED)])
        assert found(words, query) == ["a"]

    @pytest.mark.parametrize(
        ("text", "query"),
        [
            ("Она живёт в Праге", "ПРАГЕ"),
            ("Μένει στην Αθήνα", "αθήνα"),
            ("她去年搬到了里斯本", "里斯本在哪里"),
            ("彼女はリスボンに引っ越した", "リスボン"),
            ("她养了一只猫", "猫"),
            ("그녀는 리스본으로 이사했다", "리스본으로"),
        ],
    )
    def test_other_scripts_are_words_too(self, words: Words, text: str, query: str) -> None:
        words.put([entry("a", text), entry("b", MOVED), entry("c", "天气很好")])
        assert found(words, query) == ["a"]

    def test_in_a_long_query_the_rare_word_is_not_lost(self, words: Words) -> None:
        common = [f"common{number}" for number in range(200)]
        words.put([entry(f"{number}", " ".join(common)) for number in range(5)])
        words.put([entry("rare", MOVED)])
        assert "rare" in found(words, " ".join([*common, "Lisbon"]))
        assert found(words, " ".join([*(f"unknown{n}" for n in range(99)), "Lisbon"])) == ["rare"]
        assert found(words, " ".join(f"unknown{number}" for number in range(99))) == []

    def test_a_query_of_many_thousand_characters_is_answered(self, words: Words) -> None:
        words.put([entry("moved", MOVED)])
        assert found(words, "x" * 5000) == []
        assert found(words, "Lisbon " + "x" * 5000) == ["moved"]
        assert found(words, ("Lisbon? " * 700)[:5000]) == ["moved"]

    def test_put_replaces_what_had_the_same_id(self, words: Words) -> None:
        words.put([entry("a", MOVED, ALICE)])
        words.put([entry("a", COFFEE, BOB)])
        assert found(words, "Lisbon") == []
        assert found(words, "coffee", scope=ALICE) == []
        assert found(words, "coffee", scope=BOB) == ["a"]
        assert words.ids() == {"a"}

    def test_of_equal_ids_in_one_put_the_last_counts(self, words: Words) -> None:
        words.put([entry("a", MOVED), entry("a", COFFEE)])
        assert found(words, "Lisbon") == []
        assert found(words, "coffee") == ["a"]

    def test_a_scope_finds_exactly_what_it_covers(self, words: Words) -> None:
        words.put([entry(f"{number:02}", "tea", scope) for number, scope in enumerate(SCOPES)])
        for scope in SCOPES:
            covered = [f"{number:02}" for number, s in enumerate(SCOPES) if scope.covers(s)]
            assert found(words, "tea", scope=scope) == covered

    def test_another_users_entries_are_never_found(self, words: Words) -> None:
        words.put([entry(f"bob{number}", "tea", BOB) for number in range(50)])
        words.put([entry("alice", "a very long text that mentions tea only at its end", ALICE)])
        assert found(words, "tea", k=1, scope=ALICE) == ["alice"]
        assert found(words, "tea", scope=Scope(user_id="carol")) == []
        assert found(words, "tea", scope=ALICE, among=["alice", "bob1"]) == ["alice"]

    def test_only_ids_among_count(self, words: Words) -> None:
        words.put([entry(f"{number}", "tea") for number in range(9)])
        assert found(words, "tea", among=["3", "absent", "5", "3"]) == ["3", "5"]
        assert found(words, "tea", k=1, among=["7", "8"]) == ["7"]
        assert found(words, "tea", among=[]) == []

    def test_an_answer_is_the_same_whatever_else_is_there(self, words: Words) -> None:
        def asked(*rooms: Room) -> list[Near]:
            return words.near("green tea in Lisbon", k=9, within=rooms)

        rooms = (
            [Room(ALICE)],
            [Room(ALICE, ["a", "b"])],
            [Room(EVERYBODY, ["a", "c"])],
            [Room(Scope(session_id="s")), Room(EVERYBODY, ["a"])],
        )
        words.put([entry("a", "green tea", ALICE), entry("b", "tea in Lisbon, with milk", ALICE)])
        words.put([entry("c", "tea", Scope(user_id="alice", session_id="s"))])
        alone = [asked(*each) for each in rooms]
        words.put([entry(f"bob {n}", f"Lisbon, Lisbon and tea {n}", BOB) for n in range(400)])
        words.put([entry("d", "tea " * 99, Scope(user_id="dora", session_id="t"))])
        assert [asked(*each) for each in rooms] == alone
        words.drop(["a", *(f"bob {n}" for n in range(0, 400, 3))])
        words.put([entry("a", "green tea", ALICE)])
        assert [asked(*each) for each in rooms] == alone

    def test_rooms_are_one_together(self, words: Words) -> None:
        words.put([entry(f"{number:02}", "tea", scope) for number, scope in enumerate(SCOPES)])
        words.put([entry("rare", "tea and a tram", BOB)])
        whole = words.near("a tram for tea", k=99, within=[Room(EVERYBODY)])
        rooms = [Room(scope) for scope in SCOPES if scope != EVERYBODY]
        others = [Room(EVERYBODY, words.ids()), Room(BOB, ["rare"])]
        assert words.near("a tram for tea", k=99, within=[*rooms, *others]) == whole
        assert words.near("a tram for tea", k=99, within=[*rooms, Room(EVERYBODY)]) == whole
        assert words.near("tea", k=99, within=[]) == []

    def test_many_texts_of_one_word_are_scored_alike_and_taken_out_again(
        self, words: Words
    ) -> None:
        names = [f"{number:04}" for number in range(1500)]
        words.put([entry(name, "tea", ALICE) for name in names[:700]])
        for name in names[700:710]:
            words.put([entry(name, "tea", ALICE)])
        words.put([entry(name, "tea", ALICE) for name in names[710:]])
        words.drop(names[5:1400])
        near = words.near("tea", k=2000, within=[Room(ALICE)])
        assert [one.id for one in near] == names[:5] + names[1400:]
        assert len({one.score for one in near}) == 1
        assert words.problems() == []

    def test_as_many_come_back_as_match_up_to_k(self, words: Words) -> None:
        assert found(words, "tea") == []
        words.put([entry("a", "tea"), entry("b", "green tea")])
        assert len(found(words, "tea", k=9)) == 2
        assert len(found(words, "tea", k=1)) == 1
        assert found(words, "tea", k=0) == []

    def test_ties_are_ordered_by_id_also_where_k_cuts_them(self, words: Words) -> None:
        words.put([entry(f"{number * 37 % 100:02}", "green tea") for number in range(100)])
        assert found(words, "tea", k=3) == ["00", "01", "02"]

    def test_what_is_dropped_is_never_found(self, words: Words) -> None:
        words.put([entry("a", MOVED), entry("b", MOVED), entry("c", MOVED)])
        words.drop(["a", "absent", "c"])
        words.drop(["a"])
        words.drop([])
        assert found(words, "Lisbon") == ["b"]
        assert words.ids() == {"b"}

    def test_what_was_dropped_or_replaced_is_purged_from_every_file(self, words: Words) -> None:
        names = [f"entry {number:04} of the index" for number in range(500)]
        texts = [f"{number:04} is said to be xyzzyplugh{number:04}" for number in range(500)]
        owner = Scope(user_id="an owner of entries")
        words.put([entry(name, text) for name, text in zip(names[1:], texts[1:], strict=True)])
        words.put([entry(names[0], texts[0], owner)])
        words.put([entry(names[0], "something else")])
        words.drop(names[1:50])
        words.purge()
        gone = [*names[1:50], *texts[:50], *(f"xyzzyplugh{n:04}" for n in range(50))]
        gone.append("an owner of entries")
        assert_gone(self.files(), gone)
        assert found(words, "xyzzyplugh0050 xyzzyplugh0049") == [names[50]]
        again = self.reopened(words)
        assert_gone(self.files(), gone)
        assert found(again, "xyzzyplugh0050 xyzzyplugh0049") == [names[50]]

    def test_purging_again_or_with_nothing_to_purge_changes_nothing(self, words: Words) -> None:
        words.purge()
        words.put([entry("a", "green tea")])
        for _ in range(3):
            words.purge()
            assert found(words, "tea") == ["a"]

    def test_a_text_without_words_is_kept_but_not_found(self, words: Words) -> None:
        words.put([entry("a", ""), entry("b", "?!")])
        words.put([])
        assert words.ids() == {"a", "b"}

    def test_thousands_are_put_filtered_and_dropped_at_once(self, words: Words) -> None:
        names = [f"{number:05}" for number in range(3000)]
        absent = [f"absent {number}" for number in range(40_000)]
        words.put([entry(name, f"tea number {name}") for name in names])
        assert found(words, "tea", k=2, among=[*absent, *names[2000:]]) == ["02000", "02001"]
        words.drop([*absent, *names[:-1]])
        assert words.ids() == {"02999"}
        assert found(words, "tea") == ["02999"]

    def test_everything_is_there_after_reopening(self, words: Words) -> None:
        words.put([entry("a", MOVED, ALICE), entry("b", MOVED, BOB)])
        words.drop(["b"])
        again = self.reopened(words)
        assert again.ids() == {"a"}
        assert found(again, "Lisbon") == ["a"]
        assert found(again, "Lisbon", scope=BOB) == []

    def test_any_text_can_be_kept_and_asked_for(self, words: Words) -> None:
        @settings(max_examples=50, deadline=None)
        @given(text=st.text(), query=st.text())
        def check(text: str, query: str) -> None:
            words.put([entry("any", f"{text} tramway")])
            found(words, query)
            assert found(words, f"{query} tramway") == ["any"]

        check()


def entry(one: str, text: str, scope: Scope = EVERYBODY) -> WordEntry:
    """An entry for tests."""
    return WordEntry(one, text, scope)


def found(
    words: Words,
    query: str,
    *,
    k: int = 100,
    scope: Scope = EVERYBODY,
    among: Collection[str] | None = None,
) -> list[str]:
    """The ids of what matches."""
    return [near.id for near in words.near(query, k=k, within=[Room(scope, among)])]
