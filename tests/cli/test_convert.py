"""``transform`` and ``chat``, on a model that is real in all but its knowledge."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Memos

pytestmark = pytest.mark.usefixtures("tiny_runtime")


def test_memories_become_a_kv_cube_that_chat_resumes(memos: Memos, remembered: list[str]) -> None:
    state = memos("transform", *remembered[:2], "--to", "activation", "-q").ids[0]
    words = ("chat", "Where is Alice?", "--max-tokens", "4", "--json")
    resumed = json.loads(memos(*words, "--memory", state).stdout)["data"]
    read = json.loads(memos(*words, "-m", remembered[0], "-m", remembered[1]).stdout)["data"]
    assert resumed["reused_tokens"] > read["reused_tokens"] == 0
    assert resumed["text"] == read["text"]
    assert [one["id"] for one in resumed["memories"]] == [state]


def test_sources_may_be_named_by_user_by_condition_and_by_search(
    memos: Memos, remembered: list[str]
) -> None:
    for chosen, expected in (
        (("--user", "alice"), remembered[:2]),
        (("--where", "labels=home"), remembered[:1]),
        (("--query", "who likes tea?", "-k", "1"), remembered[2:]),
    ):
        result = memos("transform", "--to", "activation", *chosen, "--dry-run", "-q")
        assert result.ids == expected
    assert memos("ls", "--kind", "activation", "-q").ids == []


def test_a_stale_kv_cube_is_a_conflict(memos: Memos, remembered: list[str]) -> None:
    state = memos("transform", remembered[0], "--to", "activation", "-q").ids[0]
    memos("update", remembered[0], "Alice moved to Porto.")
    result = memos("chat", "Where is Alice?", "--memory", state, "--json", code=4)
    assert json.loads(result.stderr)["error"]["code"] == "StaleCube"
    assert "revised since" in memos("lineage", state, "-o", "table").stdout


def test_what_was_made_from_a_memory_is_shown_before_it_goes_along(
    memos: Memos, remembered: list[str]
) -> None:
    state = memos("transform", remembered[0], "--to", "activation", "-q").ids[0]
    result = memos("forget", remembered[0], "--dry-run")
    assert [(row["id"], row["because"]) for row in result.rows[0]["cubes"]] == [
        (remembered[0], None),
        (state, remembered[0]),
    ]
    blocks = memos("where", state).rows[0]["blocks"]
    assert blocks > 1
    told = f"forgot 2 cubes, 1 of them made from the others, and {blocks} blocks of KV"
    assert told in memos("forget", remembered[0], "--yes").stderr
    memos("get", state, code=3)


@pytest.mark.slow
def test_a_lora_is_trained_and_told_of_with_its_verdict(
    memos: Memos, remembered: list[str]
) -> None:
    result = memos("transform", remembered[1], "--to", "parametric", "-o", "table")
    assert "LoRA of rank" in result.stdout
    assert "unfit: recall" in result.stdout
    assert "--allow-unfit" in result.stderr
    lora = memos("ls", "--kind", "parametric", "-q").ids[0]
    memos("chat", "What is Alice's job?", "-m", lora, "--max-tokens", "2", code=4)
    memos("chat", "What is Alice's job?", "-m", lora, "--max-tokens", "2", "--allow-unfit")


def test_an_answer_is_plain_text_and_its_cost_stands_on_stderr(
    memos: Memos, remembered: list[str]
) -> None:
    result = memos("chat", "Where is Alice?", "--max-tokens", "3", "-k", "2")
    assert not result.stdout.startswith("{")
    assert "2 memories" in result.stderr
    assert "first token after" in result.stderr
    alone = memos("chat", "-", "--no-memory", "--max-tokens", "3", typed="Where is Alice?")
    assert "0 memories" in alone.stderr
    used = memos("chat", "Where is Alice?", "--max-tokens", "3", "-q", "-m", remembered[0])
    assert used.ids == remembered[:1]


@pytest.mark.parametrize(
    "words",
    [
        ("transform",),
        ("transform", "--to", "activation"),
        ("transform", "--to", "activation", "--user", "nobody"),
        ("chat", "Who?", "--memory", "x", "--no-memory"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(
    memos: Memos, remembered: list[str], words: tuple[str, ...]
) -> None:
    memos(*words, code=2)


def test_a_text_does_not_become_a_text(memos: Memos, remembered: list[str]) -> None:
    told = memos("transform", "--to", "plaintext", "--user", "alice", code=1)
    assert "memos lora ls" in told.stderr
