"""Every way to fail has its exit code, one message, and no traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner

from memos.cli import app
from memos.cli.failing import guarded
from memos.cli.manual import Group
from memos.errors import (
    BackendError,
    BadInput,
    CorruptionError,
    Forbidden,
    MemosError,
    NotSupported,
    StoreLocked,
    UnknownCube,
    VersionConflict,
)

if TYPE_CHECKING:
    from tests.cli.conftest import Memos, Shell

CODES = {
    MemosError: 1,
    BackendError: 1,
    NotSupported: 1,
    BadInput: 2,
    UnknownCube: 3,
    VersionConflict: 4,
    Forbidden: 5,
    CorruptionError: 6,
    StoreLocked: 75,
}


@pytest.mark.parametrize(("kind", "code"), CODES.items(), ids=str)
def test_an_error_is_told_on_stderr_and_becomes_its_exit_code(
    kind: type[MemosError], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise kind("the tea is cold", hint="warm it")

    assert guarded(fail, []) == code
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == "error: the tea is cold\nhint:  warm it\n"


def test_an_error_is_json_where_json_was_asked_for(memos: Memos) -> None:
    for words in (("--json", "ls"), ("ls", "-o", "json"), ("ls", "--output=jsonl")):
        result = memos(*words, code=3)
        error = json.loads(result.stderr)["error"]
        assert set(error) == {"code", "message", "hint"}
        assert error["code"] == "NotFound"
        assert result.stdout == ""


@pytest.mark.parametrize(
    "words",
    [("serch", "x"), ("add", "--foo"), ("get", "--version", "x"), ("ls", "-o", "xml"), ("chat",)],
)
def test_wrong_usage_is_told_with_where_to_read_on(memos: Memos, words: tuple[str, ...]) -> None:
    assert "--help" in memos(*words, code=2).stderr
    error = json.loads(memos(*words, "--json", code=2).stderr)["error"]
    assert error["code"] == "Usage"


def test_a_word_that_was_mistyped_is_guessed(memos: Memos) -> None:
    assert "Did you mean 'search'" in memos("serch", "x", code=2).stderr


def test_two_forms_of_output_at_once_are_refused(memos: Memos) -> None:
    assert "at once" in memos("ls", "--json", "-q", code=2).stderr


def test_an_interrupt_has_its_code() -> None:
    one = typer.Typer(cls=Group, rich_markup_mode=None)

    @one.callback()
    def whole() -> None: ...

    @one.command()
    def wait() -> None:
        raise KeyboardInterrupt

    assert CliRunner().invoke(one, ["wait"]).exit_code == 130


def test_a_reader_that_goes_away_ends_the_command_in_silence(memos: Memos) -> None:
    lines = "".join(f"memory {number}\n" for number in range(400))
    memos("add", "-", "--lines", "-q", typed=lines)
    command = [sys.executable, "-m", "memos", "ls"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 141


def test_what_nobody_foresaw_is_one_line_and_a_traceback_only_on_request() -> None:
    code = (
        "import sys; from memos.cli.failing import last_words; sys.excepthook = last_words; "
        "raise LookupError('lost')"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert told.returncode == 1
    assert told.stderr.decode().splitlines()[0] == "error: LookupError: lost"
    assert b"Traceback" not in told.stderr
    debugged = subprocess.run(
        [sys.executable, "-c", code, "--debug"], capture_output=True, check=False
    )
    assert b"Traceback" in debugged.stderr


def test_debug_shows_where_an_expected_error_came_from(shell: Shell) -> None:
    assert "Traceback" not in shell("ls", code=3).stderr
    assert "Traceback" in shell("--debug", "ls", code=3).stderr


@pytest.mark.parametrize("words", ["ls", "ls --json", "ls -o table", "--help", "--version"])
def test_a_stdout_that_takes_no_more_is_one_error(
    memos: Memos, remembered: list[str], words: str
) -> None:
    for where in (">/dev/full", ">&-"):
        done = sh(f"{words} {where}")
        assert done.returncode == 1
        assert "stdout" in done.stderr
        assert len(done.stderr.splitlines()) == (1 if "--json" in words else 2)
        assert "defect" not in done.stderr
        assert "Exception ignored" not in done.stderr


def test_a_closed_stdin_or_stderr_keeps_nobody_from_working(
    memos: Memos, remembered: list[str]
) -> None:
    assert sh("ls -q <&- 2>&-").stdout.split() == remembered
    assert sh(f"forget {remembered[0]} <&-").returncode == 2
    assert sh("get nothing 2>&-").returncode == 2


def sh(words: str) -> subprocess.CompletedProcess[str]:
    """A command with what a shell can do to its streams."""
    command = ["sh", "-c", f"{sys.executable} -m memos {words}"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_value_that_is_too_long_is_cut_where_it_is_told(memos: Memos) -> None:
    memos("init")
    long = "x" * 5000
    for words in (
        ("--store", long, "ls"),
        ("--as", long, "init"),
        ("ls", "--kind", long),
        ("ls", "--where", long),
        ("ls", "--filter", long),
        ("add", "tea", "--meta", long),
        ("--set", long, "ls"),
        ("export", long),
        (long,),
    ):
        for more in ((), ("--json",)):
            result = CliRunner().invoke(app, [*words, *more])
            assert result.exit_code in {1, 2, 3}
            assert len(result.stderr) < 1500
            assert "…" in result.stderr or "..." in result.stderr
