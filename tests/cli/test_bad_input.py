"""Whatever a command is given: a documented exit code, and never a traceback."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any

import typer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from memos.cli import app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

EXAMPLES = 200
CODES = {0, 1, 2, 3, 4, 5, 6, 7, 75, 130, 141}
LEFT_OUT = {"demo", "key new", "key rotate"}
"""The story with its models, and what reaches for the keyring of whoever runs the tests."""
ID = "01a20694-689b-7602-ad19-70f21d43272d"

NASTY = [
    "", " ", "\0", "a\0b", "\ud800", "\udcff\udcfe", "\u202e", "x" * 10_000, "-", "--", "-1", "0",
    "1", "99999999999999999999", "nan", "inf", "1e309", "user:", "user:a", "agent:" + "x" * 600,
    "read", "secret", "disk", "activation", "{}", "[", '{"or": [',
    '{"not": ' * 40 + "{}" + "}" * 40, '{"not": ' * 2_000, '{"id": {"in": []}}',
    '{"text": {"contains": "\\ud800"}}', "a=1", "=", "a=",
    "metadata.a=1", "created_at>x", "version=99999999999999999999", "10000-01-01", "2024-02-30",
    "9999-12-31T23:59:59-23:59", "tomorrow", "%s", "'; DROP TABLE cubes; --", "a/b", "nowhere/x",
    "/dev/null/x", "file", "folder", ID, ID.upper(), ID[:-1], "1d", "-1s", "999999999999d", "text",
]  # fmt: skip
TYPED = [
    "", "\n", "\0", "\ud800", "y\n", "yes\n" * 3, "{", '{"content": ',
    '{"content": "x"}\n{"content"', "[[[[", "x" * 100_000, ID, f"{ID}\n{ID}\n",
    '{"content": "\\ud800"}', '"x"\n1\nnull\n',
]  # fmt: skip


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with the words that call it."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


COMMANDS = {
    " ".join(path): command
    for path, command in commands(typer.main.get_command(app))
    if " ".join(path) not in LEFT_OUT
}
SAFE = {"store", "set_", "help", "debug"}
"""Where a store is made is not left to chance."""


@st.composite
def lines(draw: st.DrawFn) -> list[str]:
    """A command with some of what it takes, and nothing of it as it should be."""
    name = draw(st.sampled_from(sorted(COMMANDS)))
    words = name.split()
    named = st.text(max_size=20).filter(lambda name: "/" not in name)  # it may name a file
    value = st.sampled_from(NASTY) | named
    for parameter in COMMANDS[name].params:
        if parameter.name in SAFE:
            continue
        if parameter.param_type_name == "argument":
            words += draw(st.lists(value, max_size=2))
        elif draw(st.integers(0, 4)) == 0:
            flag = draw(st.sampled_from(parameter.opts))
            words += [flag] if parameter.is_flag else [flag, draw(value)]
    return words


def told(words: list[str], typed: str) -> tuple[int, str]:
    """The exit code of a command and all that it wrote."""
    given = typed.encode("utf-8", "surrogateescape" if typed.isascii() else "surrogatepass")
    result = CliRunner().invoke(app, words, input=given, catch_exceptions=False)
    return result.exit_code, result.output


def held() -> list[object]:
    """All versions and grants that the store has."""
    with closing(sqlite3.connect("memory/catalog.db")) as connection:
        return [
            *connection.execute("SELECT body FROM versions ORDER BY cube_id, version"),
            *connection.execute("SELECT * FROM grants ORDER BY number"),
        ]


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(words=lines(), typed=st.sampled_from(TYPED))
def thrown(count: Counter[int], words: list[str], typed: str) -> None:
    """One command line."""
    before = held()
    code, output = told(words, typed)
    assert code in {0, 7} or held() == before, "it failed, and yet something changed"
    count[code] += 1
    assert code in CODES
    assert "Traceback" not in output


def test_bad_words_end_in_a_documented_code_and_never_in_a_traceback(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENT_MEMOS_RUNTIME__MODEL", str(folder / "no model"))
    (folder / "file").write_bytes(b"\xff\x00 no bundle")
    (folder / "folder").mkdir()
    assert told(["add", "a memory", "--user", "alice"], "")[0] == 0
    count: Counter[int] = Counter()
    partial(thrown, count)()
    assert count.total() >= EXAMPLES
    assert count[2] + count[3] > count.total() / 2, count
