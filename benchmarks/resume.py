"""Time to first token from a KV cube, beside reading the whole prompt; and whether they agree.

    python -m benchmarks.resume [--tokens 128 512 1024 2048] [--repeats 3]

The rival is the same model through transformers alone: one forward pass over the whole prompt, in
one piece. CPU seconds (process time) are the trustworthy figure on a shared machine.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from benchmarks.machine import machine
from benchmarks.runtime import configured_runtime
from memos.cube.identity import digest_of
from memos.ports.runtime import Message, Stored

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from memos.models.runtime_torch import TorchRuntime

FILLER = (
    "The harbour was quiet that morning, and the baker had left the door of the shop open. "
    "Somebody had painted the boats in new colours, green and white, as they had been long ago. "
)
QUESTION = Message("user", "What colours had somebody painted the boats in?")


def prompt_of(runtime: TorchRuntime, tokens: int) -> tuple[list[Message], int]:
    """Messages whose shared beginning is about ``tokens`` long, and how long it is."""
    each = len(runtime.encode([Message("system", FILLER * 20)])) / 20
    messages = [Message("system", FILLER * max(1, round(tokens / each)))]
    return messages, len(runtime.prefix(messages))


def cpu_seconds(act: Callable[[], object], repeats: int) -> tuple[float, float]:
    """The least CPU and wall seconds of some repeats."""
    cpu, wall = [], []
    for _ in range(repeats):
        started = time.process_time(), time.perf_counter()
        act()
        cpu.append(time.process_time() - started[0])
        wall.append(time.perf_counter() - started[1])
    return min(cpu), min(wall)


def row(runtime: TorchRuntime, tokens: int, repeats: int) -> Sequence[str]:
    """One row of the table."""
    messages, shared = prompt_of(runtime, tokens)
    prompt = runtime.encode([*messages, QUESTION])
    prefilled = runtime.prefill(prompt[:shared])
    digest = digest_of(prefilled.content)
    warm = Stored(digest, lambda: prefilled.content)
    cold = [Stored(f"{number:064}", lambda: prefilled.content) for number in range(repeats)]
    one_piece = cpu_seconds(lambda: _forward(runtime, prompt), repeats)
    whole = cpu_seconds(lambda: runtime.generate(prompt, limit=1, shared=shared), repeats)
    from_bytes = cpu_seconds(lambda: runtime.generate(prompt, limit=1, resume=cold.pop()), repeats)
    runtime.generate(prompt, limit=1, resume=warm)
    held = cpu_seconds(lambda: runtime.generate(prompt, limit=1, resume=warm), repeats)
    pairs = zip(
        runtime.logits(prompt, shared=shared), runtime.logits(prompt, resume=warm), strict=True
    )
    apart = max(abs(a - b) for a, b in pairs)
    said = [
        runtime.generate(prompt, limit=32, resume=resume, shared=shared).tokens
        for resume in (None, warm)
    ]
    size = len(prefilled.content) / 2**20
    return (
        str(shared),
        f"{size:.0f}",
        *(f"{cpu:.2f} / {wall:.2f}" for cpu, wall in (one_piece, whole, from_bytes, held)),
        f"{one_piece[0] / held[0]:.1f}x",
        f"{apart:g}",
        "equal" if said[0] == said[1] else "DIFFERENT",
    )


def _forward(runtime: TorchRuntime, prompt: Sequence[int]) -> None:
    import torch

    model = runtime._lm.model  # noqa: SLF001 - the rival is the bare model
    with torch.inference_mode():
        model(torch.tensor([list(prompt)], device=model.device), logits_to_keep=1)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, nargs="+", default=[128, 512, 1024, 2048])
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    runtime = configured_runtime()
    print(machine())
    print(f"{runtime.fingerprint.name}, {runtime.fingerprint.dtype}; seconds are CPU / wall")
    print(
        "\n| tokens | KV MiB | transformers, one piece | MemOS, whole prompt | resumed from bytes "
        "| resumed, held in RAM | gain (CPU) | max logit difference | 32 greedy tokens |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for tokens in asked.tokens:
        print("| " + " | ".join(row(runtime, tokens, asked.repeats)) + " |", flush=True)


if __name__ == "__main__":
    main()
