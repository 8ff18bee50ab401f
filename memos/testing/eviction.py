"""What every eviction policy must do; and a place, full of nothing, that it can be played with."""

from __future__ import annotations

import gc
import random
from abc import ABC, abstractmethod
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memos.ports.eviction import Eviction

SIZE = 1000
"""Bytes of a block, where nothing else is said."""


def anything(_: str) -> bool:
    """For a place in which every block may go."""
    return True


class PlayedPlace:
    """A place of so many bytes, whose blocks may be held and may stand on one another."""

    def __init__(self, policy: Eviction, budget_bytes: int) -> None:
        self.policy, self.budget_bytes = policy, budget_bytes
        self.sizes: dict[str, int] = {}
        self.parents: dict[str, str] = {}
        self.children: Counter[str] = Counter()
        self.size_bytes = 0
        self.held: set[str] = set()
        self.victims: list[str] = []
        self.refused: list[str] = []
        self.asked = 0

    def ask(self, name: str, *, size: int = SIZE, seconds: float = 1.0, parent: str = "") -> bool:
        """Whether a block is there; one that is not comes, if there is or can be room for it."""
        if name in self.sizes:
            self.policy.used(name)
            return True
        self.policy.missed(name)
        if self._made_room(name, size, seconds):
            self.sizes[name], self.parents[name] = size, parent
            self.size_bytes += size
            self.children[parent] += 1
            self.policy.added(name, size, seconds)
        return False

    def ask_text(self, names: Sequence[str]) -> None:
        """Ask for the blocks of a text."""
        self.policy.asked(names)
        for name in names:
            self.ask(name)

    def ask_all(self, names: str) -> None:
        """Ask for single letters, one after the other."""
        for name in names:
            self.ask(name)

    def forget(self, name: str) -> None:
        """Remove a block that nobody wants out of the way."""
        self.held.discard(name)
        if name in self.sizes:
            self.size_bytes -= self.sizes.pop(name)
            self.policy.removed(name)
            parent = self.parents.pop(name)
            self.children[parent] -= 1
            self._free(parent)

    def release(self, name: str) -> None:
        """Let a held block go, if anything wants it to."""
        self.held.discard(name)
        self._free(name)

    def may_go(self, name: str) -> bool:
        """Asked by the policy; it never asks about what is not there."""
        assert name in self.sizes
        self.asked += 1
        return name not in self.held and not self.children[name]

    def _made_room(self, name: str, size: int, seconds: float) -> bool:
        while self.size_bytes + size > self.budget_bytes:
            victim = self.policy.victim(self.may_go)
            if victim is None:
                assert not any(map(self.may_go, self.sizes))
                return False
            assert self.may_go(victim)
            if not self.policy.admits(name, size, seconds, victim):
                self.refused.append(name)
                return False
            self.victims.append(victim)
            self.forget(victim)
        return True

    def _free(self, name: str) -> None:
        if name in self.sizes and not self.children[name]:
            self.policy.freed(name)


def names_in(policy: object, mark: str) -> set[str]:
    """All names that begin with ``mark`` and that a policy can still reach."""
    found: set[str] = set()
    seen: set[int] = set()
    waiting: list[object] = [policy]
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, type):
            continue
        seen.add(id(one))
        if isinstance(one, str) and one.startswith(mark):
            found.add(one)
        waiting += [part for part in gc.get_referents(one) if not callable(part)]
    return found


class EvictionSuite(ABC):
    """Inherit from it and say how a policy is made."""

    @abstractmethod
    def made(self, budget_bytes: int) -> Eviction:
        """A policy with an empty book, for a place that holds so much."""

    def place(self, blocks: int) -> PlayedPlace:
        """An empty place for so many blocks of the usual size."""
        return PlayedPlace(self.made(blocks * SIZE), blocks * SIZE)

    def full(self, letters: str) -> PlayedPlace:
        """A place that is full of these blocks, asked for in this order."""
        place = self.place(len(letters))
        place.ask_all(letters)
        return place

    def test_where_nothing_is_nothing_goes(self) -> None:
        policy = self.made(10 * SIZE)
        policy.asked(["a", "b"])
        policy.missed("a")
        policy.used("b")
        policy.removed("c")
        policy.freed("d")
        assert policy.victim(anything) is None

    def test_what_is_there_goes_in_the_end_and_once(self) -> None:
        place = self.full("abcdefgh")
        place.ask_all("aabbhhc")
        gone: list[str] = []
        while (victim := place.policy.victim(place.may_go)) is not None:
            gone.append(victim)
            place.forget(victim)
        assert sorted(gone) == sorted("abcdefgh")

    def test_a_victim_that_stays_is_named_again(self) -> None:
        policy = self.full("abcdefgh").policy
        assert policy.victim(anything) == policy.victim(anything) is not None

    def test_what_comes_twice_is_there_once(self) -> None:
        policy = self.made(10 * SIZE)
        policy.added("a", SIZE, 1.0)
        policy.added("a", 2 * SIZE, 1.0)
        assert policy.victim(anything) == "a"
        policy.removed("a")
        assert policy.victim(anything) is None

    def test_what_was_removed_unasked_is_never_named(self) -> None:
        place = self.full("abcdefgh")
        place.ask_all("abab")
        for name in "ah":
            place.forget(name)
        while (victim := place.policy.victim(place.may_go)) is not None:
            assert victim not in "ah"
            place.forget(victim)

    def test_what_is_held_is_passed_over_and_keeps_its_place(self) -> None:
        expected = self._order(held="")
        for held in expected[:2]:
            assert self._order(held=held) == [name for name in expected if name != held]
            assert self._order(held=held, released=True) == expected

    def _order(self, *, held: str, released: bool = False) -> list[str]:
        """In which order eight blocks go; the held one was asked about in vain before."""
        place = self.full("abcdefgh")
        place.ask_all("hgfe")
        if held:
            place.held.add(held)
            assert place.policy.victim(place.may_go) != held
        if released:
            place.release(held)
        gone: list[str] = []
        while (victim := place.policy.victim(place.may_go)) is not None:
            gone.append(victim)
            place.forget(victim)
        return gone

    def test_where_nothing_may_go_nothing_goes_until_something_may(self) -> None:
        place = self.full("abcdefgh")
        place.held = set("abcdefgh")
        assert place.policy.victim(place.may_go) is None
        place.release("e")
        assert place.policy.victim(place.may_go) == "e"

    def test_what_may_go_is_found_even_if_nobody_said_so(self) -> None:
        place = self.full("abcdefgh")
        place.held = set("abcdefgh")
        assert place.policy.victim(place.may_go) is None
        place.held.remove("e")
        assert place.policy.victim(place.may_go) == "e"

    def test_chains_go_from_their_ends(self) -> None:
        place = self.place(12)
        for chain in ("abcd", "ABCD", "wxyz"):
            for parent, name in zip(["", *chain], chain, strict=False):
                place.ask(name, parent=parent)
        place.ask_all("ABCD")
        for number in range(12):
            place.ask(f"new {number}")
        for chain in ("abcd", "ABCD", "wxyz"):
            gone = [name for name in place.victims if name in chain]
            assert gone == sorted(gone, reverse=True)

    def test_equal_calls_give_equal_answers(self) -> None:
        places = [self._played(seed=7) for _ in range(2)]
        assert places[0].victims == places[1].victims
        assert places[0].refused == places[1].refused
        assert len(places[0].victims + places[0].refused) > 100

    def test_a_place_that_is_used_in_every_way_keeps_to_its_budget(self) -> None:
        for seed in range(5):
            place = self._played(seed=seed)
            assert sum(place.sizes.values()) <= place.budget_bytes
            assert len(names_in(place.policy, "block ")) >= len(place.sizes)

    def _played(self, *, seed: int) -> PlayedPlace:
        """Blocks that come and go, of several sizes, held, chained and forgotten."""
        chance = random.Random(seed)  # noqa: S311
        place = self.place(40)
        for _ in range(3000):
            name = f"block {int(chance.paretovariate(0.6)) % 300}"
            parent = chance.choice(["", *place.sizes])
            place.ask(
                name,
                size=chance.choice([SIZE, SIZE, SIZE // 3, 1]),
                seconds=chance.random(),
                parent=parent if parent != name and chance.random() < 0.3 else "",
            )
            for held in sorted(place.held):
                if chance.random() < 0.2:
                    place.release(held)
            if name in place.sizes and chance.random() < 0.1:
                place.held.add(name)
            free = [one for one in place.sizes if place.may_go(one)]
            if free and chance.random() < 0.02:
                place.forget(chance.choice(free))
        return place

    def test_what_has_gone_is_not_remembered_for_ever(self) -> None:
        place = self.place(50)
        for number in range(5000):
            place.ask(f"block {number}")
            place.ask(f"block {number // 2}")
        assert len(names_in(place.policy, "block ")) <= 6 * 50
        for name in list(place.sizes):
            place.forget(name)
        assert place.policy.victim(anything) is None

    def test_a_search_does_not_ask_about_all_that_may_not_go(self) -> None:
        place = self.place(4000)
        for number in range(4000):
            place.ask(f"block {number}")
            if number % 2:
                place.held.add(f"block {number}")
        place.policy.victim(place.may_go)
        place.asked = 0
        for _ in range(1000):
            victim = place.policy.victim(place.may_go)
            assert victim is not None
            place.forget(victim)
        assert place.asked <= 10 * 1000
