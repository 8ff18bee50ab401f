"""Whole sources taken in: structure kept, nothing twice, nothing back, nothing served too long."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from memos import Kind, MemOS, Right
from memos.cube import Plaintext
from memos.errors import BadInput, Forbidden
from memos.ports.graph import Relation

if TYPE_CHECKING:
    from pathlib import Path

    from memos import MemCube

CHAT = [
    {"role": "user", "name": "Ann", "content": "I moved to Lisbon", "timestamp": "2024-05-01"},
    {"role": "assistant", "content": "How is the harbour?"},
    {"role": "user", "name": "Ann", "content": "Full of sardines", "caption": "a grill"},
    {"role": "assistant", "content": "Enjoy them"},
]
ALL = ["turn", "window", "session"]
NOTES = "# Boats\n\nThe red boat leaks.\n\nThe blue boat sails.\n\n# Birds\n\nGulls are loud.\n"


def of_view(mem: MemOS, view: str) -> list[MemCube]:
    return mem.get_all(filters={"metadata.view": view})


def spans(cubes: list[MemCube]) -> list[tuple[int, int] | None]:
    return [cube.provenance.source.span for cube in cubes if cube.provenance.source]


def test_turns_keep_who_said_what_when_and_where(mem: MemOS) -> None:
    report = mem.ingest(CHAT, uri="chat:1", user_id="ann")
    turns = mem.get_all()
    assert report.ids == tuple(cube.id for cube in turns)
    assert report.views == {"turn": 4}
    assert spans(turns) == [(0, 1), (1, 2), (2, 3), (3, 4)]
    assert [cube.speaker for cube in turns] == ["Ann", None, "Ann", None]
    assert {cube.scope.session_id for cube in turns} == {"chat:1"}
    assert turns[0].header.valid_from is not None
    payload = turns[2].payload
    assert isinstance(payload, Plaintext)
    assert (payload.position, payload.attributes) == (2, {"caption": "a grill"})
    edges = mem._parts.catalog.edges_of([turns[1].id], [Relation.NEXT])
    assert len(edges) == 2
    assert mem.check().ok


def test_views_are_derived_from_the_finest_and_say_who_spoke(mem: MemOS) -> None:
    report = mem.ingest(CHAT, uri="chat:1", views=ALL, labels=["sea"], sensitivity="confidential")
    assert report.views == {"turn": 4, "window": 1, "session": 1}
    (session,) = of_view(mem, "session")
    assert session.text == (
        "Ann: I moved to Lisbon\nassistant: How is the harbour?\n"
        "Ann: Full of sardines [a grill]\nassistant: Enjoy them"
    )
    assert [one.id for one in session.provenance.parents] == [
        one.id for one in of_view(mem, "turn")
    ]
    assert session.header.labels == ("sea",)
    assert session.header.governance.sensitivity == "confidential"
    assert spans([session]) == [(0, 4)]
    assert mem.check().ok


def test_a_document_is_cut_by_its_headings(mem: MemOS, tmp_path: Path) -> None:
    path = tmp_path / "notes.md"
    path.write_text(NOTES)
    report = mem.ingest(path, views=["paragraph", "section"])
    assert report.views == {"paragraph": 3, "section": 2}
    boats = of_view(mem, "section")[0]
    assert boats.text == "The red boat leaks.\n\nThe blue boat sails."
    assert isinstance(boats.payload, Plaintext)
    assert boats.payload.attributes == {"title": "Boats"}
    assert boats.provenance.source is not None
    assert boats.provenance.source.uri == path.as_uri()
    assert NOTES[slice(*(boats.provenance.source.span or ()))] == boats.text


def test_the_same_source_again_adds_nothing_and_says_so(mem: MemOS) -> None:
    mem.ingest(CHAT, uri="chat:1", views=ALL)
    again = mem.ingest(CHAT, uri="chat:1", views=ALL)
    assert (again.ids, again.already, again.forgotten) == ((), 6, 0)
    assert len(mem.get_all()) == 6
    nameless = mem.ingest(CHAT)
    assert mem.ingest(CHAT).source == nameless.source
    assert mem.ingest(CHAT).already == 4


def test_a_source_that_has_grown_adds_what_is_new(mem: MemOS) -> None:
    mem.ingest(CHAT[:3], uri="chat:1", views=ALL)
    report = mem.ingest(CHAT, uri="chat:1", views=ALL)
    assert (report.views["turn"], report.already) == (1, 3)
    turns = of_view(mem, "turn")
    positions = [one.payload.position for one in turns if isinstance(one.payload, Plaintext)]
    assert positions == [0, 1, 2, 3]
    assert {one.scope.session_id for one in turns} == {"chat:1"}


def test_a_run_that_was_killed_goes_on_where_it_was(mem: MemOS) -> None:
    chat = [{"role": "user", "content": f"remark {number}"} for number in range(600)]

    def killing(what: str, done: int, _total: int) -> None:
        if what == "ingesting" and done >= 256:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mem.ingest(chat, uri="chat:1", views=ALL, progress=killing)
    assert len(mem.get_all()) == 256
    report = mem.ingest(chat, uri="chat:1", views=ALL)
    assert (report.already, report.views["turn"]) == (256, 344)
    said = [cube.text for cube in of_view(mem, "turn")]
    assert said == [str(one["content"]) for one in chat]
    assert set(Counter(spans(of_view(mem, "window"))).values()) == {1}


def test_an_export_is_known_again_in_another_folder(mem: MemOS, tmp_path: Path) -> None:
    turn = {"uuid": "t1", "sender": "human", "text": "Hello"}
    export = [{"uuid": "c1", "name": "x", "chat_messages": [turn]}]
    found = []
    for folder in ("may", "june"):
        (tmp_path / folder).mkdir()
        path = tmp_path / folder / "conversations.json"
        path.write_text(json.dumps(export))
        found.append(mem.ingest(path).already)
    assert found == [0, 1]
    assert len(mem.get_all()) == 1


def test_what_was_forgotten_is_not_brought_back_and_takes_its_views_along(mem: MemOS) -> None:
    mem.ingest(CHAT, uri="chat:1", views=ALL)
    mem.forget(of_view(mem, "turn")[2].id)
    assert [cube.text for cube in mem.get_all()] == [
        str(CHAT[number]["content"]) for number in (0, 1, 3)
    ]
    report = mem.ingest(CHAT, uri="chat:1", views=ALL)
    assert (report.already, report.forgotten) == (3, 1)
    assert report.views == {"window": 1, "session": 1}
    assert all("sardines" not in cube.text for cube in mem.get_all())
    again = mem.ingest(CHAT, uri="chat:1", views=ALL)
    assert (again.already, again.forgotten, again.ids) == (5, 1, ())


def test_a_view_is_not_found_once_a_turn_of_it_was_revised_or_archived(mem: MemOS) -> None:
    mem.ingest(CHAT, uri="chat:1", views=ALL)
    turns = of_view(mem, "turn")
    only: dict[str, Any] = {"metadata.view": "session"}
    assert len(mem.search("sardines", filters=only)) == 1
    mem.update(turns[2].id, "Full of tourists")
    assert mem.search("sardines", filters=only) == []
    report = mem.ingest(CHAT, uri="chat:1", views=ALL)
    assert report.views == {"window": 1, "session": 1}
    (hit,) = mem.search("tourists", filters=only)
    assert "Full of tourists" in hit.cube.text
    mem.archive(turns[0].id)
    assert mem.search("tourists", filters=only) == []


def test_a_passage_is_one_hit_whichever_view_is_best(mem: MemOS) -> None:
    for number in range(3):
        mem.ingest(CHAT, uri=f"chat:{number}", views=ALL)
    hits = mem.search("sardines at the harbour", k=3)
    sources = [hit.cube.provenance.source for hit in hits]
    assert len(hits) == 3
    for at, one in enumerate(sources):
        for other in sources[:at]:
            assert one is not None
            assert other is not None
            assert one.uri != other.uri or one.span != other.span


def test_as_many_hits_come_back_as_there_are_however_many_views_say_the_same(mem: MemOS) -> None:
    chat = [{"role": "user", "content": f"apple number {number}"} for number in range(40)]
    mem.ingest(chat, uri="chat:1", views=["turn", "window"])
    mem.ingest([{"role": "user", "content": "a pear"}], uri="chat:2")
    hits = mem.search("apple", k=41)
    covered = [hit.cube.provenance.source for hit in hits]
    turns = {
        turn
        for one in covered
        if one is not None and one.uri == "chat:1"
        for turn in range(*(one.span or (0, 0)))
    }
    assert turns == set(range(40))


def test_the_same_words_from_elsewhere_are_a_duplicate_and_kept(mem: MemOS) -> None:
    first = mem.ingest(CHAT, uri="chat:1")
    second = mem.ingest([CHAT[1], CHAT[0], CHAT[0]], uri="chat:2")
    assert len(second.ids) == 3
    assert [one.of for one in second.duplicates] == [first.ids[1], first.ids[0], first.ids[0]]
    assert [one.id for one in second.duplicates] == list(second.ids)
    edges = mem._parts.catalog.edges_of(second.ids, [Relation.DUPLICATES])
    told = {(one.id, one.of) for one in second.duplicates}
    assert {(edge.source, edge.target) for edge in edges} >= told  # and those among themselves
    assert mem.check().ok
    other = mem.ingest(CHAT, uri="chat:3", user_id="bob")
    assert other.duplicates == ()


def test_a_dry_run_counts_and_changes_nothing(mem: MemOS) -> None:
    report = mem.ingest(CHAT, uri="chat:1", views=ALL, dry_run=True)
    assert report.views == {"turn": 4, "window": 1, "session": 1}
    assert mem.get_all() == []
    mem.ingest(CHAT, uri="chat:2")
    assert len(mem.ingest(CHAT, uri="chat:1", dry_run=True).duplicates) == 4
    assert mem.ingest(CHAT, uri="chat:2", dry_run=True).already == 4


def test_every_entry_is_counted_somewhere(mem: MemOS) -> None:
    bad = [
        *CHAT,
        None,
        {"role": "user", "content": ""},
        {"role": "x", "content": "y", "date": "soon"},
    ]
    report = mem.ingest(bad, uri="chat:1")
    assert len(report.ids) + len(report.unread) + report.empty == len(bad)
    assert [one.place for one in report.unread] == ["element 5", "element 7"]


def test_one_source_has_one_finest_view(mem: MemOS) -> None:
    mem.ingest(NOTES.encode(), uri="notes", format="markdown")
    with pytest.raises(BadInput, match="is there already by paragraph"):
        mem.ingest(NOTES.encode(), uri="notes", format="markdown", views=["sentence"])
    assert {str(cube.metadata["view"]) for cube in mem.get_all()} == {"paragraph"}


def test_what_a_source_itself_calls_a_view_is_kept(mem: MemOS) -> None:
    mem.ingest([{"role": "user", "content": "a", "metadata": {"view": "sea"}}])
    assert mem.get_all()[0].metadata == {"view": "turn", "source_view": "sea"}


def test_the_call_has_the_last_word_on_whose_it_is(mem: MemOS) -> None:
    message = {"content": "a", "user_id": "bob", "session_id": "s", "role": "user"}
    mem.ingest([message], user_id="ann")
    (cube,) = mem.get_all()
    assert (cube.user_id, cube.scope.session_id) == ("ann", "s")
    bound = mem.acting("user:ann")
    with pytest.raises(Forbidden):
        bound.ingest([message], user_id="bob")
    assert len(mem.get_all()) == 1


def test_who_may_write_and_not_read_learns_nothing_of_what_is_there(mem: MemOS) -> None:
    mem.ingest(CHAT, uri="chat:1", user_id="ann")
    mem.grant("agent:scribe", Right.WRITE, user_id="ann")
    scribe = mem.acting("agent:scribe")
    report = scribe.ingest(CHAT, uri="chat:1", user_id="ann")
    assert (report.already, report.duplicates, len(report.ids)) == (0, (), 4)
    again = scribe.ingest(CHAT, uri="chat:1", user_id="ann")
    assert (again.ids, again.already) == ((), 4)


def test_a_large_source_leaves_a_row_for_each_batch(mem: MemOS) -> None:
    chat = [{"role": "user", "content": f"remark {number}"} for number in range(300)]
    mem.ingest(chat, uri="chat:1")
    rows = [row.audit for row in mem._parts.journal.newest(2)]
    assert [(row.call, len(row.subjects)) for row in rows] == [("ingest", 44), ("ingest", 256)]
    assert mem.verify_audit().ok


def test_what_is_made_from_a_view_follows_the_turns_in_it(mem: MemOS) -> None:
    mem.ingest(CHAT, uri="chat:1", views=ALL)
    (session,) = of_view(mem, "session")
    made = mem.transform([session.id], to=Kind.ACTIVATION)
    assert not mem.lineage(made.id).stale
    mem.relabel(of_view(mem, "turn")[0].id, ["sea"])
    assert not mem.lineage(made.id).stale
    mem.update(of_view(mem, "turn")[0].id, "I moved to Porto")
    assert mem.lineage(made.id).stale
    gone = mem.forget(of_view(mem, "turn")[0].id)
    assert made.id in gone.ids
