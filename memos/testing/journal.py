"""What every journal must do; its rows are tampered with behind its back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from memos.cube import Scope
from memos.ports.journal import FIRST, Audit, Sealed, seal_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from memos.ports.journal import Journal

START = datetime(2024, 5, 1, 12, 0, 0, 123_456, tzinfo=UTC)
KEY = b"only the owner of the store knows it"


def call(number: int) -> Audit:
    """A call, different for each number, with something in every field."""
    return Audit(
        at=START + timedelta(microseconds=number),
        actor=f"user:alice{number}",
        call="search",
        scope=Scope(user_id="alice", session_id=f"s{number}"),
        subjects=("one", f"two {number}"),
        outcome="ok" if number % 2 else "Forbidden",
        reason="Größe — 为什么",
        basis="owner",
    )


def chained(audits: Sequence[Audit], key: bytes | None = None) -> list[Sealed]:
    """Rows as somebody who knows ``key`` would write them."""
    rows: list[Sealed] = []
    seal = FIRST
    for number, audit in enumerate(audits, start=1):
        seal = seal_of(seal, number, audit, key)
        rows.append(Sealed(number, audit, seal))
    return rows


def changed(rows: Sequence[Sealed], number: int, **fields: Any) -> list[Sealed]:
    """The rows, one of which tells of something else."""
    return [
        replace(row, audit=replace(row.audit, **fields)) if row.number == number else row
        for row in rows
    ]


CHANGES: dict[str, Any] = {
    "at": START - timedelta(days=1),
    "actor": "user:mallory",
    "call": "get",
    "scope": Scope(user_id="bob"),
    "subjects": ("one",),
    "outcome": "dry run",
    "reason": "",
    "basis": "root",
}
"""For each field of a row another value."""

TAMPERINGS: dict[str, Callable[[list[Sealed]], list[Sealed]]] = {
    "first removed": lambda rows: rows[1:],
    "one in the middle removed": lambda rows: [*rows[:4], *rows[5:]],
    "one removed and the rest renumbered": lambda rows: [
        *rows[:4],
        *(replace(row, number=row.number - 1) for row in rows[5:]),
    ],
    "tail cut": lambda rows: rows[:-1],
    "all but the first cut": lambda rows: rows[:1],
    "emptied": lambda _: [],
    "two swapped": lambda rows: [
        *rows[:3],
        replace(rows[4], number=4),
        replace(rows[3], number=5),
        *rows[5:],
    ],
    "one put in": lambda rows: [
        *rows[:4],
        Sealed(5, call(99), rows[4].seal),
        *(replace(row, number=row.number + 1) for row in rows[4:]),
    ],
    "one put at the end": lambda rows: [*rows, Sealed(len(rows) + 1, call(99), "0" * 64)],
    "one repeated": lambda rows: [*rows, replace(rows[-1], number=len(rows) + 1)],
    "seals of two exchanged": lambda rows: [
        *rows[:3],
        replace(rows[3], seal=rows[4].seal),
        replace(rows[4], seal=rows[3].seal),
        *rows[5:],
    ],
}
"""What somebody who can write to the storage may do, without the seals."""


class JournalSuite(ABC):
    """Inherit from it and say how a journal is opened, and how its rows are replaced."""

    @abstractmethod
    def opened(self, key: bytes | None = None) -> Journal:
        """The one journal of this test, empty at first, as a process with that key opens it."""

    @abstractmethod
    def overwrite(self, rows: Sequence[Sealed], *, marked: bool) -> None:
        """Put other rows in the place of all, behind the journal's back and its guards.

        With ``marked``, whatever the storage keeps of the newest row is made to fit as well.
        """

    @pytest.fixture
    def journal(self) -> Journal:
        """A journal without a key, and without rows."""
        return self.opened()

    @pytest.fixture
    def rows(self, journal: Journal) -> list[Sealed]:
        """Ten rows of the journal."""
        for number in range(1, 11):
            journal.append(call(number))
        return list(journal.rows())

    def test_an_empty_journal_holds(self, journal: Journal) -> None:
        assert list(journal.rows()) == []
        assert journal.newest(3) == []
        assert journal.broken() == []

    def test_rows_are_what_was_appended_numbered_from_one(self, rows: list[Sealed]) -> None:
        assert rows == chained([call(number) for number in range(1, 11)])
        assert self.opened().broken() == []

    def test_everything_is_there_after_reopening_and_the_chain_goes_on(
        self, rows: list[Sealed]
    ) -> None:
        again = self.opened()
        again.append(call(11))
        assert list(again.rows())[:10] == rows
        assert list(again.rows()) == chained([call(number) for number in range(1, 12)])
        assert again.broken() == []

    def test_rows_are_read_page_by_page(self, journal: Journal, rows: list[Sealed]) -> None:
        assert list(journal.rows(after=3, limit=4)) == rows[3:7]
        assert list(journal.rows(after=8, limit=4)) == rows[8:]
        assert list(journal.rows(after=7)) == rows[7:]
        assert list(journal.rows(after=10)) == []
        assert list(journal.rows(limit=0)) == []
        assert list(journal.rows(limit=100)) == rows

    def test_many_rows_are_read_in_order(self, journal: Journal) -> None:
        self.overwrite(chained([call(number) for number in range(1, 2502)]), marked=True)
        assert [row.number for row in journal.rows()] == list(range(1, 2502))
        assert [row.number for row in journal.rows(after=999, limit=1001)] == list(
            range(1000, 2001)
        )
        assert journal.broken() == []

    def test_the_newest_come_first(self, journal: Journal, rows: list[Sealed]) -> None:
        assert journal.newest(3) == rows[:-4:-1]
        assert journal.newest(100) == rows[::-1]

    @pytest.mark.parametrize("field", CHANGES)
    @pytest.mark.parametrize("number", [1, 5, 10])
    def test_a_changed_field_is_found(
        self, journal: Journal, rows: list[Sealed], number: int, field: str
    ) -> None:
        self.overwrite(changed(rows, number, **{field: CHANGES[field]}), marked=False)
        assert journal.broken() == [f"row {number} is not what was written"]

    def test_a_changed_seal_is_found(self, journal: Journal, rows: list[Sealed]) -> None:
        self.overwrite([*rows[:4], replace(rows[4], seal="f" * 64), *rows[5:]], marked=False)
        assert journal.broken() == ["rows 5 to 6 are not what was written"]

    @pytest.mark.parametrize("how", TAMPERINGS)
    def test_tampering_is_found(self, journal: Journal, rows: list[Sealed], how: str) -> None:
        self.overwrite(TAMPERINGS[how](rows), marked=False)
        assert journal.broken()

    @pytest.mark.parametrize("how", TAMPERINGS)
    def test_tampering_is_found_for_ever(
        self, journal: Journal, rows: list[Sealed], how: str
    ) -> None:
        self.overwrite(TAMPERINGS[how](rows), marked=False)
        for number in range(11, 15):
            journal.append(call(number))
            assert self.opened().broken()
        assert len(list(journal.rows())) == len(TAMPERINGS[how](rows)) + 4

    @pytest.mark.parametrize("left", [0, 1, 6])
    def test_a_tail_that_was_cut_is_told_in_one_line(
        self, journal: Journal, rows: list[Sealed], left: int
    ) -> None:
        self.overwrite(rows[:left], marked=False)
        told = [f"rows {left + 1} to 10 are missing"]
        assert journal.broken() == told
        for number in range(11, 15):
            journal.append(call(number))
            assert journal.broken() == told

    def test_the_next_row_follows_the_seal_that_was_cut_off(
        self, journal: Journal, rows: list[Sealed]
    ) -> None:
        self.overwrite(rows[:6], marked=False)
        journal.append(call(11))
        assert next(journal.rows(after=6)) == chained([*(row.audit for row in rows), call(11)])[10]

    def test_rows_that_are_put_back_hold_again(self, journal: Journal, rows: list[Sealed]) -> None:
        self.overwrite(rows[:-1], marked=False)
        self.overwrite(rows, marked=False)
        assert journal.broken() == []

    def test_whoever_cuts_the_tail_and_hides_it_is_told_by_a_seal_kept_elsewhere(
        self, journal: Journal, rows: list[Sealed]
    ) -> None:
        kept = rows[-1].seal
        self.overwrite(rows[:-2], marked=True)
        assert journal.broken() == []  # nothing within the storage can tell
        assert kept not in {row.seal for row in journal.rows()}

    @pytest.mark.parametrize("known", [None, b"a guess"], ids=["no key", "another key"])
    def test_nobody_without_the_key_can_forge(self, known: bytes | None) -> None:
        journal = self.opened(KEY)
        for number in range(1, 6):
            journal.append(call(number))
        assert journal.broken() == []
        rows = list(journal.rows())
        assert rows == chained([row.audit for row in rows], KEY)
        forged = chained([row.audit for row in changed(rows, 3, actor="user:mallory")], known)
        self.overwrite([*rows[:2], *forged[2:]], marked=True)
        assert journal.broken() == ["rows 3 to 5 are not what was written"]
        self.overwrite(forged, marked=True)
        assert journal.broken() == ["rows 1 to 5 are not what was written"]

    def test_rows_sealed_with_a_key_do_not_hold_for_another(self) -> None:
        self.opened(KEY).append(call(1))
        assert self.opened().broken()
        assert self.opened(b"a guess").broken()
        assert self.opened(KEY).broken() == []

    def test_appends_from_several_threads_keep_the_chain(self, journal: Journal) -> None:
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(journal.append, [call(number) for number in range(1, 81)]))
        rows = list(journal.rows())
        assert [row.number for row in rows] == list(range(1, 81))
        assert {row.audit.actor for row in rows} == {call(n).actor for n in range(1, 81)}
        assert journal.broken() == []
