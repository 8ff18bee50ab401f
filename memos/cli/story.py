"""The first half of the demo, about text: it is stored, searched and revised."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memos.cli.plan import USER
from memos.cli.tables import counted, versions_table
from memos.cli.teller import found

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pydantic import JsonValue

    from memos import Hit, MemCube, MemOS
    from memos.cli.plan import Plan, Query
    from memos.cli.teller import Teller
    from memos.ports.progress import Progress

_SHOWN = 3
"""Hits of a search that are shown."""
_LOOKED_AT = 20
"""Hits of a search among which known evidence is looked for."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the story takes place."""

    mem: MemOS
    plan: Plan
    teller: Teller
    progress: Progress


def tell_text(stage: Stage) -> None:
    """Store the conversation, search it, and revise a memory that has changed."""
    _remember(stage)
    _search(stage)
    _revise(stage)


def _remember(stage: Stage) -> None:
    plan = stage.plan
    start = time.perf_counter()
    stage.mem.search(plan.changed.question)  # nothing is there yet: this loads the model
    loading = time.perf_counter() - start
    start = time.perf_counter()
    cubes = stage.mem.add(
        [{**one, "user_id": USER, "agent_id": None} for one in plan.messages],
        source=plan.source,
        progress=stage.progress,
    )
    seconds = time.perf_counter() - start
    people = list(dict.fromkeys(cube.speaker or cube.user_id or "" for cube in cubes))
    sessions = {cube.scope.session_id for cube in cubes} - {None}
    times = sorted(cube.header.valid_from for cube in cubes if cube.header.valid_from)
    rate = len(cubes) / seconds
    said = f", said between {_date(times[0])} and {_date(times[-1])}" if times else ""
    who = f"{counted(len(sessions), 'session')} by {_listed(people)}{said}"
    speed = f"{seconds:.1f} s, {rate:.0f} turns a second"
    loaded = f"after {loading:.1f} s for loading the embedding model"
    about = [
        f"{counted(len(cubes), 'turn')} in {who}.",
        f"Stored and indexed in {speed}, {loaded}.",
    ]
    if plan.left_out:
        about.append(f"The {plan.left_out:,} messages after them are left out of this demo.")
    content: dict[str, JsonValue] = {
        "turns": len(cubes),
        "sessions": len(sessions),
        "people": list(people),
        "loading_seconds": loading,
        "seconds": seconds,
        "turns_per_second": rate,
    }
    stage.teller.step("remember", "A conversation is stored", content, *about)


def _date(time: datetime) -> str:
    return f"{time.day} {time:%B %Y}"


def _listed(people: Sequence[str]) -> str:
    if len(people) > 3:
        return f"{', '.join(people[:3])} and {len(people) - 3} more"
    return " and ".join(people)


def _search(stage: Stage) -> None:
    drawn, content = [], []
    for query in stage.plan.queries:
        hits = stage.mem.search(query.question, k=_LOOKED_AT)
        ranks = _ranks(hits, query)
        drawn.append(found(query.question, hits[:_SHOWN], _verdict(query, ranks)))
        content.append(_searched(query, hits[:_SHOWN], ranks))
    stage.teller.step(
        "search",
        "It is searched: by meaning, by words, and by what stands beside a good hit",
        {"searches": content},
        *drawn,
    )


def _ranks(hits: Sequence[Hit], query: Query) -> list[int]:
    return [
        rank
        for rank, hit in enumerate(hits, 1)
        if str(hit.cube.metadata.get("source_id")) in query.gold
    ]


def _verdict(query: Query, ranks: Sequence[int]) -> str:
    if not query.gold:
        return ""
    if not ranks:
        return f"the evidence is not among the first {_LOOKED_AT}"
    where = ", ".join(str(rank) for rank in ranks)
    return f"{len(ranks)} of {counted(len(query.gold), 'piece')} of evidence found, at rank {where}"


def _searched(query: Query, hits: Sequence[Hit], ranks: list[int]) -> JsonValue:
    found_hits: list[JsonValue] = [
        {"id": hit.cube.id, "score": hit.score, "parts": dict(hit.parts)} for hit in hits
    ]
    evidence: dict[str, JsonValue] = {"gold": len(query.gold), "ranks": list(ranks)}
    return {
        "question": query.question,
        "hits": found_hits,
        **({"evidence": evidence} if query.gold else {}),
    }


def _revise(stage: Stage) -> None:
    query = stage.plan.changed
    hits = stage.mem.search(query.question, k=_LOOKED_AT)
    old, text = _to_revise(stage.plan, hits)
    new = stage.mem.update(old.id, text)
    history = stage.mem.history(new.id)
    stage.teller.step(
        "revise",
        "What has changed is revised, and the old version stays readable",
        {"question": query.question, "id": new.id, "versions": len(history)},
        found(query.question, hits[:_SHOWN]),
        "",
        versions_table(history),
    )


def _to_revise(plan: Plan, hits: Sequence[Hit]) -> tuple[MemCube, str]:
    """The cube to revise, and its new text."""
    if plan.revised is not None:
        beginning, text = plan.revised
        for hit in hits:
            if hit.cube.text.startswith(beginning):
                return hit.cube, f"{text}{hit.cube.text.removeprefix(beginning)}"
    best = hits[0].cube
    return best, f"{best.text} (This has changed since.)"
