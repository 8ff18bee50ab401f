"""Tables of cubes and hits, as a terminal shows them: few lines, full ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from memos.cli.output import clean, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from memos.cube import MemCube
    from memos.life.report import Doomed, Problem
    from memos.retrieval.hit import Hit
    from memos.retrieval.links import Link

BAR = 20
"""Cells of the longest bar."""

_ID = {"no_wrap": True, "style": "cyan"}
_WHEN = {"no_wrap": True}
_WHO = {"no_wrap": True, "max_width": 16}
_MEMORY = {"overflow": "ellipsis"}
_KIND = {"no_wrap": True}
_STATE = {"no_wrap": True, "style": "yellow"}
_USUAL = "activated"
"""The state that goes without saying."""
_BLOCKS = " ▏▎▍▌▋▊▉█"


def plain_table(*columns: tuple[str, Mapping[str, Any]]) -> Table:
    """A table without lines, whose head is dim."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for title, options in columns:
        table.add_column(title, **options)
    return table


def cubes_table(cubes: Sequence[MemCube]) -> Table:
    """One line a cube: id, date, who, and the beginning of its text; a state that is not usual."""
    kinds = {cube.kind for cube in cubes} != {"plaintext"}
    states = not {cube.state for cube in cubes} <= {_USUAL}
    table = plain_table(
        ("id", _ID),
        *([("kind", _KIND)] if kinds else []),
        *([("state", _STATE)] if states else []),
        ("when", _WHEN),
        ("who", _WHO),
        ("memory", _MEMORY),
    )
    for cube in cubes:
        kind = [str(cube.kind)] if kinds else []
        state = ["" if cube.state == _USUAL else str(cube.state)] if states else []
        table.add_row(cube.id, *kind, *state, day(cube), who(cube), _short(cube.text))
    return table


def hits_table(hits: Sequence[Hit]) -> Table:
    """A hit with its text in full and its id below."""
    table = found_table()
    for hit in hits:
        memory = Text(said(hit.cube))
        for line in links_lines(hit):
            memory.append("\n").append_text(line)
        memory.append(f"\n{hit.cube.id}", style="dim")
        table.add_row(f"{hit.score:.3f}", day(hit.cube), who(hit.cube), memory)
    return table


def links_lines(hit: Hit) -> list[Text]:
    """How a hit is linked with others, a line each."""
    style = "yellow" if hit.superseded else "dim"
    return [Text(str(link), style=style) for link in hit.links]


def links_table(links: Sequence[Link]) -> Table:
    """How a cube is linked with others, one a line."""
    table = plain_table(
        ("link", {"no_wrap": True}),
        ("id", _ID),
        ("since", {"no_wrap": True}),
        ("memory", _MEMORY),
    )
    for link in links:
        when = "" if link.since is None else f"{link.since:%Y-%m-%d}"
        table.add_row(str(link.how), link.id, when, _short(link.text))
    return table


def found_table() -> Table:
    """The empty table of hits."""
    return plain_table(
        ("score", {"no_wrap": True, "justify": "right"}),
        ("when", _WHEN),
        ("who", _WHO),
        ("memory", {"ratio": 1}),
    )


def bar(value: float, most: float, cells: int = BAR) -> str:
    """A bar of ``cells`` cells for ``most``, in eighths of a cell."""
    eighths = round(max(value, 0.0) / most * cells * 8) if most > 0 else 0
    full, rest = divmod(eighths, 8)
    return "█" * full + (_BLOCKS[rest] if rest else "")


def versions_table(cubes: Sequence[MemCube]) -> Table:
    """The versions of one cube, oldest first."""
    table = plain_table(
        ("version", {"justify": "right"}),
        ("recorded", {"no_wrap": True}),
        ("by", {"no_wrap": True}),
        ("memory", {"ratio": 1}),
    )
    for number, cube in enumerate(cubes, 1):
        style = "" if number == len(cubes) else "dim"
        recorded = f"{cube.header.updated_at:%Y-%m-%d %H:%M:%S}"
        step = cube.provenance.step.operation
        table.add_row(str(cube.version), recorded, step, clean(cube.text), style=style)
    return table


def doomed_table(doomed: Sequence[Doomed]) -> Table:
    """What forgetting takes along."""
    kinds = {one.kind for one in doomed} != {"plaintext"}
    table = plain_table(
        ("id", _ID),
        *([("kind", _KIND)] if kinds else []),
        ("why", {"no_wrap": True}),
        ("memory", _MEMORY),
    )
    for one in doomed:
        kind = [str(one.kind or "unknown")] if kinds else []
        table.add_row(one.id, *kind, tie(one.tie, one.because), _short(one.title))
    return table


def tie(how: str, because: str | None) -> str:
    """How a cube that goes hangs on another, of whose id the end is shown."""
    if how == "asked":
        return "asked for"
    if how == "quarantined" and because is None:
        return "in quarantine"
    words = "same as" if how == "duplicate" else "made from"
    return f"{words} …{because[-6:]}" if because else words


def problems_table(problems: Sequence[Problem]) -> Table:
    """What a check found."""
    table = plain_table(
        ("problem", {"no_wrap": True}),
        ("state", {"no_wrap": True}),
        ("what", {"ratio": 1, "overflow": "fold"}),
    )
    for problem in problems:
        state = Text("mended", "green") if problem.repaired else Text("open", "red")
        if problem.quarantined:
            state = Text("in quarantine", "yellow")
        what = Text(clean(problem.message))
        if problem.subject not in problem.message:
            what.append(f"\n{clean(problem.subject)}", style="dim")
        table.add_row(problem.code, state, what)
    return table


def facts_table(facts: Mapping[str, str]) -> Table:
    """Names and values, one pair a line."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts.items():
        table.add_row(name, clean(value))
    return table


def _short(text: str) -> Text:
    """A text on one line, cut where the column ends: the one column that may shrink."""
    return Text(one_line(text), no_wrap=True, overflow="ellipsis")


def day(cube: MemCube) -> str:
    """The day on which it was said, or else recorded."""
    return f"{cube.header.valid_from or cube.created_at:%Y-%m-%d}"


def who(cube: MemCube) -> str:
    """Who said it, or else whose it is."""
    return one_line(cube.speaker or cube.user_id or "")


def said(cube: MemCube) -> str:
    """Its text, under the title that was given to it."""
    attributes = getattr(cube.payload, "attributes", {})
    title = attributes.get("title")
    return clean(f"{title}: {cube.text}" if title else cube.text)


def size(count: int) -> str:
    """Bytes as people read them."""
    amount = float(count)
    for unit in ("B", "KiB", "MiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GiB"


def counted(number: int, noun: str) -> str:
    """A number and its noun: ``1 memory``, ``2 memories``."""
    if number == 1:
        return f"1 {noun}"
    plural = f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2] not in "aeo" else f"{noun}s"
    return f"{number:,} {plural}"
