"""``--as``, ``--reason``, ``grant``, ``revoke`` and ``grants``."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Memos

ABSENT = "01a20694-689b-7602-ad19-70f21d43272d"


def test_a_principal_sees_what_is_its_own_and_no_trace_of_the_rest(
    memos: Memos, remembered: list[str]
) -> None:
    assert memos("--as", "user:alice", "ls", "-q").ids == remembered[:2]
    assert memos("search", "tea", "--as", "agent:planner", "-q").ids == []
    hidden = memos("get", remembered[2], "--as", "user:alice", code=3).stderr
    absent = memos("get", ABSENT, "--as", "user:alice", code=3).stderr
    assert hidden.replace(remembered[2], ABSENT) == absent
    memos("add", "Bob snores.", "--user", "bob", "--as", "user:alice", code=5)
    memos("stats", "--as", "user:alice", code=5)
    assert memos("ls", "-q").ids == remembered


def test_what_a_principal_adds_is_its_own(memos: Memos) -> None:
    memos("init")
    memos("add", "Alice sings.", "--as", "user:alice")
    assert memos("ls", "--user", "alice").texts == ["Alice sings."]


def test_who_acts_and_why_may_be_said_before_the_command_or_after_it(
    memos: Memos, remembered: list[str]
) -> None:
    memos("--as", "user:alice", "--reason", "first", "ls")
    memos("--as", "user:bob", "ls", "--as", "user:alice", "--reason", "second")
    rows = memos("audit", "tail", "--by", "user:alice").rows
    assert [row["reason"] for row in rows] == ["first", "second"]


@pytest.mark.parametrize("name", ["", "alice", "user:", "group:staff", "user:" + "a" * 513])
def test_who_names_nobody_does_not_act_as_the_application(
    memos: Memos, folder: Path, name: str
) -> None:
    for words in (("ls",), ("add", "tea"), ("init",)):
        memos(*words, "--as", name, code=2)
    memos("init", "--reason", "half \ud800", code=2)
    assert list(folder.iterdir()) == []


def test_the_demo_acts_as_the_application(memos: Memos) -> None:
    memos("demo", "--as", "user:alice", code=2)


def test_a_grant_is_in_force_until_it_is_revoked(memos: Memos, remembered: list[str]) -> None:
    granted = memos("grant", "agent:planner", "read,write", "--user", "alice").rows
    assert [(one["principal"], one["right"]) for one in granted] == [
        ("agent:planner", "read"),
        ("agent:planner", "write"),
    ]
    assert granted[0]["scope"]["user_id"] == "alice"
    assert memos("ls", "--as", "agent:planner", "-q").ids == remembered[:2]
    memos("update", remembered[0], "Alice moved to Porto.", "--as", "agent:planner")
    result = memos("revoke", str(granted[0]["number"]))
    assert result.rows == granted[:1]
    assert "has ended" in result.stderr
    assert memos("ls", "--as", "agent:planner", "-q").ids == []
    memos("revoke", str(granted[0]["number"]), code=3)


def test_a_grant_is_on_a_cube_a_label_or_the_whole_store(
    memos: Memos, remembered: list[str]
) -> None:
    memos("grant", "user:bob", "read", "--id", remembered[1])
    assert memos("ls", "--as", "user:bob", "-q").ids == remembered[1:]
    memos("grant", "agent:a", "read", "--user", "alice", "--label", "home")
    assert memos("ls", "--as", "agent:a", "-q").ids == remembered[:1]
    memos("grant", "service:b", "administer", "--everything")
    assert memos("ls", "--as", "service:b", "-q").ids == remembered
    memos("check", "--as", "service:b")


def test_a_grant_may_end_by_itself(memos: Memos, remembered: list[str]) -> None:
    future = memos("grant", "agent:a", "read", "-u", "bob", "--expires", "2999-01-01")
    assert future.rows[0]["expires_at"] == "2999-01-01T00:00:00+00:00"
    assert "past" not in future.stderr
    past = memos("grant", "agent:b", "read", "-u", "bob", "--expires", "1999-01-01", code=2)
    assert "has passed" in past.stderr
    assert [row["principal"] for row in memos("grants").rows] == ["agent:a"]


def test_an_owner_grants_what_is_hers_and_nothing_else(memos: Memos, remembered: list[str]) -> None:
    memos("grant", "agent:a", "read", "--id", remembered[0], "--as", "user:alice")
    memos("grant", "agent:a", "read", "--id", remembered[2], "--as", "user:alice", code=3)
    memos("grant", "agent:a", "read", "--user", "bob", "--as", "user:alice", code=5)
    memos("grant", "agent:a", "administer", "--user", "alice", "--as", "user:alice", code=5)
    assert memos("ls", "--as", "agent:a", "-q").ids == remembered[:1]


@pytest.mark.parametrize(
    "words",
    [
        ("user:bob", "read"),
        ("user:bob", "read", "--label", "home"),
        ("user:bob", "bake", "--user", "alice"),
        ("user:bob", "", "--user", "alice"),
        ("user:bob", "read,", "--user", "alice"),
        ("bob", "read", "--user", "alice"),
        ("user:bob", "read", "--id", "nonsense"),
        ("user:bob", "read", "--id", ABSENT, "--label", "home"),
        ("user:bob", "read", "--id", ABSENT, "--everything"),
        ("user:bob", "read", "--user", "alice", "--everything"),
        ("user:bob", "read", "--user", ""),
        ("user:bob", "read", "--user", "alice", "--label", " "),
        ("user:bob", "read", "--user", "alice", "--expires", "soon"),
    ],
)
def test_a_grant_that_cannot_be_meant_is_refused(
    memos: Memos, remembered: list[str], words: tuple[str, ...]
) -> None:
    memos("grant", *words, code=2)
    assert memos("grants").rows == []


def test_grants_are_listed_for_those_whom_they_concern(memos: Memos, remembered: list[str]) -> None:
    assert "nobody was granted anything" in memos("grants", "-o", "table").stderr
    memos("grant", "agent:a", "read", "--user", "alice", "--label", "home")
    memos("grant", "user:bob", "read", "--id", remembered[0])
    memos("grant", "agent:b", "administer", "--everything")
    assert memos("grants", "-q").ids == ["1", "2", "3"]
    assert memos("grants", "--for", "user:bob", "-q").ids == ["2"]
    assert memos("grants", "--as", "user:alice", "-q").ids == ["1", "2"]
    assert memos("grants", "--as", "user:carol", "-q").ids == []
    memos("revoke", "2", "--as", "user:carol", code=3)
    memos("grants", "--for", "bob", code=2)
    shown = memos("grants", "-o", "table").stdout
    for words in ("user alice, label home", f"cube {remembered[0]}", "everything"):
        assert words in shown
    assert json.loads(memos("grants", "--json").stdout)["schema"] == "agent-memos/grants/1"


@pytest.mark.parametrize(
    "words",
    [
        ("init",),
        ("add", "Alice sings."),
        ("add", "-", "--user", "bob"),
        ("import", "kb.zip"),
        ("install", "kb.zip", "--namespace", "kb"),
    ],
    ids=" ".join,
)
def test_only_the_application_makes_a_store(
    memos: Memos, folder: Path, words: tuple[str, ...]
) -> None:
    before = sorted(folder.iterdir())
    told = memos(*words, "--store", "new", "--as", "user:alice", code=5, typed="x").stderr
    assert "user:alice may not make one" in told
    assert sorted(folder.iterdir()) == before


def test_a_grant_that_has_ended_is_marked(memos: Memos, remembered: list[str]) -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=4)).isoformat()
    for expires in (soon, "2999-01-01"):
        memos("grant", "user:bob", "read", "--id", remembered[0], "--expires", expires)
    time.sleep(max(0.0, (datetime.fromisoformat(soon) - datetime.now(UTC)).total_seconds()))
    shown = memos("grants", "-o", "table").stdout
    assert f"ended {soon[:10]}" in shown
    assert "until 2999-01-01" in shown
    assert shown.count("ended") == 1
