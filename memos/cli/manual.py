"""How a help page looks: arguments, then options by what they are about, then examples."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup

from memos.cli.failing import BROKEN_PIPE, INTERRUPTED, as_json, guarded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typer._click import Context, HelpFormatter

EVERYWHERE = "Everywhere"
"""The panel of the options that every command takes."""
WHOSE = "Whose memory"
"""The panel of the options that name a scope."""

AS_JSON = "memos.as_json"
"""Where a context tells that the command line asks for JSON."""

WIDTH = 100
"""Columns of a help page, where the terminal has them."""


def examples(*lines: tuple[str, str]) -> str:
    """An epilog of commands, each with a word on what it does."""
    width = max(len(command) for command, _ in lines)
    if width > 52:
        return "\n".join(f"# {what}\n{command}" for command, what in lines)
    return "\n".join(f"{command:<{width}}  # {what}" for command, what in lines)


class _Page:
    """What the help pages of a command and of a group share."""

    epilog: str | None

    def format_epilog(self, ctx: Context, formatter: HelpFormatter) -> None:  # noqa: ARG002
        """Write the examples as they stand, line by line."""
        if self.epilog:
            with formatter.section(_title("Examples")):
                for line in self.epilog.splitlines():
                    formatter.write(f"  {line}\n")


class Command(_Page, TyperCommand):
    """One command of ``memos``."""

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write arguments and options, panel by panel."""
        _write_panels(self.get_params(ctx), ctx, formatter)


class Group(_Page, TyperGroup):
    """``memos`` itself, and its groups of commands."""

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write the commands first: they are what a reader looks for."""
        panels: dict[str, list[tuple[str, str]]] = {}
        for name, command in self.commands.items():
            panel = getattr(command, "rich_help_panel", None) or "Commands"
            row = (f"{name:<10}", command.get_short_help_str(limit=WIDTH))
            panels.setdefault(str(panel), []).append(row)
        for panel, rows in panels.items():
            with formatter.section(_title(panel)):
                formatter.write_dl(rows)
        _write_panels(self.get_params(ctx), ctx, formatter)

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Read the command line; what answers before it is all read knows of JSON."""
        ctx.meta.setdefault(AS_JSON, as_json(args))
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Context) -> Any:
        """Run the command; a reader that went away and Ctrl-C become exit codes."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise typer.Exit(BROKEN_PIPE) from error
        except KeyboardInterrupt as error:
            raise typer.Exit(INTERRUPTED) from error

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,  # noqa: ARG002
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run, tell of errors on stderr, and leave with the exit code."""
        words = list(sys.argv[1:] if args is None else args)

        def run() -> Any:
            return TyperGroup.main(
                self, words, "memos", complete_var, False, windows_expand_args, **extra
            )

        code = guarded(run, words)
        if standalone_mode:
            sys.exit(code)
        return code


def panel_of(param: object) -> str:
    """Under which heading an argument or an option stands."""
    default = "Arguments" if getattr(param, "param_type_name", "") == "argument" else "Options"
    return getattr(param, "rich_help_panel", None) or default


def record_of(param: object, record: tuple[str, str]) -> tuple[str, str]:
    """The help record of a parameter; of an argument, whose name says it, without its type."""
    name, text = record
    is_argument = getattr(param, "param_type_name", "") == "argument"
    return (name.split(" <", 1)[0] if is_argument else name), text


def _write_panels(params: Sequence[Any], ctx: Context, formatter: HelpFormatter) -> None:
    panels: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
    for param in params:
        record = param.get_help_record(ctx)
        if record is not None:
            panels.setdefault(panel_of(param), []).append(record_of(param, record))
    for last in (WHOSE, EVERYWHERE):
        panels[last] = panels.pop(last, [])
    for title, rows in panels.items():
        if rows:
            with formatter.section(_title(title)):
                formatter.write_dl(rows)


def _title(text: str) -> str:
    return typer.style(text, bold=True)
