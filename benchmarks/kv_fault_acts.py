"""What the processes of benchmarks.kv_faults do: they prepare, act until they are killed, and tell.

Everything here runs in a child that was forked for it, and has a store to itself.
"""

from __future__ import annotations

import io
import os
import resource
import signal
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memos import Kind, MemOS
from memos.errors import MemosError
from memos.ports.kv import DISK, RAM

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from memos.config import Settings

SAID = (
    "Alice moved to Lisbon in May.",
    "Alice works as a baker near the harbour.",
    "Alice has a dog that is called Rua.",
    "Alice sold her boat to Bruno in the autumn.",
)
LONG = " ".join(f"On day {number} the boats were painted once more." for number in range(12))
ASKED = "Where is Alice?"
TOKENS = 16
FILLER = ".filler"
"""A file that takes the room of a disk."""
Truth = dict[str, str]
"""By texts, joined, what the model answers with them."""


def warm_up(settings: Settings) -> None:
    """Import what takes long, and run it once: children are born with it."""
    import torch

    torch.set_num_threads(1)  # threads would not live on in children
    with MemOS.open(None, settings=settings) as mem:
        (cube,) = mem.add("warm")
        mem.chat(ASKED, memories=[mem.transform([cube.id], to=Kind.ACTIVATION).id], max_tokens=1)


def answers(mem: MemOS, truth: Truth) -> dict[str, Any]:
    """Ask every KV cube, and its texts read as a whole: both say what they said at first."""
    compared, wrong = 0, []
    for state in mem.get_all(kind=Kind.ACTIVATION):
        sources = [parent.id for parent in state.provenance.parents]
        named = "\n".join(mem.get(one).text for one in sources)
        read = mem.chat(ASKED, memories=sources, max_tokens=TOKENS).text
        served = mem.chat(ASKED, memories=[state.id], max_tokens=TOKENS).text
        compared += 1
        if served != read or truth.setdefault(named, read) != read:
            wrong.append(f"{state.id} answers {served!r}, its texts {read!r}")
    return {"compared": compared, "wrong": wrong}


def prepare(store: Path, settings: Settings) -> dict[str, Any]:
    """A store with two KV cubes, of which one begins as the other does."""
    with MemOS.open(store, settings=settings) as mem:
        ids = [cube.id for cube in mem.add([{"content": text} for text in SAID])]
        whole = mem.transform(ids, to=Kind.ACTIVATION)
        half = mem.transform(ids[:2], to=Kind.ACTIVATION)
        truth: Truth = {}
        told = answers(mem, truth)
        assert not told["wrong"], told
        assert len(set(truth.values())) == len(truth), "nobody could tell what was served"
        return {"texts": ids, "whole": whole.id, "half": half.id, "truth": truth}


def tell(store: Path, settings: Settings, truth: Truth, *, check_first: bool) -> dict[str, Any]:
    """Open a store after a fault: ask, check, mend, check and ask again."""
    with MemOS.open(store, settings=settings) as mem:
        told = [] if check_first else [answers(mem, truth)]
        found = mem.check().problems
        mended = mem.check(repair=True).problems
        left = mem.check().problems
        told.append(answers(mem, truth))
        damaged = {place.place: place.damaged for place in mem.kv_places()}[DISK]
    return {
        "compared": sum(one["compared"] for one in told),
        "wrong": [wrong for one in told for wrong in one["wrong"]],
        "codes": Counter(one.code for one in found),
        "refused": damaged,
        "left": [f"{one.code} {one.subject}" for one in (*left, *mended) if not one.repaired],
    }


class Fuse:
    """Counts the steps that files and commits take, and kills the process before one of them.

    Args:
        number: before which step; None only counts.
        seen: whether a step on this path counts.
    """

    def __init__(self, number: int | None) -> None:
        self.left, self.steps = number, 0
        self._real = {name: getattr(os, name) for name in ("fsync", "replace", "rename", "unlink")}
        self._fdopen = os.fdopen

    def burn(self) -> None:
        """One step."""
        self.steps += 1
        if self.left is not None and self.steps >= self.left:
            os.kill(os.getpid(), signal.SIGKILL)

    def lit(self, mem: MemOS) -> None:
        """From now on, steps count."""
        for name, real in self._real.items():
            setattr(os, name, self._before(real))
        os.fdopen = self._opened
        catalog = mem._parts.catalog  # noqa: SLF001 - a step of every call
        commit = self._before(catalog.commit)

        def committed(*given: Any, **more: Any) -> Any:
            done = commit(*given, **more)
            self.burn()
            return done

        catalog.commit = committed  # type: ignore[method-assign]

    def out(self) -> None:
        """Files are as they were."""
        for name, real in self._real.items():
            setattr(os, name, real)
        os.fdopen = self._fdopen

    def _before(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def stepped(*given: Any, **more: Any) -> Any:
            self.burn()
            return real(*given, **more)

        return stepped

    def _opened(self, *given: Any, **more: Any) -> Any:
        """A file of which half is written before the step of writing it."""
        file = self._fdopen(*given, **more)
        if isinstance(file, io.BufferedWriter):
            write = file.write

            def half(content: Any) -> int:
                view = memoryview(content).cast("B")
                write(view[: len(view) // 2])
                file.flush()
                self.burn()
                return len(view) // 2 + write(view[len(view) // 2 :])

            file.write = half  # type: ignore[method-assign]
        return file


def _drop_files(mem: MemOS, made: dict[str, Any]) -> None:
    """The blocks of a cube lie in memory alone."""
    mem.warm([made["whole"]])
    kv = mem._parts.kv  # noqa: SLF001 - what a full disk would have left
    names = mem._parts.ledger.blocks()[made["whole"]]  # noqa: SLF001
    kv._shelves[DISK].drop(names)  # type: ignore[attr-defined]  # noqa: SLF001


def _cool(mem: MemOS, made: dict[str, Any]) -> None:
    mem.cool([made["whole"], made["half"]])


def _nothing(mem: MemOS, made: dict[str, Any]) -> None:
    """There is nothing to do before."""


def _evict(mem: MemOS, made: dict[str, Any]) -> None:
    (cube,) = mem.add(LONG)
    mem.transform([cube.id, *made["texts"]], to=Kind.ACTIVATION)


ACTS: dict[str, tuple[Callable[..., object], Callable[..., object]]] = {
    "transform": (
        _nothing,
        lambda mem, made: mem.transform(made["texts"][::-1], to=Kind.ACTIVATION),
    ),
    "warm": (_cool, lambda mem, made: mem.warm([made["whole"], made["half"]])),
    "move to disk": (_drop_files, lambda mem, made: mem.move(made["whole"], to=DISK)),
    "move to ram": (_nothing, lambda mem, made: mem.move(made["whole"], to=RAM)),
    "eviction": (_nothing, _evict),
    "cool": (_nothing, lambda mem, made: mem.cool([made["half"], made["whole"]])),
    "forget": (_nothing, lambda mem, made: mem.forget(made["texts"][0])),
}
"""What comes before an act, and the act."""


def act(
    store: Path, settings: Settings, made: dict[str, Any], name: str, *, number: int | None = None
) -> dict[str, Any]:
    """Do it, and be killed before a step; or count the steps."""
    fuse = Fuse(number)
    before, doing = ACTS[name]
    with MemOS.open(store, settings=settings) as mem:
        before(mem, made)
        fuse.lit(mem)
        doing(mem, made)
        fuse.out()
        disk = {place.place: place for place in mem.kv_places()}[DISK]
    return {"steps": fuse.steps, "evicted": disk.evicted, "used": disk.used_bytes}


def work(store: Path, settings: Settings, made: dict[str, Any]) -> None:
    """One act after another, until somebody kills the process."""
    with MemOS.open(store, settings=settings) as mem:
        while True:
            for name in ("warm", "move to disk", "move to ram", "transform"):
                before, doing = ACTS[name]
                before(mem, made)
                doing(mem, made)
                time.sleep(0)


def crowded(
    store: Path,
    settings: Settings,
    made: dict[str, Any],
    name: str,
    *,
    limit: int | None = None,
    full: tuple[str, int] | None = None,
) -> dict[str, Any]:
    """Act where there is no room, then ask.

    Args:
        store: the store, which may be on a disk that is full already.
        settings: its settings.
        made: what :func:`prepare` has told.
        name: of the act.
        limit: no file gets longer than so many bytes.
        full: a folder whose disk is filled after the opening, but for so many bytes.
    """
    before, doing = ACTS[name]
    told: dict[str, Any] = {"compared": 0, "wrong": [], "errors": []}
    truth = dict(made["truth"])

    def one_after_another(mem: MemOS) -> Iterator[Callable[[], object]]:
        yield lambda: before(mem, made)
        _fill(limit, full)
        yield lambda: doing(mem, made)
        yield lambda: told.update(answers(mem, truth))

    try:
        with MemOS.open(store, settings=settings) as mem:
            for step in one_after_another(mem):
                told["errors"] += _error_of(step)
    except MemosError as error:
        told["errors"].append(f"{type(error).__name__} when opened")
    return told


def fill(folder: str, room: int) -> None:
    """Leave so many bytes of a disk."""
    there = os.statvfs(folder)
    with (Path(folder) / FILLER).open("ab") as filler:
        filler.write(bytes(max(0, there.f_bavail * there.f_bsize - room)))


def _fill(limit: int | None, full: tuple[str, int] | None) -> None:
    if limit is not None:
        most = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, most))
    if full is not None:
        fill(*full)


def _error_of(step: Callable[[], object]) -> list[str]:
    try:
        step()
    except MemosError as error:
        return [type(error).__name__]
    return []
