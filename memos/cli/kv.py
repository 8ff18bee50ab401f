"""The commands about KV cubes and their blocks: ``kv ls``, ``warm``, ``drop`` and ``verify``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from memos.cli import kv_bench as bench
from memos.cli.call import Call, command
from memos.cli.convert import PANEL
from memos.cli.failing import INTEGRITY
from memos.cli.manual import Group, examples
from memos.cli.write import DryRun, Ids, given_ids
from memos.errors import BadInput, Forbidden

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from memos import DamagedBlock, KvCube, KvPlace, MemOS, Warmed

_COMMANDS = "Commands"


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    kv = typer.Typer(
        cls=Group,
        help="Look after KV caches: they are kept in blocks, which are made anew where they lack.",
        epilog=examples(
            ("memos transform ID ID --to activation", "make one"),
            ("memos kv ls", "what there is, and where it lies"),
            ("memos kv warm ID", "make what is missing before it is needed"),
        ),
        rich_markup_mode=None,
        no_args_is_help=True,
    )
    command(
        kv,
        "ls",
        panel=_COMMANDS,
        scoped=True,
        epilog=examples(
            ("memos kv ls", "every KV cube, and the places of blocks"),
            ("memos kv ls --user alice --json", "Alice's, for programs"),
            ("memos kv ls --places -o jsonl", "the places alone, and what they did"),
            ("memos kv ls --stale -q", "ids of those that are not served any more"),
        ),
    )(_ls)
    command(
        kv,
        "warm",
        panel=_COMMANDS,
        scoped=True,
        epilog=examples(
            ("memos kv warm ID ID", "make the blocks of these that are missing"),
            ("memos kv warm --user alice", "of all of Alice's that can be served"),
        ),
    )(_warm)
    command(
        kv,
        "drop",
        panel=_COMMANDS,
        scoped=True,
        epilog=examples(
            ("memos kv drop ID --dry-run", "how many blocks would go"),
            ("memos kv drop ID", "the cube stays, and is warmed when it is used"),
            ("memos kv ls --stale -q | memos kv drop -", "of all that are not served any more"),
        ),
    )(_drop)
    command(
        kv,
        "verify",
        panel=_COMMANDS,
        epilog=examples(
            ("memos kv verify", "exit code 6 if a block is damaged"),
            ("memos check --repair", "drops damaged blocks, among other things"),
        ),
    )(_verify)
    bench.register(kv, panel=_COMMANDS)
    app.add_typer(kv, name="kv", rich_help_panel=PANEL)


def _ls(
    call: Call,
    places: Annotated[
        bool, typer.Option("--places", help="Only the places of blocks, and what they did.")
    ] = False,
    stale: Annotated[
        bool, typer.Option("--stale", help="Only those that are not served any more.")
    ] = False,
) -> None:
    """Show KV caches: whether they can be served, and where their blocks lie.

    With the right to administer the store, the places of blocks stand below.
    """
    if places and stale:
        raise BadInput("--places and --stale exclude each other", hint="choose one of them")
    with call.open() as mem:
        if places:
            _write_places(call, mem.kv_places())
            return
        cubes = mem.kv_cubes(**call.scope)
        if stale:
            cubes = [one for one in cubes if one.standing in _GONE]
        call.out.many(
            "kv",
            cubes,
            content=lambda one: one.model_dump(mode="json"),
            ids=lambda one: one.id,
            table=_cubes_table,
        )
        if not cubes:
            call.out.note("there are no KV caches: memos transform ID --to activation makes one")
        elif call.out.tabled:
            _draw_places(call, mem)


_GONE = ("stale", "expired", "other model")


def _draw_places(call: Call, mem: MemOS) -> None:
    try:
        places = mem.kv_places()
    except Forbidden:
        return  # what one may not know is left out
    call.out.line("")
    _write_places(call, places)


def _write_places(call: Call, places: Sequence[KvPlace]) -> None:
    call.out.many(
        "kv-places",
        places,
        content=lambda one: one.model_dump(mode="json"),
        ids=lambda one: one.place,
        table=_places_table,
    )


def _warm(call: Call, ids: Ids = None) -> None:
    """Make the blocks of KV caches that are missing, so that the next answer need not."""
    from memos.cli.tables import counted

    named = given_ids(ids)
    if not (ids or call.scoped):
        raise BadInput("warm what?", hint="name KV cubes, or --user: memos kv ls")
    with call.open() as mem:
        if not ids:
            named = [one.id for one in mem.kv_cubes(**call.scope) if one.standing == "current"]
        warmed = mem.warm(named, progress=call.progress, **call.scope)
        call.progress.close()
        call.out.many(
            "kv-warmed",
            warmed,
            content=lambda one: one.model_dump(mode="json"),
            ids=lambda one: one.id,
            table=_warmed_table,
        )
    made = sum(one.tokens - one.reused_tokens for one in warmed)
    call.out.note(f"{counted(len(warmed), 'KV cube')} warm, {counted(made, 'token')} computed")


def _drop(call: Call, ids: Ids = None, dry_run: DryRun = False) -> None:
    """Drop the blocks of KV caches everywhere; the cubes stay, and nothing is lost.

    Blocks that other KV caches are kept in, too, stay.
    """
    from memos.cli.tables import counted

    named = given_ids(ids)
    if not (ids or call.scoped):
        raise BadInput("drop what?", hint="name KV cubes, or --user: memos kv ls")
    with call.open() as mem:
        if not ids:
            named = [one.id for one in mem.kv_cubes(**call.scope)]
        cooled = mem.cool(named, dry_run=dry_run, **call.scope)
    if not call.out.tabled:
        call.out.one("kv-dropped", cooled, ids=cooled.ids, table="")
    said = "would drop" if dry_run else "dropped"
    shared = f"; {counted(cooled.shared, 'block')} of others' stay" if cooled.shared else ""
    call.out.note(
        f"{said} {counted(cooled.dropped, 'block')} of {counted(len(named), 'KV cube')}{shared}"
    )


def _verify(call: Call) -> None:
    """Read every block on disk and compare it with its sum; exit code 6 if one is damaged."""
    from memos.cli.tables import counted

    with call.open() as mem:
        damaged = mem.verify_kv(progress=call.progress)
        call.progress.close()
        there = mem.stats().blocks
    if damaged or not call.out.tabled:
        call.out.many(
            "kv-damaged",
            damaged,
            content=lambda one: one.model_dump(mode="json"),
            ids=lambda one: one.name,
            table=_damaged_table,
        )
    if damaged:
        call.out.warn(f"{len(damaged):,} of {counted(there, 'block')} are damaged; none is served")
        call.out.note("next: memos check --repair")
        raise typer.Exit(INTEGRITY)
    call.out.note(f"all is well; looked at {counted(there, 'block')}")


def _cubes_table(cubes: Sequence[KvCube]) -> Table:
    from rich.text import Text

    from memos.cli.output import one_line
    from memos.cli.tables import plain_table, size

    table = plain_table(
        ("id", {"no_wrap": True, "style": "cyan"}),
        ("standing", {"no_wrap": True}),
        ("tokens", {"no_wrap": True, "justify": "right"}),
        ("size", {"no_wrap": True, "justify": "right"}),
        ("blocks", {"no_wrap": True}),
        ("memory", {"overflow": "ellipsis"}),
    )
    for one in cubes:
        style = "yellow" if one.standing in _GONE else ""
        table.add_row(
            one.id, str(one.standing), f"{one.tokens:,}", size(one.size_bytes), lying(one),
            Text(one_line(one.title), no_wrap=True, overflow="ellipsis"), style=style,
        )  # fmt: skip
    return table


def lying(one: KvCube) -> str:
    """Where the blocks of a KV cube lie, in few words."""
    if not one.blocks:
        return "none yet"
    there = [f"{count:,} {place}" for place, count in one.places.items()]
    missing = [f"{one.nowhere:,} nowhere"] if one.nowhere else []
    return f"{one.blocks:,}: {', '.join([*there, *missing])}"


def _places_table(places: Sequence[KvPlace]) -> Table:
    from memos.cli.tables import plain_table, size

    right = {"no_wrap": True, "justify": "right"}
    table = plain_table(
        ("place", {"no_wrap": True}),
        *((name, right) for name in ("blocks", "bytes", "budget", "hits", "misses")),
        *((name, right) for name in ("read", "written", "evicted", "damaged")),
    )
    for one in places:
        table.add_row(
            one.place,
            f"{one.blocks:,}",
            size(one.used_bytes),
            "" if one.budget_bytes is None else size(one.budget_bytes),
            f"{one.hits:,}",
            f"{one.misses:,}",
            _rate(one.read_bytes, one.read_seconds),
            _rate(one.written_bytes, one.written_seconds),
            f"{one.evicted:,}",
            f"{one.damaged:,}",
        )
    return table


def _rate(size_bytes: int, seconds: float) -> str:
    from memos.cli.tables import size

    speed = f" at {size(int(size_bytes / seconds))}/s" if seconds else ""
    return f"{size(size_bytes)}{speed}"


def _warmed_table(warmed: Sequence[Warmed]) -> Table:
    from memos.cli.tables import plain_table

    right = {"no_wrap": True, "justify": "right"}
    table = plain_table(
        ("id", {"no_wrap": True, "style": "cyan"}),
        *((name, right) for name in ("blocks", "tokens", "reused", "seconds")),
    )
    for one in warmed:
        counts = (f"{one.blocks:,}", f"{one.tokens:,}", f"{one.reused_tokens:,}")
        table.add_row(one.id, *counts, f"{one.seconds:.2f}")
    return table


def _damaged_table(damaged: Sequence[DamagedBlock]) -> Table:
    from memos.cli.tables import plain_table

    table = plain_table(("block", {"no_wrap": True}), ("of", {"overflow": "fold"}))
    for one in damaged:
        table.add_row(one.name, "\n".join(one.cubes))
    return table
