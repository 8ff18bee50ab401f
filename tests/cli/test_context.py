"""``context``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Memos


def test_the_text_goes_to_stdout_as_it_is_and_its_cost_to_stderr(
    memos: Memos, remembered: list[str]
) -> None:
    for form in ((), ("-o", "table")):
        told = memos("context", "who moved to Lisbon?", *form)
        assert "] Alice moved to Lisbon.\n" in told.stdout
        assert "Wednesday, 1 May 2024\n" in told.stdout
        assert "3 memories" in told.stderr
        assert "breakpoints after" in told.stderr


def test_json_has_all_of_it_and_the_next_call_begins_as_it_did(
    memos: Memos, remembered: list[str], folder: Path
) -> None:
    told = memos("context", "Lisbon", "--user", "alice", "--json")
    answer = json.loads(told.stdout)
    assert answer["schema"] == "agent-memos/context/1"
    assert len(answer["data"]["cubes"]) == 2
    (folder / "last.json").write_text(told.stdout)
    words = ("context", "a baker", "--user", "alice", "--json", "--previous", "last.json")
    after = json.loads(memos(*words).stdout)
    assert after["data"]["reused"] == len(answer["data"]["text"])
    assert after["data"]["text"] == answer["data"]["text"]


def test_ids_budget_scope_and_conditions(memos: Memos, remembered: list[str]) -> None:
    assert memos("context", "tea", "--user", "bob", "-q").ids == remembered[2:]
    assert memos("context", "-", "-q", "-k", "1", typed="Lisbon").ids == remembered[:1]
    assert memos("context", "tea", "--where", "metadata.year=2024", "-q").ids == remembered[:1]
    small = memos("context", "tea", "--budget", "2")
    assert small.stdout == ""
    assert "none of 3 memories fits" in small.stderr
    assert "nothing was found" in memos("context", "tea", "--user", "nobody").stderr


@pytest.mark.usefixtures("tiny_runtime")
def test_the_configured_model_may_count(memos: Memos, remembered: list[str]) -> None:
    words = ("context", "tea", "--json", "--tokenizer")
    counted = json.loads(memos(*words, "model").stdout)["data"]["tokens"]
    assert counted != json.loads(memos(*words, "estimate").stdout)["data"]["tokens"]


def test_what_cannot_be_taken_is_wrong_usage(
    memos: Memos, remembered: list[str], folder: Path
) -> None:
    (folder / "list.json").write_text("[]")
    (folder / "none.json").write_text("{}x")
    for name in ("list.json", "none.json", "missing.json", "."):
        memos("context", "tea", "--previous", name, code=2)
    memos("context", "tea", "--tokenizer", "gpt", code=2)
    memos("context", "tea", "--budget", "0", code=2)
    memos("context", "tea", "--standing", "2", code=2)
    memos("context", "", code=2)


def test_what_a_memory_holds_cannot_steer_the_terminal(memos: Memos) -> None:
    memos("add", "red \x1b[31m alert", "-q")
    assert "\x1b" not in memos("context", "alert").stdout
