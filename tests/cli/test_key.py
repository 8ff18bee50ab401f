"""``key new``, ``key rotate`` and ``init --encrypt``: a key is shown where it is asked for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from memos.stores.keys import MasterKey

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Memos, Terminal


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    """A key in the environment, and settings that ask for it."""
    text = MasterKey.fresh().text
    monkeypatch.setenv("AGENT_MEMOS_KEY", text)
    monkeypatch.setenv("AGENT_MEMOS_ENCRYPTION__KEY_FROM", "env")
    return text


def test_a_new_key_is_one_line_for_a_shell_to_take(memos: Memos, folder: Path) -> None:
    told = memos("key", "new")
    assert told.stdout == MasterKey.read(told.stdout, where="stdout").text + "\n"
    assert "AGENT_MEMOS_KEY" in told.stderr
    assert told.stdout.strip() not in told.stderr
    quiet = memos("key", "new", "-q")
    assert (len(quiet.stdout), quiet.stderr) == (44, "")
    answer = json.loads(memos("key", "new", "--json").stdout)
    assert answer["schema"] == "agent-memos/key/1"
    assert len({told.stdout.strip(), quiet.stdout.strip(), answer["data"]["key"]}) == 3
    assert list(folder.iterdir()) == []


def test_init_encrypts_where_a_key_is_and_nowhere_else(
    memos: Memos, folder: Path, key: str
) -> None:
    told = memos("--set", "encryption.key_from=none", "init", "--encrypt", code=2)
    assert "memos key new" in told.stderr
    assert list(folder.iterdir()) == []
    memos("init", "--encrypt")
    assert (folder / "memory" / "sealed.json").is_file()
    memos("add", "The zyxomma flew.", "--user", "alice")
    assert memos("search", "zyxomma", "-q").ids
    memos("check")
    for path in (folder / "memory").rglob("*"):
        assert path.is_dir() or b"zyxomma" not in path.read_bytes()


def test_a_plain_store_is_not_encrypted_in_its_place(memos: Memos, folder: Path, key: str) -> None:
    memos("--set", "encryption.key_from=none", "init")
    told = memos("init", "--encrypt", code=2)
    assert "memos export" in told.stderr


def test_an_encrypted_store_needs_its_key(
    memos: Memos, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    memos("init", "--encrypt")
    assert "no key" in memos("--set", "encryption.key_from=none", "ls", code=2).stderr
    monkeypatch.setenv("AGENT_MEMOS_KEY", MasterKey.fresh().text)
    assert "WrongKey" in memos("ls", "--json", code=4).stderr
    monkeypatch.delenv("AGENT_MEMOS_KEY")
    assert "AGENT_MEMOS_KEY is not set" in memos("ls", code=2).stderr


def test_a_rotated_key_opens_the_store_and_the_old_one_no_more(
    memos: Memos, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    memos("init", "--encrypt")
    memos("add", "tea")
    new = memos("key", "rotate", "--yes").stdout.strip()
    memos("ls", code=4)
    memos("key", "rotate", "--yes", code=4)
    monkeypatch.setenv("AGENT_MEMOS_KEY", new)
    assert memos("ls").texts == ["tea"]


def test_a_key_is_rotated_only_where_there_is_one(memos: Memos, folder: Path, key: str) -> None:
    assert "no store" in memos("key", "rotate", code=3).stderr
    assert list(folder.iterdir()) == []
    memos("--set", "encryption.key_from=none", "key", "rotate", code=2)
    memos("--store", f"sqlite:///{folder}/memory", "key", "rotate", code=2)
    memos("--set", "encryption.key_from=none", "init")
    memos("key", "rotate", code=2)


def test_a_new_key_that_nobody_could_read_does_not_replace_the_old_one(
    memos: Memos, folder: Path, key: str
) -> None:
    memos("init", "--encrypt")
    for where, code in ((">&-", 1), (">/dev/null", 2), (">/dev/full", 2)):
        command = f"{sys.executable} -m memos key rotate -q --yes {where}"
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
        assert done.returncode == code
        assert "stdout is" in done.stderr
        assert "defect" not in done.stderr
        memos("ls")


def test_without_a_word_on_the_new_key_the_old_one_stays(
    memos: Memos, terminal: Terminal, folder: Path, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    memos("init", "--encrypt")
    refused = memos("key", "rotate", code=2)
    assert refused.stdout == ""
    assert "--new-key-file" in refused.stderr
    assert "its old key" in terminal("key", "rotate", typed="n\n")
    memos("ls")
    seen = terminal("key", "rotate", typed="y\n")
    memos("ls", code=4)
    monkeypatch.setenv("AGENT_MEMOS_KEY", next(w for w in seen.split() if len(w) == 43))
    memos("ls")


def test_a_new_key_goes_into_a_file_of_its_own(
    memos: Memos, folder: Path, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    memos("init", "--encrypt")
    file = folder / "new.key"
    file.write_text("precious")
    memos("key", "rotate", "--new-key-file", "new.key", code=1)
    memos("key", "rotate", "--new-key-file", "memory/new.key", code=2)
    assert file.read_text() == "precious"
    file.unlink()
    assert memos("key", "rotate", "--new-key-file", "new.key").stdout == ""
    assert file.stat().st_mode & 0o777 == 0o600
    memos("ls", code=4)
    monkeypatch.setenv("AGENT_MEMOS_KEY", file.read_text().strip())
    memos("ls")


def test_a_change_of_the_key_is_in_the_journal(
    memos: Memos, folder: Path, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    memos("init", "--encrypt")
    (folder / "there").touch()
    memos("key", "rotate", "--new-key-file", "there", code=1)
    new = memos("key", "rotate", "--yes", "--reason", "a leak").stdout.strip()
    monkeypatch.setenv("AGENT_MEMOS_KEY", new)
    rows = memos("audit", "tail", "--call", "rotate_key").rows
    assert [(row["actor"], row["outcome"], row["reason"]) for row in rows] == [
        ("service:application", "BackendError", ""),
        ("service:application", "ok", "a leak"),
    ]
    memos("audit", "verify")


@pytest.mark.parametrize(
    "words",
    [
        ("config", "show"),
        ("config", "show", "--json"),
        ("config", "show", "--origin", "-o", "table"),
        ("init", "--encrypt", "--debug"),
        ("ls", "--debug"),
        ("--set", "encryption.key_from=nowhere", "ls", "--debug"),
        ("--set", "vectors.backend=chroma", "ls", "--debug"),
    ],
)
def test_no_command_tells_the_key(words: tuple[str, ...], folder: Path, key: str) -> None:
    assert key not in told(*words)


@pytest.mark.parametrize(
    "name", ["ENCRYPTION", "ENCRYPTION__KEY_FROM", "ENCRYPTION__KEY", "MASTER_KEY"]
)
def test_a_key_in_the_wrong_variable_is_not_told_either(name: str, folder: Path, key: str) -> None:
    shown = told("config", "show", "--debug", **{f"AGENT_MEMOS_{name}": key})
    assert f"AGENT_MEMOS_{name}" in shown
    assert key not in shown


def test_a_wrong_key_is_not_told_in_a_traceback(memos: Memos, folder: Path, key: str) -> None:
    memos("init", "--encrypt")
    other = MasterKey.fresh().text
    for text in (other, other[:-2]):
        shown = told("ls", "--debug", AGENT_MEMOS_KEY=text)
        assert "Traceback" in shown
        assert text not in shown
        assert MasterKey.read(key, where="").content.hex() not in shown


def told(*words: str, **environment: str) -> str:
    """All that a process says, on stdout and stderr."""
    done = subprocess.run(
        [sys.executable, "-m", "memos", *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    return done.stdout + done.stderr
