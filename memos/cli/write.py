"""The commands that write memories, ``add`` and ``update``, and options that others share."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from memos.cli.call import Call, command
from memos.cli.manual import examples
from memos.cli.span import seconds
from memos.cli.where import pairs
from memos.errors import BadInput

PANEL = "Every day"

Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        "-w",
        metavar="CONDITION",
        help="FIELD=VALUE, or with != > >= < <=, or ~ for contains, or JSON; may be repeated.",
    ),
]
Filter = Annotated[
    str | None, typer.Option("--filter", metavar="JSON", help="A condition as JSON.")
]
Label = Annotated[
    list[str] | None,
    typer.Option("--label", "-l", metavar="LABEL", help="A label; may be repeated."),
]
Meta = Annotated[
    list[str] | None,
    typer.Option("--meta", metavar="KEY=VALUE", help="Metadata; may be repeated."),
]
At = Annotated[
    str | None,
    typer.Option("--at", metavar="TIME", help="When it was said or true, such as 2024-05-01."),
]
Ttl = Annotated[
    str | None,
    typer.Option("--ttl", metavar="SPAN", help="How long it counts, such as 90s, 15m, 2h or 30d."),
]
Expires = Annotated[
    str | None,
    typer.Option("--expires", metavar="TIME", help="Until when it counts, such as 2030-01-01."),
]
Key = Annotated[
    str | None,
    typer.Option(
        "--idempotency-key", metavar="KEY", help="Do it once, however often it is called."
    ),
]
IfVersion = Annotated[
    int | None,
    typer.Option("--if-version", metavar="N", help="Only if the cube is at this version."),
]
File = Annotated[
    Path | None,
    typer.Option("--file", "-f", metavar="FILE", help="Read this file; - is stdin."),
]
Ids = Annotated[
    list[str] | None,
    typer.Argument(metavar="ID", help="Cubes; - reads ids from stdin, one a line."),
]
Verify = Annotated[
    bool,
    typer.Option("--verify", help="Search the store's files for what was forgotten."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    command(
        app,
        "add",
        panel=PANEL,
        scoped=True,
        epilog=examples(
            ('memos add "Bob likes tea" --user bob', "one memory"),
            ("memos add -f chat.jsonl --user bob", "a chat, turn by turn"),
            ("cat notes.txt | memos add - --lines", "one memory a line"),
            ("memos add -f export.json --dry-run", "only look"),
            ('memos add "The code is 4711" --ttl 15m', "for a quarter of an hour"),
        ),
    )(_add)
    command(
        app,
        "update",
        panel=PANEL,
        scoped=True,
        epilog=examples(
            ('memos update ID "Bob likes coffee"', "a new version; the old one stays"),
            ('memos update ID "Bob likes coffee" --if-version 1', "unless somebody was faster"),
        ),
    )(_update)


def _add(
    call: Call,
    text: Annotated[
        str | None, typer.Argument(metavar="TEXT", help="What to remember; - reads stdin.")
    ] = None,
    file: File = None,
    lines: Annotated[bool, typer.Option("--lines", help="Plain text: one memory a line.")] = False,
    at: At = None,
    label: Label = None,
    meta: Meta = None,
    ttl: Ttl = None,
    expires: Expires = None,
    sensitivity: Annotated[
        str,
        typer.Option("--sensitivity", metavar="LEVEL", help="public, confidential or secret."),
    ] = "normal",
    licence: Annotated[
        str | None, typer.Option("--licence", metavar="NAME", help="Under which it may be used.")
    ] = None,
    supersede: Annotated[
        str | None,
        typer.Option(
            "--supersede",
            metavar="auto|never",
            help="Whether what it says anew ends the time of older memories.",
        ),
    ] = None,
    key: Key = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Store nothing if any entry cannot be read.")
    ] = False,
    dry_run: DryRun = False,
) -> None:
    """Remember a text, or every message of a file.

    A file, or stdin, is read as what it is: JSON lines with "text" or "content" in each, a chat
    export ("messages" with role and content), or plain text. Entries that cannot be read are
    told with their place, the others are stored, and the exit code is 7.
    """
    from memos.cli.bulk import Bulk, Extra, Planned, tell_plan

    extra = Extra(
        labels=label or (),
        metadata=pairs(meta),
        timestamp=at,
        ttl_seconds=seconds(ttl),
        expires_at=expires,
        sensitivity=sensitivity,
        licence=licence,
        supersede=supersede,
    )
    name = _input_name(text, file)
    if name is not None:
        bulk = Bulk(call, name, extra=extra, key=key, strict=strict)
        code = bulk.run(_read_input(name), lines=lines, dry_run=dry_run)
        if code:
            raise typer.Exit(code)
        return
    if dry_run:
        tell_plan(call, Planned(memories=1))
        return
    from memos.cli.cubes import write_cubes

    with call.open(create=True) as mem:
        cubes = mem.add(
            str(text), idempotency_key=key, progress=call.progress, **extra, **call.scope
        )
        write_cubes(call.out, "cubes", cubes)


def _update(
    call: Call,
    cube_id: Annotated[str, typer.Argument(metavar="ID", help="The cube.")],
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The new text; - reads stdin.")],
    at: At = None,
    label: Label = None,
    meta: Meta = None,
    if_version: IfVersion = None,
    key: Key = None,
) -> None:
    """Revise a memory: a new version is written, the old ones stay readable.

    KV caches and LoRA weights that were made from the old version become stale.
    """
    from memos.cli.cubes import write_cube

    revised = sys.stdin.read() if text == "-" else text
    with call.open() as mem:
        cube = mem.update(
            cube_id,
            revised,
            timestamp=at,
            labels=label,
            metadata=pairs(meta) if meta else None,
            if_version=if_version,
            idempotency_key=key,
            **call.scope,
        )
        write_cube(call.out, "cube", cube)


def given_ids(ids: list[str] | None) -> list[str]:
    """The ids of the command line, with those on stdin in the place of ``-``; each once."""
    found: dict[str, None] = {}
    for one in ids or ():
        words = sys.stdin.read().split() if one == "-" else [one]
        found.update(dict.fromkeys(words))
    return list(found)


def _input_name(text: str | None, file: Path | None) -> str | None:
    """The file to read, ``-`` for stdin; None for a text on the command line."""
    if text is not None and file is not None:
        raise BadInput("a text and --file exclude each other", hint="choose one of them")
    if file is not None:
        return str(file)
    if text is None:
        raise BadInput("add what?", hint="pass a text, --file FILE, or - for stdin")
    return "-" if text == "-" else None


def _read_input(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise BadInput(f"{name} cannot be read: {error.strerror}", hint="name a file") from error
