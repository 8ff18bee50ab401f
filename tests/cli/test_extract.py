"""``extract``, and the steps of ``search``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from tests.cli.conftest import Memos


def test_facts_are_drawn_told_and_found(memos: Memos) -> None:
    memos("add", "I moved to Lisbon. Is it nice?", "--user", "alice")
    (found,) = memos("extract", "--user", "alice").rows
    (fact,) = found["facts"]
    assert fact["text"] == "Alice moved to Lisbon."
    assert fact["evidence"] == ["I moved to Lisbon."]
    assert memos("get", fact["id"]).texts == ["Alice moved to Lisbon."]
    shown = memos("get", fact["id"], "-o", "table").stdout
    assert "evidence" in shown
    again = memos("extract", "--user", "alice", "--json")
    assert json.loads(again.stdout)["data"]["known"] == 1
    assert "0 facts kept, 1 known before, of 1 memory" in again.stderr


def test_a_dry_run_is_a_table_of_what_would_be_kept(memos: Memos) -> None:
    (turn,) = memos("add", "I moved to Lisbon.", "--user", "alice", "-q").ids
    told = memos("extract", turn, "--dry-run", "-o", "table")
    assert "Alice moved to Lisbon." in told.stdout
    assert "1 fact would be kept" in told.stderr
    assert memos("extract", turn, "--dry-run", "-q").ids == []
    assert memos("ls", "-q").ids == [turn]


def test_what_is_to_be_read_must_be_said_in_one_way(memos: Memos, remembered: list[str]) -> None:
    memos("extract", code=2)
    memos("extract", remembered[0], "--where", "labels=home", code=2)
    memos("extract", "no-id", code=2)
    memos("extract", "--user", "alice", "--by", "magic", code=2)
    told = memos("extract", "--user", "alice", "--by", "llm", code=2)
    assert "llm.backend is none" in told.stderr
    assert len(memos("extract", "--where", "labels=home", "-q").ids) == 1


def test_the_steps_of_a_search_are_named(
    memos: Memos, remembered: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = memos("search", "Lisbon", "-q").ids
    assert memos("search", "Lisbon", "-q", "--rewrite", "auto", "--rerank", "none").ids == usual
    memos("search", "Lisbon", "--rerank", "llm", code=2)
    memos("search", "Lisbon", "--rerank", "auto", "--at", "2020-01-01", code=2)
    monkeypatch.setenv("AGENT_MEMOS_FINDING__RERANK", "llm")
    assert "llm.backend" in memos("search", "Lisbon", code=2).stderr


def test_settings_show_no_key(memos: Memos, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_MEMOS_LLM_KEY", "sk-secret")
    monkeypatch.setenv("AGENT_MEMOS_LLM__KEY_FROM", "env")
    shown = memos("config", "show", "--origin").stdout
    assert "llm.key_from" in shown
    assert "sk-secret" not in shown
