"""The reference of the command line, as Markdown: ``python -m memos.cli.reference``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import typer

from memos.cli.app import app
from memos.cli.manual import EVERYWHERE, WHOSE, panel_of, record_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHARED = (WHOSE, EVERYWHERE)


def reference() -> str:
    """Every command with its arguments, options and examples."""
    root: Any = typer.main.get_command(app)
    context = root.context_class(root, info_name="memos", **root.context_settings)
    lines = [
        "# The command `memos`",
        "",
        "Written by `python -m memos.cli.reference > docs/cli.md`; a test keeps it current.",
        "",
        *_text(root.help),
        *_parameters(root, context, shared=True),
        *_examples(root),
    ]
    for path, command, inner in _commands(root, context, "memos"):
        lines += [f"## {path}", "", *_text(command.help)]
        lines += ["```console", " ".join([path, *command.collect_usage_pieces(inner)]), "```", ""]
        lines += [*_parameters(command, inner, shared=False), *_examples(command)]
    return "\n".join(lines).rstrip() + "\n"


def _commands(group: Any, context: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    for name, command in group.commands.items():
        inner = command.context_class(command, info_name=name, parent=context)
        if hasattr(command, "commands"):
            yield from _commands(command, inner, f"{path} {name}")
        else:
            yield f"{path} {name}", command, inner


def _text(text: str) -> list[str]:
    lines = [line.strip() for line in text.replace("\b\n", "").strip().splitlines()]
    return [*lines, ""]


def _parameters(command: Any, context: Any, *, shared: bool) -> list[str]:
    """The parameters as a table; those that every command takes stand on top of the page."""
    rows = []
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and (panel_of(parameter) in _SHARED) == shared:
            name, text = record_of(parameter, record)
            rows.append(f"| `{_cell(name)}` | {_cell(text)} |")
    if not rows:
        return []
    return ["| | |", "|---|---|", *rows, ""]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _examples(command: Any) -> list[str]:
    return ["```bash", *command.epilog.splitlines(), "```", ""] if command.epilog else []


if __name__ == "__main__":
    sys.stdout.write(reference())
