"""How the demo speaks: a heading and what was seen for people, one JSON object for programs."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from memos.cli.output import Mode, clean, one_line, screen
from memos.cli.tables import BAR, bar, day, who

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import JsonValue
    from rich.console import RenderableType

    from memos.cli.output import Output
    from memos.retrieval.hit import Hit

_PARTS = {"vectors": "meaning", "words": "words", "graph": "beside"}
_CELLS = BAR // 2


class Teller:
    """Tells one step after another."""

    def __init__(self, out: Output) -> None:
        self._out = out
        self._as_json = out.asked and out.mode in {Mode.JSON, Mode.JSONL}
        self._silent = out.asked and out.mode in {Mode.IDS, Mode.QUIET}
        self._count = 0

    def step(
        self, name: str, title: str, content: Mapping[str, JsonValue], *drawn: RenderableType
    ) -> None:
        """Tell one step: ``content`` for programs, ``drawn`` for people."""
        self._count += 1
        if self._as_json:
            step = {"schema": "agent-memos/demo/1", "step": name, "data": dict(content)}
            self._out.line(json.dumps(step, ensure_ascii=False))
        elif not self._silent:
            console = screen()
            heading = Text(f"{self._count}  ", style="cyan").append(title, style="bold")
            console.print(Text("\n") if self._count > 1 else "", heading, sep="")
            for drawing in drawn:
                console.print(Padding(_text(drawing), (0, 0, 0, 3)))
        sys.stdout.flush()


def _text(drawing: RenderableType) -> RenderableType:
    return Text(clean(drawing)) if isinstance(drawing, str) else drawing


def found(question: str, hits: Sequence[Hit], verdict: str = "") -> RenderableType:
    """A question and its hits: when, who, what, and below each the reasons as bars."""
    asked = Text(f"\n{clean(question)}", style="italic")
    if verdict:
        asked.append(f"   {verdict}", style="dim not italic")
    most = max((part for hit in hits for part in hit.parts.values()), default=0.0)
    width = max((len(who(hit.cube)) for hit in hits), default=0)
    lines: list[Text] = []
    for rank, hit in enumerate(hits, 1):
        line = Text(no_wrap=True, overflow="ellipsis")
        line.append(f"{rank}  {day(hit.cube)}  ", style="dim")
        line.append(f"{who(hit.cube):<{width}}  {one_line(hit.cube.text)}")
        lines += [line, _reasons(hit.parts, most)]
    return Group(asked, *lines)


def _reasons(parts: Mapping[str, float], most: float) -> Text:
    line = Text("   ", no_wrap=True, overflow="ellipsis")
    for name, value in parts.items():
        line.append(f"{_PARTS.get(name, name)} ", style="dim")
        line.append(f"{bar(value, most, _CELLS):<{_CELLS}}", style="cyan")
        line.append(f" {value:.2f}  ", style="dim")
    return line


def side_by_side(rows: Sequence[Sequence[str]], head: Sequence[str]) -> Table:
    """A small table of texts."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    for title in head:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*(clean(cell) for cell in row))
    return table
