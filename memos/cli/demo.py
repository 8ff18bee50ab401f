"""``memos demo``: what this library does, told on a conversation, step by step."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from memos.cli.call import Call, command
from memos.cli.manual import examples
from memos.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    command(
        app,
        "demo",
        panel="The store",
        epilog=examples(
            ("memos demo", "on the conversation that comes along"),
            ("memos demo --fast", "a shorter one"),
            ("memos demo --data chat.jsonl", "on a chat of your own"),
            ("memos demo --keep ./demo", "and look at the store afterwards"),
        ),
    )(_demo)


def _demo(
    call: Call,
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="FILE", help="A chat that memos add can read."),
    ] = None,
    keep: Annotated[
        Path | None, typer.Option("--keep", metavar="DIR", help="Keep the store in this folder.")
    ] = None,
    fast: Annotated[bool, typer.Option("--fast", help="Fewer searches, fewer facts.")] = False,
) -> None:
    """Tell the whole story: store, search, revise, resume, train, forget.

    Everything is real: the embedding model, the language model, its attention state and the
    training of a LoRA, all on this machine. It takes a few minutes on two cores.
    """
    from memos import MemOS
    from memos.cli.plan import planned
    from memos.cli.sequel import tell_derived
    from memos.cli.story import Stage, tell_text
    from memos.cli.teller import Teller

    if call.store_named:
        raise BadInput("memos demo makes a store of its own", hint="name it with --keep DIR")
    if call.principal_named:
        raise BadInput("memos demo acts as the application", hint="leave out --as")
    plan = planned(data, fast=fast)
    teller = Teller(call.out)
    settings = call.loaded.settings
    with _folder(keep) as folder:
        try:
            with MemOS.open(folder, settings=settings, progress=call.progress) as mem:
                stage = Stage(mem, plan, teller, call.progress)
                tell_text(stage)
                tell_derived(stage)
        finally:
            call.progress.close()
    ending = f"memos --store {keep} stats" if keep else "the store is gone; --keep DIR keeps it"
    call.out.note(f"\n{ending}")


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="memos-demo-") as folder:
            yield Path(folder) / "memory"
        return
    try:
        is_free = not any(keep.iterdir()) if keep.is_dir() else not keep.exists()
    except OSError as error:
        message = f"the folder {keep} cannot be used: {error.strerror}"
        raise BadInput(message, hint="choose one that you may write to") from error
    if not is_free:
        raise BadInput(f"{keep} is not an empty folder", hint="name one that does not exist")
    yield keep
