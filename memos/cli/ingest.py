"""The command that takes in whole sources: chats, documents, exports, folders of them."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from memos.cli.call import Call, command
from memos.cli.manual import examples
from memos.cli.output import Mode
from memos.cli.span import seconds
from memos.cli.where import pairs
from memos.cli.write import PANEL, At, DryRun, Expires, Label, Meta, Ttl
from memos.errors import BadInput, MissingLibrary

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.table import Table

    from memos import MemOS
    from memos.cli.bulk import Extra
    from memos.ingest.report import Ingested

_TOLD = 20
"""How many remarks on a source are told one by one."""


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    command(
        app,
        "ingest",
        panel=PANEL,
        scoped=True,
        epilog=examples(
            ("memos ingest conversations.json --user bob", "an export, turn by turn"),
            ("memos ingest notes/ --view paragraph --view section", "a folder, in two views"),
            ("memos ingest chat.txt --format whatsapp --dry-run", "only look"),
            ("cat chat.jsonl | memos ingest - --uri chat:42", "a chat that will grow"),
        ),
    )(_ingest)


def _ingest(
    call: Call,
    paths: Annotated[
        list[str], typer.Argument(metavar="FILE|DIR", help="What to take in; - reads stdin.")
    ],
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="NAME",
            help="auto, json, slack, whatsapp, text, markdown or pdf.",
        ),
    ] = "auto",
    view: Annotated[
        list[str] | None,
        typer.Option(
            "--view",
            metavar="NAME",
            help="turn, window, session; sentence, paragraph, section; page. May be repeated.",
        ),
    ] = None,
    uri: Annotated[
        str | None,
        typer.Option("--uri", metavar="URI", help="Which source it is, if not the file's path."),
    ] = None,
    at: At = None,
    label: Label = None,
    meta: Meta = None,
    ttl: Ttl = None,
    expires: Expires = None,
    sensitivity: Annotated[
        str,
        typer.Option("--sensitivity", metavar="LEVEL", help="public, confidential or secret."),
    ] = "normal",
    licence: Annotated[
        str | None, typer.Option("--licence", metavar="NAME", help="Under which it may be used.")
    ] = None,
    supersede: Annotated[
        str | None,
        typer.Option(
            "--supersede",
            metavar="auto|never",
            help="Whether what it says anew ends the time of older memories.",
        ),
    ] = None,
    dry_run: DryRun = False,
) -> None:
    """Take in chats, documents and exports, and keep their structure.

    Turns, sessions, speakers, dates, headings and pages become fields. What was taken in from the
    same place of the same source is not stored again: after an interruption, or when a source has
    grown, do it once more. Entries that cannot be read are told with their place, the others are
    stored, and the exit code is 7.
    """
    import logging

    from memos.cli.failing import PARTIAL

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # what we cannot read we tell ourselves
    extra: Extra = {
        "labels": label or (),
        "metadata": pairs(meta),
        "timestamp": at,
        "ttl_seconds": seconds(ttl),
        "expires_at": expires,
        "sensitivity": sensitivity,
        "licence": licence,
        "supersede": supersede,
    }
    sources = _sources(paths, call.grounds)
    if uri is not None and len(sources) > 1:
        message = f"--uri names one source, and there are {len(sources)}"
        raise BadInput(message, hint="ingest them one by one, or leave it out")
    run = _Run(call, extra, form=format_, views=view or (), uri=uri, dry_run=dry_run)
    if len(sources) == 1:
        _require_readable(sources[0], format_, view or ())
    with _opened(call, dry_run=dry_run) as mem:
        reports = run.each(mem, sources)
        if call.out.mode is Mode.IDS:
            reports = (report for report in reports if report.ids)
        call.out.many(
            "ingested",
            reports,
            content=lambda one: one.model_dump(mode="json"),
            ids=lambda one: "\n".join(one.ids),
            table=_table,
        )
    if run.partial:
        raise typer.Exit(PARTIAL)


@contextmanager
def _opened(call: Call, *, dry_run: bool) -> Iterator[MemOS]:
    """The store; for a dry run where there is none, an empty one that leaves nothing behind."""
    from memos import MemOS

    settings = call.loaded.settings
    if dry_run and call.url is None and not Path(settings.store).expanduser().exists():
        with MemOS.open(None, settings=settings) as mem:
            yield mem
        return
    with call.open(create=not dry_run) as mem:
        yield mem


def _require_readable(source: Path | None, form: str, views: Sequence[str]) -> None:
    """Refuse what cannot be read at all before a store is made for it."""
    from memos.ingest.files import read_file
    from memos.ingest.formats import read_content, read_format
    from memos.ingest.views import chosen, read_views

    wanted, cut = read_format(form), read_views(views)
    if source is not None:
        reading = read_content(read_file(source), source.absolute().as_posix(), wanted)
        chosen(cut, reading.format)


class _Run:
    """One run over some sources."""

    def __init__(
        self,
        call: Call,
        extra: Extra,
        *,
        form: str,
        views: Sequence[str],
        uri: str | None,
        dry_run: bool,
    ) -> None:
        self._call = call
        self._extra = extra
        self._form = form
        self._views = views
        self._uri = uri
        self._dry_run = dry_run
        self.partial = False
        """Whether something could not be read."""

    def each(self, mem: MemOS, sources: Sequence[Path | None]) -> Iterator[Ingested]:
        """What became of each source; where there are several, one that is bad stops no other."""
        for number, source in enumerate(sources):
            try:
                report = self._one(mem, source)
            except (BadInput, MissingLibrary) as error:
                if len(sources) == 1:
                    raise
                report = _refused(source, error)
            self._tell(report, "stdin" if source is None else str(source))
            if len(sources) > 1:
                self._call.progress("ingesting sources", number + 1, len(sources))
            yield report

    def _one(self, mem: MemOS, source: Path | None) -> Ingested:
        return mem.ingest(
            sys.stdin.buffer.read() if source is None else source,
            format=self._form,
            views=self._views,
            uri=self._uri,
            dry_run=self._dry_run,
            progress=self._call.progress,
            **self._extra,
            **self._call.scope,
        )

    def _tell(self, report: Ingested, name: str) -> None:
        self.partial = self.partial or bool(report.unread)
        remarks = [*report.unread, *report.left_out]
        for remark in remarks[:_TOLD]:
            self._call.out.warn(f"{name}: {remark.place}: {remark.reason}")
        if len(remarks) > _TOLD:
            self._call.out.warn(f"{name}: and {len(remarks) - _TOLD:,} more")


def _sources(paths: Iterable[str], grounds: Sequence[Path]) -> list[Path | None]:
    """The files that are meant, those in folders included, less the store's own; None for stdin."""
    from memos.ingest.files import files_in

    found: dict[Path | None, None] = {}
    for path in paths:
        named: list[Path | None] = [None] if path == "-" else [*files_in([Path(path)])]
        found.update((one, None) for one in named if one is None or not _is_ours(one, grounds))
    if not found:
        raise BadInput("there are no files in there", hint="name a file, or a folder with files")
    return list(found)


def _is_ours(path: Path, grounds: Sequence[Path]) -> bool:
    return any(path.resolve().is_relative_to(ground.resolve()) for ground in grounds)


def _refused(source: Path | None, error: BadInput | MissingLibrary) -> Ingested:
    from memos.ingest.report import Ingested, Remark

    name = "stdin:" if source is None else source.absolute().as_uri()
    remark = Remark(place="the source", reason=error.message)
    return Ingested(source=name, format="unknown", unread=(remark,))


def _table(reports: Sequence[Ingested]) -> Table:
    from rich.table import Table

    from memos.cli.output import one_line

    table = Table(box=None, pad_edge=False)
    for name in ("source", "format", "new", "there", "forgotten", "duplicates", "unread"):
        table.add_column(name, overflow="fold", justify="left" if name == "source" else "right")
    for one in reports:
        new = ", ".join(f"{count:,} {view}s" for view, count in one.views.items())
        counts = (one.already, one.forgotten, len(one.duplicates), len(one.unread))
        would = "would be " if one.dry_run and new else ""
        table.add_row(
            one_line(one.source), one.format, would + (new or "0"), *(f"{n:,}" for n in counts)
        )
    return table
