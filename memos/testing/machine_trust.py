"""Rules for the machine that plays a kernel: rights are given and taken, forgetting is for good."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.stateful import consumes, invariant, rule

from memos.cube import Right
from memos.errors import Forbidden
from memos.testing.machine import KernelMachine

if TYPE_CHECKING:
    from pathlib import Path

READER = "agent:reader"
"""Owns nothing, and so sees what it was granted and no more."""


class TrustMachine(KernelMachine):
    """Adds a reader without memories of its own, and the bytes of the folder."""

    def __init__(self) -> None:
        super().__init__()
        self.granted: dict[int, str] = {}
        """Number of a grant to the cube that the reader was given."""
        self.erased: set[str] = set()
        """Words that only forgotten cubes held, at any version."""

    @abstractmethod
    def folder_of_files(self) -> Path:
        """Where all files of the store lie."""

    @rule(cube_id=KernelMachine.cubes)
    def grant(self, cube_id: str) -> None:
        """The owner shows a cube to the reader."""
        if cube_id not in self.known.texts:
            self._refused(lambda: self.kernel.grant(READER, Right.READ, id=cube_id))
            return
        owner = self.kernel.acting(f"user:{self.known.users[cube_id]}")
        (grant,) = owner.grant(READER, Right.READ, id=cube_id)
        self.granted[grant.number] = cube_id
        self.known = replace(self.known, commits=self.known.commits + 1)

    @rule(chosen=st.integers(0, 100))
    def revoke(self, chosen: int) -> None:
        """A grant is taken back; the reader cannot give itself another."""
        numbers = sorted(self._live_grants())
        if not numbers:
            return
        number = numbers[chosen % len(numbers)]
        cube_id = self.granted.pop(number)
        self.kernel.revoke(number)
        self.known = replace(self.known, commits=self.known.commits + 1)
        if cube_id not in self._live_grants().values():
            reader = self.kernel.acting(READER)
            self._refused(lambda: reader.grant(READER, Right.READ, id=cube_id))

    @rule(cube_id=KernelMachine.cubes)
    def the_reader_changes_nothing(self, cube_id: str) -> None:
        """The right to read is the right to read."""
        reader = self.kernel.acting(READER)
        if cube_id not in self._live_grants().values():
            self._refused(lambda: reader.update(cube_id, "never"))
            return
        for attempt in (
            lambda: reader.update(cube_id, "never"),
            lambda: reader.forget(cube_id),
            lambda: reader.grant("user:mallory", Right.READ, id=cube_id),
        ):
            try:
                attempt()
            except Forbidden:
                continue
            raise AssertionError("a reader did more than read")

    @rule(cube_id=consumes(KernelMachine.cubes))
    def forget(self, cube_id: str) -> None:
        """A cube goes with what says the same, from the disk as well."""
        if cube_id not in self.known.texts:
            self._refused(lambda: self.kernel.forget(cube_id))
            return
        left = self.known.forgotten(*self.known.twins(cube_id))
        expected = set(self.known.users) - set(left.users)
        done = self.kernel.forget(cube_id)
        assert set(done.ids) == expected
        self.erased |= self.known.words() - left.words()
        self.known = left
        assert expected <= {one.cube_id for one in self.kernel.tombstones()}
        assert not self._still_on_disk()

    @invariant()
    def the_reader_sees_what_it_was_granted(self) -> None:
        """No right, no trace; a grant on a cube goes with the cube."""
        reader = self.kernel.acting(READER)
        expected = set(self._live_grants().values())
        assert {cube.id for cube in reader.get_all()} == expected
        assert {one.number for one in reader.grants()} == set(self._live_grants())

    @invariant()
    def the_journal_holds(self) -> None:
        """Every row is what was written."""
        assert self.kernel.verify_audit().ok

    def _live_grants(self) -> dict[int, str]:
        return {
            number: cube_id
            for number, cube_id in self.granted.items()
            if cube_id in self.known.texts
        }

    def _still_on_disk(self) -> list[str]:
        """Words that were forgotten, and that some file still holds."""
        files = [path for path in self.folder_of_files().rglob("*") if path.is_file()]
        contents = [path.read_bytes() for path in files]
        return [word for word in self.erased if any(word.encode() in each for each in contents)]
