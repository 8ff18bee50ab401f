"""What every catalog must know of time: what was current then, and what expires next."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from memos.cube import Life, State
from memos.ports.catalog import Change, Errand, Selection
from memos.ports.filters import Condition, Operator
from memos.testing.catalog import START, audit, plaintext, put, revised

if TYPE_CHECKING:
    from datetime import datetime

    from memos.cube import MemCube
    from memos.ports.catalog import Catalog

SECOND = timedelta(seconds=1)
SOON = START + 60 * SECOND


def amended(cube: MemCube, state: State, *, expires_at: datetime | None = None) -> MemCube:
    """The next version of a cube, with the same content, in another state."""
    update = {
        "updated_at": cube.header.updated_at + SECOND,
        "governance": cube.header.governance.model_copy(update={"expires_at": expires_at}),
        "life": Life(
            state=state,
            version=cube.version + 1,
            previous=cube.version,
            content=cube.content_version,
        ),
    }
    return cube.model_copy(update={"header": cube.header.model_copy(update=update)})


def brief(text: str, expires_at: datetime) -> MemCube:
    """A cube that expires."""
    cube = plaintext(text)
    rules = cube.header.governance.model_copy(update={"expires_at": expires_at})
    return cube.model_copy(update={"header": cube.header.model_copy(update={"governance": rules})})


class CatalogPastSuite(ABC):
    """Subclass it, and give a fixture ``catalog``."""

    @pytest.fixture
    @abstractmethod
    def catalog(self) -> Catalog:
        """An empty catalog."""

    def test_what_has_changed_since_is_told_as_it_was(self, catalog: Catalog) -> None:
        first, other = plaintext("one"), plaintext("other")
        second = revised(first, "two")
        third = revised(second, "three")
        for cube in (first, other, second, third):
            catalog.commit(put(cube))
        at = [START + number * SECOND for number in range(3)]
        assert catalog.then(Selection(), at[0]) == [first]
        assert catalog.then(Selection(), at[1]) == [second]
        assert catalog.then(Selection(), at[1] + SECOND / 2) == [second]
        assert catalog.then(Selection(), at[2]) == []
        assert catalog.then(Selection(), START - SECOND) == []

    def test_what_has_not_changed_since_is_selected_as_it_is(self, catalog: Catalog) -> None:
        first, other = plaintext("one"), plaintext("other")
        for cube in (first, other, revised(first, "two")):
            catalog.commit(put(cube))
        assert catalog.select(Selection(unchanged_since=START)) == [other]
        assert catalog.ids(Selection(unchanged_since=START)) == [other.id]
        assert len(catalog.ids(Selection(unchanged_since=START + SECOND))) == 2
        assert catalog.ids(Selection(unchanged_since=START - SECOND)) == []

    def test_the_selection_of_the_past_decides_on_the_present(self, catalog: Catalog) -> None:
        cube = plaintext("one", labels=("old",))
        catalog.commit(put(cube))
        catalog.commit(put(revised(cube, "two")))
        for text, expected in (("two", [cube]), ("one", [])):
            where = Condition("text", Operator.EQ, text)
            assert catalog.then(Selection(where=where), START) == expected

    def test_what_comes_from_elsewhere_was_not_known_before(self, catalog: Catalog) -> None:
        cube = plaintext("one")
        second = revised(cube, "two")
        late = replace(audit(), at=SOON)
        catalog.commit(Change(audit=late, put=(cube, second)))
        assert catalog.ids(Selection(unchanged_since=SOON - SECOND)) == []
        assert catalog.then(Selection(), SOON - SECOND) == []
        assert catalog.select(Selection(unchanged_since=SOON)) == [second]

    def test_what_is_forgotten_is_gone_from_the_past(self, catalog: Catalog) -> None:
        cube = plaintext("one")
        catalog.commit(put(cube))
        catalog.commit(put(revised(cube, "two")))
        catalog.commit(Change(audit=audit(), forget=(cube.id,)))
        assert catalog.then(Selection(), START) == []

    def test_a_version_without_other_content_owes_the_indexes_nothing(
        self, catalog: Catalog
    ) -> None:
        cube = plaintext("one")
        catalog.commit(put(cube))
        catalog.settle(catalog.pending(10))
        frozen = amended(cube, State.FROZEN)
        catalog.commit(put(frozen))
        assert catalog.pending(10) == []
        assert catalog.contents([cube.id]) == {cube.id: 1}
        archived = amended(frozen, State.ARCHIVED)
        catalog.commit(put(archived))
        catalog.commit(put(amended(archived, State.ACTIVATED)))
        owed = [task.errand for task in catalog.pending(10)]
        assert owed == [Errand.DROP, Errand.INDEX]

    def test_a_version_with_the_content_of_an_older_one_is_indexed(self, catalog: Catalog) -> None:
        cube = plaintext("one")
        second = revised(cube, "two")
        catalog.commit(put(cube, second))
        catalog.settle(catalog.pending(10))
        back = amended(second, State.ACTIVATED)
        life = back.header.life.model_copy(update={"content": 1})
        header = back.header.model_copy(update={"life": life, "digest": cube.header.digest})
        catalog.commit(put(back.model_copy(update={"header": header, "payload": cube.payload})))
        assert [task.errand for task in catalog.pending(10)] == [Errand.INDEX]
        assert catalog.contents([cube.id]) == {cube.id: 1}

    def test_the_next_expiry_is_never_told_too_late(self, catalog: Catalog) -> None:
        assert catalog.due(START, 10) == []
        assert catalog.next_expiry() is None
        early, late = brief("early", SOON), brief("late", SOON + SECOND)
        catalog.commit(put(late))
        assert catalog.next_expiry() == SOON + SECOND
        catalog.commit(put(early, plaintext("for ever")))
        assert catalog.next_expiry() == SOON
        assert catalog.due(SOON - SECOND, 10) == []
        assert catalog.next_expiry() == SOON
        assert catalog.due(SOON, 10) == [early]
        assert catalog.due(SOON + SECOND, 10) == [early, late]
        assert catalog.due(SOON + SECOND, 1) == [early]

    def test_what_has_expired_is_due_no_more(self, catalog: Catalog) -> None:
        early, late = brief("early", SOON), brief("late", SOON + SECOND)
        catalog.commit(put(early, late))
        catalog.commit(put(amended(early, State.EXPIRED, expires_at=SOON)))
        assert catalog.due(SOON, 10) == []
        assert catalog.next_expiry() == SOON + SECOND
        catalog.commit(put(amended(late, State.ACTIVATED)))
        assert catalog.due(SOON + SECOND, 10) == []
        assert catalog.next_expiry() is None
