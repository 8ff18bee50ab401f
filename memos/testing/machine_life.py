"""The rules of the machine that change states, branch, let time pass, and look back."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, multiple, rule

from memos.errors import (
    BadInput,
    ExpiredCube,
    FrozenCube,
    IllegalTransition,
    MemosError,
    UnknownCube,
)
from memos.testing.known import FOUND

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.stateful import MultipleResults

    from memos.kernel import Kernel
    from memos.testing.clock import HandClock
    from memos.testing.known import Known, Mark

LIFE = frozenset(
    "archive activate freeze thaw expire restore fork merge set_expiry relabel snapshot".split()
)
"""The calls of these rules that leave a row in the journal, when they change something."""

WAYS = {
    ("activated", "archive"): "archived",
    ("activated", "freeze"): "frozen",
    ("activated", "expire"): "expired",
    ("merged", "activate"): "activated",
    ("merged", "archive"): "archived",
    ("merged", "expire"): "expired",
    ("archived", "activate"): "activated",
    ("archived", "expire"): "expired",
    ("frozen", "thaw"): "activated",
}
STEP = 10.0
"""Seconds that time goes on by; a ttl is never a multiple of it, so that nothing is on the edge."""


class LifeRules:
    """A part of :class:`memos.testing.machine.KernelMachine`."""

    cubes = Bundle("cubes")

    kernel: Kernel
    known: Known
    clock: HandClock

    @rule(cube_id=cubes, call=st.sampled_from(sorted({call for _, call in WAYS})))
    def change_state(self, cube_id: str, call: str) -> None:
        """As the table says, or not at all."""
        state = self.known.states.get(cube_id)
        to = None if state is None else WAYS.get((state, call))
        if to is None:
            errors = (UnknownCube,) if state is None else (IllegalTransition, FrozenCube)
            self._refused(lambda: getattr(self.kernel, call)(cube_id), *errors)
            return
        getattr(self.kernel, call)(cube_id)
        self.known = self.known.amended(cube_id, to)

    @rule(calls=st.integers(1, 12), cube_id=cubes)
    def crash_while_archiving(self, calls: int, cube_id: str) -> None:
        """Killed at some call: it is put away and not found, or neither."""
        if self.known.states.get(cube_id) != "activated":
            return
        self._crash(calls, lambda: self.kernel.archive(cube_id))
        if self.kernel.get(cube_id).state == "archived":
            self.known = self.known.amended(cube_id, "archived")

    @rule(cube_id=cubes, ttl_seconds=st.sampled_from((15.0, 25.0, None)))
    def set_expiry(self, cube_id: str, ttl_seconds: float | None) -> None:
        """A cube is given some time, or all of it."""
        state = self.known.states.get(cube_id)
        if state in {None, "frozen"}:
            act = self.kernel.set_expiry
            self._refused(lambda: act(cube_id, ttl_seconds=1.0), UnknownCube, FrozenCube)
            return
        cube = self.kernel.set_expiry(cube_id, ttl_seconds=ttl_seconds)
        self.known = self.known.timed(cube_id, cube.header.governance.expires_at)

    @rule(steps=st.integers(1, 3))
    def time_goes_on(self, steps: int) -> None:
        """What is due expires by itself, before anybody sees it."""
        self.clock.advance(STEP * steps)
        self.known = self.known.overdue(self.clock.now())

    @rule(cube_id=cubes, number=st.integers(0, 9))
    def restore(self, cube_id: str, number: int) -> None:
        """An old version comes back as a new one."""
        state = self.known.states.get(cube_id)
        if state in {None, "frozen", "expired"}:
            errors = (UnknownCube, FrozenCube, ExpiredCube)
            self._refused(lambda: self.kernel.restore(cube_id, 1), *errors)
            return
        version = number % len(self.known.texts[cube_id]) + 1
        self.kernel.restore(cube_id, version)
        self.known = self.known.revised(cube_id, self.known.texts[cube_id][version - 1])

    @rule(target=cubes, cube_id=cubes)
    def fork(self, cube_id: str) -> str | MultipleResults[str]:
        """A second cube with the same text."""
        if self.known.states.get(cube_id, "expired") == "expired":
            self._refused(lambda: self.kernel.fork(cube_id), UnknownCube, ExpiredCube)
            return multiple()
        made = self.kernel.fork(cube_id)
        known, text = self.known, self.known.texts[cube_id][-1]
        self.known = known.added(made.id, known.users[cube_id], text, (cube_id,))
        return made.id

    @rule(target=cubes, first=cubes, second=cubes)
    def merge(self, first: str, second: str) -> str | MultipleResults[str]:
        """One cube in the place of two of the same user."""
        text, pair = self._word(), (first, second)
        active = all(self.known.states.get(one) == "activated" for one in pair)
        users = {self.known.users.get(one) for one in pair}
        if first == second or not active or len(users) > 1:
            errors = (UnknownCube, BadInput, IllegalTransition, FrozenCube)
            self._refused(lambda: self.kernel.merge(pair, text), *errors)
            return multiple()
        made = self.kernel.merge(pair, text)
        self.known = self.known.merged(made.id, self.known.users[first], text, pair)
        return made.id

    @rule()
    def mark(self) -> None:
        """This moment is given a name."""
        name = f"moment {len(self.known.marks)}"
        self.kernel.snapshot(name)
        self.known = self.known.marked(name)

    @rule(number=st.integers(0, 99))
    def look_back(self, number: int) -> None:
        """A view shows what was known then, less what was forgotten since."""
        if not self.known.marks:
            return
        mark = self.known.marks[number % len(self.known.marks)]
        view = self.kernel.at(mark.name)
        there = {cube.id: cube for cube in view.get_all()}
        left = {one for one in mark.states if one in self.known.states}
        assert set(there) == left
        for cube_id in sorted(left):
            assert there[cube_id].state == mark.states[cube_id]
            if cube_id in mark.texts:
                versions = [cube.text for cube in view.history(cube_id)]
                assert versions == list(mark.texts[cube_id])
        self._searched(mark, left)

    def _searched(self, mark: Mark, left: set[str]) -> None:
        """What was found then is found in the view, in the words of then."""
        view = self.kernel.at(mark.name)
        findable = {one for one in left & set(mark.texts) if mark.states[one] in FOUND}
        hits = view.search("anything", k=200)
        assert {hit.cube.id for hit in hits} == findable
        assert all(hit.cube.text == mark.texts[hit.cube.id][-1] for hit in hits)
        for cube_id in sorted(findable)[:3]:
            best = view.search(mark.texts[cube_id][-1], k=1)[0].cube.text
            assert best == mark.texts[cube_id][-1]

    # What the other rules bring along.

    @abstractmethod
    def _word(self) -> str: ...

    @abstractmethod
    def _crash(self, calls: int, act: Callable[[], object]) -> None: ...

    @abstractmethod
    def _refused(self, act: Callable[[], object], *errors: type[MemosError]) -> None: ...
