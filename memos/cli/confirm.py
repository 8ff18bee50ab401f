"""Asking before something is destroyed; where nobody can be asked, refusing."""

from __future__ import annotations

import sys

import typer

from memos.errors import BadInput


def confirm(what: str, *, yes: bool, typed: str | None = None) -> bool:
    """Whether to go on with ``what``, a sentence without its question mark.

    Args:
        what: what is about to happen, with its count.
        yes: the answer was given on the command line.
        typed: a word that has to be typed instead of a plain yes.

    Raises:
        BadInput: the answer was not given, and there is no terminal to ask on.
    """
    if yes:
        return True
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        hint = "pass --yes to do it, or --dry-run to see what it would do"
        raise BadInput(f"{what}? There is no terminal to ask on", hint=hint)
    if typed is None:
        return typer.confirm(f"{what}?", default=False, err=True)
    answer = typer.prompt(
        f"{what}. Type {typed} to go on", default="", show_default=False, err=True
    )
    return bool(answer == typed)
