"""The commands about LoRAs: ``lora ls``, ``route``, ``recite``, ``merge``, ``drop``, ``plot``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from memos.cli import lora_training as training
from memos.cli.call import Call, command
from memos.cli.confirm import confirm, may_write
from memos.cli.convert import PANEL
from memos.cli.failing import FAILED
from memos.cli.forget import write_forgotten
from memos.cli.lora_training import draw_plot
from memos.cli.manual import Group, examples
from memos.cli.write import DryRun, Ids, Yes, given_ids
from memos.errors import BadInput

if TYPE_CHECKING:
    from memos import LoraCube, MemOS

_COMMANDS = "Commands"
Adapter = Annotated[str, typer.Argument(metavar="ID", help="A parametric cube.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    lora = typer.Typer(
        cls=Group,
        help="Look after what was trained: which adapters there are, what they hold, who serves.",
        epilog=examples(
            ("memos lora train --user alice", "one of all of Alice's memories"),
            ("memos lora ls", "what there is, and how it did"),
            ('memos lora route "Where does Alice live?"', "which of them would serve"),
            ('memos chat "Where does Alice live?" --routed', "ask, and let them serve"),
        ),
        rich_markup_mode=None,
        no_args_is_help=True,
    )
    command(
        lora,
        "ls",
        panel=_COMMANDS,
        scoped=True,
        epilog=examples(
            ("memos lora ls", "every adapter, and its last examination"),
            ("memos lora ls --user alice --json", "Alice's, for programs"),
            ("memos lora ls --stale -q", "ids of those that do not serve any more"),
        ),
    )(_ls)
    training.register(lora, panel=_COMMANDS)
    command(
        lora,
        "route",
        panel=_COMMANDS,
        scoped=True,
        epilog=examples(
            ('memos lora route "Where does Alice live?"', "who serves, and why the others not"),
            ('memos lora route "Where?" --explain', "with names, similarity and threshold"),
        ),
    )(_route)
    command(
        lora,
        "recite",
        panel=_COMMANDS,
        scoped=True,
        epilog=examples(
            ("memos lora recite ID", "what it holds, and what it lost"),
            ("memos transform ID --to plaintext", "make a memory of what it holds"),
        ),
    )(_recite)
    command(
        lora,
        "merge",
        panel=_COMMANDS,
        scoped=True,
        epilog=examples(
            ("memos lora merge ID ./model", "a model of its own; asks first"),
            ("memos lora merge ID ./model --yes", "without asking"),
        ),
    )(_merge)
    command(
        lora,
        "drop",
        panel=_COMMANDS,
        scoped=True,
        epilog=examples(
            ("memos lora drop ID --dry-run", "what would go with it"),
            ("memos lora drop ID", "the memories stay; asks first"),
            ("memos lora ls --stale -q | memos lora drop - --yes", "all that do not serve"),
        ),
    )(_drop)
    command(
        lora,
        "plot",
        panel=_COMMANDS,
        scoped=True,
        epilog=examples(
            ("memos lora plot adapters.svg", "all: retention, and recall against drift"),
            ("memos lora plot two.svg ID ID", "of these two"),
        ),
    )(_plot)
    app.add_typer(lora, name="lora", rich_help_panel=PANEL)


def _ls(
    call: Call,
    stale: Annotated[
        bool, typer.Option("--stale", help="Only those that cannot be served any more.")
    ] = False,
) -> None:
    """Show adapters: what they were trained on, how they did, and whether they may serve."""
    from memos.cli.lora_tables import adapters_table

    with call.open() as mem:
        adapters = mem.lora_cubes(**call.scope)
    if stale:
        adapters = [one for one in adapters if one.standing in _GONE]
    call.out.many(
        "lora",
        adapters,
        content=lambda one: one.model_dump(mode="json"),
        ids=lambda one: one.id,
        table=adapters_table,
    )
    if not adapters and not stale:
        call.out.note("there are no adapters: memos lora train makes one")


_GONE = ("stale", "expired", "other model")


def _route(
    call: Call,
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="What would be asked.")],
    top: Annotated[
        int, typer.Option("--top", "-k", metavar="N", help="So many memories lead to adapters.")
    ] = 16,
    explain: Annotated[
        bool, typer.Option("--explain", help="Names, similarity and threshold of each.")
    ] = False,
) -> None:
    """Say which adapters would serve a question, and of the others why they would not.

    One serves where the question names what its memories tell of, and is to the model like a
    question that was trained.
    """
    from memos.cli.lora_tables import routes_table

    with call.open() as mem:
        routes = mem.route(question, k=top, **call.scope)
        call.progress.close()
    call.out.many(
        "routes",
        routes,
        content=lambda one: one.model_dump(mode="json"),
        ids=lambda one: one.cube_id,
        table=lambda found: routes_table(found, explained=explain),
    )
    if not any(one.serves for one in routes):
        call.out.note("none serves: the model would answer as it is")


def _recite(call: Call, cube_id: Adapter) -> None:
    """Ask an adapter for all that it was taught, and compare that with its sources."""
    from memos.cli.lora_tables import recital_table

    with call.open() as mem:
        told = mem.recite(cube_id, **call.scope)
        call.progress.close()
    drawn = recital_table(told) if call.out.tabled else ""
    call.out.one("recital", told, ids=[told.cube_id], table=drawn)
    held, asked = len(told.held), len(told.held) + len(told.lost)
    call.out.note(f"{held:,} of {asked:,} held")


def _merge(
    call: Call,
    cube_id: Adapter,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the model goes.")],
    yes: Yes = False,
) -> None:
    """Write a model to a folder, an adapter added to its weights for good.

    Forgetting does not reach that folder: whoever writes it answers for erasing it.
    """
    with call.open() as mem:
        if not confirm(f"Write a model that forgetting cannot reach to {folder}", yes=yes):
            call.out.warn("nothing was written")
            raise typer.Exit(FAILED)
        made = mem.merge_weights(cube_id, folder, **call.scope)
        call.progress.close()
    call.out.one("merged", made, ids=[made.weights], table=f"{made.name}: weights {made.weights}")
    call.out.note(f"wrote {folder}; forgetting does not reach it")


def _drop(call: Call, ids: Ids = None, dry_run: DryRun = False, yes: Yes = False) -> None:
    """Forget adapters, with what they recited; the memories that they were made from stay."""
    from memos.cli.tables import counted

    named = given_ids(ids)
    if ids and not named:
        call.out.note("no ids on stdin: nothing to drop")
        return
    if not named:
        raise BadInput("drop what?", hint="name parametric cubes: memos lora ls")
    with call.open() as mem:
        _require_adapters(mem, call, named)
        preview = mem.forget(named, dry_run=True, **call.scope)
        if dry_run:
            write_forgotten(call, preview)
            return
        if not confirm(f"Forget {counted(len(preview.cubes), 'cube')}", yes=yes):
            call.out.warn("nothing was forgotten")
            raise typer.Exit(FAILED)
        write_forgotten(call, mem.forget(named, **call.scope))


def _require_adapters(mem: MemOS, call: Call, named: list[str]) -> None:
    for cube_id in named:
        cube = mem.get(cube_id, **call.scope)
        if cube.kind != "parametric":
            hint = "memos forget forgets cubes of any kind"
            raise BadInput(f"cube {cube_id} is {cube.kind}, and no adapter", hint=hint)


def _plot(
    call: Call,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An SVG file to write.")],
    ids: Ids = None,
    yes: Yes = False,
) -> None:
    """Draw adapters into an SVG file: what they retained, and recall against drift."""
    with call.open() as mem:
        adapters = _chosen(mem.lora_cubes(**call.scope), given_ids(ids) if ids else None)
        if not may_write(file, grounds=call.grounds, yes=yes):
            call.out.warn("nothing was written")
            raise typer.Exit(FAILED)
        draw_plot(call, mem, file, adapters)


def _chosen(adapters: list[LoraCube], named: list[str] | None) -> list[LoraCube]:
    if named is None:
        chosen = adapters
    else:
        there = {one.id: one for one in adapters}
        missing = next((one for one in named if one not in there), None)
        if missing is not None:
            raise BadInput(f"there is no adapter {missing}", hint="memos lora ls")
        chosen = [there[one] for one in named]
    if not chosen:
        raise BadInput("there is no adapter to draw", hint="memos lora train makes one")
    return chosen
