"""``add`` of one memory, ``update`` and ``forget``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.cli.conftest import Memos

ABSENT = "01a20694-689b-7602-ad19-70f21d43272d"


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


def test_what_is_forgotten_is_gone(memos: Memos, remembered: list[str]) -> None:
    assert memos("forget", remembered[0], "--yes", "-q").ids == [remembered[0]]
    memos("get", remembered[0], code=3)
    assert memos("ls", "-q").ids == remembered[1:]


def test_forgetting_takes_ids_from_stdin(memos: Memos, remembered: list[str]) -> None:
    memos("forget", "-", "--yes", typed="\n".join(remembered[:2]))
    assert memos("ls", "-q").ids == remembered[2:]


def test_forgetting_takes_a_user_or_a_condition(memos: Memos, remembered: list[str]) -> None:
    assert memos("forget", "--user", "bob", "--yes", "-q").ids == remembered[2:]
    assert memos("forget", "--where", "labels=home", "--yes", "-q").ids == remembered[:1]


def test_an_unknown_id_among_others_forgets_nothing(memos: Memos, remembered: list[str]) -> None:
    memos("forget", remembered[0], ABSENT, "--yes", code=3)
    assert memos("ls", "-q").ids == remembered


def test_a_dry_run_shows_what_would_go_and_forgets_nothing(
    memos: Memos, remembered: list[str]
) -> None:
    result = memos("forget", "--user", "alice", "--dry-run")
    assert [row["id"] for row in result.rows] == remembered[:2]
    assert "would forget 2 cubes" in result.stderr
    assert memos("ls", "-q").ids == remembered


def test_without_a_terminal_and_without_yes_nothing_is_forgotten(
    memos: Memos, remembered: list[str]
) -> None:
    result = memos("forget", remembered[0], code=2)
    assert "no terminal to ask on" in result.stderr
    assert "--yes" in result.stderr
    assert memos("ls", "-q").ids == remembered


def test_forgetting_nothing_in_particular_is_refused(memos: Memos, remembered: list[str]) -> None:
    memos("forget", "--yes", code=2)
    memos("forget", remembered[0], "--all", "--yes", code=2)
    memos("forget", "--user", "bob", "--all", "--yes", code=2)
    memos("forget", remembered[0], "--where", "labels=home", "--yes", code=2)
    memos("forget", *remembered, "--if-version", "1", "--yes", code=2)
    assert memos("ls", "-q").ids == remembered
    assert "nothing to forget" in memos("forget", "-", "--yes", typed="").stderr
    assert "nothing to forget" in memos("forget", "--user", "nobody", "--yes").stderr


def test_an_empty_user_is_refused_and_does_not_mean_everybody(
    memos: Memos, remembered: list[str]
) -> None:
    memos("forget", "--user", "", "--where", "version=1", "--yes", code=2)
    memos("--user", "alice", "forget", "--user", "", "--yes", code=2)
    memos("search", "tea", "--user", "", code=2)
    assert memos("ls", "-q").ids == remembered


def test_everything_can_be_forgotten(memos: Memos, remembered: list[str]) -> None:
    assert sorted(memos("forget", "--all", "--yes", "-q").ids) == sorted(remembered)
    assert memos("ls", "-q").ids == []
