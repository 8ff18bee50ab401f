"""``add`` of one memory, and ``update``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.cli.conftest import Memos


def test_a_text_is_remembered_with_everything_that_is_said_of_it(memos: Memos) -> None:
    options = ["-u", "bob", "--session", "s", "-l", "x", "--meta", "n=1", "--at", "2024-05-01"]
    cube = memos("add", "Bob likes tea.", *options).rows[0]["cube"]
    header = cube["header"]
    assert cube["payload"]["text"] == "Bob likes tea."
    assert header["scope"] == {"user_id": "bob", "agent_id": None, "session_id": "s"}
    assert (header["labels"], header["metadata"]) == (["x"], {"n": 1})
    assert header["valid_from"].startswith("2024-05-01")


def test_one_json_object_wraps_the_cubes_that_were_added(memos: Memos) -> None:
    answer = json.loads(memos("add", "Bob likes tea.", "--json").stdout)
    assert answer["schema"] == "agent-memos/cubes/1"
    assert answer["data"][0]["cube"]["payload"]["text"] == "Bob likes tea."


def test_options_may_stand_before_the_command_as_well_as_after_it(memos: Memos) -> None:
    memos("--store", "there", "--user", "bob", "add", "Bob likes tea.")
    assert memos("ls", "--store", "there", "--user", "bob").texts == ["Bob likes tea."]
    memos("--store", "there", "ls", "--store", "elsewhere", code=3)


def test_an_idempotency_key_adds_once(memos: Memos) -> None:
    first = memos("add", "once", "--idempotency-key", "k", "-q")
    again = memos("add", "once", "--idempotency-key", "k", "-q")
    assert first.ids == again.ids
    assert len(memos("ls", "-q").ids) == 1
    memos("add", "twice", "--idempotency-key", "k", code=4)


def test_a_dry_run_of_add_makes_no_store(memos: Memos) -> None:
    assert "would add 1 memory" in memos("add", "Bob likes tea.", "--dry-run").stderr
    memos("ls", code=3)


def test_a_revision_is_a_new_version_and_the_old_one_stays(
    memos: Memos, remembered: list[str]
) -> None:
    memos("update", remembered[0], "Alice moved to Porto.")
    assert memos("history", remembered[0]).texts == [
        "Alice moved to Lisbon.",
        "Alice moved to Porto.",
    ]
    assert memos("get", remembered[0], "--version", "1").texts == ["Alice moved to Lisbon."]


def test_a_revision_may_be_read_from_stdin_and_keeps_what_is_not_named(
    memos: Memos, remembered: list[str]
) -> None:
    cube = memos("update", remembered[0], "-", typed="Alice moved to Porto.\n").rows[0]["cube"]
    assert cube["payload"]["text"] == "Alice moved to Porto."
    assert (cube["header"]["labels"], cube["header"]["metadata"]) == (["home"], {"year": 2024})


def test_a_revision_of_another_version_is_a_conflict(memos: Memos, remembered: list[str]) -> None:
    memos("update", remembered[0], "Alice moved.", "--if-version", "7", code=4)
    assert len(memos("history", remembered[0]).rows) == 1
