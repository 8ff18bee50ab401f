"""What every index of vectors must do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memos.cube import EVERYBODY, Scope
from memos.errors import BadInput
from memos.ports.vectors import VectorEntry, Vectors
from memos.testing.traces import assert_gone

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from numpy.typing import NDArray

DIMENSION = 8
"""The dimension of the index that the suite asks for."""

ALICE, BOB = Scope(user_id="alice"), Scope(user_id="bob")
SCOPES = [
    Scope(user_id=user, agent_id=agent, session_id=session)
    for user, agent, session in product((None, "u1", "u2"), (None, "a1"), (None, "s1"))
]
ROUNDING = 1e-5


class VectorsSuite(ABC):
    """Inherit from it and say how an index is made and opened again."""

    @pytest.fixture
    @abstractmethod
    def vectors(self) -> Vectors:
        """An empty index of vectors of length ``DIMENSION``; the fixture closes it."""

    @abstractmethod
    def reopened(self, vectors: Vectors) -> Vectors:
        """The same index, closed and opened again; ``vectors`` itself where nothing is durable."""

    @abstractmethod
    def files(self) -> Path | None:
        """The folder that the index's files lie in; None where it has none."""

    def test_the_nearest_come_first_with_their_cosine(self, vectors: Vectors) -> None:
        vectors.put([entry("opposite", -1), entry("half", 1, 1), entry("same", 1)])
        found = vectors.near(unit(1), k=3, scope=EVERYBODY)
        assert [near.id for near in found] == ["same", "half", "opposite"]
        assert [near.score for near in found] == pytest.approx([1, 0.5**0.5, -1], abs=ROUNDING)
        assert all(-1 <= near.score <= 1 for near in found)

    def test_put_replaces_what_had_the_same_id(self, vectors: Vectors) -> None:
        vectors.put([entry("a", 1), entry("b", 1, 1)])
        assert ids_near(vectors) == ["a", "b"]
        vectors.put([entry("a", -1)])
        assert ids_near(vectors) == ["b", "a"]
        assert vectors.ids() == {"a", "b"}

    def test_put_replaces_the_scope_too(self, vectors: Vectors) -> None:
        vectors.put([entry("a", 1, scope=Scope(user_id="alice", session_id="s1"))])
        assert ids_near(vectors, scope=Scope(session_id="s1")) == ["a"]
        vectors.put([entry("a", 1, scope=Scope(user_id="bob"))])
        assert ids_near(vectors, scope=Scope(session_id="s1")) == []
        assert ids_near(vectors, scope=ALICE) == []
        assert ids_near(vectors, scope=BOB) == ["a"]

    def test_of_equal_ids_in_one_put_the_last_counts(self, vectors: Vectors) -> None:
        vectors.put([entry("a", -1, scope=ALICE), entry("b", 1, 1), entry("a", 1, scope=BOB)])
        assert ids_near(vectors) == ["a", "b"]
        assert ids_near(vectors, scope=ALICE) == []

    def test_a_scope_finds_exactly_what_it_covers(self, vectors: Vectors) -> None:
        vectors.put([entry(f"{number:02}", 1, scope=s) for number, s in enumerate(SCOPES)])
        for scope in SCOPES:
            covered = [f"{number:02}" for number, s in enumerate(SCOPES) if scope.covers(s)]
            assert ids_near(vectors, scope=scope) == covered

    def test_another_users_entries_are_never_found(self, vectors: Vectors) -> None:
        vectors.put([entry(f"bob{number}", 1, scope=BOB) for number in range(50)])
        vectors.put([entry("alice", -1, scope=ALICE)])
        assert ids_near(vectors, scope=ALICE) == ["alice"]
        assert ids_near(vectors, scope=Scope(user_id="carol")) == []
        assert ids_near(vectors, scope=ALICE, among=["alice", "bob1", "bob2"]) == ["alice"]

    def test_only_ids_among_count(self, vectors: Vectors) -> None:
        vectors.put([entry(f"{number:02}", 1, number / 50) for number in range(50)])
        assert ids_near(vectors, k=2, among=["40", "30", "20", "30"]) == ["20", "30"]
        assert ids_near(vectors, among=["absent", "07", ""]) == ["07"]
        assert ids_near(vectors, among={"absent"}) == []
        assert ids_near(vectors, among=[]) == []

    def test_as_many_come_back_as_there_are_up_to_k(self, vectors: Vectors) -> None:
        assert ids_near(vectors, k=3) == []
        vectors.put([entry("a", 1), entry("b", 1, 1)])
        assert len(ids_near(vectors, k=3)) == 2
        assert len(ids_near(vectors, k=1)) == 1
        assert ids_near(vectors, k=0) == []

    def test_what_is_dropped_is_never_found(self, vectors: Vectors) -> None:
        vectors.put([entry("a", 1), entry("b", 1, 1), entry("c", 0, 1)])
        assert ids_near(vectors) == ["a", "b", "c"]
        vectors.drop(["a", "absent", "c"])
        vectors.drop(["a"])
        vectors.drop([])
        assert ids_near(vectors) == ["b"]
        assert ids_near(vectors, among=["a", "b"]) == ["b"]
        assert vectors.ids() == {"b"}

    def test_what_was_dropped_can_be_put_again(self, vectors: Vectors) -> None:
        vectors.put([entry("a", 1, scope=ALICE)])
        vectors.drop(["a"])
        vectors.put([entry("a", -1, scope=BOB)])
        assert ids_near(vectors) == ["a"]
        assert ids_near(vectors, scope=ALICE) == []

    def test_ties_are_ordered_by_id_also_where_k_cuts_them(self, vectors: Vectors) -> None:
        names = [f"{number * 37 % 100:02}" for number in range(100)]
        vectors.put([entry(name, 3, 1, 4, 1, 5, 9, 2, 6) for name in names])
        found = vectors.near(unit(2, 7, 1, 8, 2, 8, 1, 8), k=5, scope=EVERYBODY)
        assert [near.id for near in found] == ["00", "01", "02", "03", "04"]
        assert len({near.score for near in found}) == 1
        assert ids_near(vectors, k=5) == ["00", "01", "02", "03", "04"]

    def test_a_wrong_dimension_changes_nothing(self, vectors: Vectors) -> None:
        wrong = VectorEntry("wrong", np.ones(1, dtype=np.float32), EVERYBODY)
        with pytest.raises(BadInput, match=str(DIMENSION)):
            vectors.put([entry("right", 1), wrong])
        assert vectors.ids() == set()
        with pytest.raises(BadInput, match=str(DIMENSION)):
            vectors.near(wrong.vector, k=1, scope=EVERYBODY)

    def test_putting_nothing_changes_nothing(self, vectors: Vectors) -> None:
        vectors.put([])
        assert vectors.ids() == set()

    def test_everything_is_there_after_reopening(self, vectors: Vectors) -> None:
        vectors.put([entry("a", 1, scope=ALICE), entry("b", 1, 1, scope=BOB), entry("c", 1)])
        vectors.put([entry("c", -1)])
        vectors.drop(["b"])
        again = self.reopened(vectors)
        assert again.ids() == {"a", "c"}
        assert ids_near(again) == ["a", "c"]
        assert ids_near(again, scope=ALICE) == ["a"]
        assert ids_near(again, scope=BOB) == []

    def test_what_was_dropped_or_replaced_is_purged_from_every_file(self, vectors: Vectors) -> None:
        names = [f"entry {number:04} of the index" for number in range(1200)]
        owners = [f"owner {number:04} of an entry" for number in range(1200)]
        chance = np.random.default_rng(5)
        entries = [
            VectorEntry(name, unit(*chance.standard_normal(DIMENSION)), Scope(user_id=owner))
            for name, owner in zip(names, owners, strict=True)
        ]
        vectors.put(entries)
        vectors.put([VectorEntry(names[0], entries[1].vector, Scope(user_id=owners[1]))])
        vectors.drop(names[2:50])
        vectors.purge()
        gone = names[2:50] + owners[2:50] + owners[:1]
        old = [each.vector for each in (entries[0], *entries[2:50])]
        assert_gone(self.files(), gone, old)
        assert vectors.ids() == {*names[:2], *names[50:]}
        assert vectors.near(entries[60].vector, k=1, scope=EVERYBODY)[0].id == names[60]
        again = self.reopened(vectors)
        assert_gone(self.files(), gone, old)
        assert again.ids() == {*names[:2], *names[50:]}
        assert again.near(entries[60].vector, k=1, scope=EVERYBODY)[0].id == names[60]

    def test_the_only_entry_is_purged_too(self, vectors: Vectors) -> None:
        first, second, third = (unit(3, 1, 4, 1, 5, number, 2, 6) for number in (7, 8, 9))
        named, unnamed = Scope(user_id="a user with a name"), EVERYBODY
        vectors.put([VectorEntry("the only entry", first, named)])
        vectors.purge()
        vectors.put([VectorEntry("the only entry", second, unnamed)])
        vectors.purge()
        assert_gone(self.files(), ["a user with a name"], [first])
        again = self.reopened(vectors)
        again.put([VectorEntry("the only entry", third, unnamed)])
        again.drop(["the only entry"])
        again.purge()
        assert_gone(self.files(), ["the only entry"], [first, second, third])
        assert again.ids() == set()
        again.put([entry("a", 1)])
        assert ids_near(again) == ["a"]

    def test_purging_again_or_with_nothing_to_purge_changes_nothing(self, vectors: Vectors) -> None:
        vectors.purge()
        assert vectors.ids() == set()
        vectors.put([entry("a", 1), entry("b", 1, 1)])
        for _ in range(3):
            vectors.purge()
            assert ids_near(vectors) == ["a", "b"]
        vectors.drop(["a"])
        vectors.purge()
        assert ids_near(self.reopened(vectors)) == ["b"]

    def test_an_index_in_use_follows_every_change(self, vectors: Vectors) -> None:
        for number in range(20):
            vectors.put([entry(f"{number:02}", 1, number, scope=SCOPES[number % len(SCOPES)])])
            vectors.drop([f"{number - 5:02}"])
            kept = [f"{one:02}" for one in range(max(0, number - 4), number + 1)]
            assert ids_near(vectors) == kept
            for scope in (Scope(user_id="u1"), Scope(user_id="u1", agent_id="a1")):
                covered = [one for one in kept if scope.covers(SCOPES[int(one) % len(SCOPES)])]
                assert ids_near(vectors, scope=scope) == covered

    def test_thousands_are_put_filtered_and_dropped_at_once(self, vectors: Vectors) -> None:
        names = [f"{number:05}" for number in range(6000)]
        vectors.put([entry(name, 1, int(name) / 6000) for name in names])
        vectors.put([entry("alice", 1, scope=ALICE)])
        assert ids_near(vectors, k=2, among=names[100:]) == ["00100", "00101"]
        absent = [f"absent {name}" for name in names * 6]
        assert ids_near(vectors, among=[*absent, "00007"]) == ["00007"]
        vectors.drop([*absent, *names[:-1]])
        assert vectors.ids() == {"alice", "05999"}
        assert ids_near(vectors) == ["alice", "05999"]

    def test_threads_do_not_disturb_each_other(self, vectors: Vectors) -> None:
        def work(worker: int) -> None:
            mine = Scope(user_id=f"user {worker}")
            for number in range(10):
                vectors.put([entry(f"{worker}-{number}", 1, number, scope=mine)])
                expected = [f"{worker}-{one}" for one in range(number + 1)]
                assert ids_near(vectors, scope=mine) == expected

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, range(4)))
        assert len(vectors.ids()) == 40

    def test_what_is_near_is_what_brute_force_finds(self, vectors: Vectors) -> None:
        @settings(max_examples=20, deadline=None)
        @given(
            rows=st.lists(st.tuples(*[st.integers(-4, 4)] * 3, st.sampled_from(SCOPES))),
            k=st.integers(1, 40),
        )
        def check(rows: list[tuple[int, int, int, Scope]], k: int) -> None:
            vectors.drop(vectors.ids())
            entries = [
                entry(f"{place:02}", *numbers, 1, scope=scope)
                for place, (*numbers, scope) in enumerate(rows)
            ]
            vectors.put(entries)
            for scope in (EVERYBODY, SCOPES[-1]):
                cosines = {e.id: e.vector @ QUESTION for e in entries if scope.covers(e.scope)}
                found = vectors.near(QUESTION, k=k, scope=scope)
                best = sorted(cosines.values(), reverse=True)[:k]
                scores = [near.score for near in found]
                assert scores == pytest.approx(best, abs=ROUNDING)
                assert scores == pytest.approx([cosines[n.id] for n in found], abs=ROUNDING)

        check()


def unit(*numbers: float) -> NDArray[np.float32]:
    """The vector of length 1 in the direction of ``numbers``, which zeros fill up."""
    vector = np.zeros(DIMENSION, dtype=np.float32)
    vector[: len(numbers)] = numbers
    return vector / np.linalg.norm(vector)


QUESTION = unit(1, -2, 3, 1, 1)


def entry(one: str, *numbers: float, scope: Scope = EVERYBODY) -> VectorEntry:
    """An entry for tests."""
    return VectorEntry(one, unit(*numbers), scope)


def ids_near(
    vectors: Vectors,
    *,
    k: int = 100,
    scope: Scope = EVERYBODY,
    among: Collection[str] | None = None,
) -> list[str]:
    """What is near the first axis; asked three times, for an index may learn from questions."""
    first, *others = (
        [near.id for near in vectors.near(unit(1), k=k, scope=scope, among=among)] for _ in range(3)
    )
    assert others == [first, first]
    return first
