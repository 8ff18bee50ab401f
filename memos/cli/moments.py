"""The commands on moments: ``snapshot take``, ``ls`` and ``drop``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from memos.cli.call import Call, command
from memos.cli.life import PANEL
from memos.cli.manual import Group, examples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import JsonValue
    from rich.table import Table

    from memos import Snapshot

Name = Annotated[str, typer.Argument(metavar="NAME", help="The moment's name.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    snapshot = typer.Typer(
        cls=Group,
        help="Give moments names, for --at: nothing is copied, and what is forgotten is gone.",
        epilog=examples(
            ("memos snapshot take before-import", "this moment"),
            ("memos search tea --at before-import", "as it was then"),
        ),
        rich_markup_mode=None,
        no_args_is_help=True,
    )
    command(
        snapshot,
        "take",
        panel="Commands",
        epilog=examples(
            ("memos snapshot take before-import", "a name for this moment"),
            ("memos ls --at before-import", "what was known at it"),
        ),
    )(_take)
    command(
        snapshot,
        "ls",
        panel="Commands",
        epilog=examples(
            ("memos snapshot ls", "the oldest moment first"),
            ("memos snapshot ls -q", "the names alone"),
        ),
    )(_ls)
    command(
        snapshot,
        "drop",
        panel="Commands",
        epilog=examples(
            ("memos snapshot drop before-import", "the name is free again"),
            ("memos snapshot take before-import", "for another moment"),
        ),
    )(_drop)
    app.add_typer(snapshot, name="snapshot", rich_help_panel=PANEL)


def _take(call: Call, name: Name) -> None:
    """Give this moment a name: with --at NAME, everything is shown as it is known now."""
    with call.open() as mem:
        _write(call, [mem.snapshot(name)])


def _ls(call: Call) -> None:
    """List the moments that have names."""
    with call.open() as mem:
        snapshots = mem.snapshots()
    if not snapshots:
        call.out.note("no moment has a name: memos snapshot take NAME")
        if call.out.tabled:
            return
    _write(call, snapshots)


def _drop(call: Call, name: Name) -> None:
    """Take a moment's name away; no memory is touched."""
    with call.open() as mem:
        dropped = mem.drop_snapshot(name)
    _write(call, [dropped])


def _write(call: Call, snapshots: Sequence[Snapshot]) -> None:
    call.out.many(
        "snapshots",
        snapshots,
        content=_wire,
        ids=lambda one: one.name,
        table=_table,
    )


def _wire(one: Snapshot) -> JsonValue:
    return {"name": one.name, "at": one.at.isoformat(), "by": one.by}


def _table(snapshots: Sequence[Snapshot]) -> Table:
    from memos.cli.output import one_line
    from memos.cli.tables import plain_table

    table = plain_table(
        ("name", {"overflow": "fold"}), ("moment", {"no_wrap": True}), ("by", {"overflow": "fold"})
    )
    for one in snapshots:
        table.add_row(one_line(one.name), f"{one.at:%Y-%m-%d %H:%M:%S} UTC", one_line(one.by))
    return table
