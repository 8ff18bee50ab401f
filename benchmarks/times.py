"""Times that texts tell of: ours beside the libraries that read them, on the same texts.

    python -m benchmarks.times [--locomo PATH] [--texts 100000]

Labelled: `times.json`, expressions said on a Wednesday with the days that they mean, and texts
with none; written before our reader was. A rival gives points, not intervals, so two things are
counted: that a point lies within the days meant, and that these days are given exactly.

LoCoMo: of the questions about when something happened, in how many a time read from the evidence
lies within the time that the answer names (itself as our reader reads it). Then the costs, and
how well nearness in time alone tells evidence from other turns, for questions with a time in them;
and what it costs to ask the catalog for what was said in a month, of a user with 80 % of the texts
and of one with 5 %.

A rival is measured where it is installed.
"""

from __future__ import annotations

import argparse
import json
import logging
import tempfile
import time
import warnings
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import mean, median
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert

from benchmarks.machine import machine
from memos.cube import Scope
from memos.kinds import dateparsing
from memos.kinds.times import read_time
from memos.kinds.whens import spans_in
from memos.ports.words import Room
from memos.retrieval.said import said_within
from memos.retrieval.times import closeness
from memos.stores.catalog_sql import SqlCatalog
from memos.stores.engine_sqlite import open_engine
from memos.stores.schema import upgrade
from memos.stores.tables import cubes

if TYPE_CHECKING:
    from collections.abc import Callable

    Pairs = list[tuple[datetime, datetime | None]]
    Read = Callable[[str, datetime], Pairs]

LABELLED = Path(__file__).parent / "times.json"
POOL = 100
"""Candidates of a search."""
PATIENCE = 60.0
"""CPU seconds for the turns of one rival."""


def ours() -> Read:
    """The reader of this project."""
    return lambda text, said: [(one.start, one.end) for one in spans_in(text, anchor=said)]


def dateparser() -> Read:
    """Its search, told the language."""
    from dateparser.search import search_dates

    def read(text: str, said: datetime) -> Pairs:
        settings: Any = {
            "RELATIVE_BASE": said.replace(tzinfo=None),
            "PREFER_DATES_FROM": "past",
        }
        return [
            (at, None) for _, at in search_dates(text, languages=["en"], settings=settings) or ()
        ]

    return read


def parsedatetime() -> Read:
    """Its reader of plain language."""
    from parsedatetime import VERSION_CONTEXT_STYLE, Calendar

    calendar = Calendar(version=VERSION_CONTEXT_STYLE)
    return lambda text, said: [
        (each[0], None) for each in calendar.nlp(text, sourceTime=said.replace(tzinfo=None)) or ()
    ]


def dateutil() -> Read:
    """Its parser, told to pass over what it does not know."""
    from dateutil.parser import parse

    return lambda text, said: [(parse(text, fuzzy=True, default=said), None)]


def recurrent() -> Read:
    """One time, or a rule for several."""
    from recurrent.event_parser import RecurringEvent

    def read(text: str, said: datetime) -> Pairs:
        at = RecurringEvent(now_date=said.replace(tzinfo=None)).parse(text)
        return [(at, None)] if isinstance(at, datetime) else []

    return read


def datefinder() -> Read:
    """Written dates."""
    from datefinder import find_dates

    return lambda text, said: [
        (at, None) for at in find_dates(text, base_date=said.replace(tzinfo=None))
    ]


def timefhuman() -> Read:
    """Times, ranges and lists of them."""
    from timefhuman import tfhConfig
    from timefhuman import timefhuman as read_times

    def read(text: str, said: datetime) -> Pairs:
        config = tfhConfig(now=said.replace(tzinfo=None))
        found = read_times(text, config=config)
        return [each if isinstance(each, tuple) else (each, None) for each in found]

    return read


def ctparse() -> Read:
    """One time or interval."""
    from ctparse import ctparse as read_time_in

    def read(text: str, said: datetime) -> Pairs:
        parsed = read_time_in(text, ts=said.replace(tzinfo=None), timeout=1)
        found: Any = None if parsed is None else parsed.resolution
        if found is None:
            return []
        first, last = getattr(found, "start", None), getattr(found, "end", None)
        return [(getattr(first, "dt", None) or said, getattr(last, "dt", None))]

    return read


def recognizers() -> Read:
    """Microsoft's: with intervals."""
    from recognizers_date_time import Culture, DateTimeRecognizer

    model = DateTimeRecognizer(Culture.English).get_datetime_model()

    def read(text: str, said: datetime) -> Pairs:
        found = []
        for one in model.parse(text, said.replace(tzinfo=None)):
            for value in (one.resolution or {}).get("values", []):
                first, last = value.get("start") or value.get("value"), value.get("end")
                if first and first[:4].isdigit() and first[4:5] == "-":
                    end = datetime.fromisoformat(last) if last else None
                    found.append((datetime.fromisoformat(first), end))
        return found

    return read


READERS: dict[str, Callable[[], Read]] = {
    "memos": ours,
    "recognizers-text": recognizers,
    "dateparser": dateparser,
    "parsedatetime": parsedatetime,
    "recurrent": recurrent,
    "timefhuman": timefhuman,
    "datefinder": datefinder,
    "dateutil": dateutil,
    "ctparse": ctparse,
}


@dataclass(slots=True)
class Told:
    """A turn, when it was said, and the days that the answer to a question names, if any."""

    text: str
    said: datetime
    answers: list[tuple[datetime, datetime]] = field(default_factory=list)


def main() -> None:
    """Measure, and print."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--locomo", type=Path)
    asked.add_argument("--texts", type=int, default=100_000)
    options = asked.parse_args()
    warnings.simplefilter("ignore")
    logging.disable()
    print(machine())
    turns, cases = _locomo(options.locomo)
    count = len(json.loads(LABELLED.read_text())["expressions"])
    print(f"\n{count} expressions; {len(turns):,} turns, {len(cases)} questions about when")
    print("\n| reader | point | exact | false | dated evidence | CPU ms a turn | raised |")
    print("|---|---|---|---|---|---|---|")
    absent = []
    for name, make in READERS.items():
        try:
            read = make()
        except ImportError:
            absent.append(name)
            continue
        print(f"| {name} | {_row(read, turns, cases)} |")
    print(f"\nnot installed: {', '.join(absent) or 'none'}")
    _cost(turns)
    if options.locomo:
        _nearness(options.locomo)
    _candidates(options.texts)


def _row(read: Read, turns: list[Told], cases: list[Told]) -> str:
    labelled = json.loads(LABELLED.read_text())
    said = datetime.fromisoformat(labelled["said"])
    raised = 0

    def tried(text: str, at: datetime) -> Pairs:
        nonlocal raised
        try:
            return [(_aware(first), last and _aware(last)) for first, last in read(text, at)]
        except Exception:  # noqa: BLE001  (what rivals raise is counted)
            raised += 1
            return []

    points = exact = 0
    for text, first, end in labelled["expressions"]:
        start, stop = _aware(date.fromisoformat(first)), _aware(date.fromisoformat(end))
        found = tried(text, said)
        points += any(start <= at < stop for at, _ in found)
        ends = {stop, stop - timedelta(seconds=1), stop - timedelta(days=1)}
        exact += any(at == start and until in ends for at, until in found)
    false = sum(bool(tried(text, said)) for text in labelled["none"])
    dated = sum(
        any(
            start <= at < end
            for at, _ in tried(case.text, case.said)
            for start, end in case.answers
        )
        for case in cases
    )
    raised = 0
    begun, done = time.process_time(), 0
    while done < len(turns) and time.process_time() - begun < PATIENCE:
        tried(turns[done].text, turns[done].said)
        done += 1
    ms = (time.process_time() - begun) * 1e3 / max(done, 1)
    return f"{points} | {exact} | {false} | {dated} | {ms:.2f} | {raised}"


def _aware(at: date) -> datetime:
    if not isinstance(at, datetime):
        at = datetime(at.year, at.month, at.day, tzinfo=UTC)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _locomo(path: Path | None) -> tuple[list[Told], list[Told]]:
    turns: list[Told] = []
    cases: list[Told] = []
    for line in [] if path is None else path.read_text().splitlines():
        case = json.loads(line)
        told = {
            each["id"]: Told(each["text"], read_time(each["date"])) for each in case["memories"]
        }
        turns += told.values()
        for query in case["queries"]:
            gold = [told[one] for one in query["gold"] if one in told]
            if query.get("cat") != 2 or len(gold) != 1:
                continue
            days = spans_in(f"on {query.get('answer', '')}", anchor=gold[0].said)
            if days:
                answers = [(one.start, one.end) for one in days]
                cases.append(Told(gold[0].text, gold[0].said, answers))
    return turns, cases


def _cost(turns: list[Told]) -> None:
    """What a search pays that reads its candidates' times: the first, and those after it."""
    pools = [turns[start : start + POOL] for start in range(0, len(turns) - POOL + 1, POOL)]
    for what in ("every expression new", "expressions known"):
        spent = []
        for pool in pools:
            if what == "every expression new":
                dateparsing.step.cache_clear()
                dateparsing.written.cache_clear()
            begun = time.process_time()
            for turn in pool:
                spans_in(turn.text, anchor=turn.said)
            spent.append((time.process_time() - begun) * 1e3)
        if spent:
            print(
                f"{POOL} candidates, {what}: p50 {median(spent):.1f} ms, most {max(spent):.1f} ms"
            )


def _nearness(path: Path) -> None:
    """The chance that evidence is nearer in time than another turn of its conversation."""
    chances = []
    for line in path.read_text().splitlines():
        case = json.loads(line)
        said = {each["id"]: read_time(each["date"]) for each in case["memories"]}
        told = {
            each["id"]: spans_in(each["text"], anchor=said[each["id"]]) for each in case["memories"]
        }
        for query in case["queries"]:
            asked = spans_in(query["q"], anchor=max(said.values()))
            gold = {one for one in query["gold"] if one in said}
            if asked and gold and query.get("cat") != 5:
                near = {one: closeness(asked, told[one], said[one]) for one in said}
                best = max(near[one] for one in gold)
                rest = [near[one] for one in said if one not in gold]
                chances.append(mean((best > one) + 0.5 * (best == one) for one in rest))
    print(
        f"{len(chances)} questions with a time in them, asked at the end of the conversation: "
        f"evidence is nearer than another turn with a chance of {mean(chances):.3f} "
        f"(median {median(chances):.3f})"
    )


def _candidates(texts: int) -> None:
    """The rows of a catalog alone, three years of them, and the months of the second."""
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(Path(folder) / "catalog.db")
        upgrade(engine)
        first = datetime(2021, 1, 1, tzinfo=UTC)
        rows = [_text(at, first + at * timedelta(days=1096) / texts) for at in range(texts)]
        with engine.execution_options(write=True).begin() as connection:
            for start in range(0, texts, 5_000):
                connection.execute(insert(cubes), rows[start : start + 5_000])
        catalog = SqlCatalog(engine)
        for user in ("large", "small 8"):
            spent, found = [], 0
            for month in range(1, 12):
                since, until = (datetime(2022, each, 1, tzinfo=UTC) for each in (month, month + 1))
                begun = time.process_time()
                room = Room(Scope(user_id=user))
                found += len(said_within(catalog, [room], since, until, limit=POOL))
                spent.append((time.process_time() - begun) * 1e3)
            print(
                f"said in a month, user {user!r}: p50 {median(spent):.1f} ms, {found / 11:.0f} ids"
            )
        catalog.close()


def _text(number: int, said: datetime) -> dict[str, Any]:
    at = int(said.timestamp() * 1e6)
    return {
        "id": f"{number:08x}-0000-7000-8000-000000000000",
        "kind": "plaintext",
        "state": "activated",
        "version": 1,
        "user_id": "large" if number % 10 < 8 else f"small {number % 20}",
        "session_id": f"session {number // 30}",
        "title": "",
        "text": "x" * 120,
        "metadata": {},
        "created_at": at,
        "updated_at": at,
        "valid_from": at,
    }


if __name__ == "__main__":
    main()
