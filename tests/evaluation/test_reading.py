"""Files of cases are read whole, and what is wrong in them is told by its place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from memos.errors import BadInput
from memos.evaluation.reading import read_cases, read_file

if TYPE_CHECKING:
    from pathlib import Path


def case(**changes: Any) -> str:
    """A case of two memories, as a line."""
    memories = [{"id": 1, "text": "Mia paints."}, {"id": "b", "text": "Tom sings."}]
    queries = [{"id": "q1", "q": "who paints?", "gold": [1], "cat": 2}]
    return json.dumps({"set": "s", "sid": "c", "memories": memories, "queries": queries} | changes)


def test_a_turn_becomes_a_message_with_all_that_is_said_of_it() -> None:
    turn = {
        "id": "D1:1",
        "text": "I paint.",
        "speaker": "Mia",
        "role": "user",
        "session": 3,
        "date": "1:56 pm on 8 May, 2023",
        "caption": "a tower",
        "title": "Art",
        "batch": 7,
    }
    (found,) = read_cases(case(memories=[turn], queries=[{"q": "?", "gold": ["D1:1"]}]), "f").cases
    (memory,) = found.memories
    assert memory.message == {
        "text": "I paint.",
        "speaker": "Mia",
        "role": "user",
        "session_id": "3",
        "timestamp": "2023-05-08T13:56:00+00:00",
        "caption": "a tower",
        "title": "Art",
    }
    assert memory.line == "Art: Mia: I paint. [a tower]"
    assert found.questions[0].id == "line 1, query 1"


def test_numbers_are_ids_too_and_a_space_without_a_name_is_named_by_its_line() -> None:
    (found,) = read_cases(case(sid=None, set=None), "chats").cases
    assert (found.set, found.name) == ("chats", "line 1")
    assert [memory.id for memory in found.memories] == ["1", "b"]
    (question,) = found.questions
    assert (question.gold, question.category) == (("1",), "2")


def test_what_has_a_speaker_is_a_turn_of_a_conversation_and_a_passage_stands_alone() -> None:
    memories = [{"id": 1, "text": "x", "speaker": "Mia"}, {"id": 2, "text": "y", "title": "T"}]
    (found,) = read_cases(case(memories=memories), "f").cases
    assert [memory.session for memory in found.memories] == ["c", None]


def test_evidence_that_is_named_counts_also_of_a_question_that_is_to_be_declined() -> None:
    (found,) = read_cases(case(queries=[{"q": "?", "gold": [1], "abstain": True}]), "f").cases
    assert found.questions[0].gold == ("1",)


def test_a_date_that_cannot_be_read_is_counted_and_its_memory_taken() -> None:
    memories = [{"id": 1, "text": "x", "date": "May-ish"}]
    reading = read_cases(case(memories=memories), "f")
    assert reading.undated == {"May-ish": 1}
    assert reading.cases[0].memories[0].message == {"text": "x"}
    assert reading.problems == []


BAD = [
    ("{", "line 2: not JSON"),
    ('{"a": NaN}', "NaN is not JSON"),
    ("[" * 100_000, "not JSON: maximum"),
    ("7", "not an object"),
    ('{"sid": "x"}', "line 2: no list of memories"),
    (case(queries="q"), "no list of queries"),
    (case(memories=[]), "there are no memories in it"),
    (case(queries=[]), "there are no queries in it"),
    (case(memories=[{"text": "x"}, {"id": 1, "text": "y"}]), "memory 1: no id"),
    (case(memories=[{"id": 1, "text": " "}]), "memory 1: the content of the message is empty"),
    (case(memories=[{"id": 1, "text": "a\x00"}]), "holds a NUL"),
    (case(memories=[{"id": 1, "text": "a", "title": "t" * 600}]), "the title of the message has"),
    (case(sid="s" * 600), "line 2: user_id is"),
    (case(memories=[3]), "memory 1: not an object"),
    (case(memories=[{"id": 1, "text": "x"}, {"id": "1", "text": "y"}]), "'1' comes twice"),
    (case(queries=[{"q": "?", "gold": ["lost"]}]), "query 1: gold 'lost' is no memory"),
    (case(queries=[{"q": "?", "gold": "1"}]), "gold is not a list"),
    (case(queries=[{"gold": [1]}]), "query 1: q is None, not a text"),
    (case(queries=[None]), "query 1: not an object"),
]


@pytest.mark.parametrize(("line", "problem"), BAD, ids=[problem for _, problem in BAD])
def test_what_cannot_be_read_is_told_and_the_rest_is_read(line: str, problem: str) -> None:
    reading = read_cases(f"{case()}\n{line}\n\n{case()}\n", "f")
    assert len(reading.cases) >= 2
    assert any(problem in told for told in reading.problems), reading.problems


FACT = {"subject": "Pond", "relation": "colour", "old": "red", "new": "blue",
        "question": "What colour is Pond?", "context": "Pond is [ENTITY]."}  # fmt: skip


def test_facts_are_remembered_with_the_old_value_and_later_with_the_new() -> None:
    lines = [FACT, FACT | {"context": "no place"}, FACT | {"new": 7}, FACT | {"question": " "}]
    reading = read_cases("\n".join(json.dumps(line) for line in lines), "changes")
    (found,) = reading.cases
    old, new = found.memories
    assert (found.set, old.message["text"], new.message["text"]) == (
        "changes",
        "Pond is red.",
        "Pond is blue.",
    )
    assert str(old.message["timestamp"]) < str(new.message["timestamp"])
    assert found.questions[0].gold == (new.id,)
    places = [problem.partition(":")[0] for problem in reading.problems]
    assert places == ["line 2", "line 3", "line 4"]


def test_a_file_without_cases_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    with pytest.raises(BadInput, match="cannot be read"):
        read_file(path)
    for content, told in ((b"", "no case"), (b"{}\n", "no list of memories"), (b"\xff", "UTF-8")):
        path.write_bytes(content)
        with pytest.raises(BadInput, match=told):
            read_file(path)
    with pytest.raises(BadInput, match="cannot be read"):
        read_file(tmp_path)
