"""One embedding model by several paths: how quick, how near to each other, and what they find.

    python -m benchmarks.embedding [--locomo locomo.jsonl] [--rounds 5]

all-MiniLM-L6-v2 through sentence-transformers (with 64 texts a pass, as by default, and with
fewer), through torch alone (its BERT in inference mode with fused attention, the tokenizer without
wrappers, 16 texts a pass), and through ONNX Runtime in float32 and in int8. Each round, each path
embeds 256 turns of conversation and 40 questions, in turn; without a LoCoMo file they are made up.
Recall is that of the vectors alone: of each question of the categories 1 to 4, the share of the
turns it needs among the ten nearest of its conversation, one text a turn, and the mean of that.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from benchmarks.machine import machine
from benchmarks.throughput import Clocked, texts
from memos.models.embedder_onnx import OnnxEmbedder
from memos.models.embedder_sentence import SentenceEmbedder
from memos.models.encoders import DEFAULT, locate_encoder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

TURNS, QUESTIONS, DEPTH = 256, 40, 10
STARTS = {
    "sentence-transformers": "embedder_sentence import SentenceEmbedder as Made; e = Made()",
    "ONNX float32": "embedder_onnx import OnnxEmbedder as Made; e = Made()",
    "ONNX int8": "embedder_onnx import OnnxEmbedder as Made; e = Made(precision='int8')",
}
FIRST = """
import time
from pathlib import Path
e.embed_query("Where does Alice live?")
memory = Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]
print(time.process_time(), int(memory) / 1024)
"""


class Embeds(Protocol):
    """What all of them can do."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors."""
        ...

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """A unit vector."""
        ...


class LeanTorch:
    """What torch can do with the same weights, when nothing stands between."""

    def __init__(self) -> None:
        from tokenizers import Tokenizer
        from transformers import BertModel

        folder = locate_encoder(DEFAULT)
        self._model: Any = BertModel.from_pretrained(folder, attn_implementation="sdpa").eval()
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(256)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, sixteen a pass, those of like length together."""
        tokens = [self._tokenizer.encode(text).ids for text in texts]
        order = sorted(range(len(texts)), key=lambda number: len(tokens[number]))
        vectors = np.empty((len(texts), 384), dtype=np.float32)
        for start in range(0, len(order), 16):
            part = order[start : start + 16]
            vectors[part] = self._forward([tokens[number] for number in part])
        return vectors

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """A unit vector, computed on one core."""
        import torch

        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        vector: NDArray[np.float32] = self._forward([self._tokenizer.encode(text).ids])[0]
        torch.set_num_threads(threads)
        return vector

    def _forward(self, tokens: Sequence[Sequence[int]]) -> Any:
        import torch

        with torch.inference_mode():
            ids = [torch.tensor(each) for each in tokens]
            padded = torch.nn.utils.rnn.pad_sequence(ids, batch_first=True)
            mask = torch.nn.utils.rnn.pad_sequence(
                [torch.ones_like(each) for each in ids], batch_first=True
            )
            states = self._model(input_ids=padded, attention_mask=mask).last_hidden_state
            total = (states * mask[..., None]).sum(1)
            return torch.nn.functional.normalize(total).numpy()


def said(turn: dict[str, Any]) -> str:
    """A turn as a text."""
    caption = f" [{turn['caption']}]" if turn["caption"] else ""
    return f"{turn['speaker']}: {turn['text']}{caption}"


def clocked(
    paths: dict[str, Embeds], turns: list[str], questions: list[str], rounds: int
) -> dict[str, tuple[Clocked, Clocked]]:
    """For each path, the clocks of its batches and of its questions."""
    clocks = {name: (Clocked(), Clocked()) for name in paths}
    for embedder in paths.values():
        embedder.embed(turns[:20])
        embedder.embed_query(questions[0])
    for _ in range(rounds):
        for name, embedder in paths.items():
            with clocks[name][0]:
                embedder.embed(turns)
        for question in questions:
            for name, embedder in paths.items():
                with clocks[name][1]:
                    embedder.embed_query(question)
    return clocks


def recall(embedder: Embeds, talks: list[dict[str, Any]]) -> str:
    """The mean share of the evidence among the ten nearest, and of how many questions."""
    shares = []
    for talk in talks:
        vectors = embedder.embed([said(turn) for turn in talk["memories"]])
        for asked in talk["queries"]:
            if asked["cat"] not in {1, 2, 3, 4} or not asked["gold"]:
                continue
            scores = vectors @ embedder.embed_query(asked["q"])
            best = np.argsort(-scores, kind="stable")[:DEPTH]
            found = {talk["memories"][number]["id"] for number in best}
            shares.append(len(found & set(asked["gold"])) / len(set(asked["gold"])))
    return f"{np.mean(shares):.2%} of {len(shares):,}" if shares else "-"


def spread(each: list[str], count: int) -> list[str]:
    """So many of them, from all parts."""
    return each[:: len(each) // count][:count]


def report(paths: dict[str, Embeds], talks: list[dict[str, Any]], rounds: int) -> None:
    """The table of speed, nearness and recall."""
    turns = [said(turn) for talk in talks for turn in talk["memories"]] or texts(TURNS)
    questions = [asked["q"] for talk in talks for asked in talk["queries"]] or texts(QUESTIONS)
    turns, questions = spread(turns, TURNS), spread(questions, QUESTIONS)
    clocks = clocked(paths, turns, questions, rounds)
    near = paths["sentence-transformers"].embed(turns)
    print(
        "| path | texts/s, CPU | texts/s, wall | question, CPU ms p50 | p95 | wall ms p50 "
        f"| least cosine | recall@{DEPTH} |\n|---|---:|---:|---:|---:|---:|---:|---:|"
    )
    for name, embedder in paths.items():
        batches, asked = clocks[name]
        speed = [len(turns) / np.median(each) for each in (batches.cpu, batches.wall)]
        p50, p95 = np.percentile(asked.cpu, [50, 95]) * 1000
        least = (embedder.embed(turns) * near).sum(axis=1).min()
        print(
            f"| {name} | {speed[0]:.0f} | {speed[1]:.0f} | {p50:.1f} | {p95:.1f} "
            f"| {np.median(asked.wall) * 1000:.1f} | {least:.6f} | {recall(embedder, talks)} |",
            flush=True,
        )


def report_starts() -> None:
    """What the first vector costs a fresh process."""
    print("\n| first vector of a process | CPU s | MiB at most |\n|---|---:|---:|")
    for name, statement in STARTS.items():
        code = f"from memos.models.{statement}{FIRST}"
        done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
        spent, most = done.stdout.split()
        print(f"| {name} | {float(spent):.2f} | {float(most):.0f} |", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--locomo", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    print(machine())
    print(f"onnxruntime {version('onnxruntime')}, tokenizers {version('tokenizers')}\n")
    lines = asked.locomo.read_text("utf-8").splitlines() if asked.locomo else []
    paths: dict[str, Embeds] = {
        "sentence-transformers": SentenceEmbedder(),
        "the same, 16 texts a pass": SentenceEmbedder(batch=16),
        "torch alone": LeanTorch(),
        "ONNX float32": OnnxEmbedder(),
        "ONNX int8": OnnxEmbedder(precision="int8"),
    }
    report(paths, [json.loads(line) for line in lines], asked.rounds)
    report_starts()


if __name__ == "__main__":
    main()
