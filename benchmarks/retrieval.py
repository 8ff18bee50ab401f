"""How much of the evidence a search finds, beside Chroma, BM25 and their rank fusion.

    python -m benchmarks.retrieval FOLDER [--sets locomo,longmemeval_s_500c] [--in-memory]

The folder holds files of cases, as `memos bench retrieval` reads them; this prints what that
command measures as the tables of docs/benchmarks.md, set by set, as they are ready.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.machine import machine
from memos.cli.bench import open_bench
from memos.config import load
from memos.evaluation.reading import read_file
from memos.evaluation.report import set_reports

if TYPE_CHECKING:
    from memos.evaluation.report import SetReport

SETS = (
    "locomo",
    "longmemeval_s_500c",
    "mh_2wiki",
    "mh_musique",
    "mh_hotpot",
    "conflict_dynamicqa",
)


def table(one: SetReport) -> str:
    """One set in Markdown."""
    columns = [*one.measures, "CPU ms p50 / p95", "wall ms p50 / p95"]
    told = (
        f"**{one.set}**: {one.cases:,} cases, {one.memories:,} memories, {one.questions:,} "
        f"questions. A search takes {one.search.cpu_p50:.1f} ms of CPU, "
        f"{one.query_embedding.cpu_p50:.1f} of them to embed the question; a memory is added in "
        f"{one.embedding_ms:.1f} ms of CPU to embed it and {one.adding_ms:.1f} for the rest."
    )
    lines = [
        told,
        "",
        f"| above the embedding | {' | '.join(columns)} |",
        "|---|" + "---:|" * len(columns),
    ]
    for each in one.finders:
        spent = each.above_embedding
        cells = [f"{100 * each.scores[name]:.1f}" for name in one.measures]
        cells += [f"{spent.cpu_p50:.1f} / {spent.cpu_p95:.1f}"]
        cells += [f"{spent.wall_p50:.1f} / {spent.wall_p95:.1f}"]
        lines.append(f"| {each.finder} | {' | '.join(cells)} |")
    aims = [f"{100 * one.targets[n]:.0f}" if n in one.targets else "" for n in one.measures]
    lines.append(f"| *target* | {' | '.join(aims)} | | |")
    return "\n".join([*lines, "", *categories(one)])


def categories(one: SetReport) -> list[str]:
    """What is reached by category, in Markdown; nothing where there is only one."""
    if not one.categories:
        return []
    lines = [
        f"| category | questions | {' | '.join(one.measures)} |",
        "|---|---:|" + "---:|" * len(one.measures),
    ]
    for each in one.categories:
        scores = " | ".join(f"{100 * each.scores[name]:.1f}" for name in one.measures)
        lines.append(f"| {each.category or 'none'} | {each.questions:,} | {scores} |")
    return [*lines, ""]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--in-memory", action="store_true")
    asked = parser.parse_args()
    bench = open_bench(load().settings, in_memory=asked.in_memory)
    print(f"{machine()}; {bench.embedder}\n")
    for name in asked.sets.split(","):
        reading = read_file(asked.folder / f"{name}.jsonl")
        for problem in reading.problems:
            print(f"{name}: {problem}", file=sys.stderr)
        for one in set_reports(bench, reading):
            print(table(one), flush=True)


if __name__ == "__main__":
    main()
