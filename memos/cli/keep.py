"""The commands that keep a store whole: ``backup``, ``restore``, ``quarantine``; and ``move``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from memos.cli.call import Call, command
from memos.cli.confirm import confirm
from memos.cli.failing import FAILED, INTEGRITY
from memos.cli.manual import examples
from memos.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from memos import Moved
    from memos.ports.backup import Manifest
    from memos.ports.ledger import Quarantined

PANEL = "The store"

Id = Annotated[str, typer.Argument(metavar="ID", help="The cube.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    command(
        app,
        "backup",
        panel=PANEL,
        epilog=examples(
            ("memos backup ./backups/monday", "also while another process has the store open"),
            ("memos backup ./backups/monday --json", "with the digest of every file"),
        ),
    )(_backup)
    command(
        app,
        "restore",
        panel=PANEL,
        nobodys=True,
        epilog=examples(
            ("memos restore ./backups/monday ./again", "verify, copy, index anew, check"),
            ("memos restore ./backups/monday ./again --forget-since ./memory", "and forget again"),
        ),
    )(_restore)
    command(
        app,
        "quarantine",
        panel=PANEL,
        epilog=examples(
            ("memos quarantine", "what repairs have taken out of the store"),
            ("memos quarantine --discard ID", "erase it for good"),
        ),
    )(_quarantine)
    command(
        app,
        "move",
        panel=PANEL,
        scoped=True,
        epilog=examples(
            ("memos move ID --to archive", "LoRA: compressed, perhaps on another disk"),
            ("memos move ID --to disk", "and back; or a KV cache out of memory"),
            ("memos move ID --to shared", "a KV cache, where other machines find it"),
        ),
    )(_move)
    command(
        app,
        "where",
        panel=PANEL,
        scoped=True,
        epilog=examples(
            ("memos where ID", "on disk, in the archive, in the catalog, or its blocks"),
            ("memos where ID --json", "for programs"),
        ),
    )(_where)


def _backup(
    call: Call,
    target: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new folder.")],
) -> None:
    """Copy the whole store, as of one moment, while it may be in use."""
    from memos.cli.tables import counted, facts_table

    manifest = _copied(call, target)
    size = sum(file.size_bytes for file in manifest.files.values())
    facts = {"backup": str(target), "cubes": f"{manifest.cubes:,}", "bytes": f"{size:,}"}
    call.out.one("backup", manifest, table=facts_table(facts))
    call.out.note(f"wrote {counted(manifest.cubes, 'cube')} to {target}")
    call.out.note("what is forgotten from now on stays in it: delete old backups")


def _copied(call: Call, target: Path) -> Manifest:
    from memos import MemOS

    if call.principal_named or call.url:  # somebody's rights are asked of an open store only
        with call.open() as mem:
            return mem.backup(target, progress=call.progress)
    try:
        return MemOS.backup_folder(
            call.place,
            target,
            settings=call.loaded.settings,
            reason=call.reason,
            progress=call.progress,
        )
    finally:
        call.progress.close()


def _restore(
    call: Call,
    backup: Annotated[Path, typer.Argument(metavar="BACKUP", help="What memos backup wrote.")],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new or an empty folder.")],
    forget_since: Annotated[
        Path | None,
        typer.Option(
            "--forget-since", metavar="STORE", help="Forget what this store has forgotten since."
        ),
    ] = None,
) -> None:
    """Make a store of a backup, and check it; exit code 6 if anything is wrong."""
    from memos import MemOS
    from memos.cli.tables import counted, problems_table

    try:
        restored = MemOS.restore_backup(
            backup,
            folder,
            settings=call.loaded.settings,
            forget_since=forget_since,
            progress=call.progress,
        )
    finally:
        call.progress.close()
    if not call.out.tabled or restored.check.problems:
        call.out.one("restore", restored, table=problems_table(restored.check.problems))
    if restored.forgotten:
        call.out.note(f"forgot {counted(len(restored.forgotten), 'cube')} again")
    if not restored.check.ok:
        call.out.warn(counted(len(restored.check.problems), "problem"))
        raise typer.Exit(INTEGRITY)
    call.out.note(f"{folder} holds {counted(restored.cubes, 'cube')}, and all is well")


def _quarantine(
    call: Call,
    discard: Annotated[
        str | None, typer.Option("--discard", metavar="ID", help="Erase what there is of a cube.")
    ] = None,
    even_held: Annotated[
        bool,
        typer.Option("--even-held", help="Also what says that it is under legal hold."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Show what repairs have taken out of the store, or erase it.

    To discard is to forget: it leaves a tombstone and a certificate.
    """
    from memos.cli.tables import counted

    _check_discard(discard, even_held=even_held)
    if discard is not None and not confirm(f"Erase what is left of {discard}", yes=yes):
        raise typer.Exit(FAILED)
    with call.open() as mem:
        there = mem.quarantined() if discard is None else mem.discard(discard, even_held=even_held)
    call.out.many(
        "quarantine",
        there,
        content=lambda one: {
            "cube_id": one.cube_id,
            "version": one.version,
            "at": one.at.isoformat(),
            "reason": one.reason,
            "body": one.body,
        },
        ids=lambda one: one.cube_id,
        table=_quarantined_table,
    )
    if discard is not None:
        call.out.note(f"erased {counted(len(there), 'version')}")


def _check_discard(discard: str | None, *, even_held: bool) -> None:
    """Refuse before anything is asked what the store would refuse."""
    if discard is not None:
        from memos.kernel.arguments import require_id

        require_id(discard)
    elif even_held:
        raise BadInput("--even-held goes with --discard", hint="memos quarantine --discard ID")


def _move(
    call: Call,
    cube_id: Id,
    to: Annotated[
        str,
        typer.Option(
            "--to", metavar="PLACE", help="LoRA: disk or archive. KV: gpu, ram, disk, shared."
        ),
    ],
) -> None:
    """Move the bytes of a KV cache or of LoRA weights, which can be read all the time."""
    with call.open() as mem:
        moved = mem.move(cube_id, to=to, **call.scope)
    _show("move", call, moved)


def _where(call: Call, cube_id: Id) -> None:
    """Say where a cube's bytes lie."""
    with call.open() as mem:
        moved = mem.where(cube_id, **call.scope)
    _show("where", call, moved)


def blocks_said(moved: Moved) -> str:
    """How many blocks a KV cube is kept in, and how many of them lie where."""
    there = ", ".join(f"{count:,} in {place}" for place, count in moved.places.items())
    return f"{moved.blocks:,}: {there or 'made anew when they are needed'}"


def _show(what: str, call: Call, moved: Moved) -> None:
    from memos.cli.tables import facts_table, size

    facts = {"cube": moved.id, "place": moved.place, "bytes": size(moved.size_bytes)}
    if moved.blocks or moved.places:
        facts["blocks"] = blocks_said(moved)
    call.out.one(what, moved, table=facts_table(facts))


def _quarantined_table(there: Sequence[Quarantined]) -> Table:
    from memos.cli.output import clean
    from memos.cli.tables import plain_table

    table = plain_table(
        ("cube", {"no_wrap": True}),
        ("v", {"no_wrap": True}),
        ("since", {"no_wrap": True}),
        ("why", {"ratio": 1}),
    )
    for one in there:
        table.add_row(one.cube_id, str(one.version), f"{one.at:%Y-%m-%d}", clean(one.reason))
    return table
