"""Plays a whole kernel against a dict, with crashes between any two steps."""

from __future__ import annotations

from abc import abstractmethod
from functools import partial
from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from memos.cube import Kind
from memos.errors import ExpiredCube, FrozenCube, StaleCube, UnknownCube, VersionConflict
from memos.kernel import Kernel
from memos.testing.clock import HandClock
from memos.testing.failing import Crash, Fuse, failing
from memos.testing.known import FOUND, Known
from memos.testing.machine_life import LIFE, LifeRules

if TYPE_CHECKING:
    from collections.abc import Callable

    from memos.errors import MemosError
    from memos.kernel import Parts

USERS = ("alice", "bob")
CHANGES = frozenset({"add", "update", "delete", "forget", "transform", "grant", "revoke", *LIFE})


class KernelMachine(LifeRules, RuleBasedStateMachine):
    """Subclass it, and say how the parts of a store are opened, and opened again.

    Texts are single made-up words, so that a search for one tells whether it is there. The clock
    of the parts must be ``self.clock``.
    """

    cubes = Bundle("cubes")

    def __init__(self) -> None:
        super().__init__()
        self.fuse = Fuse()
        self.clock = HandClock()
        self.known = Known()
        self.words = 0
        self.changes = 0
        self.read_rows = 0
        self.kernel = self._opened()

    @abstractmethod
    def parts(self) -> Parts:
        """The parts of one and the same store, as a new process would open them."""

    def _opened(self) -> Kernel:
        return Kernel(failing(self.parts(), self.fuse))

    def _word(self) -> str:
        self.words += 1
        return f"zq{self.words:04}x"

    def _cube_of(self, user: str) -> tuple[str, ...]:
        known = self.known
        return tuple(
            one
            for one in known.texts
            if known.users[one] == user and known.states[one] != "expired"
        )

    @rule(target=cubes, user=st.sampled_from(USERS))
    def add(self, user: str) -> str:
        """A new cube."""
        text = self._word()
        (cube,) = self.kernel.add(text, user_id=user)
        self.known = self.known.added(cube.id, user, text)
        return cube.id

    @rule(cube_id=cubes)
    def update(self, cube_id: str) -> None:
        """A new version, or an error where there is no such cube."""
        text = self._word()
        if cube_id not in self.known.texts:
            self._refused(lambda: self.kernel.update(cube_id, text))
            return
        if self.known.states[cube_id] in {"frozen", "expired"}:
            self._refused(lambda: self.kernel.update(cube_id, text), FrozenCube, ExpiredCube)
            return
        self.kernel.update(cube_id, text)
        self.known = self.known.revised(cube_id, text)

    @rule(cube_id=cubes)
    def update_with_a_wrong_version(self, cube_id: str) -> None:
        """Compare-and-swap changes nothing when it fails."""
        if cube_id in self.known.texts:
            wrong = len(self.known.texts[cube_id]) + 1
            try:
                self.kernel.update(cube_id, self._word(), if_version=wrong)
            except VersionConflict:
                return
            raise AssertionError("a wrong version was accepted")

    @rule(cube_id=consumes(cubes))
    def delete(self, cube_id: str) -> None:
        """A cube goes, and what was derived from it."""
        if cube_id not in self.known.texts:
            self._refused(lambda: self.kernel.delete(cube_id))
            return
        expected = set(self.known.users) - set(self.known.forgotten(cube_id).users)
        assert set(self.kernel.delete(cube_id, dry_run=True).ids) == expected
        assert set(self.kernel.delete(cube_id).ids) == expected
        self.known = self.known.forgotten(cube_id)

    @rule(cube_id=cubes)
    def another_user_sees_nothing(self, cube_id: str) -> None:
        """By-id calls check the scope."""
        other = next(user for user in USERS if user != self.known.users.get(cube_id))
        self._refused(lambda: self.kernel.get(cube_id, user_id=other))
        self._refused(lambda: self.kernel.delete(cube_id, user_id=other))

    @rule(user=st.sampled_from(USERS))
    def read(self, user: str) -> None:
        """A KV cube of a user's first cubes."""
        parents = self._cube_of(user)[:2]
        if parents:
            cube = self.kernel.transform(parents, to=Kind.ACTIVATION, user_id=user)
            self.known = self.known.derived(cube.id, user, parents)

    @rule(user=st.sampled_from(USERS), cool=st.booleans())
    def resume(self, user: str, cool: bool) -> None:  # noqa: FBT001 - hypothesis draws it
        """An answer from a KV cube is that from its texts, whether its blocks are there or not."""
        served = [one for one in self.known.sources if self.known.served(one)]
        mine = [one for one in served if self.known.users[one] == user]
        if not mine:
            return
        if cool:
            self.kernel.cool(mine[:1])
        parents = [one.id for one in self.kernel.get(mine[0]).provenance.parents]
        told = [
            self.kernel.chat("why?", memories=memories, max_tokens=2).text
            for memories in (mine[:1], parents)
        ]
        assert told[0] == told[1]

    @rule()
    def reopen(self) -> None:
        """The process ends well, and another begins."""
        self.kernel.close()
        self.kernel = self._opened()

    @rule(calls=st.integers(1, 16), user=st.sampled_from(USERS))
    def crash_while_adding(self, calls: int, user: str) -> None:
        """Killed at some call: the cube is there whole, or not at all."""
        text = self._word()
        self._crash(calls, lambda: self.kernel.add(text, user_id=user))
        found = [cube for cube in self.kernel.get_all() if cube.text == text]
        if found:
            self.known = self.known.added(found[0].id, user, text)

    @rule(calls=st.integers(1, 16), cube_id=cubes)
    def crash_while_updating(self, calls: int, cube_id: str) -> None:
        """Killed at some call: the version is there whole, or not at all."""
        if self.known.states.get(cube_id, "expired") in {"frozen", "expired"}:
            return
        text = self._word()
        self._crash(calls, lambda: self.kernel.update(cube_id, text))
        if self.kernel.get(cube_id).text == text:
            self.known = self.known.revised(cube_id, text)

    @rule(calls=st.integers(1, 16), cube_id=consumes(cubes))
    def crash_while_deleting(self, calls: int, cube_id: str) -> None:
        """Killed at some call: the cube and all that hangs on it is gone, or none of it."""
        if cube_id not in self.known.texts:
            return
        self._crash(calls, lambda: self.kernel.delete(cube_id))
        if not self._is_there(cube_id):
            self.known = self.known.forgotten(cube_id)

    @rule(calls=st.integers(1, 12), user=st.sampled_from(USERS))
    def crash_while_reading(self, calls: int, user: str) -> None:
        """Killed at some call: the KV cube is there whole, or not at all."""
        parents = self._cube_of(user)[:2]
        if not parents:
            return
        before = set(self.known.sources)
        self._crash(calls, lambda: self.kernel.transform(parents, to=Kind.ACTIVATION, user_id=user))
        for cube in self.kernel.get_all(kind=Kind.ACTIVATION):
            if cube.id not in before:
                self.known = self.known.derived(cube.id, user, parents)
        self.kernel.check(repair=True)  # the crash may have left an orphan: never a lie

    @invariant()
    def everything_known_is_there_and_nothing_else(self) -> None:
        """The catalog tells the truth."""
        there = {cube.id: cube for cube in self.kernel.get_all()}
        assert set(there) == set(self.known.users)
        for cube_id, texts in self.known.texts.items():
            assert [cube.text for cube in self.kernel.history(cube_id)] == list(texts)
        for cube_id, cube in there.items():
            assert cube.user_id == self.known.users[cube_id]
            assert cube.state == self.known.states[cube_id]
        assert self._changes() == self.known.commits

    @invariant()
    def what_is_there_is_found_by_its_user_alone(self) -> None:
        """The indexes tell the truth."""
        for cube_id, texts in self.known.texts.items():
            owner = self.known.users[cube_id] if self.known.states[cube_id] in FOUND else None
            for asking in USERS:
                hits = self.kernel.search(texts[-1], user_id=asking, k=100)
                assert all(hit.cube.user_id == asking for hit in hits)
                assert any(hit.cube.id == cube_id for hit in hits) == (asking == owner)

    @invariant()
    def what_is_gone_is_never_found(self) -> None:
        """No forgotten or revised text comes back."""
        for word in sorted(self.known.gone - self.known.said())[-5:]:
            found = [hit.cube.text for hit in self.kernel.search(word, k=50)]
            assert word not in found

    @invariant()
    def nothing_is_served_whose_source_has_changed_or_expired(self) -> None:
        """Currency tells the truth."""
        for cube_id in self.known.sources:
            assert bool(self.kernel.lineage(cube_id).stale) == self.known.stale(cube_id)
            if not self.known.served(cube_id):
                question = partial(self.kernel.chat, "why?", memories=[cube_id], max_tokens=1)
                self._refused(question, StaleCube, ExpiredCube)

    @invariant()
    def a_check_finds_nothing(self) -> None:
        """Catalog, indexes and blobs agree."""
        problems = self.kernel.check().problems
        assert not [one for one in problems if one.code != "name-clash"]

    def teardown(self) -> None:
        """Close the last kernel."""
        self.kernel.close()

    def _crash(self, calls: int, act: Callable[[], object]) -> None:
        before = self._changes()
        self.fuse.left = calls
        try:
            act()
        except Crash:
            self.kernel = self._opened()
        self.fuse.left = None
        assert self._changes() - before in {0, 1}

    def _changes(self) -> int:
        """The rows of the journal that tell of a change, and not of an attempt or a dry run."""
        rows = self.kernel.audit(after=self.read_rows, limit=10_000)
        self.read_rows = rows[-1].number if rows else self.read_rows
        self.changes += sum(row.call in CHANGES and row.outcome == "ok" for row in rows)
        return self.changes

    def _is_there(self, cube_id: str) -> bool:
        try:
            self.kernel.get(cube_id)
        except UnknownCube:
            return False
        return True

    def _refused(self, act: Callable[[], object], *errors: type[MemosError]) -> None:
        expected = errors or (UnknownCube,)
        try:
            act()
        except expected:
            return
        raise AssertionError("what should have been refused was done")
