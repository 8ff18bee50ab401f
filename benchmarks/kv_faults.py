"""Faults of attention state: kills, damaged files, full disks; nothing wrong may be served.

    python -m benchmarks.kv_faults [--points 8] [--random 12] [--flips 5] [--seed 1]

Each case has a store of its own, with two KV cubes of which one begins as the other does. A
process is killed with SIGKILL before the n-th step of a call (half a write, an fsync, a renaming,
a removal, before or after a commit), or at a random moment; files of blocks are cut, flipped,
exchanged and removed; disks are full. Then the store is opened; every KV cube is asked, and so are
its texts, read as a whole: both must say what they said at first. It is checked before that, or
behind it, mended, checked again and asked again. Ends with exit code 1 where an answer is wrong,
an error is none of ours, or something is not mended.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
import traceback
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import kv_fault_acts as acts
from benchmarks.machine import machine
from memos.config import EmbedderSettings, KvSettings, RuntimeSettings, Settings, VectorsSettings
from memos.stores.digests import is_digest
from memos.testing.blocks import DAMAGES
from memos.testing.tiny_model import write_tiny_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

BLOCK_FILE = 20 << 10
"""About what a full block takes on disk here."""
CROWDED = ("transform", "warm", "move to disk")


@dataclass
class Row:
    """What came of the cases of one fault."""

    cases: int = 0
    killed: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    compared: int = 0
    problems: list[str] = field(default_factory=list)

    def add(self, told: dict[str, Any]) -> None:
        """What a process told that opened the store afterwards."""
        self.compared += told["compared"]
        self.problems += told["wrong"] + told.get("left", [])
        self.codes.update(told.get("codes", {}))
        self.refused += told.get("refused", 0)

    def cells(self) -> str:
        """As a row of Markdown."""
        errors, codes = (
            ", ".join(f"{name} ({count})" for name, count in sorted(some.items()))
            for some in (self.errors, self.codes)
        )
        return (
            f"{self.cases} | {self.killed or ''} | {errors} | {codes} | {self.refused or ''} | "
            f"{self.compared} | {len(self.problems)}"
        )


class Lab:
    """A store as it was before any fault, and as many copies of it as there are cases."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.chance = folder, random.Random(seed)  # noqa: S311 - no secret
        write_tiny_model(folder / "model")
        self.settings = Settings(
            cache=str(folder / "cache"),
            embedder=EmbedderSettings(backend="hash"),
            vectors=VectorsSettings(backend="exact"),
            runtime=RuntimeSettings(model=str(folder / "model"), device="cpu"),
            kv=KvSettings(block_tokens=32),
        )
        self.rows: dict[str, Row] = {}
        acts.warm_up(self.settings)
        self.made = self.run(acts.prepare, folder / "first")

    def run(self, do: Callable[..., Any], store: Path, *given: Any, **more: Any) -> dict[str, Any]:
        """What a process of its own tells; it may not fail."""
        code, told = forked(do, store, self.settings, *given, **more)
        assert told is not None, f"{do.__name__} ended with {code}"
        if "failed" in told:
            raise AssertionError(told["failed"])
        return told

    @contextmanager
    def case(self, fault: str) -> Iterator[tuple[Path, Row]]:
        """A copy of the store, for one case of a fault."""
        row = self.rows.setdefault(fault, Row())
        row.cases += 1
        store = self.folder / "case"
        shutil.copytree(self.folder / "first", store)
        yield store, row
        shutil.rmtree(store)

    def judge(self, store: Path, row: Row, *, check_first: bool) -> None:
        """Open the store after the fault."""
        told = self.run(acts.tell, store, self.made["truth"], check_first=check_first)
        row.add(told)

    def kill(self, name: str, points: int) -> None:
        """Kill an act before some of its steps, evenly spread, or all of them."""
        with self.case("uncounted") as (store, _):
            steps = self.run(acts.act, store, self.made, name)["steps"]
        chosen = sorted({1 + number * steps // points for number in range(points)})
        for number in chosen:
            with self.case(f"kill -9 in {name} ({steps} steps)") as (store, row):
                code, told = forked(acts.act, store, self.settings, self.made, name, number=number)
                row.killed += code == -signal.SIGKILL
                if code != -signal.SIGKILL:
                    row.problems.append(f"{name} was not killed before step {number}: {told}")
                self.judge(store, row, check_first=number % 2 == 0)

    def evict(self, points: int) -> None:
        """Kill an act for which other blocks have to go."""
        with self.case("uncounted") as (store, _):
            used = self.run(acts.act, store, self.made, "eviction")["used"]
        usual = self.settings
        kv = usual.kv.model_copy(update={"disk": used - 4 * BLOCK_FILE})
        self.settings = usual.model_copy(update={"kv": kv})
        with self.case("uncounted") as (store, _):
            assert self.run(acts.act, store, self.made, "eviction")["evicted"]
        self.kill("eviction", points)
        self.settings = usual

    def kill_any_time(self, count: int) -> None:
        """Kill a process that does one thing after another."""
        for number in range(count):
            with self.case("kill -9 at a random moment") as (store, row):
                moment = self.chance.uniform(0.3, 2.0)
                code, told = forked(acts.work, store, self.settings, self.made, kill_after=moment)
                row.killed += code == -signal.SIGKILL
                if told is not None:
                    row.problems.append(str(told))
                self.judge(store, row, check_first=number % 2 == 0)

    def damage(self, fault: str, spoil: Callable[[list[Path]], None]) -> None:
        """Damage files in two stores; one is asked first, one is checked first."""
        for check_first in (False, True):
            with self.case(fault) as (store, row):
                spoil(files(store))
                self.judge(store, row, check_first=check_first)

    def damages(self, flips: int) -> None:
        """Every way in which a file can be other than it was."""
        for how, act in DAMAGES.items():
            longer = how.startswith(("cut", "emptied", "too"))
            self.damage(f"a file {'cut or too long' if longer else 'altered'}", self._one(act))
        for _ in range(flips):
            self.damage("a random bit of every file", self._flip_all)
        self.damage("two files exchanged", exchange)
        self.damage("a file removed", lambda some: self.chance.choice(some).unlink())
        self.damage("all files removed", remove)

    def _one(self, act: Callable[[bytes], bytes]) -> Callable[[list[Path]], None]:
        def spoil(some: list[Path]) -> None:
            path = self.chance.choice(some)
            path.write_bytes(act(path.read_bytes()))

        return spoil

    def _flip_all(self, some: list[Path]) -> None:
        for path in some:
            content = bytearray(path.read_bytes())
            content[self.chance.randrange(len(content))] ^= 1 << self.chance.randrange(8)
            path.write_bytes(content)

    def crowd(self, name: str, row: Row, store: Path, **more: Any) -> None:
        """An act where there is no room, and questions after it."""
        told = self.run(acts.crowded, store, self.made, name, **more)
        row.errors[", then ".join(told["errors"]) or "none"] += 1
        row.compared += told["compared"]
        row.problems += told["wrong"]

    def full_disks(self) -> None:
        """No room for blocks, none for anything, and no file longer than so much."""
        for name in CROWDED:
            for limit in (4 << 10, 12 << 10, 19 << 10):
                with self.case(f"no long files ({name})") as (store, row):
                    self.crowd(name, row, store, limit=limit)
                    self.judge(store, row, check_first=False)
        for part in ("kv", ""):
            fault = "a full disk for blocks" if part else "a full disk for everything"
            for name in CROWDED:
                for room in (0, BLOCK_FILE // 2, 3 * BLOCK_FILE):
                    self._full(f"{fault} ({name})", name, part, room)

    def _full(self, fault: str, name: str, part: str, room: int) -> None:
        with self.case(fault) as (store, row), small_disk(store / part) as grow:
            if grow is None:
                row.errors["nobody may mount here"] += 1
                return
            full = (str(store / part), room)
            self.crowd(name, row, store, full=full)
            self.crowd(name, row, store, full=full)  # it is opened where there is no room
            grow()
            self.judge(store, row, check_first=False)


def forked(
    do: Callable[..., Any], *given: Any, kill_after: float | None = None, **more: Any
) -> tuple[int, dict[str, Any] | None]:
    """How a process of its own ended, and what it told: nothing if it was killed."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(reading)
        try:
            told = do(*given, **more)
        except BaseException:  # noqa: BLE001 - told to whoever forked it
            told = {"failed": traceback.format_exc()}
        os.write(writing, json.dumps(told).encode())
        os._exit(0)
    os.close(writing)
    if kill_after is not None:
        time.sleep(kill_after)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), json.loads(said) if said else None


@contextmanager
def small_disk(folder: Path) -> Iterator[Callable[[], None] | None]:
    """Put a folder on a disk of its own, and say how that gets room again once it is full.

    None where nobody may mount.
    """
    aside = folder.parent / f"{folder.name}-aside"
    folder.rename(aside)
    folder.mkdir()
    if not called("mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)):
        folder.rmdir()
        aside.rename(folder)
        yield None
        return
    try:
        shutil.copytree(aside, folder, dirs_exist_ok=True)
        yield (folder / acts.FILLER).unlink
    finally:
        assert called("umount", str(folder))
        shutil.rmtree(aside)


def called(*words: str) -> bool:
    """Whether a command is there, and succeeds."""
    program = shutil.which(words[0])
    return (
        program is not None
        and not subprocess.run([program, *words[1:]], capture_output=True, check=False).returncode
    )


def files(store: Path) -> list[Path]:
    """The files of blocks."""
    return sorted(path for path in (store / "kv").rglob("*") if is_digest(path.name))


def remove(some: Sequence[Path]) -> None:
    """None of them is there any more."""
    for path in some:
        path.unlink()


def exchange(some: Sequence[Path]) -> None:
    """Each of the first two has what was in the other."""
    one, other = (path.read_bytes() for path in some[:2])
    some[0].write_bytes(other)
    some[1].write_bytes(one)


def main() -> None:
    """Hurt, look and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=8, help="kills for each kind of call")
    parser.add_argument("--random", type=int, default=12, help="kills at random moments")
    parser.add_argument("--flips", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    print(machine(), flush=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kv-faults-") as folder:
        lab = Lab(Path(folder), asked.seed)
        for name in acts.ACTS:
            if name != "eviction":
                lab.kill(name, asked.points)
        lab.evict(asked.points)
        lab.kill_any_time(asked.random)
        lab.damages(asked.flips)
        lab.full_disks()
    lab.rows.pop("uncounted")
    print(f"seed {asked.seed}, {time.monotonic() - started:.0f} s\n")
    heads = "fault | cases | killed | errors | found by check | refused when read"
    print(f"| {heads} | answers compared | wrong or left |\n|---|---:|---:|---|---|---:|---:|---:|")
    for fault, row in lab.rows.items():
        print(f"| {fault} | {row.cells()} |")
    problems = [problem for row in lab.rows.values() for problem in row.problems]
    print("\n".join(f"- {problem}" for problem in problems))
    if problems:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
