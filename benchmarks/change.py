"""How well it is recognised that a memory supersedes another, and what that costs an add.

    python -m benchmarks.change [--data FOLDER] [--cases N] [--show] [--memories N]

Pairs: the statements of ``change.json``; the held-out half was written after the rules were
settled. With ``--data``, a folder of JSON lines, further:

    conflict_*.jsonl   ``context`` with [ENTITY], ``old``, ``new``: the share of changes recognised
    others             ``memories`` with ``text``: every supersession found in their order, which
                       are counted, and printed with ``--show`` to be read: hardly any is real

Cost: ``N`` memories of the first of these, or made up, are added with the real embedding model;
the share of the time that is spent on comparing them with older ones.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.machine import machine
from memos import MemOS
from memos.chosen import embedder_of
from memos.config import Settings
from memos.kinds.kinship import Kin, kin, neighbourhood
from memos.life.relating import Relater

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from memos.ports.embedder import Embedder

_CASES = ("locomo", "mh_2wiki", "beam_100K", "longmemeval_s_500c", "mh_hotpot", "mh_musique")
_MADE = "On day {} of the trip we saw {} and then had {} near the {} by the river."
_THINGS = ("bears", "a museum", "old boats", "the market", "soup", "kites", "a parade", "bread")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--cases", type=int, default=70, help="of each file, at most")
    parser.add_argument("--memories", type=int, default=1024)
    parser.add_argument("--show", action="store_true", help="print what was found or missed")
    arguments = parser.parse_args()
    print(machine())
    pairs(show=arguments.show)
    texts = [_MADE.format(n, *(_THINGS[(n * k + k) % 8] for k in (1, 3, 5))) for n in range(4096)]
    if arguments.data is not None:
        changes(arguments.data / "conflict_dynamicqa.jsonl", show=arguments.show)
        texts = supersessions(arguments.data, arguments.cases, show=arguments.show) or texts
    cost(texts[: arguments.memories])


def pairs(*, show: bool) -> None:
    """Precision and recall of CHANGE over the written pairs."""
    told = json.loads(Path(__file__).with_name("change.json").read_text(encoding="utf-8"))
    for half in ("first", "held_out"):
        right = wrong = missed = 0
        for pair in told[half]:
            found, wanted = kin(pair["new"], pair["old"]), pair["kin"]
            right += found is Kin.CHANGE and wanted == "change"
            wrong += found is Kin.CHANGE and wanted != "change"
            missed += found is not Kin.CHANGE and wanted == "change"
            if show and (found or "nothing") != (wanted or "nothing"):
                print(f"  {found} for {wanted}: {pair['old']} -> {pair['new']}")
        precision, recall = right / max(right + wrong, 1), right / max(right + missed, 1)
        count = len(told[half])
        print(f"{half:9} {count} pairs: precision {precision:.1%}, recall {recall:.1%}")


def changes(path: Path, *, show: bool) -> None:
    """The share of facts told anew that are recognised as changes."""
    rows = [json.loads(line) for line in path.open(encoding="utf-8")]
    found = 0
    for row in rows:
        old, new = (row["context"].replace("[ENTITY]", row[which]) for which in ("old", "new"))
        changed = kin(new, old) is Kin.CHANGE
        found += changed
        if show and not changed:
            print(f"  missed: {row['old']} -> {row['new']} in {row['context'][:120]}")
    print(f"{path.stem}: {found} of {len(rows)} changes recognised, {found / len(rows):.1%}")


def supersessions(folder: Path, most: int, *, show: bool) -> list[str]:
    """What is taken for a change in data that has hardly any; the texts of the first file."""
    embedder = embedder_of(Settings())
    first: list[str] = []
    for name in _CASES:
        count = changed = 0
        for memories in _cases(folder / f"{name}.jsonl", most):
            first = first or [one["text"] for one in memories]
            count += len(memories)
            for old, new in _changes(memories, embedder):
                changed += 1
                if show:
                    print(f"  {old[:200]!r} -> {new[:200]!r}")
        print(f"{name}: {changed} of {count:,} memories taken for a change of an earlier one")
    return first


def _cases(path: Path, most: int) -> Iterator[list[dict[str, Any]]]:
    if not path.exists():
        return
    with path.open(encoding="utf-8") as lines:
        for _, line in zip(range(most), lines, strict=False):
            memories = json.loads(line)["memories"]
            yield [one for one in memories if one["text"].strip()]


def _changes(memories: Sequence[dict[str, Any]], embedder: Embedder) -> Iterator[tuple[str, str]]:
    said = [
        one["text"].strip() + (f" [{one['caption']}]" if one.get("caption") else "")
        for one in memories
    ]
    voices = [(one.get("speaker"), one.get("role")) for one in memories]
    spoken = [
        f"{who}: {text}" if who else text for (who, _), text in zip(voices, said, strict=True)
    ]
    vectors = np.asarray(embedder.embed(spoken))
    for here in range(1, len(said)):
        cosines = vectors[:here] @ vectors[here]
        around = neighbourhood(said[here])
        for there in np.argsort(-cosines, kind="stable")[: around.most]:
            near = cosines[there] >= around.least and voices[there] == voices[here]
            if near and kin(said[here], said[there]) is Kin.CHANGE:
                yield said[there], said[here]


class Timed(Relater):
    """Notes how long it took."""

    seconds = 0.0

    def related(self, *given: Any) -> Any:
        """What the other one does."""
        start = time.perf_counter()
        found = super().related(*given)
        self.seconds += time.perf_counter() - start
        return found


def cost(texts: Sequence[str]) -> None:
    """The share of an add's time, in batches of 256 and one by one, on top of what is there."""
    with tempfile.TemporaryDirectory() as folder, MemOS.open(folder) as mem:
        mem.search("the model is loaded by this")
        timed = Timed(catalog=mem._parts.catalog, index=mem._index)  # noqa: SLF001
        mem._relater = timed  # noqa: SLF001
        for size, part in ((256, texts[: len(texts) - 64]), (1, texts[-64:])):
            timed.seconds, start = 0.0, time.perf_counter()
            for at in range(0, len(part), size):
                batch = [{"content": text} for text in part[at : at + size]]
                mem.add(batch, user_id="alice")
            spent = time.perf_counter() - start
            share = timed.seconds / spent
            print(f"add by {size}: {len(part) / spent:.0f} a second, {share:.1%} for comparing")


if __name__ == "__main__":
    main()
