"""The commands about settings: ``config show`` and ``config path``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from memos.cli.call import Call, command
from memos.cli.manual import Group, examples

PANEL = "The store"


@dataclass(frozen=True, slots=True)
class _Setting:
    name: str
    value: object
    origin: str


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    config = typer.Typer(
        cls=Group,
        help="Show the settings: flags > environment > project file > user file > defaults.",
        epilog=examples(
            ("memos config show --origin", "every value, and where it came from"),
            ("memos config path", "the files that are read"),
        ),
        rich_markup_mode=None,
        no_args_is_help=True,
    )
    command(
        config,
        "show",
        panel="Commands",
        nobodys=True,
        epilog=examples(
            ("memos config show", "every setting"),
            ("memos config show --origin", "and where each value came from"),
            ("AGENT_MEMOS_STORE=~/notes memos config show --json", "for programs"),
        ),
    )(_show)
    command(
        config,
        "path",
        panel="Commands",
        nobodys=True,
        epilog=examples(
            ("memos config path", "the files, the strongest first"),
            ("memos config path --json", "and whether they exist"),
        ),
    )(_path)
    app.add_typer(config, name="config", rich_help_panel=PANEL)


def _show(
    call: Call,
    origin: Annotated[bool, typer.Option("--origin", help="Say where values came from.")] = False,
) -> None:
    """Show every setting with its value."""
    from memos.cli.tables import plain_table

    loaded = call.loaded
    rows = [
        _Setting(name, value, loaded.origin.get(name, "default"))
        for name, value in loaded.values.items()
    ]
    table = plain_table(
        ("setting", {"no_wrap": True, "style": "cyan"}),
        ("value", {"overflow": "fold"}),
        *([("from", {"overflow": "fold", "style": "dim"})] if origin else []),
    )
    for row in rows:
        table.add_row(row.name, str(row.value), *([row.origin] if origin else []))
    call.out.many(
        "config",
        rows,
        content=lambda row: {
            "name": row.name,
            "value": _plain(row.value),
            **({"origin": row.origin} if origin else {}),
        },
        ids=lambda row: row.name,
        table=lambda _: table,
    )


def _path(call: Call) -> None:
    """Show which files settings are read from, the strongest first."""
    from memos.cli.tables import plain_table
    from memos.config import PROJECT_FILE, user_file

    files = [("project", Path(PROJECT_FILE).resolve()), ("user", user_file())]
    table = plain_table(
        ("file", {"no_wrap": True}), ("path", {"overflow": "fold"}), ("", {"style": "dim"})
    )
    for name, path in files:
        table.add_row(name, str(path), "" if path.is_file() else "not there")
    call.out.many(
        "config-path",
        files,
        content=lambda file: {"file": file[0], "path": str(file[1]), "exists": file[1].is_file()},
        ids=lambda file: str(file[1]),
        table=lambda _: table,
    )


def _plain(value: object) -> str | int | float | bool | None:
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)
