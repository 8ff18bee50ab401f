"""The command ``kv bench``: what reading a text costs here, whole and from each place."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from memos.cli.call import Call, command
from memos.cli.manual import examples

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table

    from memos.config import Settings
    from memos.evaluation.kv import KvCosts, PlaceCost


def register(kv: typer.Typer, *, panel: str) -> None:
    """Add the command to those of ``kv``."""
    command(
        kv,
        "bench",
        panel=panel,
        nobodys=True,
        epilog=examples(
            ("memos kv bench", "a text of 512 tokens, three times from each place"),
            ("memos kv bench --tokens 4096 --rounds 1", "a longer one, once"),
            ("memos kv bench --set kv.codec=int8 --json", "with another codec, for programs"),
        ),
    )(_bench)


def _bench(
    call: Call,
    tokens: Annotated[
        int, typer.Option("--tokens", "-n", metavar="N", min=1, help="How long the text is.")
    ] = 512,
    rounds: Annotated[
        int, typer.Option("--rounds", metavar="N", min=1, help="How often each is measured.")
    ] = 3,
) -> None:
    """Measure what reading a text costs with the configured model, whole and from each place.

    The blocks lie in a folder of their own beside the store, are not encrypted, and are removed
    again, from a server as well. Files that were written just now come from the system's cache,
    as far as memory reaches: a disk is slower at first.
    """
    from memos.chosen import kv_of, runtime_of
    from memos.evaluation.kv import KvTrial
    from memos.evaluation.machine import machine
    from memos.opening import blocks_of, shared_of

    settings, where = call.loaded.settings, machine()
    with tempfile.TemporaryDirectory(prefix=".memos-kv-bench-", dir=_beside(settings)) as folder:
        disk = partial(blocks_of, Path(folder) / "kv", None)
        kv = kv_of(settings, disk, lambda: True, shared_of(settings))
        try:
            runtime = runtime_of(settings, kv, call.progress)
            trial = KvTrial(runtime, kv, rounds=rounds, progress=call.progress)
            costs = trial.measure(tokens, machine=where)
        finally:
            call.progress.close()
            kv.close()
    if call.out.tabled:
        for line in (*where.splitlines(), *_told(costs)):
            call.out.line(line)
        call.out.line("")
    call.out.one("kv-bench", costs, table=_table(costs) if call.out.tabled else "")
    for place, why in costs.absent.items():
        call.out.warn(f"{place}: {why}")


def _beside(settings: Settings) -> Path:
    """The folder in which the store lies or would lie, or the nearest above it that is there."""
    place = Path(settings.store).expanduser().absolute()
    return next(one for one in place.parents if one.is_dir())


def _told(costs: KvCosts) -> Iterator[str]:
    from memos.cli.tables import counted, size

    yield (
        f"{costs.model}; {counted(costs.tokens, 'token')} in {counted(costs.blocks, 'block')}, "
        f"then {costs.question_tokens} of a question; medians of {counted(costs.rounds, 'round')}"
    )
    yield (
        f"computing: {1000 * costs.seconds_per_token:.3f} ms a token, "
        f"{1000 * costs.block_seconds:.1f} ms a block of {costs.block_tokens} tokens"
    )
    yield f"a block is {size(costs.block_bytes)} of keys and values"
    for one in costs.places:
        yield f"{one.place}: {_verdict(one, costs)}"


def _verdict(one: PlaceCost, costs: KvCosts) -> str:
    """What a planner makes of a place at these speeds."""
    if one.block_seconds is None:
        return "blocks are read where they lie, or copied while the model computes"
    loading, computing = one.block_seconds, costs.block_seconds
    quicker = "loading" if loading < computing else "computing"
    ratio = max(loading, computing) / min(loading, computing)
    return (
        f"{_ms(loading)} to load a block, {_ms(computing)} to compute it: "
        f"{quicker} is {ratio:.1f} times as quick"
    )


def _table(costs: KvCosts) -> Table:
    from memos.cli.tables import plain_table

    right = {"no_wrap": True, "justify": "right"}
    table = plain_table(
        ("from", {"no_wrap": True}),
        *((name, right) for name in ("first token", "gain", "loaded", "read", "written")),
        ("a block", right),
    )
    whole = costs.first_token_seconds
    table.add_row("computed whole", _ms(whole), "", "", "", "", _ms(costs.block_seconds))
    for one in costs.places:
        table.add_row(
            one.place,
            _ms(one.first_token_seconds),
            f"{whole / one.first_token_seconds:.1f}x",
            f"{one.loaded_tokens:,}",
            _speed(one.read_bytes_per_second),
            _speed(one.written_bytes_per_second),
            _ms(one.block_seconds),
        )
    return table


def _ms(seconds: float | None) -> str:
    return "" if seconds is None else f"{1000 * seconds:,.1f} ms"


def _speed(bytes_per_second: float | None) -> str:
    from memos.cli.tables import size

    return "" if bytes_per_second is None else f"{size(int(bytes_per_second))}/s"
