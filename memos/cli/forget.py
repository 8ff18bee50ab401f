"""The command ``forget``, and what it leaves: ``certificates`` and ``tombstones``."""

from __future__ import annotations

import re
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from memos.cli.access import PANEL as TRUST
from memos.cli.call import Call, command
from memos.cli.confirm import confirm
from memos.cli.failing import FAILED, INTEGRITY
from memos.cli.manual import examples
from memos.cli.where import filters
from memos.cli.write import PANEL, DryRun, Filter, Ids, IfVersion, Verify, Where, Yes, given_ids
from memos.errors import BadInput, shown

if TYPE_CHECKING:
    from pydantic import JsonValue

    from memos import Forgotten
    from memos.ports.ledger import Certificate

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
"""How a URI begins; one letter would be a drive."""
_PREVIEWED = 20
"""Up to how many cubes are shown to whoever is asked."""

Source = Annotated[
    str | None,
    typer.Option("--source", metavar="URI|PATH", help="What was read from this file."),
]
KeepDuplicates = Annotated[
    bool,
    typer.Option(
        "--keep-duplicates", help="Keep other memories of the same user with the same text."
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    command(
        app,
        "forget",
        panel=PANEL,
        scoped=True,
        epilog=examples(
            ("memos forget ID", "a cube, and all that was made from it"),
            ("memos forget --user bob --dry-run", "what forgetting Bob would take"),
            ("memos forget --source chat.jsonl", "what was read from a file"),
            ("memos forget --user bob --verify", "and search the disk for what is left"),
            ("memos forget --all", "everything; asks for the store's name"),
        ),
    )(_forget)
    command(
        app,
        "certificates",
        panel=TRUST,
        epilog=examples(
            ("memos certificates", "one for every forgetting, oldest first"),
            ("memos certificates ID", "one, to be read"),
            ("memos certificates ID --json", "one, to be filed"),
        ),
    )(_certificates)
    command(
        app,
        "tombstones",
        panel=TRUST,
        epilog=examples(
            ("memos tombstones", "what was forgotten, when and by whom"),
            ("memos tombstones -q", "the ids"),
        ),
    )(_tombstones)


def _forget(
    call: Call,
    ids: Ids = None,
    where: Where = None,
    filter_: Filter = None,
    source: Source = None,
    everything: Annotated[bool, typer.Option("--all", help="Everything in the store.")] = False,
    keep_duplicates: KeepDuplicates = False,
    if_version: IfVersion = None,
    dry_run: DryRun = False,
    verify: Verify = False,
    yes: Yes = False,
) -> None:
    """Erase memories with all their versions, and everything that was made from them.

    Name cubes, or whose (--user, --agent, --session), or which (--where, --source), or --all. It
    leaves a tombstone without content for each, and one certificate. Exit code 6 if --verify
    finds a trace.
    """
    condition = filters(where, filter_)
    named = given_ids(ids)
    if ids and not named:
        call.out.note("no ids on stdin: nothing to forget")
        return
    uri = None if source is None else _uri(source)
    chosen = condition is not None or uri is not None or call.scoped
    _check_target(named, if_version, chosen=chosen, all_=everything)
    if named and (condition is not None or uri is not None):
        raise BadInput("ids exclude --where, --filter and --source", hint="choose one of them")
    with call.open() as mem:
        if if_version is not None:
            from memos.life.expectation import require_version

            require_version(mem.get(named[0], **call.scope), if_version)
        forget = partial(
            mem.forget,
            named or None,
            filters=condition,
            source=uri,
            everything=everything,
            duplicates=not keep_duplicates,
            **call.scope,
        )
        if dry_run or not yes:
            preview = forget(dry_run=True)
            if dry_run or not preview.cubes:
                write_forgotten(call, preview, uri)
                return
            _require_consent(call, preview, everything=everything)
        forgotten = forget(verify=verify, progress=call.progress)
    write_forgotten(call, forgotten, uri)
    refuse_traces(call, forgotten)


def _certificates(
    call: Call,
    certificate_id: Annotated[
        str | None, typer.Argument(metavar="ID", help="Only this one, in full.")
    ] = None,
) -> None:
    """Show the record of every forgetting: what, when, by whom, why, and how it was verified."""
    from memos.cli.records import certificate_page, certificates_table

    with call.open() as mem:
        one = None if certificate_id is None else mem.certificate(certificate_id)
        found = mem.certificates() if one is None else [one]
    if not found:
        call.out.note("nothing was forgotten yet")
        if call.out.tabled:
            return
    call.out.many(
        "certificates",
        found,
        content=_wire,
        ids=lambda each: each.id,
        table=certificates_table if one is None else lambda each: certificate_page(each[0]),
    )


def _tombstones(call: Call) -> None:
    """List what was forgotten: ids, kinds, times and by whom; nothing of what it held."""
    from memos.cli.records import tombstones_table

    with call.open() as mem:
        stones = mem.tombstones()
    if not stones:
        call.out.note("nothing was forgotten yet")
        if call.out.tabled:
            return
    call.out.many(
        "tombstones",
        stones,
        content=lambda stone: {
            "cube_id": stone.cube_id,
            "kind": stone.kind,
            "at": stone.at.isoformat(),
            "by": stone.by,
            "certificate": stone.certificate,
        },
        ids=lambda stone: stone.cube_id,
        table=tombstones_table,
    )


def _wire(certificate: Certificate) -> JsonValue:
    return {"id": certificate.id, "at": certificate.at.isoformat(), "body": certificate.body}


def _uri(source: str) -> str:
    """A source as ``memos add`` records it: a URI as it stands, a path as the URI of its file."""
    if _URI.match(source):
        return source
    hint = "name a file, or a URI such as stdin:"
    if not source.strip():
        raise BadInput(f"--source is empty: {source!r:.40}", hint=hint)
    try:
        return Path(source).resolve().as_uri()
    except (OSError, ValueError, RuntimeError) as error:
        raise BadInput(f"--source {shown(source, 80)} names nothing: {error}", hint=hint) from error


def _check_target(named: list[str], if_version: int | None, *, chosen: bool, all_: bool) -> None:
    if not (named or chosen or all_):
        raise BadInput("forget what?", hint="name ids, --user, --where, --source, or --all")
    if all_ and (named or chosen):
        raise BadInput("--all leaves nothing to choose", hint="leave out --all, or the rest")
    if if_version is not None and len(named) != 1:
        raise BadInput("--if-version goes with one id", hint="forget them one by one")


def _require_consent(call: Call, preview: Forgotten, *, everything: bool) -> None:
    from memos.cli.output import screen
    from memos.cli.tables import doomed_table

    if sys.stderr.isatty():
        screen(stderr=True).print(doomed_table(preview.cubes[:_PREVIEWED]))
        if len(preview.cubes) > _PREVIEWED:
            call.out.note(f"and {len(preview.cubes) - _PREVIEWED:,} more")
    typed = Path(call.place).resolve().name if everything and not call.url else None
    if not confirm(f"Forget {_count(preview)}", yes=False, typed=typed):
        call.out.warn("nothing was forgotten")
        raise typer.Exit(FAILED)


def write_forgotten(call: Call, forgotten: Forgotten, uri: str | None = None) -> None:
    """Tell what was forgotten, or would be; ``uri`` is the source that was asked for."""
    from memos.cli.records import forgotten_table

    if not forgotten.cubes:
        from_where = "" if uri is None else f" what was read from {uri}"
        call.out.note(f"nothing matches{from_where}: nothing to forget")
        _tell_unread(call, forgotten)
        if call.out.tabled:
            return
    call.out.one("forgotten", forgotten, ids=forgotten.ids, table=forgotten_table(forgotten))
    if forgotten.cubes:
        verb = "would forget" if forgotten.dry_run else "forgot"
        call.out.note(f"{verb} {_count(forgotten)}")
        _tell_unread(call, forgotten)


def _tell_unread(call: Call, forgotten: Forgotten) -> None:
    from memos.cli.tables import counted

    if forgotten.unread:
        left = counted(forgotten.unread, "damaged cube")
        call.out.warn(f"{left} in quarantine cannot be read: whether they are meant, nobody knows")
        call.out.note("next: memos quarantine lists them, and --discard erases them")


def _count(forgotten: Forgotten) -> str:
    """Such as ``4 cubes, 2 of them made from the others, 1 with the same text, and 1 blob``."""
    from memos.cli.tables import counted

    ties = [str(one.tie) for one in forgotten.cubes]
    derived, same = ties.count("derived"), ties.count("duplicate")
    broken = ties.count("quarantined")
    parts = [
        counted(len(forgotten.cubes), "cube"),
        f"{derived} of them made from the others" if derived else "",
        f"{same} with the same text" if same else "",
        f"{broken} in quarantine" if broken else "",
        f"and {counted(blocks, 'block')} of KV" if (blocks := forgotten.rows.get("blocks")) else "",
        f"and {counted(len(forgotten.blobs), 'blob')}" if forgotten.blobs else "",
    ]
    return ", ".join(part for part in parts if part)


def refuse_traces(call: Call, forgotten: Forgotten) -> None:
    """Fail where a search found what should be gone."""
    verified = forgotten.verified
    if verified is None or verified.gone:
        return
    for trace in verified.traces:
        call.out.warn(f"found after all: {trace}")
    raise typer.Exit(INTEGRITY)
