"""Names are found by their capitals, and belong to whose memory it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memos.cube import MemCube, Plaintext, Scope
from memos.kinds.entities import asked_names, entity_edges, entity_of, mentions, title_entity
from memos.ports.graph import Edge, Relation
from memos.testing.catalog import plaintext


def test_names_are_found_and_common_openings_are_not() -> None:
    text = "Hey Mel! I saw New York with Caroline's sister. The trip was fine. She is at Google."
    assert mentions(text) == ["Mel", "New York", "Caroline", "Google"]


def test_a_text_without_names_mentions_nothing() -> None:
    assert mentions("nothing happened, and i was glad of it.") == []
    assert mentions("") == []


def test_equal_names_of_one_user_meet_and_of_two_users_do_not() -> None:
    hers = plaintext("We saw Lisbon.", Scope(user_id="alice", session_id="1"), speaker="Alice")
    also = plaintext("I miss lisbon, I miss Lisbon.", Scope(user_id="alice", session_id="2"))
    his = plaintext("We saw Lisbon.", Scope(user_id="bob"))
    nodes = [{edge.target for edge in entity_edges(cube)} for cube in (hers, also, his)]
    assert nodes[0] & nodes[1]
    assert len(nodes[0]) == 2
    assert not nodes[0] & nodes[2]


def test_users_whose_names_hold_separators_do_not_meet() -> None:
    one = plaintext("Lisbon?", Scope(user_id="a", agent_id="b,c"))
    two = plaintext("Lisbon?", Scope(user_id="a,b", agent_id="c"))
    assert {edge.target for edge in entity_edges(one)}.isdisjoint(
        edge.target for edge in entity_edges(two)
    )


def titled(title: str, text: str = "nothing more") -> MemCube:
    """A passage of Alice's under a title."""
    cube = plaintext(text, Scope(user_id="alice"))
    payload = Plaintext(text=text, attributes={"title": title} if title else {})
    return cube.model_copy(update={"payload": payload})


def test_a_passage_stands_under_its_title_and_mentions_what_it_says() -> None:
    cube = titled("Lisbon", "It lies on the Tagus.")
    tagus, lisbon = (entity_of(name, "alice", None) for name in ("Tagus", "Lisbon"))
    assert entity_edges(cube) == [
        Edge(cube.id, Relation.MENTIONS, tagus),
        Edge(cube.id, Relation.TITLED, lisbon),
    ]


def test_a_title_and_a_mention_of_it_meet_whatever_the_case() -> None:
    under, about = titled("THE TAGUS"), titled("Oslo", "It is not at the Tagus, The Tagus.")
    assert entity_edges(under)[-1].target in {edge.target for edge in entity_edges(about)}


@pytest.mark.parametrize("title", ["", "(no name)", " ( a ) (b) "])
def test_a_passage_without_a_title_stands_under_none(title: str) -> None:
    assert title_entity(title, "alice", None) is None
    assert [edge.relation for edge in entity_edges(titled(title, "We saw Lisbon."))] == [
        Relation.MENTIONS
    ]


def test_what_a_title_says_in_brackets_is_not_the_name() -> None:
    plain = title_entity("Theodred II", "alice", None)
    assert title_entity("Theodred II (Bishop of Elmham)", "alice", None) == plain
    assert title_entity(" Theodred  (the) II ", "alice", None) == plain
    assert title_entity("Theodred II (Bishop", "alice", None) != plain
    assert title_entity("Theodred II", "bob", None) != plain


def test_a_question_may_name_any_run_of_its_words() -> None:
    names = asked_names("Who was theodred ii's son, of \u201cElmham\u201d?")
    assert {"theodred ii", "theodred", "son", "Elmham"} <= set(names)
    assert "theodred ii son of" in names
    assert asked_names("Where is O\u2019Brien?")[-1] == "Where is O'Brien"
    assert {"Ann", "Ann's List", "List"} <= set(asked_names("Who wrote Ann's List?"))
    assert "Ann" in asked_names("Which one is Ann's?")
    assert "O'Brien" in asked_names("Where is O\u2019Brien?")


def test_common_words_and_single_letters_are_no_names_by_themselves() -> None:
    assert asked_names("who is it?") == ["who is", "is it", "who is it"]
    assert asked_names("a? b!") == ["a b"]
    assert asked_names("") == asked_names(" ?! ") == []


@given(st.text())
def test_what_a_question_may_name_are_few_runs_without_repeats(query: str) -> None:
    names = asked_names(query)
    assert len(names) == len(set(names))
    assert len(names) <= 2 * 7 * 60
    assert all(len(name) > 1 for name in names)


@given(st.lists(st.sampled_from(["Lisbon", "Oslo", "tagus"]), min_size=1, max_size=7))
def test_a_question_that_is_a_title_names_it(words: list[str]) -> None:
    title = " ".join(words)
    entities = {entity_of(name, "alice", None) for name in asked_names(f"{title}?")}
    assert title_entity(title, "alice", None) in entities
