"""What others do with the same texts and the same vectors: Chroma, BM25, and rank fusion.

chroma    nearest by cosine, a Chroma collection with its defaults
bm25      a full-text index alone, the one of this project
fusion    both lists by reciprocal rank (Cormack, Clarke and Buettcher, SIGIR 2009; constant 60)
"""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from memos.cube import EVERYBODY
from memos.evaluation.stopwatch import Spent, Stopwatch
from memos.ports.words import Room, WordEntry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from memos.ports.words import Words
    from memos.retrieval.scratch import OpenScratch

NAMES = ("chroma", "bm25", "fusion")
_BATCH = 1000
_DEPTH = 100
"""How much of each list is fused."""
_CONSTANT = 60


def reciprocal(lists: Sequence[Sequence[str]], k: int) -> list[str]:
    """The best ``k`` by the sum of 1 / (60 + rank) over the lists; ties by id."""
    scores: dict[str, float] = {}
    for ranked in lists:
        for rank, one in enumerate(ranked, 1):
            scores[one] = scores.get(one, 0.0) + 1 / (_CONSTANT + rank)
    return sorted(scores, key=lambda one: (-scores[one], one))[:k]


class Collection(Protocol):
    """What is used of a Chroma collection."""

    def query(
        self, *, query_embeddings: Sequence[NDArray[np.float32]], n_results: int, include: list[str]
    ) -> Mapping[str, Sequence[Sequence[str]]]:
        """The nearest."""
        ...


class Rivals:
    """The rivals over the memories of one case."""

    def __init__(self, words: Words, collection: Collection) -> None:
        self._words = words
        self._collection = collection

    def near(
        self, query: str, vector: NDArray[np.float32], k: int
    ) -> dict[str, tuple[list[str], Spent]]:
        """The best ``k`` ids by each rival, and what finding them took above the embedding."""
        depth = max(k, _DEPTH)
        chroma, bm25, fusion = Stopwatch(), Stopwatch(), Stopwatch()
        with chroma.running():
            answer = self._collection.query(
                query_embeddings=[vector], n_results=depth, include=["distances"]
            )
            dense = list(answer["ids"][0])
        with bm25.running():
            found = self._words.near(query, k=depth, within=[Room(EVERYBODY)])
            worded = [near.id for near in found]
        with fusion.running():
            fused = reciprocal([dense, worded], k)
        return {
            "chroma": (dense[:k], chroma.spent),
            "bm25": (worded[:k], bm25.spent),
            "fusion": (fused, chroma.spent + bm25.spent + fusion.spent),
        }


@contextmanager
def open_rivals(
    texts: Mapping[str, str], vectors: Mapping[str, NDArray[np.float32]], open_scratch: OpenScratch
) -> Iterator[Rivals]:
    """Rivals that hold texts, by id; they leave nothing behind.

    Args:
        texts: what is indexed, by the memory's id; not empty.
        vectors: the unit vector of each text.
        open_scratch: opens the index of words.
    """
    import chromadb
    from chromadb.config import Settings

    client = chromadb.EphemeralClient(Settings(anonymized_telemetry=False))
    name = f"rival-{uuid.uuid4().hex}"
    collection = client.create_collection(
        name, embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
    )
    ids = list(texts)
    try:
        with open_scratch(len(vectors[texts[ids[0]]])) as scratch:
            for start in range(0, len(ids), _BATCH):
                batch = ids[start : start + _BATCH]
                collection.add(ids=batch, embeddings=[vectors[texts[one]] for one in batch])
                scratch.words.put([WordEntry(one, texts[one], EVERYBODY) for one in batch])
            yield Rivals(scratch.words, collection)
    finally:
        client.delete_collection(name)
