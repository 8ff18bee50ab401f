"""What every catalog must erase; inherit from it beside the suite of catalogs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from memos.cube import Scope
from memos.ports.catalog import Change, Receipt, Selection
from memos.testing.catalog import audit, plaintext, put, revised
from memos.testing.traces import assert_gone

if TYPE_CHECKING:
    from pathlib import Path

    from memos.cube import MemCube
    from memos.ports.catalog import Catalog

KEPT, GONE = Scope(user_id="a user who stays"), Scope(user_id="a user who goes")


class CatalogPurgeSuite(ABC):
    """Say, beside what the suite of catalogs asks for, where the files lie."""

    @abstractmethod
    def reopened(self, catalog: Catalog) -> Catalog:
        """The same catalog, as another process would find it."""

    @abstractmethod
    def files(self) -> Path | None:
        """The folder that the catalog's files lie in; None where it has none."""

    def test_what_was_forgotten_is_purged_from_every_file(self, catalog: Catalog) -> None:
        kept, gone = made("a remark to keep", KEPT), made("a remark to forget", GONE)
        catalog.commit(put(*kept, *gone))
        then = [revised(cube, f"what was a remark {n:04}") for n, cube in enumerate(gone)]
        catalog.commit(put(*then))
        for start in range(0, len(gone), 100):
            some = tuple(cube.id for cube in gone[start : start + 100])
            catalog.commit(Change(audit=audit(), forget=some))
            catalog.settle(catalog.pending(10_000))
        catalog.purge()
        texts = [
            *(f"a remark to forget {number:04}" for number in range(len(gone))),
            *(f"what was a remark {number:04}" for number in range(len(gone))),
            *(cube.id for cube in gone),
            *("a label of a remark to forget", "a note on a remark to forget", "a user who goes"),
        ]
        assert_gone(self.files(), texts)
        again = self.reopened(catalog)
        assert_gone(self.files(), texts)
        assert again.select(Selection()) == kept
        assert again.problems() == []

    def test_purging_loses_nothing_and_may_be_done_at_any_time(self, catalog: Catalog) -> None:
        catalog.purge()
        cube = plaintext("a remark to keep")
        receipt = Receipt("key", KEPT, "fingerprint", ["answer"])
        catalog.commit(Change(audit=audit(), put=(cube,), receipt=receipt))
        for _ in range(2):
            catalog.purge()
            assert catalog.find(cube.id) == cube
            assert len(catalog.pending(10)) == 1
            assert catalog.receipt("key", KEPT) == receipt


def made(text: str, scope: Scope) -> list[MemCube]:
    """Many cubes of different lengths, so that rows move between pages."""
    return [
        plaintext(
            f"{text} {number:04}" + "." * (number * 37 % 900),
            scope,
            labels=(f"a label of {text}",),
            metadata={"note": f"a note on {text}"},
        )
        for number in range(150)
    ]
