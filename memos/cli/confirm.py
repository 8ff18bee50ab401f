"""Asking before something is destroyed; where nobody can be asked, refusing."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from memos.errors import BadInput, shown
from memos.ports.grounds import require_outside

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


_HINT = "pass --yes to do it, or --dry-run to see what it would do"
_ELSEWHERE = "name a file, in a folder that you may write to"


def confirm(what: str, *, yes: bool, typed: str | None = None, hint: str = _HINT) -> bool:
    """Whether to go on with ``what``, a sentence without its question mark.

    Args:
        what: what is about to happen, with its count.
        yes: the answer was given on the command line.
        typed: a word that has to be typed instead of a plain yes.
        hint: what to do where nobody can be asked.

    Raises:
        BadInput: the answer was not given, and there is no terminal to ask on.
    """
    if yes:
        return True
    require_terminal(what, hint=hint)
    if typed is None:
        return typer.confirm(f"{what}?", default=False, err=True)
    answer = typer.prompt(
        f"{what}. Type {typed} to go on", default="", show_default=False, err=True
    )
    return bool(answer == typed)


def require_terminal(what: str, *, hint: str) -> None:
    """Refuse where nobody can be asked.

    Raises:
        BadInput: there is no terminal.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise BadInput(f"{what}? There is no terminal to ask on", hint=hint)


def may_write(file: Path, *, grounds: Iterable[Path], yes: bool) -> bool:
    """Whether to write a file: one that is there already is replaced only when told to.

    Raises:
        BadInput: that is no place for a file, or lies in one of the ``grounds``, a store or a
            backup; or as :func:`confirm` does.
    """
    try:
        is_there, is_folder = file.exists(), file.is_dir()
    except (OSError, ValueError) as error:
        message = f"{shown(str(file), 80)} is no place for a file"
        raise BadInput(message, hint=_ELSEWHERE) from error
    require_outside(file, grounds)
    if is_folder:
        raise BadInput(f"{file} is a folder", hint=_ELSEWHERE)
    return not is_there or confirm(f"Replace {file}", yes=yes, hint="pass --yes to replace it")
