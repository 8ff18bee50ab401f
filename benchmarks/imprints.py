"""What may be thrown away of token vectors: LoCoMo's recall by what is kept of each.

    python -m benchmarks.imprints locomo.jsonl

Each turn's token vectors are kept whole, rounded, or as signs, and the weights of a ranking are
fitted anew for each way, as benchmarks.ranking does it: every question is of a conversation that
the weights have not seen.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from functools import partial
from math import pi, sqrt
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.machine import machine
from benchmarks.ranking import USED, Example, validated
from memos import MemOS, Right
from memos.evaluation.reading import read_file
from memos.evaluation.trial import batches
from memos.kinds.plaintext import indexed_text
from memos.models.embedder_onnx import OnnxEmbedder
from memos.ports.imprint import _rotation, one_long
from memos.retrieval.evidence import Met
from memos.retrieval.rank import PARTS, forms, measured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from memos.evaluation.case import Case
    from memos.ports.embedder import Asking
    from memos.retrieval.evidence import Evidence

    Vectors = NDArray[np.float32]
    Keep = Callable[[Vectors], Vectors]

STEP = 0.9957
"""Of a number of a normal distribution rounded to two bits (Max, 1960)."""


def signs(vectors: Vectors, *, turn: bool) -> Vectors:
    """What one bit a number tells, [tokens, dimension]."""
    size = vectors.shape[1]
    rotation = _rotation(size) if turn else np.eye(size, dtype=np.float32)
    told = np.where(vectors @ rotation > 0, 1, -1) @ rotation.T
    return np.asarray(told / sqrt(2 * size / pi), np.float32)


def two_bits(vectors: Vectors) -> Vectors:
    """What two bits a number tell, of turned vectors with their lengths."""
    turned = vectors @ _rotation(vectors.shape[1])
    spread = turned.std(axis=1, keepdims=True)
    rounded = (np.clip(np.floor(turned / spread / STEP), -2, 1) + 0.5) * STEP * spread
    return np.asarray(rounded @ _rotation(vectors.shape[1]).T, np.float32)


KEPT: Mapping[str, tuple[int, Keep]] = {
    "float32": (32, lambda vectors: vectors),
    "2 bits, turned": (2, two_bits),
    "1 bit, turned": (1, partial(signs, turn=True)),
    "1 bit, not turned": (1, partial(signs, turn=False)),
}


def met(asking: Asking, texts: Mapping[str, Vectors], ids: Sequence[str]) -> Met:
    """How near the question's tokens come to what is kept of each text's."""
    assert asking.tokens is not None
    assert asking.mark is not None
    question = np.concatenate([asking.tokens, asking.mark[None]])
    near = np.stack([np.clip((texts[one] @ question.T).max(axis=0), -1, 1) for one in ids])
    return Met(near[:, :-1].astype(float), near[:, -1].astype(float))


def examples(case: Case, embedder: OnnxEmbedder) -> Iterator[tuple[str, Example]]:
    """Every question of a case, with each way of keeping tokens, and without tokens."""
    with MemOS.open(embedder=embedder) as mem:
        ids: dict[str, str] = {}
        texts: dict[str, Vectors] = {}
        for batch in batches(case.memories):
            made = mem.add([dict(memory.message) for memory in batch], user_id=case.name)
            ids |= {memory.id: cube.id for memory, cube in zip(batch, made, strict=True)}
            for cube in made:
                read = embedder.read_query(indexed_text(cube))
                assert read.tokens is not None
                assert read.mark is not None
                texts[cube.id] = np.concatenate([one_long(read.mark[None]), read.tokens])
        kept = {
            name: {one: keep(vectors) for one, vectors in texts.items()}
            for name, (_, keep) in KEPT.items()
        }
        for question in case.questions:
            if not question.gold or question.category == "5":
                continue
            gold = {ids[one] for one in question.gold}
            with mem._act("search", Right.READ, user_id=case.name) as act:  # noqa: SLF001
                known = mem._finder.evidence(  # noqa: SLF001
                    question.text,
                    mem._index.vectors,  # noqa: SLF001
                    reach=act.reach(),
                    now=act.at,
                )
            assert known is not None
            asking = embedder.read_query(question.text)
            yield "none", _example(case.name, replace(known, meet=lambda _: None), gold)
            for name, of in kept.items():
                closely = replace(known, meet=partial(met, asking, of))
                yield name, _example(case.name, closely, gold)


def _example(space: str, known: Evidence, gold: set[str]) -> Example:
    found = measured(known, forms(known))
    names = tuple(name for name in USED["turn"] if name in found)
    rows = tuple(row for row in range(known.count) if known.outlines[row].id in gold)
    values = np.stack([found[name] for name in names], axis=1).astype(np.float32)
    return Example(space, names, values, rows, len(gold))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    embedder = OnnxEmbedder()
    asked: dict[str, list[Example]] = {}
    for case in read_file(parser.parse_args().file).cases:
        for name, example in examples(case, embedder):
            asked.setdefault(name, []).append(example)
    print(machine(), "\n")
    print("| of each token's vector | bytes | recall@5 / @10 / @20 |\n|---|---:|---|")
    for name, of in asked.items():
        used = [one for one in USED["turn"] if name != "none" or one not in PARTS["tokens"]]
        scores = validated({"locomo": of}, "turn", used)["locomo"][:3]
        size = KEPT[name][0] * embedder.dimension // 8 if name in KEPT else 0
        print(f"| {name} | {size:,} | {' / '.join(map(str, scores))} |", flush=True)


if __name__ == "__main__":
    main()
