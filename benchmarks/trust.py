"""What access checks and the journal cost of an add and of a search.

    python -m benchmarks.trust [--memories 100000] [--calls 200]

Ten users with 1 to 40 % of the memories each, exact vectors, the hash embedder: a text costs it
next to nothing, so that what trust costs is a larger share here than with any real embedder. The
share beside the real one is printed, too, from its cost per text as measured in the same run.

Search: the same questions in turn by the application with the journal off for reads (no access
check, no row), by the user herself, by an agent with a grant on her scope; and, over 50 single
memories and those of a label, by the application with a filter and by an agent to whom just these
are granted. The one must find them by the filter, the other by its grants.

Add: its row is part of the commit and cannot be left out, so the parts are timed by themselves, on
the same store: a gate that is entered and left, and a row appended within a transaction.

Predicted before measuring: half a millisecond a search for a user and an agent with a scope, which
is under 5 % beside the real embedder; the agent with single cubes about as much as the filter, for
three areas are listed one by one and a filter is one; add under 5 % for a batch of 100, and about
5 % for a single text.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from copy import copy
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.machine import machine
from benchmarks.throughput import texts
from memos import MemOS
from memos.config import EmbedderSettings, Settings, VectorsSettings
from memos.cube import EVERYBODY, ROOT, Principal, Right
from memos.stores.engine_sqlite import open_engine
from memos.stores.journal_sql import place, record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SHARES = (40, 20, 10, 10, 5, 5, 4, 3, 2, 1)
BATCH = 1000
SETTINGS = Settings(
    embedder=EmbedderSettings(backend="hash"), vectors=VectorsSettings(backend="exact")
)


def milliseconds(act: Callable[[], object]) -> float:
    """CPU milliseconds of one call."""
    start = time.process_time()
    act()
    return 1000 * (time.process_time() - start)


def fill(mem: MemOS, said: Sequence[str]) -> None:
    """Each user's share, in batches; every fiftieth memory is labelled."""
    start = 0
    for number, share in enumerate(SHARES):
        mine = said[start : start + len(said) * share // 100]
        start += len(mine)
        for begin in range(0, len(mine), BATCH):
            part = mine[begin : begin + BATCH]
            plain = [{"content": text} for text in part[: len(part) * 49 // 50]]
            marked = [{"content": text} for text in part[len(part) * 49 // 50 :]]
            mem.add(plain, user_id=f"user{number}")
            mem.add(marked, user_id=f"user{number}", labels=["work"])


def unwatched(mem: MemOS) -> MemOS:
    """The same store, without access checks and without rows for what only reads."""
    quiet = copy(mem)
    quiet._parts = replace(mem._parts, audit_reads=False)  # noqa: SLF001 - the baseline
    quiet._gate = quiet._made_gate(ROOT, EVERYBODY, "")  # noqa: SLF001
    return quiet


Asked = dict[str, tuple[MemOS, dict[str, Any]]]
"""By name: who asks, and by which filter."""

PLAIN, FILTERED = "nobody checks", "nobody checks, 50 cubes and a label"
BESIDE = {
    PLAIN: ("the user", "agent with the scope"),
    FILTERED: ("agent with 50 cubes and a label",),
}
"""By baseline, who is compared with it."""


def searches(mem: MemOS, questions: Sequence[str], user: str) -> dict[str, float]:
    """Median CPU milliseconds of a search in one user's memories, by who asks."""
    cubes = mem.get_all(user_id=user, limit=50)
    whole, single = f"agent:scope-{user}", f"agent:cubes-{user}"
    mem.grant(whole, Right.READ, user_id=user)
    for cube in cubes:
        mem.grant(single, Right.READ, id=cube.id)
    mem.grant(single, Right.READ, label="work", user_id=user)
    either = {"or": [{"id": {"in": [cube.id for cube in cubes]}}, {"labels": "work"}]}
    asked: Asked = {
        PLAIN: (unwatched(mem), {}),
        "the user": (mem.acting(f"user:{user}"), {}),
        "agent with the scope": (mem.acting(whole), {}),
        FILTERED: (unwatched(mem), {"filters": either}),
        "agent with 50 cubes and a label": (mem.acting(single), {}),
    }
    times: dict[str, list[float]] = {name: [] for name in asked}
    for question in questions:
        for name, (handle, filters) in asked.items():
            act = partial(handle.search, question, user_id=user, **filters)
            times[name].append(milliseconds(act))
    return {name: median(each[len(each) // 10 :]) for name, each in times.items()}


def gate(mem: MemOS, who: str, calls: int) -> float:
    """Median CPU milliseconds of a gate that ``who`` passes, who may write for the first user."""
    unrecorded = copy(mem)
    unrecorded._parts = replace(mem._parts, audit_reads=False)  # noqa: SLF001
    unrecorded._gate = unrecorded._made_gate(Principal.read(who), EVERYBODY, "")  # noqa: SLF001

    def passed() -> None:
        with unrecorded._act("add", Right.WRITE, user_id="user0") as act:  # noqa: SLF001
            unrecorded._gate.require(act, act.scope)  # noqa: SLF001

    return median(milliseconds(passed) for _ in range(calls))


def recorded(mem: MemOS, folder: Path, calls: int) -> float:
    """Median CPU milliseconds of a row of 100 ids within a transaction."""
    alice = mem.acting("user:user0")
    with alice._act("add", Right.WRITE, user_id="user0") as act:  # noqa: SLF001
        row = act.audit([f"{number:036}" for number in range(100)])
    engine = open_engine(folder / "catalog.db").execution_options(write=True)
    with engine.begin() as connection:

        def append() -> None:
            record(connection, place(connection), row, None)

        rows = [milliseconds(append) for _ in range(calls)]
        connection.rollback()
    engine.dispose()
    return median(rows)


def embedding() -> tuple[float, float]:
    """CPU milliseconds that the real embedder takes for a text of many, and for a question."""
    from memos.models.embedder_sentence import SentenceEmbedder

    embedder = SentenceEmbedder("minilm")
    said = texts(320)
    embedder.embed(said[:64])
    many = milliseconds(lambda: embedder.embed(said[64:])) / len(said[64:])
    return many, median(milliseconds(partial(embedder.embed_query, one)) for one in said[:40])


def compared(times: dict[str, float], name: str, baseline: str, question: float) -> str:
    """A cell: milliseconds, how much more than the baseline, and beside the real embedder."""
    more = times[name] - times[baseline]
    share, beside = more / times[baseline], more / (times[baseline] + question)
    return f" {times[name]:8.2f} {share:+7.1%} {beside:+7.1%} "


def print_searches(both: Sequence[dict[str, float]], question: float) -> None:
    """The table of searches."""
    print(f"the real embedder takes {question:.1f} ms for a question; not counted in the ms\n")
    head = f" {'ms':>8} {'more':>7} {'beside':>7} "
    print(f"{'search, CPU':36}{head * len(both)}")
    for baseline, others in BESIDE.items():
        print(f"{baseline:36}" + "".join(f" {each[baseline]:8.2f}{'':17}" for each in both))
        for name in others:
            cells = (compared(each, name, baseline, question) for each in both)
            print(f"{name:36}" + "".join(cells))


def main() -> None:
    """Fill a store, then print what trust costs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--memories", type=int, default=100_000)
    parser.add_argument("--calls", type=int, default=200)
    asked = parser.parse_args()
    print(machine())
    said = texts(asked.memories + 200 * asked.calls)
    with (
        tempfile.TemporaryDirectory() as folder,
        MemOS.open(Path(folder) / "store", settings=SETTINGS) as mem,
    ):
        fill(mem, said[: asked.memories])
        print(f"{asked.memories:,} memories of {len(SHARES)} users, exact vectors\n")
        questions = [text.split(",")[0] for text in said[: asked.calls]]
        real, question = embedding()
        print_searches([searches(mem, questions, user) for user in ("user0", "user9")], question)
        mem.grant("agent:writer", Right.WRITE, user_id="user0")
        own, granted = (gate(mem, who, asked.calls) for who in ("user:user0", "agent:writer"))
        row = recorded(mem, Path(folder) / "store", asked.calls)
        print(f"\na gate passed by the owner {own:.3f} ms, by a grant {granted:.3f} ms,")
        print(f"a row of 100 ids {row:.3f} ms; per add of the owner:")
        fresh = iter(said[asked.memories :])
        alice = mem.acting("user:user0")
        for size in (1, 100):
            times = []
            for _ in range(asked.calls if size == 1 else asked.calls // 10):
                batch = [{"content": next(fresh)} for _ in range(size)]
                times.append(milliseconds(partial(alice.add, batch)))
            whole, trust = median(times), own + row
            print(
                f"add of {size:3}: {whole:8.2f} ms, of which trust {trust / (whole - trust):+.1%};"
                f" with the real embedder ({real:.1f} ms a text)"
                f" {trust / (whole - trust + size * real):+.1%}"
            )


if __name__ == "__main__":
    main()
