"""How a command fails: one message on stderr, and an exit code; no traceback unless asked for."""

from __future__ import annotations

import errno
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from memos.errors import BackendError, MemosError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

FAILED = 1
INTEGRITY = 6
PARTIAL = 7
INTERRUPTED = 130
BROKEN_PIPE = 141
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""What the system says when stdout takes no more; it names no file then."""
_LONGEST = 1000
"""Characters of a message; what is longer was passed, and is not worth reading."""


def guarded(run: Callable[[], object], words: Sequence[str]) -> int:
    """Call ``run``, tell of what it raises on purpose, and answer with the exit code.

    Args:
        run: answers with an exit code, or with anything else for success.
        words: the command line, which says whether errors are wanted as JSON or with a traceback.
    """
    try:
        _require_streams()
        answer = run()
        sys.stdout.flush()
    except MemosError as error:
        return _tell(error, error.code, error.message, error.hint, error.exit_code, words)
    except typer.TyperException as error:
        return _tell_usage(error, words)
    except typer.Abort:
        sys.stderr.write("\n")
        return INTERRUPTED
    except BrokenPipeError:
        answer = BROKEN_PIPE
    except OSError as error:
        if error.filename is not None or error.errno not in _FULL:
            raise  # it is about a file, and so should have been told as an error of ours
        _close_stdout()
        full = BackendError(f"stdout cannot be written: {error.strerror}", hint="make room there")
        return _tell(full, full.code, full.message, full.hint, full.exit_code, words)
    code = answer if isinstance(answer, int) else 0
    if code == BROKEN_PIPE:
        _close_stdout()
    return code


def last_words(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Tell of an error that nobody foresaw: its type in one line, or all of it with --debug."""
    if "--debug" in sys.argv:
        sys.__excepthook__(kind, error, trace)
        return
    hint = "this is a defect; --debug shows where"
    _tell(error, kind.__name__, f"{kind.__name__}: {error}", hint, FAILED, sys.argv)


def _tell_usage(error: typer.TyperException, words: Sequence[str]) -> int:
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        typer.echo(error.format_message(), err=True)
        return error.exit_code
    path = context.command_path if context is not None else "memos"
    hint = f"{path} --help"
    return _tell(error, "Usage", error.format_message(), hint, error.exit_code, words)


def _tell(
    error: BaseException,
    code: str,
    message: str,
    hint: str,
    exit_code: int,
    words: Sequence[str],
) -> int:
    message = message if len(message) <= _LONGEST else f"{message[: _LONGEST - 1]}…"
    if "--debug" in words and not isinstance(error, typer.TyperException):
        sys.__excepthook__(type(error), error, error.__traceback__)
    if as_json(words):
        content = {"error": {"code": code, "message": message, "hint": hint}}
        sys.stderr.write(json.dumps(content, ensure_ascii=False) + "\n")
        return exit_code
    from memos.cli.output import clean, screen

    console = screen(stderr=True)
    console.print("error: ", style="bold red", end="")
    console.print(clean(message), soft_wrap=True)
    if hint:
        console.print("hint:  ", style="dim", end="")
        console.print(clean(hint), soft_wrap=True)
    return exit_code


def as_json(words: Sequence[str]) -> bool:
    """Whether a command line, which need not be a right one, asks for JSON."""
    own = list(words)[: words.index("--")] if "--" in words else list(words)
    pairs = zip(own, [*own[1:], ""], strict=False)
    joined = {"-ojson", "-ojsonl", "--output=json", "--output=jsonl", "--json"}
    return any(
        word in joined or (word in {"-o", "--output"} and value in {"json", "jsonl"})
        for word, value in pairs
    )


def _require_streams() -> None:
    """Refuse to run without a stdout; nobody needs to ask us, or to hear what is wrong."""
    if _is_closed("stdin"):
        sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115 - as long as we run
    if _is_closed("stderr"):
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    if _is_closed("stdout"):
        raise BackendError("stdout is closed", hint="send it to a file, a pipe or /dev/null")


def _is_closed(name: str) -> bool:
    """Whether whoever started us left us without that stream: Python has None in its place."""
    return getattr(sys, name) is None


def _close_stdout() -> None:
    """Let Python's own flush at exit write to nowhere instead of to the closed pipe."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
