"""The index of words beside SQLite's own full-text index, on the same texts and questions.

    python -m benchmarks.words [--texts 100000] [--questions 40] [--locomo PATH]

Ten users with 1 to 40 % of the texts each. The rival is an FTS5 table (porter, bm25), joined with
a table that says whose each text is, as one would write it; both look for all words of a question
that are no stop words, in files with the same settings. With a LoCoMo file, how much of the
evidence of its questions is among the ten best, one user a conversation, one text a turn.

Predicted before measuring: FTS5 puts texts two to four times as fast; for a small user among many
it reads everybody's texts, and we answer ten times as fast; recall is the same within a point.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import time
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import text

from benchmarks.machine import machine
from benchmarks.throughput import texts
from memos.cube import EVERYBODY, Scope
from memos.ports.words import Room, WordEntry
from memos.stores.engine_sqlite import open_engine
from memos.stores.stopwords import STOP_WORDS
from memos.stores.words_postings import PostingWords

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SHARES = (40, 20, 10, 10, 5, 5, 4, 3, 2, 1)
BATCH = 1000
FEW = 47
"""One in so many of the largest user's texts counts, where only some do."""


class Searched(Protocol):
    """What both can do."""

    def put(self, entries: Sequence[WordEntry]) -> None:
        """Store."""

    def drop(self, ids: Sequence[str]) -> None:
        """Remove."""

    def near(self, query: str, k: int, room: Room) -> list[str]:
        """The ids of the best matches, best first."""
        ...


class Ours:
    """The index of words of this project."""

    def __init__(self, folder: Path) -> None:
        self._words = PostingWords(open_engine(folder / "ours.db"))

    def put(self, entries: Sequence[WordEntry]) -> None:
        """Store."""
        self._words.put(entries)

    def drop(self, ids: Sequence[str]) -> None:
        """Remove."""
        self._words.drop(ids)

    def near(self, query: str, k: int, room: Room) -> list[str]:
        """The ids of the best matches, best first."""
        return [near.id for near in self._words.near(query, k=k, within=[room])]


class Rival:
    """SQLite's FTS5."""

    def __init__(self, folder: Path) -> None:
        self._engine = open_engine(folder / "fts5.db").execution_options(write=True)
        self._last = 0
        with self._engine.begin() as connection:
            connection.execute(
                text("CREATE VIRTUAL TABLE words USING fts5(text, tokenize = 'porter unicode61')")
            )
            connection.execute(
                text(
                    "CREATE TABLE whose (number INTEGER PRIMARY KEY, id TEXT UNIQUE, user_id TEXT)"
                )
            )

    def put(self, entries: Sequence[WordEntry]) -> None:
        """Store."""
        rows = [
            {"number": number, "id": entry.id, "text": entry.text, "user": entry.scope.user_id}
            for number, entry in enumerate(entries, self._last + 1)
        ]
        self._last += len(rows)
        with self._engine.begin() as connection:
            connection.execute(text("INSERT INTO whose VALUES (:number, :id, :user)"), rows)
            connection.execute(
                text("INSERT INTO words (rowid, text) VALUES (:number, :text)"), rows
            )

    def drop(self, ids: Sequence[str]) -> None:
        """Remove."""
        asked = {"ids": json.dumps(ids)}
        which = "(SELECT number FROM whose WHERE id IN (SELECT value FROM json_each(:ids)))"
        with self._engine.begin() as connection:
            connection.execute(text(f"DELETE FROM words WHERE rowid IN {which}"), asked)  # noqa: S608
            connection.execute(text(f"DELETE FROM whose WHERE number IN {which}"), asked)  # noqa: S608

    def near(self, query: str, k: int, room: Room) -> list[str]:
        """The ids of the best matches, best first."""
        words = [word for word in re.findall(r"\w+", query.lower()) if word not in STOP_WORDS]
        asked = {
            "match": " OR ".join(f'"{word}"' for word in words),
            "user": room.scope.user_id,
            "among": None if room.among is None else json.dumps(list(room.among)),
            "k": k,
        }
        query = """
            SELECT id FROM words JOIN whose ON whose.number = words.rowid
            WHERE words MATCH :match AND (:user IS NULL OR user_id = :user)
                AND (:among IS NULL OR id IN (SELECT value FROM json_each(:among)))
            ORDER BY bm25(words) LIMIT :k
        """
        with self._engine.connect() as connection:
            return list(connection.execute(text(query), asked).scalars())


def milliseconds(act: Callable[[], object]) -> float:
    """CPU milliseconds of one call."""
    start = time.process_time()
    act()
    return 1000 * (time.process_time() - start)


def rooms(count: int) -> dict[str, Room]:
    """What is asked about."""
    few = [f"{number:08}" for number in range(0, count * SHARES[0] // 100, FEW)]
    return {
        "everybody": Room(EVERYBODY),
        "a user with 40 %": Room(Scope(user_id="user0")),
        "a user with 1 %": Room(Scope(user_id="user9")),
        f"{len(few)} ids of the former": Room(Scope(user_id="user0"), few),
    }


def row(index: Searched, said: Sequence[str], count: int, questions: int) -> list[float]:
    """Put, put one, drop one, and a question to each room; CPU milliseconds."""
    owners = [f"user{user}" for user, share in enumerate(SHARES) for _ in range(share)]
    owned = [Scope(user_id=owners[100 * number // count]) for number in range(count)]
    entries = [WordEntry(f"{n:08}", said[n], owned[n]) for n in range(count)]
    spent = sum(
        milliseconds(partial(index.put, entries[start : start + BATCH]))
        for start in range(0, count, BATCH)
    )
    more = [WordEntry(f"more {n}", said[count + n], owned[0]) for n in range(100)]
    puts = [milliseconds(partial(index.put, [entry])) for entry in more]
    drops = [milliseconds(partial(index.drop, [entry.id])) for entry in more]
    asked = [one.split(",")[0] for one in said[count + 100 :]]
    found = [
        median(milliseconds(partial(index.near, one, 30, room)) for one in asked[:questions])
        for room in rooms(count).values()
    ]
    return [1000 * spent / count, median(puts), median(drops), *found]


def recall(index: Searched, path: Path) -> float:
    """The share of the evidence among the ten best, over all questions that have any."""
    shares = []
    for line in path.read_text(encoding="utf-8").splitlines():
        talk = json.loads(line)
        scope, name = Scope(user_id=talk["sid"]), talk["sid"]
        index.put(
            [
                WordEntry(f"{name}/{turn['id']}", f"{turn['speaker']}: {turn['text']}", scope)
                for turn in talk["memories"]
            ]
        )
        for asked in talk["queries"]:
            gold = {f"{name}/{one}" for one in asked["gold"]}
            if gold:
                found = index.near(asked["q"], 10, Room(scope))
                shares.append(len(gold.intersection(found)) / len(gold))
    return sum(shares) / len(shares)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=100_000)
    parser.add_argument("--questions", type=int, default=40)
    parser.add_argument("--locomo", type=Path)
    asked = parser.parse_args()
    print(machine())
    said = texts(asked.texts + 100 + asked.questions)
    print(f"\n{asked.texts:,} texts of {len(SHARES)} users\n")
    names = ["put, µs a text", "put one", "drop one", *rooms(asked.texts)]
    print("| CPU ms | " + " | ".join(names) + " |\n|---|" + "---:|" * len(names))
    with tempfile.TemporaryDirectory() as place:
        for name, made in (("ours", Ours), ("FTS5", Rival)):
            cells = row(made(Path(place)), said, asked.texts, asked.questions)
            print(f"| {name} | " + " | ".join(f"{cell:.2f}" for cell in cells) + " |", flush=True)
    if asked.locomo is not None:
        for name, made in (("ours", Ours), ("FTS5", Rival)):
            with tempfile.TemporaryDirectory() as place:
                share = recall(made(Path(place)), asked.locomo)
                print(f"LoCoMo, evidence among the ten best: {name} {share:.1%}")


if __name__ == "__main__":
    main()
