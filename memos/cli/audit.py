"""The commands about the journal: ``audit tail``, ``audit verify`` and ``audit export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from memos.cli.access import PANEL
from memos.cli.call import Call, command
from memos.cli.confirm import may_write
from memos.cli.failing import FAILED, INTEGRITY
from memos.cli.manual import Group, examples
from memos.cli.write import Yes

if TYPE_CHECKING:
    from memos import AuditReport

_TOLD = 20
"""How many problems are told one by one."""


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    audit = typer.Typer(
        cls=Group,
        help="Read the journal of all calls, and prove that nobody has changed it.",
        epilog=examples(
            ("memos audit tail", "the last calls"),
            ("memos audit verify", "exit code 6 if the chain of seals is broken"),
            ("memos audit export journal.jsonl", "all of it, as JSON lines"),
        ),
        rich_markup_mode=None,
        no_args_is_help=True,
    )
    command(
        audit,
        "tail",
        panel="Commands",
        epilog=examples(
            ("memos audit tail", "the last 20 calls, oldest first"),
            ("memos audit tail -n 100 --by user:alice", "what Alice did"),
            ("memos audit tail --call forget --json", "who forgot what, for programs"),
        ),
    )(_tail)
    command(
        audit,
        "verify",
        panel="Commands",
        epilog=examples(
            ("memos audit verify", "from the first row to the last"),
            ("memos audit verify -q > head.txt", "keep the head on another machine"),
            ("memos audit verify --head $(cat head.txt)", "and ask later whether it is there"),
        ),
    )(_verify)
    command(
        audit,
        "export",
        panel="Commands",
        epilog=examples(
            ("memos audit export journal.jsonl", "one JSON object a call"),
            ("memos audit export journal.jsonl --yes", "in the place of an older one"),
        ),
    )(_export)
    app.add_typer(audit, name="audit", rich_help_panel=PANEL)


def _tail(
    call: Call,
    limit: Annotated[
        int, typer.Option("--limit", "-n", metavar="N", help="At most this many.")
    ] = 20,
    name: Annotated[
        str | None,
        typer.Option("--call", metavar="NAME", help="Only this system call, such as search."),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="PRINCIPAL", help="Only what this principal did."),
    ] = None,
) -> None:
    """Show the last calls, oldest first: who did what, to what, why, and with which outcome."""
    from memos.cli.records import journal_table

    with call.open() as mem:
        rows = mem.audit(limit=limit, call=name, actor=by)
    if not rows:
        call.out.note("there is no such row in the journal")
        if call.out.tabled:
            return
    call.out.many(
        "audit",
        rows,
        content=lambda row: row.model_dump(mode="json"),
        ids=lambda row: str(row.number),
        table=journal_table,
    )


def _verify(
    call: Call,
    head: Annotated[
        str | None,
        typer.Option("--head", metavar="SEAL", help="A head that was kept; it must be there."),
    ] = None,
) -> None:
    """Check the chain of seals from the first row to the last; exit code 6 if it is broken."""
    from memos.cli.tables import facts_table

    with call.open() as mem:
        report = mem.verify_audit(head=head)
    call.out.one(
        "audit-report",
        report,
        ids=[report.head],
        table=facts_table({"rows": f"{report.rows:,}", "head": report.head}),
    )
    _refuse_broken(call, report)
    call.out.note("the chain holds; keep the head elsewhere, to ask for it later with --head")


def _export(
    call: Call,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write, JSON lines.")],
    yes: Yes = False,
) -> None:
    """Write the whole journal into one file, for its owner only, and verify it."""
    from memos.cli.tables import counted

    if not may_write(file, grounds=call.grounds, yes=yes):
        raise typer.Exit(FAILED)
    with call.open() as mem:
        report = mem.export_audit(file)
    if not call.out.tabled:
        call.out.one("audit-report", report, ids=[report.head], table="")
    call.out.note(f"wrote {counted(report.rows, 'row')} to {file}; the head is {report.head}")
    _refuse_broken(call, report)


def _refuse_broken(call: Call, report: AuditReport) -> None:
    if report.ok:
        return
    for problem in report.problems[:_TOLD]:
        call.out.warn(problem)
    if len(report.problems) > _TOLD:
        call.out.warn(f"and {len(report.problems) - _TOLD:,} more")
    raise typer.Exit(INTEGRITY)
