"""A drawing of adapters as SVG: what they retain, and recall against drift. Two panels, no library.

recall                      recall
|  o---o                    |   x one
|       \\o                  |        x two
+----------- examination    +------------- drift
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from memos.cli.output import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_WIDTH, _HEIGHT = 380, 260
"""Of the area of one panel, inside its axes."""
_LEFT, _TOP, _GAP = 60, 40, 90
_LINE = 18
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""Told apart by those who see few colours, too."""
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Drawn:
    """An adapter in the drawing."""

    name: str
    drift: float
    recalls: tuple[float, ...]
    """At each examination, oldest first; the last counts in the second panel."""


def figure(adapters: Sequence[Drawn]) -> str:
    """The whole drawing."""
    second = _LEFT + _WIDTH + _GAP
    below = _TOP + _HEIGHT + 60
    width, height = second + _WIDTH + 30, below + _LINE * len(adapters) + 10
    examinations = max((len(one.recalls) for one in adapters), default=1)
    least, most = _bounds([one.drift for one in adapters])
    retention = _Panel(_LEFT, (0.0, max(1.0, examinations - 1.0)))
    against = _Panel(second, (least, most))
    size = f'width="{width}" height="{height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">',
        f'<rect {size} fill="white"/>',
        *retention.frame("retention", "examination", [str(n) for n in range(examinations)]),
        *against.frame("recall against drift", "drift", [f"{least:+.1%}", f"{most:+.1%}"]),
    ]
    for number, one in enumerate(adapters):
        colour = _COLOURS[number % len(_COLOURS)]
        lines += retention.curve(one.recalls, colour)
        lines += against.point(one.drift, one.recalls[-1], colour, str(number + 1))
        at = below + _LINE * number
        lines.append(f'<circle cx="{_LEFT + 5}" cy="{at - 4}" r="4" fill="{colour}"/>')
        lines.append(_text(_LEFT + 16, at, f"{number + 1}  {_short(one.name)}", anchor="start"))
    return "\n".join([*lines, "</svg>", ""])


@dataclass(frozen=True, slots=True)
class _Panel:
    """An area whose height is recall, from 0 at the bottom to 1 at the top."""

    left: int
    span: tuple[float, float]
    """What its left and right edges stand for."""

    def frame(self, title: str, below: str, ticks: Sequence[str]) -> Iterator[str]:
        """The axes, with as many ticks below as are named, from edge to edge."""
        yield _text(self.left + _WIDTH / 2, _TOP - 14, title)
        yield (
            f'<rect x="{self.left}" y="{_TOP}" width="{_WIDTH}" height="{_HEIGHT}" '
            'fill="none" stroke="#888"/>'
        )
        for recall in (0.0, 0.5, 1.0):
            yield _text(self.left - 8, self._y(recall) + 4, f"{recall:.0%}", anchor="end")
        for number, tick in enumerate(ticks):
            step = number / max(1, len(ticks) - 1)
            yield _text(self.left + step * _WIDTH, _TOP + _HEIGHT + 18, tick)
        yield _text(self.left + _WIDTH / 2, _TOP + _HEIGHT + 36, below)

    def curve(self, recalls: Sequence[float], colour: str) -> Iterator[str]:
        """Recall over examinations."""
        places = [(self._x(float(n)), self._y(recall)) for n, recall in enumerate(recalls)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
        for x, y in places:
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>'

    def point(self, across: float, recall: float, colour: str, name: str) -> Iterator[str]:
        """One adapter, with its number beside it."""
        x, y = self._x(across), self._y(recall)
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{colour}"/>'
        yield _text(x + 9, y + 4, name, anchor="start")

    def _x(self, value: float) -> float:
        least, most = self.span
        return self.left + (value - least) / (most - least) * _WIDTH

    def _y(self, recall: float) -> float:
        return _TOP + (1 - recall) * _HEIGHT


def _bounds(values: Sequence[float]) -> tuple[float, float]:
    """From where to where an axis goes that holds these and 0."""
    least, most = min([0.0, *values]), max([0.0, *values])
    room = (most - least) * 0.1 or 0.01
    return least - room, most + room


def _text(x: float, y: float, text: str, *, anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _short(name: str) -> str:
    flat = one_line(name)
    return flat if len(flat) <= _LONGEST else f"{flat[: _LONGEST - 1].rstrip()}…"
