"""The commands about what holds no more: ``supersede`` and ``links``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from memos.cli.call import Call, command
from memos.cli.manual import examples
from memos.cli.where import pairs
from memos.cli.write import PANEL, At, IfVersion, Key, Label, Meta

if TYPE_CHECKING:
    from pydantic import JsonValue

    from memos.retrieval.links import Link


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    command(
        app,
        "supersede",
        panel=PANEL,
        scoped=True,
        epilog=examples(
            ('memos supersede ID "Bob lives in Porto"', "from now on"),
            ('memos supersede ID "Bob lives in Porto" --at 2024-05-01', "since that day"),
            ("memos supersede ID NEWER-ID", "by a memory that is there"),
        ),
    )(_supersede)
    command(
        app,
        "links",
        panel=PANEL,
        scoped=True,
        epilog=examples(
            ("memos links ID", "what superseded it, contradicts it, or says the same"),
            ("memos links ID -q", "the ids of these"),
        ),
    )(_links)


def _supersede(
    call: Call,
    cube_id: Annotated[str, typer.Argument(metavar="ID", help="The older memory.")],
    new: Annotated[
        str, typer.Argument(metavar="TEXT|ID", help="What holds in its place; - reads stdin.")
    ],
    at: At = None,
    label: Label = None,
    meta: Meta = None,
    if_version: IfVersion = None,
    key: Key = None,
) -> None:
    """Say what holds in the place of a memory, from some time on.

    The older one stays as it was, and is found by --as-of or --include-superseded. To correct
    what was never right, update it.
    """
    from memos.cli.cubes import write_cube

    text = sys.stdin.read() if new == "-" else new
    with call.open() as mem:
        cube = mem.supersede(
            cube_id,
            text,
            timestamp=at,
            labels=label or (),
            metadata=pairs(meta) if meta else None,
            if_version=if_version,
            idempotency_key=key,
            **call.scope,
        )
        write_cube(call.out, "cube", cube)


def _links(
    call: Call, cube_id: Annotated[str, typer.Argument(metavar="ID", help="The cube.")]
) -> None:
    """Show which memories a cube supersedes, contradicts or repeats, and which do so to it."""
    from memos.cli.tables import links_table

    with call.open() as mem:
        links = mem.links(cube_id, **call.scope)
        if not links:
            call.out.note("it is linked with nothing")
            if call.out.tabled:
                return
        call.out.many("links", links, content=_wire, ids=lambda link: link.id, table=links_table)


def _wire(link: Link) -> JsonValue:
    content: JsonValue = link.model_dump(mode="json")
    return content
