"""The command that puts memories into a prompt: ``context``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from memos.cli.call import Call, command
from memos.cli.manual import examples
from memos.cli.output import clean
from memos.cli.where import filters
from memos.cli.write import PANEL, Filter, Where
from memos.errors import BadInput, shown

if TYPE_CHECKING:
    from memos import Context

_TOKENIZERS = {"estimate": None, "model": "model"}


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    command(
        app,
        "context",
        panel=PANEL,
        scoped=True,
        epilog=examples(
            ('memos context "where does alice live?"', "a text for a prompt"),
            ('memos context "travel" --user alice --budget 800', "of 800 tokens at most"),
            ('memos context "travel" --json > last.json', "with cubes and breakpoints"),
            ('memos context "trains" --previous last.json', "begins as that one did"),
        ),
    )(_context)


def _context(
    call: Call,
    query: Annotated[
        str, typer.Argument(metavar="QUERY", help="What the prompt is about; - reads stdin.")
    ],
    budget: Annotated[
        int, typer.Option("--budget", "-b", metavar="N", help="At most this many tokens.")
    ] = 2000,
    tokenizer: Annotated[
        str,
        typer.Option(
            "--tokenizer", metavar="NAME", help="Who counts: estimate, or model for its own."
        ),
    ] = "estimate",
    top: Annotated[
        int | None,
        typer.Option(
            "--top", "-k", metavar="N", help="Look at this many memories; unless given, enough."
        ),
    ] = None,
    standing: Annotated[
        float,
        typer.Option(
            "--standing", metavar="SHARE", help="Of the budget, for what only keeps its place."
        ),
    ] = 0.25,
    where: Where = None,
    filter_: Filter = None,
    previous: Annotated[
        Path | None,
        typer.Option("--previous", metavar="FILE", help="The context before, as --json wrote it."),
    ] = None,
) -> None:
    """Write the memories that answer a query as a text that fits into a prompt.

    The text goes to stdout as it is, also into a pipe, unless JSON is asked for; what it costs
    goes to stderr.
    """
    from memos import Context

    if tokenizer not in _TOKENIZERS:
        message = f"no tokenizer is called {shown(tokenizer)}"
        raise BadInput(message, hint=f"there are: {', '.join(_TOKENIZERS)}")
    before = Context() if previous is None else _read(previous)
    words = sys.stdin.read() if query == "-" else query
    with call.open() as mem:
        context = mem.context(
            words,
            budget_tokens=budget,
            tokenizer="model" if tokenizer == "model" else None,
            k=top,
            standing=standing,
            filters=filters(where, filter_),
            previous=before,
            **call.scope,
        )
    call.progress.close()
    _write(call, context)


def _read(path: Path) -> Context:
    from pydantic import ValidationError

    from memos import Context

    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Context.model_validate(content.get("data", content))
    except OSError as error:
        message = f"{shown(str(path))} cannot be read: {error.strerror}"
        raise BadInput(message, hint="name a file") from error
    except (ValidationError, ValueError, AttributeError, RecursionError) as error:
        message = f"{shown(str(path))} holds no context"
        raise BadInput(message, hint="memos context QUERY --json writes one") from error


def _write(call: Call, context: Context) -> None:
    out = call.out
    if out.tabled or not out.asked:
        if context.text:
            out.line(clean(context.text).removesuffix("\n"))
    else:
        ids = [cube.id for cube in context.cubes]
        out.one("context", context, ids=ids, table=context.text)
    out.note(_told(context))


def _told(context: Context) -> str:
    """What a context holds and costs, as one line."""
    if not context.cubes and not context.left_out:
        return "nothing was found"
    if not context.cubes:
        return f"none of {context.left_out:,} memories fits: ask for a larger --budget"
    ends = ", ".join(f"{one.tokens:,}" for one in context.breakpoints)
    more = f", {context.left_out:,} found and left out" if context.left_out else ""
    return (
        f"{context.tokens:,} tokens, {len(context.cubes):,} memories{more}; "
        f"breakpoints after {ends} tokens"
    )
