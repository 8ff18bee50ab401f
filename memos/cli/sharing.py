"""The commands about bundles: ``export``, ``import``, ``inspect``, ``install`` and its kin."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from memos.cli.call import Call, command
from memos.cli.confirm import confirm, may_write
from memos.cli.failing import FAILED
from memos.cli.manual import examples
from memos.cli.where import filters
from memos.cli.write import DryRun, Filter, Verify, Where, Yes

if TYPE_CHECKING:
    from pydantic import JsonValue
    from rich.table import Table

    from memos import BundleReport, Installation, Installed

PANEL = "Sharing"

Bundle = Annotated[Path, typer.Argument(metavar="FILE", help="A bundle of memos export.")]
Namespace = Annotated[
    str, typer.Argument(metavar="NAMESPACE", help="As it was installed: memos installed.")
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    command(
        app,
        "export",
        panel=PANEL,
        scoped=True,
        epilog=examples(
            ("memos export all.zip", "every cube, with its history and its bytes"),
            ("memos export alice.zip --user alice", "Alice's"),
            ("memos export kb.zip --name KB --sign key.pem", "for others, signed"),
        ),
    )(_export)
    command(
        app,
        "import",
        panel=PANEL,
        epilog=examples(
            ("memos import all.zip", "what is there already is skipped"),
            ("memos import all.zip --store ./copy", "into another store"),
            ("memos import all.zip --revive", "also what was forgotten here"),
        ),
    )(_import)
    command(
        app,
        "inspect",
        panel=PANEL,
        epilog=examples(
            ("memos inspect kb.zip", "what is in it, and who signed it"),
            ("memos inspect kb.zip --json", "for programs"),
        ),
    )(_inspect)
    command(
        app,
        "install",
        panel=PANEL,
        scoped=True,
        epilog=examples(
            ("memos install kb.zip --namespace acme/kb", "for everybody here"),
            ("memos install kb.zip --namespace acme/kb -u bob", "for Bob"),
            ("memos install kb.zip --namespace acme/kb --trust KEY", "if KEY signed it"),
            ("memos install kb2.zip --namespace acme/kb --dry-run", "what an update would do"),
        ),
    )(_install)
    command(
        app,
        "installed",
        panel=PANEL,
        scoped=True,
        epilog=examples(
            ("memos installed", "what is there, whose, from whom, since when"),
            ("memos installed --json", "with the id of every cube"),
        ),
    )(_installed)
    command(
        app,
        "uninstall",
        panel=PANEL,
        scoped=True,
        epilog=examples(
            ("memos uninstall acme/kb --dry-run", "what would go"),
            ("memos uninstall acme/kb --yes", "all of it, and all made from it"),
            ("memos uninstall acme/kb --verify", "and search the disk for what is left"),
            ("memos uninstall acme/kb -u bob", "what was installed for Bob"),
        ),
    )(_uninstall)


def _export(
    call: Call,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The bundle to write, a zip.")],
    where: Where = None,
    filter_: Filter = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="What to call the bundle.")
    ] = None,
    version: Annotated[
        str, typer.Option("--version", metavar="VERSION", help="Of the bundle.")
    ] = "1",
    licence: Annotated[
        str | None, typer.Option("--licence", metavar="LICENCE", help="Such as CC-BY-4.0.")
    ] = None,
    description: Annotated[
        str, typer.Option("--description", metavar="TEXT", help="A word on what it holds.")
    ] = "",
    sign: Annotated[
        Path | None,
        typer.Option("--sign", metavar="KEYFILE", help="A key of memos signing-key new."),
    ] = None,
    yes: Yes = False,
) -> None:
    """Write cubes into one file: all versions, and the bytes of KV caches and LoRA weights."""
    from memos.cli.tables import counted

    if not may_write(file, yes=yes):
        raise typer.Exit(FAILED)
    with call.open() as mem:
        count = mem.export_to(
            file,
            filters=filters(where, filter_),
            name=name,
            version=version,
            licence=licence,
            description=description,
            sign_with=sign,
            **call.scope,
        )
    call.out.note(f"wrote {counted(count, 'cube')} to {file}")


def _import(
    call: Call,
    file: Bundle,
    revive: Annotated[
        bool, typer.Option("--revive", help="Bring back what was forgotten here.")
    ] = False,
) -> None:
    """Take in your own memories from a bundle; cubes that are there already are skipped.

    History stays as it is, and ids do, unless --as somebody. What others made is installed: memos
    install.
    """
    from memos.cli.cubes import wire
    from memos.cli.tables import counted, cubes_table

    with call.open(create=True) as mem:
        imported = mem.import_from(file, revive=revive, progress=call.progress)
        if not call.out.tabled:
            call.out.many(
                "cubes",
                imported.cubes,
                content=wire,
                ids=lambda cube: cube.id,
                table=cubes_table,
            )
    skipped = f", {len(imported.skipped):,} were there already" if imported.skipped else ""
    call.out.note(f"read {counted(len(imported.cubes), 'cube')}{skipped}")


def _inspect(call: Call, file: Bundle) -> None:
    """Show what a bundle holds and who signed it; it is verified, and nothing is imported."""
    from memos import MemOS
    from memos.cli.tables import facts_table

    report = MemOS.inspect(file)
    call.out.one("bundle", report, table=facts_table(_facts(report)))
    if report.signer is None:
        call.out.note("nobody signed it")


def _install(
    call: Call,
    file: Bundle,
    namespace: Annotated[
        str,
        typer.Option("--namespace", metavar="NAME", help="What to install it as: acme/travel."),
    ],
    trust: Annotated[
        list[str] | None,
        typer.Option("--trust", metavar="KEY", help="A public key; one of these must have signed."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Undo what was changed or forgotten here.")
    ] = False,
    dry_run: DryRun = False,
) -> None:
    """Take in memories that others made, under a namespace; again, to update them.

    They get ids, an owner and times of this store, and are removed as one: memos uninstall. To
    update what was installed for somebody, name the same user, agent or session.
    """
    with call.open(create=not dry_run) as mem:
        done = mem.install(
            file,
            namespace,
            trust=trust or None,
            force=force,
            dry_run=dry_run,
            progress=call.progress,
            **call.scope,
        )
    call.progress.close()
    if not call.out.tabled:
        call.out.one("installation", done, ids=[*done.added, *done.revised], table="")
    call.out.note(_told(done))
    if done.left_out:
        call.out.note(f"left out: {len(done.left_out):,}, stale, or forgotten here")


def _installed(call: Call) -> None:
    """Show what is installed: namespaces, whose they are, bundles, and who signed them."""
    with call.open() as mem:
        found = mem.installed(**call.scope)
    call.out.many(
        "installed",
        found,
        content=_entry,
        ids=lambda one: one.namespace,
        table=lambda rows: _table(list(rows)),
    )


def _uninstall(
    call: Call,
    namespace: Namespace,
    dry_run: DryRun = False,
    verify: Verify = False,
    yes: Yes = False,
) -> None:
    """Forget all that was installed under a namespace, and everything that was made from it.

    Name whose it is, as when it was installed: the same namespace may also be another's. Exit
    code 6 if --verify finds a trace.
    """
    from memos.cli.forget import refuse_traces, write_forgotten
    from memos.cli.tables import counted

    with call.open() as mem:
        preview = mem.uninstall(namespace, dry_run=True, **call.scope)
        if dry_run:
            write_forgotten(call, preview)
            return
        if not confirm(f"Forget {counted(len(preview.cubes), 'cube')} of {namespace}", yes=yes):
            call.out.warn("nothing was forgotten")
            raise typer.Exit(FAILED)
        done = mem.uninstall(namespace, verify=verify, progress=call.progress, **call.scope)
    write_forgotten(call, done)
    refuse_traces(call, done)


def _told(done: Installation) -> str:
    counts = {
        "added": len(done.added),
        "revised": len(done.revised),
        "kept": len(done.kept),
        "forgotten": len(done.forgotten.cubes),
    }
    said = ", ".join(f"{count:,} {what}" for what, count in counts.items() if count) or "no cubes"
    return f"{'would be' if done.dry_run else 'installed'} in {done.namespace}: {said}"


def _facts(report: BundleReport) -> dict[str, str]:
    kinds = [f"{count:,} {kind}" for kind, count in report.cubes.items()]
    facts = {
        "name": report.name,
        "version": report.version,
        "licence": report.licence or "none named",
        "about": report.description,
        "made": "" if report.created_at is None else f"{report.created_at:%Y-%m-%d %H:%M:%S} UTC",
        "by": report.code,
        "signed by": report.signer or "nobody",
        "holds": f"{', '.join(kinds) or 'nothing'}; {report.versions:,} versions",
        "whose": "; ".join(map(str, report.scopes)),
        "format": str(report.format),
        "digest": report.digest,
    }
    return {name: value for name, value in facts.items() if value}


def _entry(one: Installed) -> JsonValue:
    return {
        "namespace": one.namespace,
        "owner": one.owner,
        "scope": {**one.scope.named()},
        "name": one.name,
        "version": one.version,
        "licence": one.licence,
        "signer": one.signer,
        "bundle": one.bundle,
        "at": one.at.isoformat(),
        "by": one.by,
        "cubes": [{"id": here, "origin": origin} for here, origin in one.cubes],
    }


def _table(found: list[Installed]) -> Table:
    from memos.cli.output import one_line
    from memos.cli.tables import plain_table

    plain = {"no_wrap": True}
    table = plain_table(
        ("namespace", {"no_wrap": True, "style": "cyan"}),
        ("whose", {"overflow": "fold"}),
        ("bundle", {"overflow": "ellipsis"}),
        ("version", plain),
        ("cubes", {"no_wrap": True, "justify": "right"}),
        ("since", plain),
        ("signed by", plain),
    )
    for one in found:
        signer = "nobody" if one.signer is None else f"{one.signer[:12]}…"
        since, name, version = f"{one.at:%Y-%m-%d}", one_line(one.name), one_line(one.version)
        count = f"{len(one.cubes):,}"
        table.add_row(one.namespace, _whose(one), name, version, count, since, signer)
    return table


def _whose(one: Installed) -> str:
    from memos.cli.output import one_line

    return one_line(str(one.scope) if one.scope.named() else one.owner)
