"""The commands that ask most of the model: ``lora train`` and ``lora evaluate``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from memos.cli.call import Call, command
from memos.cli.confirm import may_write
from memos.cli.failing import FAILED, PARTIAL
from memos.cli.manual import examples
from memos.cli.where import filters
from memos.cli.write import DryRun, Filter, Ids, Where, Yes, given_ids
from memos.cube.frozen import Frozen
from memos.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import JsonValue

    from memos import LoraCube, MemCube, MemOS


class Method(StrEnum):
    """How weights are trained."""

    LORA = "lora"
    PREFIX = "prefix"
    SIDE = "side"


class _Plotted(Frozen):
    file: str
    adapters: tuple[str, ...]


def register(lora: typer.Typer, *, panel: str) -> None:
    """Add the commands to those of ``lora``."""
    command(
        lora,
        "train",
        panel=panel,
        scoped=True,
        epilog=examples(
            ("memos lora train ID ID", "an adapter of two memories"),
            ("memos lora train --user alice --shard 20", "one for every 20 of Alice's"),
            ("memos lora train -w labels~work --method side", "a side memory of what is labelled"),
            ("memos lora train --user alice --dry-run", "which memories that would be"),
        ),
    )(_train)
    command(
        lora,
        "evaluate",
        panel=panel,
        scoped=True,
        epilog=examples(
            ("memos lora evaluate ID", "examine it again, beside all others"),
            ("memos lora evaluate ID --plot retention.svg", "and draw what it retained"),
        ),
    )(_evaluate)


def _train(
    call: Call,
    ids: Ids = None,
    where: Where = None,
    filter_: Filter = None,
    method: Annotated[
        Method, typer.Option("--method", metavar="NAME", help="lora, prefix or side.")
    ] = Method.LORA,
    shard: Annotated[
        int | None,
        typer.Option("--shard", metavar="N", min=1, help="One adapter for every N memories."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", metavar="N", help="Of the training.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option("--steps", metavar="N", min=1, help="At most so many steps.")
    ] = None,
    dry_run: DryRun = False,
) -> None:
    """Train adapters on memories, and examine them.

    One that fails its examination is kept, and serves only where it is named and allowed. Exit
    code 7 if there was nothing to learn for some of several.
    """
    from memos.cli.cubes import write_cubes
    from memos.cli.tables import counted

    named, condition = given_ids(ids), filters(where, filter_)
    if ids and condition is not None:
        raise BadInput("ids and --where or --filter exclude each other", hint="choose one of them")
    if not (ids or condition is not None or call.scoped):
        raise BadInput("train on what?", hint="name ids, --where, or --user")
    for name, value in (("seed", seed), ("steps", steps)):
        if value is not None:
            call.set(f"training.{name}", str(value))
    with call.open() as mem:
        sources = _sources(mem, call, named, condition)
        if not sources:
            raise BadInput("no memory was found to train on", hint="see memos ls")
        parts = _parts(sources, shard)
        if dry_run:
            write_cubes(call.out, "cubes", sources)
            would = counted(len(parts), "adapter")
            call.out.note(f"would train {would} on {counted(len(sources), 'memory')}")
            return
        made = [one for part in parts if (one := _trained(mem, call, part, parts, method))]
        call.progress.close()
        write_cubes(call.out, "cubes", made)
    _tell_verdicts(call, made)
    if len(made) < len(parts):
        raise typer.Exit(PARTIAL if made else FAILED)


def _sources(
    mem: MemOS, call: Call, named: list[str], condition: dict[str, JsonValue] | None
) -> list[MemCube]:
    """The memories to train on; of all, those that an adapter recited are left out."""
    from memos import Kind
    from memos.life.reciting import RECITED

    if named:
        return [mem.get(cube_id, **call.scope) for cube_id in named]
    found = mem.get_all(kind=Kind.PLAINTEXT, filters=condition, **call.scope)
    return [cube for cube in found if cube.provenance.step.operation != RECITED]


def _parts(sources: Sequence[MemCube], shard: int | None) -> list[Sequence[MemCube]]:
    size = shard or len(sources)
    return [sources[start : start + size] for start in range(0, len(sources), size)]


def _trained(
    mem: MemOS,
    call: Call,
    sources: Sequence[MemCube],
    parts: Sequence[Sequence[MemCube]],
    method: Method,
) -> MemCube | None:
    """An adapter; None where nothing can be learnt from one part of several."""
    from memos import Kind

    try:
        return mem.transform(
            [cube.id for cube in sources],
            to=Kind.PARAMETRIC,
            method=str(method),
            progress=call.progress,
            **call.scope,
        )
    except BadInput as error:
        if len(parts) == 1:
            raise
        call.out.warn(str(error))
        return None


def _tell_verdicts(call: Call, made: Sequence[MemCube]) -> None:
    from memos.cube import Parametric

    for cube in made:
        if isinstance(cube.payload, Parametric):
            told = f"{cube.id} is {cube.payload.evaluation.verdict}"
            (call.out.note if cube.payload.evaluation.passed else call.out.warn)(told)


def _evaluate(
    call: Call,
    cube_id: Annotated[str, typer.Argument(metavar="ID", help="A parametric cube.")],
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE", help="Draw it into an SVG file.")
    ] = None,
    yes: Yes = False,
) -> None:
    """Examine an adapter again, as questions are served now, with all others around it."""
    if plot is not None and not may_write(plot, grounds=call.grounds, yes=yes):
        call.out.warn("nothing was written")
        raise typer.Exit(FAILED)
    with call.open() as mem:
        evaluation = mem.evaluate(cube_id, progress=call.progress, **call.scope)
        call.progress.close()
        call.out.one("evaluation", evaluation, ids=[cube_id], table=evaluation.verdict)
        last = evaluation.retention[-1]
        call.out.note(f"beside {last.others:,} others it recalls {last.recall:.0%}")
        if plot is not None:
            adapters = [one for one in mem.lora_cubes(**call.scope) if one.id == cube_id]
            write_plot(call, mem, plot, adapters)


def draw_plot(call: Call, mem: MemOS, file: Path, adapters: Sequence[LoraCube]) -> None:
    """Draw adapters into a file, and say so on stdout."""
    write_plot(call, mem, file, adapters)
    told = _Plotted(file=str(file), adapters=tuple(one.id for one in adapters))
    if not call.out.tabled:
        call.out.one("lora-plot", told, ids=told.adapters, table="")


def write_plot(call: Call, mem: MemOS, file: Path, adapters: Sequence[LoraCube]) -> None:
    """Draw adapters into a file.

    Raises:
        BadInput: it cannot be written.
    """
    from memos.cli.lora_figure import Drawn, figure

    drawn = [
        Drawn(f"{one.title} ({one.id})", one.drift, (_first(mem, one, call), *_later(one)))
        for one in adapters
    ]
    try:
        file.write_text(figure(drawn), encoding="utf-8")
    except OSError as error:
        message = f"{file} cannot be written: {error.strerror or error}"
        raise BadInput(message, hint="name a file in a folder that you may write to") from error
    call.out.note(f"wrote {file}")


def _first(mem: MemOS, one: LoraCube, call: Call) -> float:
    """What it recalled when it was made."""
    from memos.cube import Parametric

    born = mem.history(one.id, **call.scope)[0].payload
    return born.evaluation.recall_after if isinstance(born, Parametric) else one.recall


def _later(one: LoraCube) -> tuple[float, ...]:
    return tuple(each.recall for each in one.retention)
