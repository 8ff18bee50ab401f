"""The command ``extract``, which draws facts from memories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from memos.cli.call import Call, command
from memos.cli.manual import examples
from memos.cli.output import clean
from memos.cli.where import filters
from memos.cli.write import PANEL, DryRun, Filter, Ids, Where, given_ids
from memos.errors import BadInput

if TYPE_CHECKING:
    from rich.table import Table

    from memos import Extracted

_TOLD = 5
"""Refused claims that are told one by one."""


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    command(
        app,
        "extract",
        panel=PANEL,
        scoped=True,
        epilog=examples(
            ("memos extract --user alice", "facts of all of Alice's memories"),
            ("memos extract ID ID --by rules", "of two, without a language model"),
            ("memos extract --user alice --dry-run", "only look"),
        ),
    )(_extract)


def _extract(
    call: Call,
    ids: Ids = None,
    where: Where = None,
    filter_: Filter = None,
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="STEP", help="rules, llm, auto, or a plugin's extractor."),
    ] = None,
    dry_run: DryRun = False,
) -> None:
    """Draw facts from memories: short texts of their own, which are found as any other.

    A fact is kept only if the words that it was drawn from say it. It is found no more when its
    memory is revised, and is forgotten with it.
    """
    condition = filters(where, filter_)
    if ids and condition is not None:
        raise BadInput("ids and --where or --filter exclude each other", hint="choose one of them")
    if not (ids or condition is not None or call.scoped):
        raise BadInput("extract from what?", hint="name ids, --where, or --user")
    with call.open() as mem:
        found = mem.extract(
            given_ids(ids) if ids else None,
            filters=condition,
            by=by,
            dry_run=dry_run,
            progress=call.progress,
            **call.scope,
        )
        call.progress.close()
        made = [fact.id for fact in found.facts if fact.id is not None]
        call.out.one("extracted", found, ids=made, table=_table(found) if call.out.tabled else "")
        _remark(call, found)


def _table(found: Extracted) -> Table:
    from memos.cli.tables import plain_table

    table = plain_table(
        ("fact", {"ratio": 1}),
        ("drawn from", {"ratio": 1, "style": "dim"}),
    )
    for fact in found.facts:
        table.add_row(clean(fact.text), clean(" […] ".join(fact.evidence)))
    return table


def _remark(call: Call, found: Extracted) -> None:
    from memos.cli.tables import counted

    kept = "would be kept" if found.dry_run else "kept"
    known = f", {found.known:,} known before" if found.known else ""
    read = counted(found.read, "memory")
    call.out.note(f"{counted(len(found.facts), 'fact')} {kept}{known}, of {read}; by {found.by}")
    for one in found.refused[:_TOLD]:
        call.out.note(f"refused: {one.text!r}: {one.why}")
    if len(found.refused) > _TOLD:
        call.out.note(f"and {len(found.refused) - _TOLD:,} more were refused: --json has them")
    if found.withheld:
        withheld = counted(len(found.withheld), "memory")
        call.out.note(f"{withheld} not shown to the model, as too sensitive: llm.withheld")
