"""The commands of the other kinds of memory: ``transform`` and ``chat``."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from memos.cli.call import Call, command
from memos.cli.manual import examples
from memos.cli.output import Mode, clean
from memos.cli.where import filters
from memos.cli.write import DryRun, Filter, Ids, Key, Where, given_ids
from memos.errors import BadInput

if TYPE_CHECKING:
    from pydantic import JsonValue

    from memos import Answer, MemCube, MemOS

PANEL = "KV caches and LoRA weights"


class Target(StrEnum):
    """What can be made of memories."""

    ACTIVATION = "activation"
    PARAMETRIC = "parametric"
    PLAINTEXT = "plaintext"


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    command(
        app,
        "transform",
        panel=PANEL,
        scoped=True,
        epilog=examples(
            ("memos transform ID ID --to activation", "a KV cache of two memories"),
            ("memos transform --user alice --to parametric", "a LoRA of all of Alice's"),
            ('memos transform --query "travel" -k 8 --to activation', "of what is found"),
            ("memos transform ID --to plaintext", "what a LoRA still holds, as a text"),
        ),
    )(_transform)
    command(
        app,
        "chat",
        panel=PANEL,
        scoped=True,
        epilog=examples(
            ('memos chat "Where does Alice live?" --user alice', "recalls by itself"),
            ('memos chat "Where does Alice live?" --memory ID', "from this cube, of any kind"),
            ('memos chat "Where does Alice live?" --no-memory', "what the model says alone"),
            ('memos chat "Where?" -m KV -m KV --compose 0.5', "from two KV cubes, approximately"),
            ('memos chat "Where does Alice live?" --routed', "from weights alone, where they know"),
        ),
    )(_chat)


def _transform(
    call: Call,
    to: Annotated[
        Target, typer.Option("--to", metavar="KIND", help="activation, parametric or plaintext.")
    ],
    ids: Ids = None,
    query: Annotated[
        str | None, typer.Option("--query", metavar="TEXT", help="Take what this finds.")
    ] = None,
    top: Annotated[
        int, typer.Option("--top", "-k", metavar="N", help="With --query: at most this many.")
    ] = 8,
    where: Where = None,
    filter_: Filter = None,
    title: Annotated[
        str | None, typer.Option("--title", metavar="TEXT", help="What to call the new cube.")
    ] = None,
    key: Key = None,
    dry_run: DryRun = False,
) -> None:
    """Make a KV cache (activation) or trained LoRA weights (parametric) from memories.

    Or a text (plaintext) of what a LoRA holds, as far as its sources say so, too.
    The new cube knows its sources: it becomes stale when one is revised, and goes when one is
    forgotten. A LoRA is examined after training, and used only if it passed.
    """
    from memos import Kind
    from memos.cli.cubes import write_cube, write_cubes

    named = given_ids(ids)
    condition = filters(where, filter_)
    _check_choice(call, ids, query, chosen=condition is not None)
    with call.open() as mem:
        cubes = _sources(mem, call, named, query, top, condition)
        if not cubes:
            raise BadInput("no memory was found to transform", hint="see memos ls or memos search")
        if dry_run:
            write_cubes(call.out, "cubes", cubes)
            call.out.note(f"would make one {to} cube of {len(cubes)} memories")
            return
        made = mem.transform(
            [cube.id for cube in cubes],
            to=Kind(to),
            title=title,
            idempotency_key=key,
            progress=call.progress,
            **call.scope,
        )
        call.progress.close()
        write_cube(call.out, "cube", made)
        _warn_if_unfit(call, made)


def _check_choice(call: Call, ids: list[str] | None, query: str | None, *, chosen: bool) -> None:
    if ids and (query is not None or chosen):
        raise BadInput("ids and --query or --where exclude each other", hint="choose one of them")
    if not (ids or query is not None or chosen or call.scoped):
        raise BadInput("transform what?", hint="name ids, --query, --where, or --user")


def _sources(
    mem: MemOS,
    call: Call,
    named: list[str],
    query: str | None,
    top: int,
    condition: dict[str, JsonValue] | None,
) -> list[MemCube]:
    from memos import Kind

    if named:
        return [mem.get(cube_id, **call.scope) for cube_id in named]
    if query is not None:
        hits = mem.search(query, k=top, filters=condition, **call.scope)
        return [hit.cube for hit in hits]
    return mem.get_all(kind=Kind.PLAINTEXT, filters=condition, **call.scope)


def _warn_if_unfit(call: Call, cube: MemCube) -> None:
    from memos.cube import Parametric

    if isinstance(cube.payload, Parametric) and not cube.payload.evaluation.passed:
        call.out.warn(f"{cube.payload.evaluation.verdict}; chat takes it only with --allow-unfit")


def _chat(
    call: Call,
    question: Annotated[
        str, typer.Argument(metavar="QUESTION", help="What to ask; - reads stdin.")
    ],
    memory: Annotated[
        list[str] | None,
        typer.Option(
            "--memory", "-m", metavar="ID", help="Answer from this cube; may be repeated."
        ),
    ] = None,
    no_memory: Annotated[
        bool, typer.Option("--no-memory", help="Answer without any memory.")
    ] = False,
    top: Annotated[
        int, typer.Option("--top", "-k", metavar="N", help="Recall at most this many.")
    ] = 5,
    max_tokens: Annotated[
        int, typer.Option("--max-tokens", metavar="N", help="The longest answer.")
    ] = 64,
    allow_unfit: Annotated[
        bool, typer.Option("--allow-unfit", help="Use a LoRA that failed its examination.")
    ] = False,
    routed: Annotated[
        bool, typer.Option("--routed", help="Use the LoRAs that serve the question.")
    ] = False,
    compose: Annotated[
        float | None,
        typer.Option(
            "--compose",
            metavar="SHARE",
            help="Put several KV cubes one behind another, computing this share anew: 0 to 1.",
        ),
    ] = None,
) -> None:
    """Ask the model a question, with memories.

    The answer goes to stdout as it is, also into a pipe, unless JSON is asked for; what it cost
    goes to stderr.
    """
    if memory and no_memory:
        raise BadInput("--memory and --no-memory exclude each other", hint="choose one of them")
    words = sys.stdin.read() if question == "-" else question
    with call.open() as mem:
        answer = mem.chat(
            words,
            memories=[] if no_memory else memory or None,
            k=top,
            max_tokens=max_tokens,
            allow_unfit=allow_unfit,
            compose=compose,
            weights="routed" if routed else "named",
            **call.scope,
        )
        call.progress.close()
        _write_answer(call, answer)


def _write_answer(call: Call, answer: Answer) -> None:
    if call.out.tabled or not call.out.asked:
        call.out.line(clean(answer.text))
    else:
        call.out.one(
            "answer", answer, ids=[memory.id for memory in answer.memories], table=answer.text
        )
    if call.out.mode is not Mode.QUIET:
        call.out.note(cost(answer))


def cost(answer: Answer) -> str:
    """What an answer took, as one line."""
    from memos.cli.tables import counted

    reused = f", {answer.reused_tokens:,} of them reused" if answer.reused_tokens else ""
    return (
        f"{counted(len(answer.memories), 'memory')}, {answer.prompt_tokens:,} prompt tokens"
        f"{reused}; "
        f"first token after {answer.first_token_seconds:.2f} s, "
        f"{answer.tokens} tokens in {answer.seconds:.2f} s"
    )
