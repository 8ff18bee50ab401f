"""A run of the bench, drawn: a table a set, bars beside the targets, and what was missed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from memos.cli.output import clean, one_line
from memos.cli.tables import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from memos.evaluation.report import Latency, Miss, Report, SetReport

_CELLS = 30
"""Cells of a bar for 100 %."""
_OURS = "memos"
_BLOCKS = " ▏▎▍▌▋▊▉█"
_TIMES = ("CPU p50/p95", "wall p50/p95")
"""Milliseconds."""
_REMARK = 160
"""Characters of a memory that a miss shows."""


def report_drawing(report: Report) -> RenderableType:
    """The whole run."""
    head = f"memos {report.version}, {report.embedder}, stores in {report.store}"
    if report.limit is not None:
        head += f", the first {counted(report.limit, 'question')} of each set"
    drawn = Text(clean(f"{head}\n{report.machine}"), style="dim")
    return Group(drawn, *(_set_drawing(one) for one in report.sets))


def _set_drawing(one: SetReport) -> RenderableType:
    counts = [
        counted(one.cases, "case"),
        counted(one.memories, "memory"),
        counted(one.questions, "question"),
    ]
    heading = Text(f"\n{clean(one.set)}", style="bold")
    heading.append(f"  {', '.join(counts)}{_left_out(one)}", style="not bold dim")
    if not one.questions:
        return Group(heading, Text("there is nothing to measure: no question has evidence"))
    drawn: list[RenderableType] = [heading, "", _finders(one)]
    if one.targets:
        drawn += ["", Text("\n").join(_target_bars(one))]
    if one.categories:
        drawn += ["", _categories(one)]
    drawn += ["", _speed(one), *(_miss(miss) for miss in one.misses)]
    return Group(*drawn)


def _left_out(one: SetReport) -> str:
    reasons = [f"{count:,} {reason}" for reason, count in one.left_out.items()]
    return f"; left out: {', '.join(reasons)}" if reasons else ""


def _finders(one: SetReport) -> Table:
    """A line a finder; what it takes is above the embedding of the question."""
    table = _table("", *one.measures, *_TIMES)
    best = {name: max(each.scores[name] for each in one.finders) for name in one.measures}
    for each in one.finders:
        scores = [
            Text(
                f"{100 * each.scores[name]:.1f}", "bold" if each.scores[name] == best[name] else ""
            )
            for name in one.measures
        ]
        style = "cyan" if each.finder == _OURS else ""
        table.add_row(Text(each.finder, style), *scores, *_times(each.above_embedding))
    if one.targets:
        aims = [f"{100 * one.targets[m]:.1f}" if m in one.targets else "" for m in one.measures]
        table.add_row("target", *aims, style="dim")
    return table


def _times(latency: Latency) -> list[str]:
    return [
        f"{latency.cpu_p50:.1f} /{latency.cpu_p95:5.1f}",
        f"{latency.wall_p50:.1f} /{latency.wall_p95:5.1f}",
    ]


def _target_bars(one: SetReport) -> Iterator[Text]:
    """A bar for each measure that has a target, with marks where target and best rival are."""
    scores = {each.finder: each.scores for each in one.finders}
    for name, target in one.targets.items():
        score = scores[_OURS][name]
        others = {rival: each[name] for rival, each in scores.items() if rival != _OURS}
        marks = {round(_CELLS * target): ("┃", "yellow")}
        best = max(others, key=lambda rival: others[rival], default=None)
        if best is not None:
            marks.setdefault(round(_CELLS * others[best]), ("╎", "magenta"))
        line = Text(f"{name:<10} ", style="dim")
        line.append_text(_marked_bar(score, marks))
        line.append(f" {100 * score:.1f} %", style="bold")
        gap = 100 * (score - target)
        line.append(f", {abs(gap):.1f} {'above' if gap >= 0 else 'below'} ", "dim")
        line.append("┃", "yellow").append(f" {100 * target:.0f}", "dim")
        if best is not None:
            line.append("  ╎", "magenta").append(f" {best} {100 * others[best]:.1f}", "dim")
        yield line


def _marked_bar(share: float, marks: dict[int, tuple[str, str]]) -> Text:
    """A bar from 0 to 1 in eighths of a cell, and marks in the cells given."""
    full, rest = divmod(round(share * _CELLS * 8), 8)
    cells = ["█"] * full + ([_BLOCKS[rest]] if rest else [])
    cells += ["·"] * (_CELLS - len(cells))
    bar = Text()
    for number, cell in enumerate(cells):
        mark = marks.get(number + 1)
        if mark is not None:
            bar.append(*mark)
        else:
            bar.append(cell, style="dim" if cell == "·" else "cyan")
    return bar


def _categories(one: SetReport) -> Table:
    table = _table("category", "questions", *one.measures)
    for each in one.categories:
        scores = [f"{100 * each.scores[name]:.1f}" for name in one.measures]
        table.add_row(clean(each.category or "none"), f"{each.questions:,}", *scores)
    return table


def _speed(one: SetReport) -> RenderableType:
    table = _table("", *_TIMES)
    table.add_row("a search in all", *_times(one.search))
    table.add_row("embedding its question", *_times(one.query_embedding))
    told = (
        f"adding a memory: {one.embedding_ms:.1f} ms of CPU to embed it, "
        f"{one.adding_ms:.1f} for the rest; wall {one.adding_wall_ms:.1f} ms"
    )
    return Group(table, Text(told, style="dim"))


def _miss(miss: Miss) -> RenderableType:
    asked = Text(f"\n{one_line(miss.question)}", style="italic")
    category = f", category {miss.category}" if miss.category else ""
    asked.append(f"  {one_line(miss.id + category)}", style="dim not italic")
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    kinds = (("missed", miss.missed, "red"), ("found", miss.reached, "green"))
    for word, lines, style in (*kinds, ("instead", miss.instead, "dim")):
        for line in lines:
            table.add_row(Text(word, style), _shortened(line))
    return Group(asked, Padding(table, (0, 0, 0, 2)))


def _shortened(line: str) -> Text:
    flat = one_line(line)
    return Text(flat if len(flat) <= _REMARK else f"{flat[:_REMARK].rstrip()}…")


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(first, no_wrap=True)
    for title in others:
        table.add_column(title, justify="right", no_wrap=True)
    return table
