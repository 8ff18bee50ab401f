"""The commands about the whole store: ``init``, ``stats`` and ``check``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from memos.cli.call import Call, command
from memos.cli.failing import INTEGRITY, PARTIAL
from memos.cli.manual import examples
from memos.errors import MissingKey

if TYPE_CHECKING:
    from memos import Stats

PANEL = "The store"
_EVIDENCE = {"broken-journal", "altered-certificate", "missing-certificate"}
"""What no repair mends, for that would destroy it."""


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    command(
        app,
        "init",
        panel=PANEL,
        epilog=examples(
            ("memos init", "in ./memory"),
            ("memos init --store ~/notes", "somewhere else"),
            ("memos init --encrypt", "under a key: memos key new"),
        ),
    )(_init)
    command(
        app,
        "stats",
        panel=PANEL,
        epilog=examples(
            ("memos stats", "how much there is"), ("memos stats --json", "for programs")
        ),
    )(_stats)
    command(
        app,
        "check",
        panel=PANEL,
        epilog=examples(
            ("memos check", "exit code 6 if anything is wrong"),
            ("memos check --repair", "and mend what can be mended"),
            ("memos check --deep", "and make every vector again, to compare"),
        ),
    )(_check)


def _init(
    call: Call,
    encrypt: Annotated[
        bool, typer.Option("--encrypt", help="Only if it is encrypted: memos key new.")
    ] = False,
) -> None:
    """Make an empty store, or bring an old one up to this version."""
    from memos.cli.tables import facts_table

    if encrypt and call.loaded.settings.encryption.key_from == "none":
        hint = "set encryption.key_from to env or keyring; memos key new makes a key"
        raise MissingKey("no key is configured that could encrypt the store", hint=hint)
    with call.open(create=True) as mem:
        stats = mem.stats()
    call.out.one("stats", stats, table=facts_table({"store": _place(stats, call)}))
    call.out.note('next: memos add "something to remember", or memos demo')


def _stats(call: Call) -> None:
    """Show how much is stored, by which models, and what is still to be done."""
    from memos.cli.tables import facts_table, size

    with call.open() as mem:
        stats = mem.stats()
    facts = {
        "store": _place(stats, call),
        **{kind: f"{count:,}" for kind, count in stats.cubes.items()},
        "versions": f"{stats.versions:,}",
        "users": f"{stats.users:,}",
        "edges": f"{stats.edges:,}",
        "indexed": f"{stats.words:,}",
        "blobs": f"{stats.blobs:,}, {size(stats.blob_bytes)}",
        "blocks": f"{stats.blocks:,}, {size(stats.block_bytes)}",
        "audit rows": f"{stats.audit_rows:,}",
        "to be done": f"{stats.pending:,}",
        "embedder": stats.embedder or "none yet",
    }
    call.out.one("stats", stats, table=facts_table(facts))


def _check(
    call: Call,
    repair: Annotated[bool, typer.Option("--repair", help="Mend what can be mended.")] = False,
    deep: Annotated[
        bool, typer.Option("--deep", help="Make every vector again, and compare.")
    ] = False,
) -> None:
    """Compare the catalog with the indexes and the blobs; exit code 6 if anything is wrong.

    With --repair, exit code 7 where something could not be mended and went into quarantine.
    """
    from memos.cli.tables import counted, problems_table

    with call.open() as mem:
        report = mem.check(repair=repair, deep=deep, progress=call.progress)
    looked_at = ", ".join(f"{count:,} {what}" for what, count in report.checked.items())
    if not call.out.tabled or report.problems:
        call.out.one("check", report, table=problems_table(report.problems))
    open_ = sum(not problem.repaired for problem in report.problems)
    lost = sum(problem.quarantined for problem in report.problems)
    mended = len(report.problems) - open_ - lost
    if mended:
        call.out.note(f"{counted(mended, 'problem')} mended")
    if lost:
        call.out.warn(f"{lost:,} put into quarantine, and not served any more")
        call.out.note("next: memos quarantine lists them; a backup may have them whole")
    if not report.ok:
        call.out.warn(f"{counted(open_, 'problem')}; looked at {looked_at}")
        if any(problem.code in _EVIDENCE for problem in report.problems):
            call.out.note("nothing mends evidence: keep this store, and compare it with a backup")
        if not repair and any(problem.code not in _EVIDENCE for problem in report.problems):
            call.out.note("next: memos check --repair")
        raise typer.Exit(INTEGRITY)
    if lost:
        raise typer.Exit(PARTIAL)
    call.out.note(f"all is well; looked at {looked_at}")


def _place(stats: Stats, call: Call) -> str:
    return str(Path(stats.folder).resolve()) if stats.folder else call.place
