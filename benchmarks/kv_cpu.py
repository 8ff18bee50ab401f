"""Time to first token on a CPU from blocks in memory and on disk, beside prefill; and exactness.

    python -m benchmarks.kv_cpu [--tokens 512 1024 2048 4096] [--repeats 5] [--threads 1]

A text of so many tokens, and a question of some twenty behind it. The rivals run in the same
process: the whole prompt through transformers in one pass (SDPA), and what others keep, a
DynamicCache that is pickled whole by ``torch.save``. From disk everything is read by places that
were opened anew, and whose files were pushed out of the page cache. CPU seconds are the figure to
trust on a shared machine: the least of some repeats, of one where everything is read, which takes
long enough; of one thread, for several wait for one another where cores are busy, and their
waiting counts as CPU seconds.
"""

from __future__ import annotations

import argparse
import io
import os
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from transformers import DynamicCache

from benchmarks.machine import machine
from benchmarks.runtime import configured_runtime
from memos.models import kv_attention
from memos.models.block_reader import BlockReader
from memos.models.decode import last_logits
from memos.models.kv_shelf import Shelf
from memos.models.kv_tiers import Budgets, Tiers
from memos.ports.kv import DISK
from memos.ports.runtime import Message
from memos.scheduler.lru import Lru
from memos.stores.blocks_files import BlockFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from memos.models.runtime_torch import TorchRuntime
    from memos.ports.runtime import Prompt

FILLER = (
    "The harbour was quiet that morning, and the baker had left the door of the shop open. "
    "Somebody had painted the boats in new colours, green and white, as they had been long ago. "
)
QUESTION = Message("user", "What colours had somebody painted the boats in?")
WRITTEN = 32
SALT = "5" * 64


@dataclass
class Cost:
    """What a way to the first token takes, and what comes of it."""

    cpu: float = float("inf")
    wall: float = float("inf")
    logits: torch.Tensor = field(default_factory=lambda: torch.empty(0))
    written: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.cpu:.2f} / {self.wall:.2f}"


class Bench:
    """A model, and places for the blocks of one text."""

    def __init__(self, runtime: TorchRuntime, folder: Path, tokens: int, repeats: int) -> None:
        self.runtime, self.folder, self.repeats = runtime, folder, repeats
        self.model: Any = runtime._lm.model  # noqa: SLF001 - the rival is the bare model
        self.prompt = prompt_of(runtime, tokens)
        (self.tokens,) = self.prompt.cuts
        self.blocks = 0

    def places(self, codec: str) -> Tiers:
        """Memory that is empty, and a folder with what was written there before."""
        shelf = Shelf(
            lambda: BlockFiles(self.folder / codec), budget_bytes=None, policy=Lru(), codec=codec
        )
        tiers = Tiers(Budgets(), policy=lambda _: Lru(), disk=shelf)
        self.runtime._kv.close()  # noqa: SLF001 - other places for the same weights
        self.runtime._kv = tiers  # noqa: SLF001
        self.runtime._texts = BlockReader(self.runtime._lm, tiers)  # noqa: SLF001
        return tiers

    def whole(self) -> Cost:
        """Everything is read, cut as it is where blocks are reused."""
        return self._asked(0, 1, Cost())

    def make(self, codec: str) -> None:
        """Read the text, keep its blocks in memory, and write them to disk."""
        self.places(codec)
        cuts, tokens = self.prompt.cuts, self.prompt.tokens
        made = self.runtime.prefill(tokens[: self.tokens], cuts=cuts, salt=SALT)
        self.blocks = len(made.blocks)

    def from_ram(self) -> Cost:
        """The blocks are read where they lie."""
        return self._asked(self.tokens, self.repeats, Cost())

    def from_disk(self, codec: str) -> tuple[Cost, int]:
        """Places that are opened anew load the blocks; how many bytes they are."""
        found, size = Cost(), 0
        for _ in range(self.repeats):
            self._cool(codec)
            tiers = self.places(codec)
            self._asked(self.tokens, 1, found)
            disk = {place.place: place for place in tiers.usage()}[DISK]
            assert disk.hits == self.blocks, f"{disk.hits} of {self.blocks} came from disk"
            size = disk.used_bytes
        return found, size

    def one_pass(self) -> Cost:
        """The rival: transformers alone."""
        return least_of(1, lambda: self._passed(self.prompt.tokens, DynamicCache()), cost=Cost())

    def pickled(self) -> tuple[Cost, int]:
        """The other rival: one object that is saved and loaded whole; and its bytes."""
        cache, path = DynamicCache(), self.folder / "cache.pt"
        self._passed(self.prompt.tokens[: self.tokens], cache)
        torch.save(cache, path)
        size = path.stat().st_size
        question = self.prompt.tokens[self.tokens :]

        def resumed() -> torch.Tensor:
            loaded = torch.load(io.BytesIO(path.read_bytes()), weights_only=False)
            return self._passed(question, loaded)

        return least_of(self.repeats, resumed, before=lambda: cool(path), cost=Cost()), size

    def _passed(self, tokens: tuple[int, ...], cache: DynamicCache) -> torch.Tensor:
        ids = torch.tensor([list(tokens)])
        with torch.inference_mode():
            return last_logits(self.model, cache, input_ids=ids)[0]

    def _asked(self, kept: int, repeats: int, cost: Cost) -> Cost:
        """The logits after the prompt, timed; then, once, what is written after it."""
        tokens = self.prompt.tokens
        how: dict[str, Any] = {"cuts": self.prompt.cuts, "kept": kept, "salt": SALT}
        least_of(repeats, lambda: torch.tensor(self.runtime.logits(tokens, **how)), cost=cost)
        if not cost.written:
            cost.written = self.runtime.generate(tokens, limit=WRITTEN, **how).tokens
        return cost

    def _cool(self, codec: str) -> None:
        for path in (self.folder / codec).rglob("*"):
            if path.is_file():
                cool(path)


def least_of(
    repeats: int,
    act: Callable[[], torch.Tensor],
    *,
    before: Callable[[], object] = lambda: None,
    cost: Cost,
) -> Cost:
    """Add some repeats to a cost: the least CPU and wall seconds, and the last logits."""
    for _ in range(repeats):
        before()
        cpu, wall = time.process_time(), time.perf_counter()
        made = act()
        cost.cpu = min(cost.cpu, time.process_time() - cpu)
        cost.wall = min(cost.wall, time.perf_counter() - wall)
        cost.logits = made
    return cost


def cool(path: Path) -> None:
    """Push a file out of the page cache."""
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


def prompt_of(runtime: TorchRuntime, tokens: int) -> Prompt:
    """A prompt that can be cut behind about so many tokens."""
    each = runtime.count(FILLER * 20) / 20
    text = FILLER * max(1, round(tokens / each))
    return runtime.prompt([Message("system", text, cuts=(len(text),)), QUESTION])


def kl(one: torch.Tensor, other: torch.Tensor) -> float:
    """The divergence of the second distribution from the first, in nats."""
    p, q = (each.double().log_softmax(-1) for each in (one, other))
    return float((p.exp() * (p - q)).sum())


def rows(bench: Bench) -> Iterator[str]:
    """One row of each table."""
    bench.model.set_attn_implementation("sdpa")
    one_pass = bench.one_pass()
    pickled, pickled_size = bench.pickled()
    bench.model.set_attn_implementation(kv_attention.NAME)
    whole = bench.whole()
    bench.make("raw")
    ram = bench.from_ram()
    disk, raw_size = bench.from_disk("raw")
    bench.make("int8")
    int8, int8_size = bench.from_disk("int8")
    sizes = (raw_size, int8_size, pickled_size)
    gains = [f"{one_pass.cpu / way.cpu:.1f}x" for way in (ram, disk, int8, pickled)]
    ways = (one_pass, whole, ram, disk, int8, pickled)
    yield row(bench.tokens, *ways, *gains)
    near = [f"{float((whole.logits - way.logits).abs().max()):g}" for way in (ram, disk)]
    said = ["equal" if way.written == whole.written else "other" for way in (ram, disk, int8)]
    far = [f"{kl(whole.logits, int8.logits):.1e}"]
    far += [f"{kl(one_pass.logits, way.logits):.1e}" for way in (whole, pickled)]
    told = [f"{size / 2**20:.1f}" for size in sizes]
    yield row(bench.tokens, *near, *said, *far, *told)
    assert near == ["0", "0"], "what was kept exactly gave other logits"
    assert said[:2] == ["equal", "equal"], "what was kept exactly gave another answer"


def row(*cells: object) -> str:
    """A row of Markdown."""
    return f"| {' | '.join(map(str, cells))} |"


TIMES = (
    "tokens", "transformers, one pass", "MemOS, whole", "from ram", "from disk", "from disk, int8",
    "pickled DynamicCache", "gain: ram", "disk", "disk, int8", "pickled",
)  # fmt: skip
EXACT = (
    "tokens", "max logit difference: ram", "disk", f"{WRITTEN} tokens: ram", "disk", "disk, int8",
    "KL: disk, int8", "KL: cut as MemOS cuts", "KL: pickled", "MiB: disk", "disk, int8", "pickled",
)  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, nargs="+", default=[512, 1024, 2048, 4096])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1, help="of torch; see above")
    parser.add_argument("--folder", type=Path, default=Path(), help="on the disk to measure")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    runtime = configured_runtime()
    print(machine())
    print(f"{runtime.fingerprint.name}, {runtime.fingerprint.dtype}, threads: {asked.threads}; "
          "seconds are CPU / wall\n")  # fmt: skip
    print(f"{row(*TIMES)}\n{'|---' * len(TIMES)}|")
    runtime.generate(runtime.encode([QUESTION]), limit=4)  # the model is loaded, and warm
    exact = []
    for tokens in asked.tokens:
        with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
            timed, told = rows(Bench(runtime, Path(folder), tokens, asked.repeats))
        print(timed, flush=True)
        exact.append(told)
    print(f"\n{row(*EXACT)}\n{'|---' * len(EXACT)}|")
    print("\n".join(exact))
    print(f"\nload at the end: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
