"""How near a model stays to itself when its attention state is kept in fewer bits.

    python -m benchmarks.kv_codecs [--prefix 1024] [--documents docs/operations.md ...]

Of each document the first tokens are read, their state is encoded and decoded in blocks, and the
next ones are predicted from it, given the true text before each. The measure is the divergence of
the predictions from those that the state as it was gives. Rows in brackets are codecs that were
tried and not built. Bits are of a full block; MB/s are of the state as the model has it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from benchmarks.machine import machine
from benchmarks.runtime import configured_runtime
from memos.models.kv_codec import body_bytes, decode, empty, encode
from memos.models.kv_rounding import around, grouped, nearest, symmetric
from memos.models.kv_state import State
from memos.ports.blocks import Layout

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "docs" / name for name in ("operations.md", "ingest.md", "security.md")]
NEXT = 128
"""How many tokens are predicted."""
MOST = torch.finfo(torch.float32).max
SINKS, LAST = 4, 64
"""What int4 keeps exact."""

Through = Callable[[State, int, int], State]
"""A state of some tokens of a text, from where to how many of all, as it comes back."""


@dataclass
class Row:
    """What one codec did to all documents."""

    bits: float
    through: Through
    divergences: list[torch.Tensor] = field(default_factory=list)
    same: list[torch.Tensor] = field(default_factory=list)
    losses: list[torch.Tensor] = field(default_factory=list)


def built(codec: str, layout: Layout, *, exact: bool = False) -> Row:
    """A codec that the product has; ``exact`` keeps sinks and the last tokens of the text."""

    def through(state: State, start: int, total: int) -> State:
        ends = (max(0, SINKS - start), max(0, start + state.tokens - (total - LAST)))
        first, last = ends if exact else (0, 0)
        body = encode(state, codec, exact_first=first, exact_last=last)
        return decode(body, codec, state.tokens, layout)

    return Row(bits_of(layout, codec), through)


def bits_of(layout: Layout, codec: str) -> float:
    """Of a number of a full block."""
    raw = body_bytes(layout, layout.block_tokens, "raw")
    itemsize: int = getattr(torch, layout.dtype).itemsize
    return 8 * itemsize * body_bytes(layout, layout.block_tokens, codec) / raw


def tried(bits: float, keys: Callable[..., None], values: Callable[..., None]) -> Row:
    """A codec that rounds in place, and has no bytes."""

    def through(state: State, start: int, total: int) -> State:  # noqa: ARG001
        back = State(state.keys.clone(), state.values.clone())
        keys(back.keys)
        values(back.values)
        return back

    return Row(bits, through)


def on_grid(
    dim: int, size: int, steps: int, *, centred: bool = False
) -> Callable[[torch.Tensor], None]:
    """Round groups of numbers to grids around zero, or around their own middles."""

    def act(numbers: torch.Tensor) -> None:
        for piece in grouped(numbers, dim, size):
            if centred:
                ends = (steps + 1, steps)
                middle, scale = around(piece, dim + 1, ends, MOST)
                piece.copy_(middle + scale * nearest(piece, middle, scale, ends))
            else:
                scale = symmetric(piece, (dim + 1,), steps, MOST)
                piece.copy_(scale * nearest(piece, None, scale, (steps, steps)))

    return act


def fp8_of_a_layer(numbers: torch.Tensor) -> None:
    """One scale for a layer, as transformers has it."""
    scale = symmetric(numbers, (1, 2, 3), 448.0, MOST)
    numbers.copy_((numbers / scale).to(torch.float8_e4m3fn).float() * scale)


def in_dtype(dtype: torch.dtype) -> Callable[[torch.Tensor], None]:
    """Round each number by itself."""

    def act(numbers: torch.Tensor) -> None:
        numbers.copy_(numbers.to(dtype))

    return act


def rows_of(layout: Layout) -> dict[str, Row]:
    """Every codec by name."""
    width = layout.value_width
    by_channel, by_token = on_grid(1, 64, 127), on_grid(3, width, 127)
    bfloat16, centred = in_dtype(torch.bfloat16), on_grid(1, 64, 127, centred=True)
    return {
        "raw": built("raw", layout),
        "(bfloat16)": tried(16, bfloat16, bfloat16),
        "**int8**: keys by channel of 64 tokens around their middles, values by token": built(
            "int8", layout
        ),
        "(int8, keys around zero)": tried(8.25, by_channel, by_token),
        "(int8, values around their middles too)": tried(
            8.5, centred, on_grid(3, width, 127, centred=True)
        ),
        "(int8, keys by channel of 32 tokens)": tried(
            8.625, on_grid(1, 32, 127, centred=True), by_token
        ),
        "(int8, both by token)": tried(8.25, on_grid(3, width, 127), by_token),
        "fp8: a scale for each layer and head of a block": built("fp8", layout),
        "(fp8, a scale for each layer of a block)": tried(8, fp8_of_a_layer, fp8_of_a_layer),
        "int4": built("int4", layout),
        f"**int4**, the first {SINKS} and the last {LAST} tokens exact": built(
            "int4", layout, exact=True
        ),
        "(int4, around zero)": tried(4.5, on_grid(1, 32, 7), on_grid(3, 32, 7)),
        "(int8 keys, int4 values)": tried(6.75, centred, on_grid(3, 32, 7, centred=True)),
    }


def state_of(cache: Any) -> State:
    """What a cache holds of one text."""
    return State(
        torch.stack([layer.keys[0].transpose(0, 1) for layer in cache.layers]),
        torch.stack([layer.values[0].transpose(0, 1) for layer in cache.layers]),
    )


def cache_of(state: State) -> Any:
    """The same for the model."""
    from transformers import DynamicCache

    cache = DynamicCache()
    for layer, (keys, values) in enumerate(zip(state.keys, state.values, strict=True)):
        cache.update(keys.transpose(0, 1)[None], values.transpose(0, 1)[None], layer)
    return cache


def blocks(state: State, length: int) -> Iterator[tuple[int, State]]:
    """A state in pieces, and where each begins."""
    for start in range(0, state.tokens, length):
        end = start + length
        yield start, State(state.keys[:, start:end], state.values[:, start:end])


def come_back(state: State, row: Row, length: int) -> State:
    """A state after a codec, block by block."""
    back = [row.through(block, start, state.tokens) for start, block in blocks(state, length)]
    return State(torch.cat([b.keys for b in back], 1), torch.cat([b.values for b in back], 1))


def named(cache: Any) -> dict[str, Any]:
    """The argument by which a model takes a cache: transformers 5.24 has renamed it."""
    import transformers

    new = tuple(map(int, transformers.__version__.split(".")[:2])) >= (5, 24)
    return {"cache" if new else "past_key_values": cache}


def predictions(model: Any, state: State, following: torch.Tensor) -> torch.Tensor:
    """Logarithms of likelihoods [following tokens less one, vocabulary]."""
    with torch.inference_mode():
        read = model(following[None, :-1], **named(cache_of(state)), use_cache=True)
    return torch.log_softmax(read.logits[0].double(), -1)


def measure(model: Any, tokens: torch.Tensor, prefix: int, rows: dict[str, Row]) -> None:
    """Add one document to every row."""
    with torch.inference_mode():
        state = state_of(model(tokens[None, :prefix], use_cache=True).past_key_values)
    following = tokens[prefix - 1 : prefix + NEXT]
    state = State(state.keys[:, : prefix - 1], state.values[:, : prefix - 1])
    expected = predictions(model, state, following)
    for row in rows.values():
        found = predictions(model, come_back(state, row, 256), following)
        row.divergences.append((expected.exp() * (expected - found)).sum(-1))
        row.same.append(expected.argmax(-1) == found.argmax(-1))
        row.losses.append(-found.gather(1, following[1:, None]).squeeze(1))


def speeds(layout: Layout, codec: str) -> tuple[float, float]:
    """MB/s of encoding and decoding full blocks, on one core: the best of twenty."""
    state = empty(layout, layout.block_tokens)
    state.keys.normal_()
    state.values.normal_()
    loose = State(state.keys.clone(), state.values.clone())
    body, out = encode(loose, codec), empty(layout, layout.block_tokens)
    acts = (
        lambda: encode(loose, codec),
        lambda: decode(body, codec, layout.block_tokens, layout, out=out),
    )
    encoding, decoding = (
        layout.block_bytes / 1e6 / min(seconds(act) for _ in range(20)) for act in acts
    )
    return encoding, decoding


def seconds(act: Callable[[], object]) -> float:
    """CPU time."""
    started = time.process_time()
    act()
    return time.process_time() - started


def table(rows: dict[str, Row]) -> None:
    """What every codec did."""
    print("| codec | bits | KL mean | KL max | same first choice | perplexity |")
    print("|---|---:|---:|---:|---:|---:|")
    base = torch.cat(rows["raw"].losses).mean()
    for name, row in rows.items():
        divergences, same = torch.cat(row.divergences), torch.cat(row.same).double()
        change = (torch.cat(row.losses).mean() - base).exp() - 1
        print(
            f"| {name} | {row.bits:.2f} | {divergences.mean():.1e} | {divergences.max():.1e} "
            f"| {same.mean():.3f} | {change:+.3%} |"
        )
    print(f"\nperplexity as it was: {base.exp():.2f}")


def speed_table(layout: Layout) -> None:
    """How fast each codec is, for models of two dtypes."""
    torch.set_num_threads(1)
    print("\non one core, MB/s of CPU time\n")
    print("| codec | encode float32 | decode | encode bfloat16 | decode |")
    print("|---|---:|---:|---:|---:|")
    for codec in ("raw", "int8", "fp8", "int4"):
        cells = [
            f"{speed:,.0f}"
            for dtype in ("float32", "bfloat16")
            for speed in speeds(replace(layout, dtype=dtype), codec)
        ]
        print(f"| {codec} |", " | ".join(cells), "|")


def texts(paths: Sequence[Path]) -> list[str]:
    """What the documents say."""
    return [path.read_text() for path in paths]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="Codecs of attention state.")
    parser.add_argument("--prefix", type=int, default=1024)
    parser.add_argument("--documents", type=Path, nargs="+", default=DOCUMENTS)
    arguments = parser.parse_args()
    runtime = configured_runtime()
    model, chat = runtime._lm.model, runtime._lm.chat  # noqa: SLF001
    config = model.config
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    dtype = str(model.dtype).removeprefix("torch.")
    layout = Layout(config.num_hidden_layers, config.num_key_value_heads, width, width, dtype, 256)
    rows = rows_of(layout)
    for text in texts(arguments.documents):
        tokens = torch.tensor(list(chat.tokens_of(text))[: arguments.prefix + NEXT])
        if len(tokens) < arguments.prefix + NEXT:
            raise SystemExit(f"a document has only {len(tokens)} tokens")
        measure(model, tokens, arguments.prefix, rows)
    print(machine())
    print(f"{config._name_or_path.rsplit('/', 1)[-1]}, {dtype}; {arguments.prefix} tokens, "  # noqa: SLF001
          f"then {NEXT} of {len(arguments.documents)} documents; blocks of 256\n")  # fmt: skip
    table(rows)
    speed_table(layout)


if __name__ == "__main__":
    main()
