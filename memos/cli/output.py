"""What goes to stdout, in the form that was asked for: a table, JSON, JSON lines, or ids."""

from __future__ import annotations

import json
import re
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, TypeVar

from memos.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pydantic import JsonValue
    from rich.console import Console, RenderableType


T = TypeVar("T")


class Mode(StrEnum):
    """The forms of output."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    IDS = "ids"
    QUIET = "quiet"

    @classmethod
    def chosen(cls, output: Mode | None, *, as_json: bool, quiet: bool) -> Mode | None:
        """The form that ``--output``, ``--json`` and ``-q`` ask for; None when none does.

        Raises:
            BadInput: they ask for two.
        """
        wanted = {output} if output is not None else set()
        wanted |= {cls.JSON} if as_json else set()
        wanted |= {cls.IDS} if quiet else set()
        if len(wanted) > 1:
            named = " and ".join(sorted(wanted))
            raise BadInput(f"the output cannot be {named} at once", hint="choose one of them")
        return next(iter(wanted), None)


class _Dumped(Protocol):
    def model_dump(self, *, mode: str) -> dict[str, JsonValue]: ...


_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """Text that is safe on a terminal: control characters, which could steer it, are replaced."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """Clean text with every run of white space as one space."""
    return clean(" ".join(text.split()))


def screen(*, stderr: bool = False) -> Console:
    """A console that prints what it is given: no markup, no emoji, no guessed highlights."""
    from rich.console import Console

    class Screen(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    return Screen(stderr=stderr, markup=False, emoji=False, highlight=False)


class Output:
    """Writes results to stdout, and remarks to stderr."""

    def __init__(self, mode: Mode | None) -> None:
        self.mode = mode or (Mode.TABLE if sys.stdout.isatty() else Mode.JSONL)
        self.asked = mode is not None
        """Whether the form was chosen on the command line."""

    @property
    def tabled(self) -> bool:
        """Whether the output is for people."""
        return self.mode is Mode.TABLE

    def many(
        self,
        what: str,
        rows: Iterable[T],
        *,
        content: Callable[[T], JsonValue],
        ids: Callable[[T], str],
        table: Callable[[Sequence[T]], RenderableType],
    ) -> None:
        """Write rows; JSON lines and ids are written as the rows come."""
        if self.mode is Mode.TABLE:
            self.draw(table(list(rows)))
        elif self.mode is Mode.JSON:
            self._envelope(what, [content(row) for row in rows])
        else:
            for row in rows:
                if self.mode is Mode.JSONL:
                    self.line(json.dumps(content(row), ensure_ascii=False))
                elif self.mode is Mode.IDS:
                    self.line(ids(row))

    def one(
        self, what: str, value: _Dumped, *, ids: Sequence[str] = (), table: RenderableType
    ) -> None:
        """Write one thing."""
        if self.mode is Mode.TABLE:
            self.draw(table)
        elif self.mode is Mode.JSON:
            self._envelope(what, value.model_dump(mode="json"))
        elif self.mode is Mode.JSONL:
            self.line(json.dumps(value.model_dump(mode="json"), ensure_ascii=False))
        elif self.mode is Mode.IDS:
            for cube_id in ids:
                self.line(cube_id)

    def _envelope(self, what: str, content: JsonValue) -> None:
        envelope = {"schema": f"agent-memos/{what}/1", "data": content}
        self.line(json.dumps(envelope, ensure_ascii=False))

    def draw(self, drawing: RenderableType) -> None:
        """Write something for people to stdout."""
        screen().print(drawing)

    def line(self, text: str) -> None:
        """Write one line to stdout."""
        sys.stdout.write(text + "\n")

    def note(self, text: str) -> None:
        """Remark on something, on stderr; not when ids or nothing at all was asked for."""
        if self.mode not in {Mode.IDS, Mode.QUIET}:
            screen(stderr=True).print(clean(text), style="dim", soft_wrap=True)

    def warn(self, text: str) -> None:
        """Say what is wrong, on stderr, whatever the form of the output."""
        console = screen(stderr=True)
        console.print("warning: ", style="yellow", end="")
        console.print(clean(text), soft_wrap=True)
