"""Progress bars on stderr, where there is a terminal to see them."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


_PATIENCE = 0.4
"""Seconds that work may take before a bar is drawn for it."""


class Bars:
    """A ``memos.ports.progress.Progress`` that draws one bar for each thing that takes a while.

    A bar goes when its work is done, and with the last one the lines they stood on.
    """

    def __init__(self, *, shown: bool) -> None:
        self._shown = shown
        self._drawing: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._since: dict[str, float] = {}

    def __call__(self, what: str, done: int, total: int) -> None:
        """Move the bar of ``what``."""
        if not self._shown:
            return
        if done >= total:
            self._finish(what)
            return
        if time.monotonic() - self._since.setdefault(what, time.monotonic()) < _PATIENCE:
            return
        drawing = self._started()
        if what not in self._tasks:
            self._tasks[what] = drawing.add_task(what, total=total)
        drawing.update(self._tasks[what], completed=done, total=total)

    def close(self) -> None:
        """Take away whatever is still drawn."""
        if self._drawing is not None:
            self._drawing.stop()
        self._drawing = None
        self._tasks = {}
        self._since = {}

    def _finish(self, what: str) -> None:
        self._since.pop(what, None)
        task = self._tasks.pop(what, None)
        if self._drawing is not None and task is not None:
            self._drawing.remove_task(task)
        if self._drawing is not None and not self._tasks:
            self._drawing.stop()
            self._drawing = None

    def _started(self) -> Progress:
        if self._drawing is None:
            from rich.progress import (
                BarColumn,
                MofNCompleteColumn,
                Progress,
                TextColumn,
                TimeRemainingColumn,
            )

            from memos.cli.output import screen

            self._drawing = Progress(
                TextColumn("{task.description:<22}", markup=False),
                BarColumn(bar_width=32, complete_style="cyan", finished_style="cyan", style="dim"),
                MofNCompleteColumn(),
                TimeRemainingColumn(compact=True),
                console=screen(stderr=True),
                transient=True,
            )
            self._drawing.start()
        return self._drawing


def bars(*, quiet: bool) -> Bars:
    """Bars that are drawn on a terminal, and only there."""
    return Bars(shown=not quiet and sys.stderr.isatty())
