"""Plays a whole kernel against a dict, with crashes between any two steps."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from memos.cube import Kind
from memos.errors import StaleCube, UnknownCube, VersionConflict
from memos.kernel import Kernel
from memos.testing.failing import Crash, Fuse, failing

if TYPE_CHECKING:
    from collections.abc import Callable

    from memos.kernel import Parts

USERS = ("alice", "bob")
CHANGES = frozenset({"add", "update", "delete", "forget", "transform", "grant", "revoke"})


@dataclass(frozen=True)
class Known:
    """What must be true of the store: plain data, and no helper shared with the kernel."""

    texts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Id to the text of each version, oldest first."""
    users: dict[str, str] = field(default_factory=dict)
    sources: dict[str, tuple[tuple[str, int], ...]] = field(default_factory=dict)
    """Derived id to the ids and versions it was made from."""
    gone: frozenset[str] = frozenset()
    """Words that only forgotten or revised texts held."""
    commits: int = 0

    def added(self, cube_id: str, user: str, text: str) -> Known:
        """After an add."""
        return replace(
            self,
            texts={**self.texts, cube_id: (text,)},
            users={**self.users, cube_id: user},
            commits=self.commits + 1,
        )

    def revised(self, cube_id: str, text: str) -> Known:
        """After an update."""
        versions = self.texts[cube_id]
        return replace(
            self,
            texts={**self.texts, cube_id: (*versions, text)},
            gone=self.gone | {versions[-1]},
            commits=self.commits + 1,
        )

    def derived(self, cube_id: str, user: str, parents: tuple[str, ...]) -> Known:
        """After a transform."""
        made_from = tuple((parent, len(self.texts[parent])) for parent in parents)
        return replace(
            self,
            sources={**self.sources, cube_id: made_from},
            users={**self.users, cube_id: user},
            commits=self.commits + 1,
        )

    def forgotten(self, cube_id: str) -> Known:
        """After a delete."""
        doomed = {cube_id} | {
            one for one, made_from in self.sources.items() if cube_id in dict(made_from)
        }
        return replace(
            self,
            texts={one: texts for one, texts in self.texts.items() if one not in doomed},
            users={one: user for one, user in self.users.items() if one not in doomed},
            sources={one: made for one, made in self.sources.items() if one not in doomed},
            gone=self.gone | set(self.texts.get(cube_id, ())),
            commits=self.commits + 1,
        )


class KernelMachine(RuleBasedStateMachine):
    """Subclass it, and say how the parts of a store are opened, and opened again.

    Texts are single made-up words, so that a search for one tells whether it is there.
    """

    cubes = Bundle("cubes")

    def __init__(self) -> None:
        super().__init__()
        self.fuse = Fuse()
        self.known = Known()
        self.words = 0
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
        return tuple(one for one in self.known.texts if self.known.users[one] == user)

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
        if cube_id not in self.known.texts:
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
            assert there[cube_id].user_id == self.known.users[cube_id]
        assert self._changes() == self.known.commits

    @invariant()
    def what_is_there_is_found_by_its_user_alone(self) -> None:
        """The indexes tell the truth."""
        for cube_id, texts in self.known.texts.items():
            user = self.known.users[cube_id]
            for asking in USERS:
                hits = self.kernel.search(texts[-1], user_id=asking, k=50)
                assert all(hit.cube.user_id == asking for hit in hits)
                assert any(hit.cube.id == cube_id for hit in hits) == (asking == user)

    @invariant()
    def what_is_gone_is_never_found(self) -> None:
        """No forgotten or revised text comes back."""
        for word in sorted(self.known.gone)[-5:]:
            found = [hit.cube.text for hit in self.kernel.search(word, k=50)]
            assert word not in found

    @invariant()
    def a_revision_makes_what_was_derived_stale(self) -> None:
        """Nothing is served whose source has changed."""
        for cube_id, made_from in self.known.sources.items():
            stale = any(len(self.known.texts[one]) != version for one, version in made_from)
            assert bool(self.kernel.lineage(cube_id).stale) == stale
            if stale:
                try:
                    self.kernel.chat("why?", memories=[cube_id], max_tokens=1)
                except StaleCube:
                    continue
                raise AssertionError("a stale cube was served")

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
        rows = self.kernel.audit(after=0, limit=100_000)
        return sum(row.call in CHANGES and row.outcome == "ok" for row in rows)

    def _is_there(self, cube_id: str) -> bool:
        try:
            self.kernel.get(cube_id)
        except UnknownCube:
            return False
        return True

    def _refused(self, act: Callable[[], object]) -> None:
        try:
            act()
        except UnknownCube:
            return
        raise AssertionError("a cube that is not there was served")
