"""Adapters as a terminal shows them: what there is, which serves, what it recites."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from memos.cli.output import clean, one_line
from memos.cli.tables import plain_table, size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from memos import LoraCube, Recital, Route

_WIDTH = 36
"""Of an id."""
_PLAIN = {"no_wrap": True}
_NUMBER = {"no_wrap": True, "justify": "right"}


def standing_of(one: LoraCube) -> str:
    """In one word whether it serves: ``current``, or why not."""
    if one.standing != "current":
        return str(one.standing)
    if not one.fit:
        return "unfit"
    return str(one.standing) if one.state == "activated" else str(one.state)


def adapters_table(adapters: Sequence[LoraCube]) -> Table:
    """Two lines an adapter: how it did, and what it is."""
    table = plain_table(
        ("adapter", {"min_width": _WIDTH}),
        ("standing", _PLAIN),
        *((name, _NUMBER) for name in ("recall", "rev", "leak", "drift")),
    )
    for one in adapters:
        standing = standing_of(one)
        table.add_row(
            Text(one.id, "cyan") + Text(f"\n{_what(one)}", "dim"),
            standing,
            *map(_share, (one.recall, one.reversed_recall, one.leak)),
            f"{one.drift:+.1%}",
            style="" if standing == "current" else "yellow",
        )
    return table


def routes_table(routes: Sequence[Route], *, explained: bool) -> Table:
    """An adapter that was considered, and why; with the numbers where they are asked for."""
    numbers = ("similarity", "threshold") if explained else ()
    table = plain_table(
        ("adapter", {"min_width": _WIDTH, "overflow": "fold"}),
        ("serves", _PLAIN),
        *((name, _NUMBER) for name in numbers),
    )
    for one in routes:
        similarity = "" if one.similarity is None else f"{one.similarity:.3f}"
        why = [similarity, f"{one.threshold:.3f}"]
        table.add_row(
            Text(one.cube_id, "cyan") + Text(f"\n{clean(one.because)}", "dim"),
            "yes" if one.serves else "no",
            *(why if explained else []),
        )
    return table


def recital_table(told: Recital) -> Table:
    """What it holds, then what it lost."""
    table = plain_table(
        ("", _PLAIN), ("question", {"ratio": 1}), ("sources", {"ratio": 1}), ("said", {"ratio": 1})
    )
    for held in told.held:
        table.add_row(
            Text("held", "green"), *map(_line, (held.question, held.statement, held.answer))
        )
    for lost in told.lost:
        table.add_row(Text("lost", "red"), *map(_line, (lost.question, lost.expected, lost.said)))
    return table


def _what(one: LoraCube) -> str:
    return f"{one.method} of {one.sources:,}, {size(one.size_bytes)}"


def _line(text: str) -> Text:
    return Text(one_line(text))


def _share(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"
