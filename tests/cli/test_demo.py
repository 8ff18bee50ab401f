"""The demo: its plan for different files, and the whole story with real models."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from memos.cli.plan import LIMIT, planned
from memos.errors import BadInput

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Memos

STEPS = ["remember", "search", "revise", "keep-state", "train", "lineage", "stale", "forget"]


def chat(count: int) -> list[dict[str, str]]:
    said = ["I work as a baker.", "I moved to Lisbon.", "I have a dog called Biscuit."]
    return [
        {"role": "user", "name": "Ines", "content": f"{said[number % 3]} That is line {number}."}
        for number in range(count)
    ]


def test_the_shipped_conversation_has_two_people_ten_sessions_and_a_year() -> None:
    plan = planned(None, fast=False)
    assert 80 <= len(plan.messages) <= 120
    assert {one["speaker"] for one in plan.messages} == {"Nadia", "Theo"}
    assert len({one["session_id"] for one in plan.messages}) == 10
    times = sorted(str(one["timestamp"]) for one in plan.messages)
    assert times[0][:4] != times[-1][:4]
    texts = [str(one["text"]) for one in plan.messages]
    assert plan.revised is not None
    for beginning in (*plan.taught, plan.revised[0]):
        assert sum(text.startswith(beginning) for text in texts) == 1, beginning


def test_a_chat_is_asked_about_the_names_in_it(folder: Path) -> None:
    path = folder / "chat.json"
    path.write_text(json.dumps({"messages": chat(LIMIT + 5)}))
    plan = planned(path, fast=True)
    assert (len(plan.messages), plan.left_out) == (LIMIT, 5)
    assert {query.question for query in plan.queries} <= {
        "What is known about Lisbon?",
        "What is known about Biscuit?",
    }


def test_a_memory_space_is_asked_its_own_questions(folder: Path) -> None:
    memories = [{"id": "1", "text": "I paint.", "speaker": "Mia", "session": 1}]
    queries = [
        {"id": "q1", "q": "What does Mia do?", "gold": ["1"], "cat": 1},
        {"id": "q2", "q": "Unanswerable?", "gold": [], "cat": 5},
    ]
    path = folder / "cases.jsonl"
    case = json.dumps({"set": "x", "sid": "s", "memories": memories, "queries": queries})
    path.write_text(f"{case}\n{case}\n")
    plan = planned(path, fast=False)
    assert len(plan.messages) == 1
    assert [(one.question, one.gold) for one in plan.queries] == [
        ("What does Mia do?", frozenset({"1"}))
    ]


def test_a_file_without_messages_is_refused(folder: Path) -> None:
    path = folder / "x.jsonl"
    path.write_text('{"role": "user"}\n')
    with pytest.raises(BadInput, match="no message"):
        planned(path, fast=False)
    with pytest.raises(BadInput, match="cannot be read"):
        planned(folder / "absent", fast=False)


def test_the_demo_makes_a_store_of_its_own(memos: Memos, folder: Path) -> None:
    memos("--store", "x", "demo", code=2)
    (folder / "full").mkdir()
    (folder / "full" / "file").touch()
    memos("demo", "--keep", "full", code=2)


@pytest.mark.usefixtures("tiny_runtime")
@pytest.mark.slow
def test_the_story_is_told_on_a_chat_and_its_store_is_kept(memos: Memos, folder: Path) -> None:
    path = folder / "chat.json"
    path.write_text(json.dumps({"messages": chat(6)}))
    words = ("demo", "--data", str(path), "--keep", "kept", "--fast")
    told = memos(*words, "--json")
    assert [step["step"] for step in told.rows] == STEPS
    assert memos("--store", "kept", "check").rows[0]["problems"] == []


@pytest.mark.usefixtures("tiny_runtime")
def test_a_chat_without_plain_facts_trains_nothing(memos: Memos, folder: Path) -> None:
    path = folder / "chat.jsonl"
    path.write_text('{"text": "well"}\n{"text": "so what"}\n')
    steps = [step["step"] for step in memos("demo", "--data", str(path), "--json").rows]
    assert steps == [step for step in STEPS if step != "lineage"]
    shown = memos("demo", "--data", str(path)).stdout
    assert "1  A conversation is stored" in shown
    assert "No LoRA is trained" in shown
    assert "\x1b" not in shown


@pytest.mark.weights
@pytest.mark.slow
def test_the_story_holds_with_the_real_models(
    memos: Memos, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENT_MEMOS_EMBEDDER__BACKEND", "sentence")
    told: dict[str, Any] = {
        row["step"]: row["data"] for row in memos("demo", "--fast", "--json").rows
    }
    assert list(told) == STEPS
    assert told["keep-state"]["identical"]
    assert told["keep-state"]["resumed"]["reused_tokens"] > 0
    assert told["train"]["evaluation"]["passed"]
    assert len(told["stale"]["refused"]) == 2
    assert len(told["forget"]["forgotten"]) == 3
    assert told["forget"]["check"]["ok"]
