"""``config show`` and ``config path``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Memos


def test_flags_win_over_environment_over_files(
    memos: Memos, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "config" / "agent-memos").mkdir(parents=True)
    (folder / "config" / "agent-memos" / "config.toml").write_text('store = "u"\nbatch = 1\n')
    (folder / "agent-memos.toml").write_text('store = "p"\n[training]\nseed = 7\n')
    monkeypatch.setenv("AGENT_MEMOS_TRAINING__SEED", "8")
    shown = {
        row["name"]: row for row in memos("--set", "batch=3", "config", "show", "--origin").rows
    }
    assert (shown["store"]["value"], shown["store"]["origin"]) == ("p", "agent-memos.toml")
    assert (shown["training.seed"]["value"], shown["training.seed"]["origin"]) == (
        8,
        "env AGENT_MEMOS_TRAINING__SEED",
    )
    assert (shown["batch"]["value"], shown["batch"]["origin"]) == (3, "flag")
    assert shown["runtime.device"]["origin"] == "default"


def test_the_store_flag_is_a_setting_too(memos: Memos) -> None:
    answer = json.loads(memos("config", "show", "--store", "notes", "--json").stdout)
    assert answer["schema"] == "agent-memos/config/1"
    assert {"name": "store", "value": "notes"} in answer["data"]


def test_what_cannot_be_set_is_wrong_usage(memos: Memos) -> None:
    assert "did you mean" in memos("--set", "bach=3", "config", "show", code=2).stderr
    memos("--set", "batch=many", "config", "show", code=2)
    memos("--set", "batch", "config", "show", code=2)


def test_the_files_are_named_whether_or_not_they_exist(memos: Memos, folder: Path) -> None:
    files = memos("config", "path").rows
    assert [(row["file"], row["exists"]) for row in files] == [("project", False), ("user", False)]
    assert files[0]["path"] == str(folder / "agent-memos.toml")
    assert "not there" in memos("config", "path", "-o", "table").stdout


def test_a_table_of_settings_names_them_all(memos: Memos) -> None:
    shown = memos("config", "show", "--origin", "-o", "table").stdout
    assert "embedder.backend" in shown
    assert "env AGENT_MEMOS_EMBEDDER__BACKEND" in shown


@pytest.mark.parametrize(
    "words",
    [
        ("config", "show"),
        ("config", "path"),
        ("key", "new"),
        ("key", "rotate"),
        ("restore", "backup", "again"),
        ("signing-key", "new", "key.pem"),
        ("signing-key", "show", "key.pem"),
        ("inspect", "kb.zip"),
    ],
    ids=" ".join,
)
def test_what_asks_no_store_for_rights_is_done_in_nobodys_name(
    memos: Memos, folder: Path, words: tuple[str, ...]
) -> None:
    for line in ((*words, "--as", "user:alice"), ("--as", "user:alice", *words)):
        told = memos(*line, code=2).stderr
        assert "nobody's name" in told
        assert "--as" in told
    assert list(folder.iterdir()) == []
