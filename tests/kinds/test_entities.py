"""Names are found by their capitals, and belong to whose memory it is."""

from __future__ import annotations

from memos.cube import Scope
from memos.kinds.entities import entity_edges, mentions
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
