"""The command ``bench retrieval``: how much of what is sought is found, on files of cases."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from memos.cli.call import Call, command
from memos.cli.failing import PARTIAL
from memos.cli.manual import Group, examples
from memos.errors import BadInput, shown
from memos.ports.progress import Progress, silent
from memos.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from memos import MemOS
    from memos.config import Settings
    from memos.evaluation.reading import Reading
    from memos.evaluation.trial import Bench
    from memos.ports.embedder import Embedder

_TOLD = 10
"""How many problems of a file are told one by one."""


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    bench = typer.Typer(
        cls=Group,
        help="Measure what this library does, on data of your own.",
        epilog=examples(
            ("memos bench retrieval --data cases.jsonl", "how much of what is sought is found"),
            ("memos bench retrieval -d cases.jsonl --no-rivals", "without anybody beside it"),
        ),
        rich_markup_mode=None,
        no_args_is_help=True,
    )
    command(
        bench,
        "retrieval",
        panel="Commands",
        nobodys=True,
        epilog=examples(
            ("memos bench retrieval --data locomo.jsonl", "the whole file, beside the rivals"),
            ("memos bench retrieval -d a.jsonl -d b.jsonl --json", "two files, for programs"),
            ("memos bench retrieval -d cases.jsonl --limit 50", "a quick look"),
            ("memos bench retrieval -d cases.jsonl --misses 5", "what was missed, and what came"),
            ("memos bench retrieval -d cases.jsonl --measure recall@3", "at a depth of your own"),
        ),
    )(_retrieval)
    app.add_typer(bench, name="bench", rich_help_panel="The store")


def _retrieval(
    call: Call,
    data: Annotated[
        list[Path] | None,
        typer.Option("--data", "-d", metavar="FILE", help="A file of cases; may be repeated."),
    ] = None,
    measure: Annotated[
        list[str] | None,
        typer.Option(
            "--measure",
            "-m",
            metavar="NAME",
            help="recall@K, or all@K for the share with all evidence found; may be repeated.",
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", "-n", metavar="N", min=1, help="At most this many questions a set."
        ),
    ] = None,
    misses: Annotated[
        int,
        typer.Option(
            "--misses", metavar="N", min=0, help="Show so many questions with missed evidence."
        ),
    ] = 0,
    rivals: Annotated[
        bool,
        typer.Option(
            "--rivals/--no-rivals", help="Chroma, BM25 and their rank fusion, on the same vectors."
        ),
    ] = True,
    in_memory: Annotated[
        bool,
        typer.Option("--in-memory", help="Stores in memory: quicker, with exact vectors."),
    ] = False,
) -> None:
    """Measure how much of the evidence a search finds.

    A file has one case a line: {"set", "sid", "memories": [{"id", "text", "speaker", "role",
    "session", "date", "caption", "title"}], "queries": [{"q", "gold": [ids], "cat"}]}; of a memory
    only id and text must be there. Each case goes into a fresh store, one memory a turn or
    passage, and each query is searched for with the defaults. Lines that cannot be read are told
    and left out, and the exit code is 7.
    """
    from memos.cli.scores import report_drawing
    from memos.evaluation.machine import machine
    from memos.evaluation.measures import Measure
    from memos.evaluation.reading import read_file
    from memos.evaluation.report import Report, set_reports

    if not data:
        raise BadInput("measure on which data?", hint="name a file of cases with --data")
    if call.store_named:
        raise BadInput("memos bench makes stores of its own", hint="leave out --store")
    measures = [Measure.read(name) for name in dict.fromkeys(measure or ())]
    readings = [read_file(path) for path in dict.fromkeys(data)]
    where = machine()
    settings = call.loaded.settings
    bench = open_bench(settings, rivals=rivals, in_memory=in_memory, progress=call.progress)
    try:
        sets = [
            one
            for reading in readings
            for one in set_reports(bench, reading, measures, limit=limit, misses=misses)
        ]
    finally:
        call.progress.close()
    report = Report(
        version=VERSION,
        machine=where,
        embedder=bench.embedder,
        store="memory" if in_memory else "folder",
        limit=limit,
        sets=tuple(sets),
    )
    call.out.one("bench-retrieval", report, table=report_drawing(report) if call.out.tabled else "")
    _tell(call, readings)


def open_bench(
    settings: Settings, *, rivals: bool = True, in_memory: bool = False, progress: Progress = silent
) -> Bench:
    """A bench whose stores are as the settings say, each in a temporary folder or in memory."""
    from memos import MemOS
    from memos.boot import open_scratch
    from memos.chosen import embedder_of
    from memos.evaluation.trial import Bench

    @contextmanager
    def open_store(embedder: Embedder) -> Iterator[MemOS]:
        with (
            _place(in_memory=in_memory) as place,
            MemOS.open(place, settings=settings, embedder=embedder) as mem,
        ):
            yield mem

    return Bench(
        embedder_of(settings),
        open_store,
        open_scratch=open_scratch if rivals else None,
        progress=progress,
    )


@contextmanager
def _place(*, in_memory: bool) -> Iterator[Path | None]:
    if in_memory:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="memos-bench-") as folder:
        yield Path(folder) / "memory"


def _tell(call: Call, readings: Sequence[Reading]) -> None:
    """Say what could not be read; it makes the run one that was done in part."""
    from memos.cli.tables import counted

    for reading in readings:
        for problem in reading.problems[:_TOLD]:
            call.out.warn(f"{reading.name}: {problem}")
        if len(reading.problems) > _TOLD:
            call.out.warn(f"{reading.name}: and {len(reading.problems) - _TOLD:,} more")
        if reading.undated:
            count, example = reading.undated.total(), next(iter(reading.undated))
            told = f"{counted(count, 'date')} cannot be read, such as {shown(example)}"
            call.out.warn(f"{reading.name}: {told}; the memories are taken without them")
    if any(reading.problems for reading in readings):
        raise typer.Exit(PARTIAL)
