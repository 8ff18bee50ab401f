"""The help: everywhere the same shape, with examples, and there at once."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import typer

from memos.cli import app
from memos.version import VERSION

if TYPE_CHECKING:
    from tests.cli.conftest import Memos, Shell

HEAVY = (
    "chromadb torch transformers peft sentence_transformers networkx sqlalchemy alembic numpy"
).split()


def commands() -> list[list[str]]:
    root: Any = typer.main.get_command(app)
    found: list[list[str]] = [[]]
    for name, command in root.commands.items():
        found.append([name])
        found += [[name, inner] for inner in getattr(command, "commands", {})]
    return found


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_help_has_examples(memos: Memos, words: list[str]) -> None:
    shown = memos(*words, "--help").stdout
    assert shown == memos(*words, "-h").stdout
    examples = shown.partition("Examples:")[2]
    assert 2 <= examples.count("memos ") <= 5


def test_all_commands_are_there() -> None:
    names = {words[0] for words in commands() if words}
    assert names == set(
        "init add ingest search context get ls history update forget transform chat lineage links "
        "stats check supersede extract bench "
        "demo config key export import inspect install installed uninstall signing-key "
        "grant grants revoke audit certificates tombstones "
        "archive activate freeze thaw expire sweep revert fork merge hold release classify "
        "snapshot backup restore quarantine move where kv lora".split()
    )


def test_the_version_is_bare(shell: Shell) -> None:
    assert shell("--version").stdout == f"{VERSION}\n"


def test_without_a_command_the_help_is_wrong_usage(shell: Shell) -> None:
    assert "Every day" in shell(code=2).stderr


@pytest.mark.parametrize(
    "words", [*([*words, "--help"] for words in commands()), ["--version"], ["config", "show"]]
)
def test_neither_help_nor_settings_load_anything_heavy(words: list[str]) -> None:
    code = (
        "import sys; from memos.cli import app\n"
        f"try: app({words!r})\n"
        "except SystemExit: pass\n"
        f"loaded = set({HEAVY!r}) & set(sys.modules); assert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
