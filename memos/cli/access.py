"""The commands about rights: ``grant``, ``revoke`` and ``grants``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from memos.cli.call import Call, command
from memos.cli.manual import examples
from memos.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import JsonValue

    from memos import Grant

PANEL = "Trust"


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    command(
        app,
        "grant",
        panel=PANEL,
        scoped=True,
        epilog=examples(
            ("memos grant agent:planner read --user alice", "all of Alice's"),
            ("memos grant user:bob read,write --id ID", "one cube"),
            ("memos grant user:bob read --user alice --label work", "what is labelled so"),
            ("memos grant user:bob read --id ID --expires 2030-01-01", "for a time"),
            ("memos grant service:backup administer --everything", "the whole store"),
        ),
    )(_grant)
    command(
        app,
        "revoke",
        panel=PANEL,
        epilog=examples(
            ("memos grants", "the numbers"), ("memos revoke 3", "take the third one back")
        ),
    )(_revoke)
    command(
        app,
        "grants",
        panel=PANEL,
        epilog=examples(
            ("memos grants", "everybody's"),
            ("memos grants --for agent:planner", "what the planner was given"),
            ("memos grants --as user:alice", "what Alice was given, and gave"),
        ),
    )(_grants)


def _grant(
    call: Call,
    principal: Annotated[
        str,
        typer.Argument(metavar="PRINCIPAL", help="user:NAME, agent:NAME or service:NAME."),
    ],
    rights: Annotated[
        str,
        typer.Argument(
            metavar="RIGHT[,RIGHT]", help="read, write, share, forget, or administer for all."
        ),
    ],
    cube_id: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="On this cube only.")
    ] = None,
    label: Annotated[
        str | None,
        typer.Option("--label", "-l", metavar="LABEL", help="On cubes with this label only."),
    ] = None,
    everything: Annotated[bool, typer.Option("--everything", help="On the whole store.")] = False,
    expires: Annotated[
        str | None,
        typer.Option("--expires", metavar="TIME", help="Until then, such as 2030-01-01."),
    ] = None,
) -> None:
    """Give somebody rights on a cube, on all that is whose (--user, …), or on a label of it.

    One can give only what one holds, and needs the right to share.
    """
    if not (everything or cube_id is not None or call.scoped):
        raise BadInput("a grant on what?", hint="name --id, --user, --agent, or --everything")
    if everything and (cube_id is not None or call.scoped):
        hint = "leave out --everything, or the rest"
        raise BadInput("--everything leaves nothing to choose", hint=hint)
    with call.open() as mem:
        granted = mem.grant(
            principal,
            [right.strip() for right in rights.split(",")],
            id=cube_id,
            label=label,
            everything=everything,
            expires_at=expires,
            **call.scope,
        )
    _write(call, granted)


def _revoke(
    call: Call,
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="The grant's number.")],
) -> None:
    """Take a grant back; it ends at once."""
    with call.open() as mem:
        revoked = mem.revoke(number)
    _write(call, [revoked])
    call.out.note(f"grant {revoked.number} has ended")


def _grants(
    call: Call,
    named: Annotated[
        str | None,
        typer.Option("--for", metavar="PRINCIPAL", help="Only what this principal was given."),
    ] = None,
) -> None:
    """List who was granted what, where, and by whom.

    A principal sees the grants that it was given or gave, and those on what it may share.
    """
    with call.open() as mem:
        granted = mem.grants(named)
    if not granted:
        call.out.note("nobody was granted anything that one may see")
        if call.out.tabled:
            return
    _write(call, granted)


def _write(call: Call, granted: Sequence[Grant]) -> None:
    from memos.cli.records import grants_table
    from memos.stores.clock_system import SystemClock

    now = SystemClock().now()
    call.out.many(
        "grants",
        granted,
        content=_wire,
        ids=lambda one: str(one.number),
        table=lambda rows: grants_table(rows, now),
    )


def _wire(grant: Grant) -> JsonValue:
    return {
        "number": grant.number,
        "principal": grant.principal,
        "right": str(grant.right),
        "cube_id": grant.cube_id,
        "scope": grant.scope.model_dump(mode="json"),
        "label": grant.label,
        "granted_by": grant.granted_by,
        "at": grant.at.isoformat(),
        "expires_at": None if grant.expires_at is None else grant.expires_at.isoformat(),
    }
