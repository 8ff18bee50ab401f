"""Time to first token on a GPU from blocks in its own memory and in the computer's, beside prefill.

    python -m benchmarks.kv_gpu [--tokens 4096 16384 32768 65536] [--repeats 7] [--layers 32]

A model of Llama-3-8B's shape with random bfloat16 weights, a text of so many tokens and a question
of 32: how long something takes does not depend on what is said. The rivals run in the same
process: the whole prompt through transformers in one pass (SDPA), and a DynamicCache filled from
page-locked memory. Wall milliseconds from the call to the first token's number on the CPU; the
median of some repeats, after two that do not count.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from typing import TYPE_CHECKING, Any

import torch
import transformers
import triton
from transformers import DynamicCache, LlamaConfig, LlamaForCausalLM

from memos.models import kv_attention
from memos.models.kv_cache import PagedCache
from memos.models.kv_graph import Graph
from memos.models.kv_host import HostSlab
from memos.models.kv_pages import Pages
from memos.models.kv_pool import Move
from memos.models.kv_slab import Slab
from memos.models.kv_state import State
from memos.models.kv_upload import Uploader
from memos.ports.blocks import Layout

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

QUESTION = 32
BLOCK = 256
VOCABULARY = 128_256
CALL = 2048
"""Tokens that are read in one call where the whole text is read into pages."""


def model_of(layers: int, longest: int) -> Any:
    """A model of Llama-3-8B's shape, its weights random."""
    config = LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=4096, intermediate_size=14336,
        num_hidden_layers=layers, num_attention_heads=32, num_key_value_heads=8,
        max_position_embeddings=longest, rope_theta=500_000.0, initializer_range=0.02,
    )  # fmt: skip
    torch.set_default_dtype(torch.bfloat16)
    with torch.device("cuda"):
        model = LlamaForCausalLM(config)
    torch.set_default_dtype(torch.float32)
    return model.eval().requires_grad_(requires_grad=False)


def timed(act: Callable[[], object], repeats: int) -> float:
    """The median of wall milliseconds."""
    seconds = []
    for number in range(repeats + 2):
        torch.cuda.synchronize()
        started = time.perf_counter()
        act()
        torch.cuda.synchronize()
        if number >= 2:
            seconds.append(time.perf_counter() - started)
    return 1000 * statistics.median(seconds)


class Bench:
    """A model, pages on the GPU for the longest text, and page-locked memory beside it."""

    def __init__(self, tokens: int, layers: int) -> None:
        self.model = model_of(layers, tokens + 4096)
        self.layout = Layout(layers, 8, 128, 128, "bfloat16", BLOCK)
        self.pages = tokens // BLOCK
        self.slab = Slab(self.layout, self.pages + 8, torch.device("cuda"))
        self.ready = [torch.cuda.Event(external=True) for _ in range(layers)]
        for event in self.ready:
            event.record()
        generator = torch.Generator(device="cuda").manual_seed(0)
        whole = tokens + QUESTION
        self.ids = torch.randint(VOCABULARY, (1, whole), device="cuda", generator=generator)
        kv_attention.register()
        self.model.set_attn_implementation(kv_attention.NAME)
        self.graph = Graph(
            self.model,
            self.slab,
            QUESTION,
            ready=self.ready,
            pool=torch.cuda.graph_pool_handle(),
        )
        self.taken = self.slab.take(self.pages)

    @torch.inference_mode()
    def read(self, tokens: int) -> None:
        """Read the first tokens into the pages."""
        pages = Pages(self.slab, take=lambda count: self.taken[done // BLOCK :][:count])
        cache = PagedCache(pages)
        for done in range(0, tokens, CALL):
            ids = self.ids[:, done : min(done + CALL, tokens)]
            unused = torch.zeros((1, 1, 1, 1), dtype=torch.bool, device="cuda")
            self.model(
                input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1,
                attention_mask=unused,
            )  # fmt: skip

    def asked(self, tokens: int) -> list[int]:
        """The question behind a text of so many tokens."""
        return [int(one) for one in self.ids[0, tokens : tokens + QUESTION].tolist()]

    def answer(self, tokens: int, question: Sequence[int]) -> torch.Tensor:
        """The logits after the question, with the text in pages or on its way there."""
        stored = [(page, BLOCK) for page in self.taken[: tokens // BLOCK]]
        pages = Pages(self.slab, stored)
        logits = self.graph.run(question, pages)
        pages.release()
        return logits

    def host(self, codec: str, tokens: int) -> HostSlab:
        """Page-locked memory that holds what the pages hold."""
        host = HostSlab(self.layout, tokens * self.layout.token_bytes, codec=codec)
        for number, page in enumerate(self.taken[: tokens // BLOCK]):
            host.write(number, self.slab.state(page, BLOCK))
        return host

    @torch.inference_mode()
    def prefill(self, tokens: int) -> torch.Tensor:
        """The rival: everything in one pass."""
        logits: torch.Tensor = self.model(
            input_ids=self.ids[:, : tokens + QUESTION], logits_to_keep=1, use_cache=True
        ).logits[0, -1]
        return logits

    @torch.inference_mode()
    def injected(self, tokens: int, kept: Sequence[State]) -> torch.Tensor:
        """The other rival: a DynamicCache that is filled from page-locked memory."""
        cache = DynamicCache()
        for layer, state in enumerate(kept):
            keys = state.keys.to("cuda", non_blocking=True)
            values = state.values.to("cuda", non_blocking=True)
            cache.update(keys, values, layer)
        logits: torch.Tensor = self.model(
            input_ids=self.ids[:, tokens : tokens + QUESTION],
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        ).logits[0, -1]
        return logits


def kl(one: torch.Tensor, other: torch.Tensor) -> float:
    """The divergence of the second distribution from the first, in nats."""
    p, q = (each.double().log_softmax(-1) for each in (one, other))
    return float((p.exp() * (p - q)).sum())


def bus(gigabytes: int = 4) -> float:
    """GB/s of one large copy from page-locked memory."""
    source = torch.empty(gigabytes << 30, dtype=torch.uint8, pin_memory=True)
    target = torch.empty(gigabytes << 30, dtype=torch.uint8, device="cuda")
    once = min(timed(lambda: target.copy_(source, non_blocking=True), 3) for _ in range(5))
    return (gigabytes << 30) / 1e6 / once


def row(bench: Bench, tokens: int, repeats: int, peak: float) -> None:
    """Measure one length, and print it."""
    bench.read(tokens)
    question = bench.asked(tokens)
    moves = [Move(number, page, BLOCK) for number, page in enumerate(bench.taken)]
    moves = moves[: tokens // BLOCK]
    told: dict[str, str] = {}
    whole, prefill, parted, inject = rivals(bench, tokens, repeats)
    there = bench.answer(tokens, question).clone()
    on_gpu = timed(lambda: int(bench.answer(tokens, question).argmax()), repeats)
    told["gpu"] = f"{on_gpu:.1f} ({prefill / on_gpu:.0f}x)"
    floor = timed(bench.graph._graph.replay, repeats)  # noqa: SLF001 - the share of the kernels
    for codec in ("raw", "int8"):
        host = bench.host(codec, tokens)
        uploader = Uploader(host, bench.slab, bench.ready)

        def loaded(uploader: Uploader = uploader) -> torch.Tensor:
            uploader.start(moves)
            return bench.answer(tokens, question)

        def copied(uploader: Uploader = uploader) -> None:
            uploader.start(moves)
            uploader.end()

        near = kl(there, loaded())
        from_ram = timed(lambda loaded=loaded: int(loaded().argmax()), repeats)  # type: ignore[misc]
        moved = timed(copied, repeats)
        size = host.block_bytes * len(moves)
        share = size / 1e6 / from_ram / peak
        told[codec] = (
            f"{from_ram:.1f} ({prefill / from_ram:.0f}x) | {moved:.1f} | {size / 1e9:.2f} | "
            f"{share:.0%} | {near:.1e}"
        )
        host.close()
        del host, uploader
        bench.read(tokens)
    print(
        f"| {tokens:,} | {prefill:.0f} | {inject:.1f} | {told['gpu']} | {floor:.1f} | "
        f"{kl(whole, parted):.1e} | {kl(whole, there):.1e} | {told['raw']} | {told['int8']} |",
        flush=True,
    )


def rivals(
    bench: Bench, tokens: int, repeats: int
) -> tuple[torch.Tensor, float, torch.Tensor, float]:
    """Logits and milliseconds of the whole prompt in one pass, and of a filled DynamicCache."""
    bench.model.set_attn_implementation("sdpa")
    whole = bench.prefill(tokens).clone()
    prefill = timed(lambda: int(bench.prefill(tokens).argmax()), max(3, repeats // 2))
    pinned = [
        State(keys.pin_memory(), values.pin_memory())
        for keys, values in (rival(bench, layer, tokens) for layer in range(bench.layout.layers))
    ]
    parted = bench.injected(tokens, pinned).clone()
    inject = timed(lambda: int(bench.injected(tokens, pinned).argmax()), repeats)
    bench.model.set_attn_implementation(kv_attention.NAME)
    return whole, prefill, parted, inject


def rival(bench: Bench, layer: int, tokens: int) -> tuple[torch.Tensor, torch.Tensor]:
    """One layer's keys and values [1, heads, tokens, width], as a DynamicCache has them."""
    pages = torch.tensor(bench.taken[: tokens // BLOCK], device="cuda")
    keys, values = bench.slab.keys[layer][pages], bench.slab.values[layer][pages]
    keys, values = (each.flatten(0, 1).transpose(0, 1)[None].cpu() for each in (keys, values))
    return keys.contiguous(), values.contiguous()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, nargs="+", default=[4096, 16384, 32768, 65536])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--layers", type=int, default=32)
    asked = parser.parse_args()
    print(
        f"{torch.cuda.get_device_name()}, {platform.processor() or platform.machine()}, "
        f"torch {torch.__version__}, transformers {transformers.__version__}, "
        f"triton {triton.__version__}"
    )
    peak = bus()
    print(f"one copy of 4 GiB from page-locked memory: {peak:.1f} GB/s\n")
    started = time.perf_counter()
    bench = Bench(max(asked.tokens), asked.layers)
    print(f"made in {time.perf_counter() - started:.0f} s\n")
    print(
        "| tokens | prefill | DynamicCache | from gpu | its kernels | KL: DynamicCache | KL: pages "
        "| from ram, bf16 | copying alone | GB | of the bus | KL "
        "| from ram, int8 | copying and decoding alone | GB | of the bus | KL |"
    )
    print("|" + "---|" * 17)
    for tokens in asked.tokens:
        row(bench, tokens, asked.repeats, peak)


if __name__ == "__main__":
    main()
