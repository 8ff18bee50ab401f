"""What every view that ranking reads must do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from memos.cube import EVERYBODY, MemCube, Plaintext, Scope
from memos.cube.wire import payload_digest
from memos.ports.catalog import Catalog, Change
from memos.ports.graph import Edge, Relation
from memos.ports.outlines import BEGINNING, Outline, Outlines
from memos.testing.catalog import ALICE, BOB, START, activation, audit, plaintext, put, revised

if TYPE_CHECKING:
    from collections.abc import Iterable

MENTIONS, TITLED, NEXT = Relation.MENTIONS, Relation.TITLED, Relation.NEXT


class OutlinesSuite(ABC):
    """Inherit from it, give a fixture ``catalog``, and say how outlines are laid over it."""

    @pytest.fixture
    @abstractmethod
    def catalog(self) -> Catalog:
        """An empty catalog; the fixture closes it."""

    @abstractmethod
    def over(self, catalog: Catalog) -> Outlines:
        """The outlines of what is in ``catalog``."""

    def test_an_outline_says_what_a_cube_is(self, catalog: Catalog) -> None:
        scope = Scope(user_id="alice", agent_id="a", session_id="s")
        cube = turn("I moved to Lisbon. \N{SMILING FACE WITH SMILING EYES}", scope, 7)
        until = START + timedelta(days=1)
        valid = {"valid_from": START, "valid_to": until}
        cube = cube.model_copy(update={"header": cube.header.model_copy(update=valid)})
        catalog.commit(put(cube))
        assert self.over(catalog).of([cube.id]) == {
            cube.id: Outline(
                id=cube.id,
                kind="plaintext",
                state=str(cube.state),
                user_id="alice",
                agent_id="a",
                session_id="s",
                position=7,
                speaker="Alice",
                text=cube.text,
                length=len(cube.text),
                valid_from=int(START.timestamp()) * 1_000_000,
                valid_to=int(until.timestamp()) * 1_000_000,
            )
        }

    def test_what_a_cube_does_not_say_is_none(self, catalog: Catalog) -> None:
        cube = plaintext("a note", EVERYBODY)
        catalog.commit(put(cube))
        outline = self.over(catalog).of([cube.id])[cube.id]
        assert outline[3:8] == (None, None, None, None, None)
        assert (outline.valid_from, outline.valid_to) == (None, None)

    def test_a_cube_of_another_kind_has_its_title_for_a_text(self, catalog: Catalog) -> None:
        note = plaintext("a note")
        made = activation([note], b"content")
        catalog.commit(put(note, made))
        outline = self.over(catalog).of([made.id])[made.id]
        assert (outline.kind, outline.text) == ("activation", made.header.title)

    def test_it_is_in_the_scopes_that_cover_it(self, catalog: Catalog) -> None:
        cube = plaintext("one", Scope(user_id="alice", session_id="s1"))
        catalog.commit(put(cube))
        outline = self.over(catalog).of([cube.id])[cube.id]
        for scope in (EVERYBODY, ALICE, BOB, Scope(agent_id="a"), Scope(session_id="s2")):
            assert outline.is_in(scope) == scope.covers(cube.scope)

    def test_what_is_absent_or_forgotten_is_left_out(self, catalog: Catalog) -> None:
        here, gone, never = plaintext("one"), plaintext("two"), plaintext("three")
        catalog.commit(put(here, gone))
        catalog.commit(Change(audit=audit("forget"), forget=(gone.id,)))
        outlines = self.over(catalog)
        assert list(outlines.of([never.id, here.id, gone.id, here.id])) == [here.id]
        assert outlines.of([]) == {}

    def test_a_long_text_is_cut_and_its_length_is_that_of_the_whole(self, catalog: Catalog) -> None:
        texts = ["\N{GRINNING FACE}" * (BEGINNING + 9), "é" * BEGINNING]
        cubes = [plaintext(text) for text in texts]
        catalog.commit(put(*cubes))
        found = self.over(catalog).of([cube.id for cube in cubes])
        for cube, text in zip(cubes, texts, strict=True):
            outline = found[cube.id]
            assert len(outline.text) >= BEGINNING
            assert text.startswith(outline.text)
            assert outline.length == len(text)

    def test_a_revision_is_outlined_as_it_is_now(self, catalog: Catalog) -> None:
        cube = plaintext("one")
        catalog.commit(put(cube))
        outlines = self.over(catalog)
        catalog.commit(put(revised(cube, "something longer")))
        outline = outlines.of([cube.id])[cube.id]
        assert (outline.text, outline.length) == ("something longer", 16)

    def test_many_are_outlined_at_once(self, catalog: Catalog) -> None:
        cubes = [plaintext(str(number)) for number in range(1200)]
        catalog.commit(put(*cubes))
        found = self.over(catalog).of([cube.id for cube in cubes])
        assert {one: outline.text for one, outline in found.items()} == {
            cube.id: cube.text for cube in cubes
        }

    def test_turns_are_found_both_ways_and_each_pair_once(self, catalog: Catalog) -> None:
        turns = [turn(f"turn {number}", ALICE, number) for number in range(4)]
        ids = [cube.id for cube in turns]
        named = [Edge(ids[1], MENTIONS, "Lisbon")]
        following = [Edge(one, NEXT, other) for one, other in pairwise(ids)]
        catalog.commit(Change(audit=audit(), put=tuple(turns), edges=(*following, *named)))
        outlines = self.over(catalog)
        pairs = list(pairwise(ids))
        assert sorted(outlines.turns_beside([ids[1]])) == pairs[:2]
        assert sorted(outlines.turns_beside([ids[0]])) == pairs[:1]
        assert sorted(outlines.turns_beside([ids[1], ids[2], ids[1]])) == pairs
        assert outlines.turns_beside([]) == outlines.turns_beside([plaintext("x").id]) == []

    def test_names_are_told_with_whether_a_text_stands_under_them(self, catalog: Catalog) -> None:
        one, other = plaintext("one"), plaintext("other")
        names = [
            Edge(one.id, MENTIONS, "Lisbon"),
            Edge(one.id, TITLED, "Portugal"),
            Edge(other.id, MENTIONS, "Portugal"),
        ]
        edges = (*names, Edge(one.id, NEXT, other.id))
        catalog.commit(Change(audit=audit(), put=(one, other), edges=edges))
        outlines = self.over(catalog)
        assert sorted(outlines.names_in([one.id])) == told(names[:2])
        assert sorted(outlines.names_in([one.id, other.id])) == told(names)
        assert outlines.names_in([]) == outlines.names_in(["Portugal"]) == []
        assert sorted(outlines.naming(["Portugal", "Paris"], most=9)) == told(names[1:])
        assert outlines.naming([one.id, other.id], most=9) == []
        assert outlines.naming([], most=9) == []

    def test_a_name_in_more_than_so_many_leads_nowhere(self, catalog: Catalog) -> None:
        cubes = [plaintext(str(number)) for number in range(4)]
        often = [Edge(cube.id, MENTIONS, "Alice") for cube in cubes[:3]]
        often.append(Edge(cubes[3].id, TITLED, "Alice"))
        seldom = [Edge(cube.id, MENTIONS, "Lisbon") for cube in cubes[:3]]
        catalog.commit(Change(audit=audit(), put=tuple(cubes), edges=(*often, *seldom)))
        outlines = self.over(catalog)
        assert sorted(outlines.naming(["Alice", "Lisbon"], most=3)) == told(seldom)
        assert sorted(outlines.naming(["Alice", "Lisbon"], most=4)) == told([*often, *seldom])
        assert outlines.naming(["Alice", "Lisbon"], most=0) == []

    def test_a_revised_text_has_the_names_of_what_it_says_now(self, catalog: Catalog) -> None:
        cube = plaintext("We saw Lisbon.")
        old = (Edge(cube.id, MENTIONS, "Lisbon"), Edge(cube.id, TITLED, "Travels"))
        catalog.commit(Change(audit=audit(), put=(cube,), edges=old))
        outlines = self.over(catalog)
        new = (Edge(cube.id, MENTIONS, "Porto"),)
        second = revised(cube, "We saw Porto.")
        catalog.commit(Change(audit=audit(), put=(second,), edges=new, replaces=(cube.id,)))
        assert sorted(outlines.names_in([cube.id])) == told(new)
        assert sorted(outlines.naming(["Lisbon", "Travels", "Porto"], most=9)) == told(new)

    def test_what_is_forgotten_leaves_no_edge(self, catalog: Catalog) -> None:
        one, other = turn("one", ALICE, 0), turn("other", ALICE, 1)
        edges = (Edge(one.id, NEXT, other.id), Edge(other.id, MENTIONS, "Lisbon"))
        catalog.commit(Change(audit=audit(), put=(one, other), edges=edges))
        catalog.commit(Change(audit=audit("forget"), forget=(other.id,)))
        outlines = self.over(catalog)
        assert outlines.turns_beside([one.id]) == []
        assert outlines.naming(["Lisbon"], most=9) == []


def told(edges: Iterable[Edge]) -> list[tuple[str, str, str]]:
    """The edges as outlines tell them, in order."""
    return sorted((edge.source, str(edge.relation), edge.target) for edge in edges)


def turn(text: str, scope: Scope, position: int) -> MemCube:
    """What Alice said at a place in her conversation."""
    cube = plaintext(text, scope)
    payload = Plaintext(text=text, speaker="Alice", position=position)
    header = cube.header.model_copy(update={"digest": payload_digest(payload)})
    return cube.model_copy(update={"header": header, "payload": payload})
