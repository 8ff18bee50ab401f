"""Candidates come from indexes and what stands beside them, and are none but those admitted."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from memos.cube import EVERYBODY, MemCube, Plaintext, Scope
from memos.kinds.entities import entity_edges, entity_of
from memos.ports.catalog import Change
from memos.ports.graph import Edge, Relation
from memos.ports.near import Near
from memos.ports.words import Room, WordEntry
from memos.retrieval.gathering import Asked, Gatherer, findable
from memos.retrieval.question import Question
from memos.stores.catalog_sql import SqlCatalog
from memos.stores.engine_sqlite import open_engine
from memos.stores.outlines_sql import SqlOutlines
from memos.stores.schema import upgrade
from memos.stores.words_postings import PostingWords
from memos.testing.catalog import audit, plaintext
from memos.testing.outlines import turn

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from memos.retrieval.evidence import Evidence

ALICE = Scope(user_id="alice", session_id="s")
NOTES = Scope(user_id="alice")


class Gathering:
    """A store of words and edges, whose vectors are said by the test."""

    def __init__(self) -> None:
        self.engine = open_engine(None)
        upgrade(self.engine)
        self.catalog = SqlCatalog(self.engine)
        self.words = PostingWords(self.engine)

    def put(self, cubes: Sequence[MemCube], edges: Sequence[Edge] = ()) -> list[str]:
        """Store cubes with the names in them; their ids."""
        named = [edge for cube in cubes for edge in entity_edges(cube)]
        self.catalog.commit(Change(audit=audit(), put=tuple(cubes), edges=(*edges, *named)))
        self.words.put([WordEntry(cube.id, cube.text, cube.scope) for cube in cubes])
        return [cube.id for cube in cubes]

    def told(self, *texts: str) -> list[str]:
        """Store a conversation."""
        cubes = [turn(text, ALICE, place) for place, text in enumerate(texts)]
        pairs = pairwise(cubes)
        return self.put(cubes, [Edge(a.id, Relation.NEXT, b.id) for a, b in pairs])

    def gather(
        self,
        query: str,
        *,
        near: Collection[str] = (),
        hidden: Collection[str] = (),
        pool: int = 9,
        said_last: Sequence[str] = (),
    ) -> Evidence:
        """The evidence where these are the nearest by meaning; all others are at 0.25."""
        asked = Asked(
            question=Question.read(query),
            near=[Near(one, 0.75) for one in near],
            cosines=lambda ids: dict.fromkeys(ids, 0.25),
            matches=self.words.ask(query, within=[Room(EVERYBODY)]),
            meet=lambda _: None,
            admits=lambda outline: findable(outline) and outline.id not in hidden,
            said_last=said_last,
            follows=True,
        )
        return Gatherer(SqlOutlines(self.engine)).gather(asked, pool=pool)


@pytest.fixture
def gathering() -> Iterator[Gathering]:
    gathering = Gathering()
    yield gathering
    gathering.catalog.close()


def candidates(evidence: Evidence) -> set[str]:
    return {each.id for each in evidence.outlines[: evidence.count]}


def passage(title: str, text: str) -> MemCube:
    cube = plaintext(text, NOTES)
    payload = Plaintext(text=text, attributes={"title": title})
    return cube.model_copy(update={"payload": payload})


def test_the_nearest_and_those_with_the_words_are_candidates_each_once(
    gathering: Gathering,
) -> None:
    near, both, words, _ = gathering.put(
        [plaintext(text, NOTES) for text in ("soon", "a violin", "the violin", "nothing")]
    )
    evidence = gathering.gather("violin", near=[near, both])
    assert [each.id for each in evidence.outlines] == [near, both, words]
    assert evidence.cosines.tolist() == [0.75, 0.75, 0.25]
    assert evidence.match.scores.astype(bool).tolist() == [False, True, True]


def test_the_turns_beside_a_good_one_are_candidates_and_those_further_on_stand_beside(
    gathering: Gathering,
) -> None:
    ids = gathering.told("one", "two", "the violin", "four", "five", "six", "seven")
    evidence = gathering.gather("violin")
    rows = {each.id: row for row, each in enumerate(evidence.outlines)}
    assert candidates(evidence) == set(ids[1:4])
    assert set(rows) == set(ids[:6])
    for one, other in pairwise(ids[:6]):
        assert evidence.after[rows[one]] == rows[other]
        assert evidence.before[rows[other]] == rows[one]
    assert evidence.before[rows[ids[0]]] == -1
    assert evidence.after[rows[ids[5]]] == -1


def test_what_is_not_admitted_is_as_if_it_were_not_there(gathering: Gathering) -> None:
    ids = gathering.told("one", "two", "the violin", "four", "five")
    gathering.put([plaintext("his violin", NOTES)])
    evidence = gathering.gather("violin", hidden=[ids[1]], near=["nobody knows it"])
    assert ids[1] not in {each.id for each in evidence.outlines}
    assert ids[0] not in {each.id for each in evidence.outlines}
    row = [each.id for each in evidence.outlines].index(ids[2])
    assert evidence.before[row] == -1
    assert evidence.after[row] >= 0


def test_what_was_said_last_is_a_candidate_if_it_is_admitted(gathering: Gathering) -> None:
    violin, last, hidden = gathering.put(
        [plaintext(text, NOTES) for text in ("a violin", "new", "newer")]
    )
    evidence = gathering.gather("violin", said_last=[last, hidden], hidden=[hidden])
    assert [each.id for each in evidence.outlines] == [violin, last]


def test_a_passage_named_by_a_good_one_is_a_candidate_and_so_is_what_the_question_names(
    gathering: Gathering,
) -> None:
    river, spain, _, oslo = gathering.put(
        [
            passage("Lisbon", "It has a violin, and lies on the Tagus."),
            passage("Tagus (a river)", "It comes from far away."),
            passage("Rhine", "It comes from elsewhere."),
            passage("Oslo", "It is cold."),
        ]
    )
    evidence = gathering.gather("a violin, or OSLO?", pool=1)
    assert candidates(evidence) == {river, spain, oslo}
    titles = dict(zip((each.id for each in evidence.outlines), evidence.named.titles, strict=True))
    tagus = entity_of("tagus", "alice", None)
    assert titles[spain] == tagus
    assert tagus in evidence.named.mentions[0]
    assert titles[oslo] in evidence.named.asked


def test_a_name_in_very_many_leads_nowhere(gathering: Gathering) -> None:
    gathering.put([plaintext("In May we were in Lisbon with a violin.", NOTES)])
    gathering.put([plaintext(f"Number {n} is in Lisbon.", NOTES) for n in range(80)])
    evidence = gathering.gather("violin")
    assert evidence.count == 1
    assert entity_of("lisbon", "alice", None) not in evidence.named.mentions[0]


def test_where_nothing_is_found_there_is_nothing_to_rank(gathering: Gathering) -> None:
    gathering.put([plaintext("nothing", NOTES)])
    evidence = gathering.gather("violin")
    assert evidence.count == len(evidence.outlines) == 0
