"""Why a search found what it found: the parts of every score as one bar, and what matched.

A part that takes from the score stands left of the line from which the others go right. Every part
has a colour, and a shade of its own where there are no colours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

from memos.cli.cubes import hit_wire
from memos.cli.output import one_line
from memos.cli.tables import day, found_table, links_lines, said, who
from memos.cube import Plaintext
from memos.stores.terms import matches

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pydantic import JsonValue
    from rich.console import Console, ConsoleOptions
    from rich.table import Table

    from memos.cube import MemCube
    from memos.retrieval.hit import Hit

_COLOURS = (
    "cyan",
    "yellow",
    "magenta",
    "green",
    "blue",
    "red",
    "bright_cyan",
    "bright_yellow",
    "bright_magenta",
    "bright_green",
    "bright_blue",
    "bright_red",
)
_SHADES = "█▓▒░▚▞▤▥▦▧▨▩"
_WIDEST = 60
"""Cells of a bar, at most."""
_MATCHED = "bold underline"
_QUOTED = 60
"""Characters of a hit that a reason quotes."""


def explained_wire(hit: Hit, query: str) -> JsonValue:
    """A hit with its reasons: its parts, what they come from, and which words matched."""
    wire = hit_wire(hit)
    cube = wire.pop("cube")
    return {
        **wire,
        "why": dict(hit.why),
        "matched": _matched(hit.cube, query),
        "session": hit.cube.scope.session_id,
        "turn": _turn(hit.cube),
        "cube": cube,
    }


def explained_table(hits: Sequence[Hit], query: str) -> Table:
    """A hit with what matched marked in its text; below, the parts of its score."""
    looks = _looks(hits)
    scale = Scale.of([hit.parts for hit in hits])
    ranks = {hit.cube.id: rank for rank, hit in enumerate(hits, 1)}
    table = found_table()
    for hit in hits:
        table.add_row(
            f"{hit.score:.3f}",
            day(hit.cube),
            who(hit.cube),
            Group(
                _marked(hit.cube, query),
                Stack(hit.parts, looks, scale),
                *_reasons(hit, hits, ranks),
                *links_lines(hit),
                Text(f"{hit.cube.id}{_place(hit.cube)}\n", style="dim"),
            ),
        )
    return table


@dataclass(frozen=True, slots=True)
class Look:
    """How a part is drawn."""

    colour: str
    shade: str


@dataclass(frozen=True, slots=True)
class Scale:
    """The range of all bars of a search: the most that parts take away, and the most they add."""

    taken: float
    added: float

    @classmethod
    def of(cls, every: Sequence[Mapping[str, float]]) -> Scale:
        """The range of bars that are made of these parts."""
        return cls(
            max((-sum(each for each in parts.values() if each < 0) for parts in every), default=0),
            max((sum(each for each in parts.values() if each > 0) for parts in every), default=0),
        )

    def cells(self, width: int) -> tuple[int, int]:
        """The cells left and right of the line, where a bar has ``width`` of them."""
        span = self.taken + self.added
        left = round(width * self.taken / span) if span else 0
        return (max(left, 1) if self.taken else 0), width - left


class Stack:
    """The parts of one score: a bar of them all, and each with its number."""

    def __init__(self, parts: Mapping[str, float], looks: Mapping[str, Look], scale: Scale) -> None:
        self._parts = parts
        self._looks = looks
        self._scale = scale

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """The bar in a line, the numbers in as many as they need."""
        plain = console.no_color or console.color_system is None
        width = min(options.max_width - 1, _WIDEST)
        if width > 0:
            yield self._bar(width, plain=plain)
        line = Text()
        for number in self._numbers(plain=plain):
            if line and line.cell_len + number.cell_len + 2 > options.max_width:
                yield line
                line = Text()
            line.append("  " if line else "").append_text(number)
        yield line

    def _bar(self, width: int, *, plain: bool) -> Text:
        left, right = self._scale.cells(width)
        taken = {name: -part for name, part in self._parts.items() if part < 0}
        added = {name: part for name, part in self._parts.items() if part > 0}
        bar = Text(no_wrap=True, overflow="crop")
        if left:
            lost = self._segments(taken, self._scale.taken, left, plain=plain)
            bar.append(" " * (left - lost.cell_len)).append_text(lost).append("│", style="dim")
        return bar.append_text(self._segments(added, self._scale.added, right, plain=plain))

    def _segments(
        self, parts: Mapping[str, float], most: float, cells: int, *, plain: bool
    ) -> Text:
        """The parts side by side, ``cells`` long where they sum up to ``most``."""
        bar, upto, drawn = Text(), 0.0, 0
        for name, part in parts.items():
            upto += part
            end = round(cells * upto / most)
            look = self._looks[name]
            bar.append((look.shade if plain else "█") * (end - drawn), style=look.colour)
            drawn = end
        return bar

    def _numbers(self, *, plain: bool) -> Iterator[Text]:
        for name, part in self._parts.items():
            look = self._looks[name]
            number = Text().append(look.shade if plain else "█", style=look.colour)
            number.append(f" {one_line(name)} ", style="dim")
            yield number.append(f"{part:+.3f}" if self._scale.taken else f"{part:.3f}")


def _looks(hits: Sequence[Hit]) -> dict[str, Look]:
    """A colour and a shade for each part, in the order in which they come."""
    names = dict.fromkeys(name for hit in hits for name in hit.parts)
    return {
        name: Look(_COLOURS[number % len(_COLOURS)], _SHADES[number % len(_SHADES)])
        for number, name in enumerate(names)
    }


def _marked(cube: MemCube, query: str) -> Text:
    """The text with the words that the question has as well, in whatever form."""
    text = Text(said(cube))
    for start, end in matches(query, text.plain):
        text.stylize(_MATCHED, start, end)
    return text


def _matched(cube: MemCube, query: str) -> list[JsonValue]:
    text = said(cube)
    words = (text[start:end] for start, end in matches(query, text))
    return list(dict.fromkeys(words))


def _reasons(hit: Hit, hits: Sequence[Hit], ranks: Mapping[str, int]) -> Iterator[Text]:
    """What parts come from, line by line; what is the id of another hit, by its rank."""
    for name, reason in hit.why.items():
        line, rank = Text(f"{one_line(name)}: ", style="dim"), ranks.get(reason)
        if rank is None:
            yield line.append(one_line(reason))
        else:
            quoted = one_line(said(hits[rank - 1].cube))[:_QUOTED]
            line.append(f"the {rank}{_ordinal(rank)} hit, “{quoted}”")
            line.no_wrap, line.overflow = True, "ellipsis"
            yield line


def _ordinal(number: int) -> str:
    if number % 100 in {11, 12, 13}:
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")


def _place(cube: MemCube) -> str:
    """Where in which conversation it was said."""
    session, turn = cube.scope.session_id, _turn(cube)
    if session is None:
        return ""
    return f"  in {one_line(session)}" if turn is None else f"  turn {turn} of {one_line(session)}"


def _turn(cube: MemCube) -> int | None:
    """Which turn of its session it is, from 1."""
    position = cube.payload.position if isinstance(cube.payload, Plaintext) else None
    return None if position is None else position + 1
