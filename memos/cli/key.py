"""The commands about the key of encrypted stores: ``key new`` and ``key rotate``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from memos.cli.call import Call, command
from memos.cli.manual import Group, examples
from memos.cli.output import Mode
from memos.cube.frozen import Frozen
from memos.errors import BadInput, MissingKey, NotFound

if TYPE_CHECKING:
    from memos.stores.keys import MasterKey

PANEL = "The store"

_KEEP = "keep a copy in a safe place: without it nobody can read what it encrypts"


class _Made(Frozen):
    key: str


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    key = typer.Typer(
        cls=Group,
        help="Make and change the key of an encrypted store, which itself never holds it.",
        epilog=examples(
            ("memos key new", "a key for the variable AGENT_MEMOS_KEY"),
            ("memos key new --keyring", "or one that the system's keyring keeps"),
            ("memos init --encrypt", "then make the store"),
        ),
        rich_markup_mode=None,
        no_args_is_help=True,
    )
    command(
        key,
        "new",
        panel="Commands",
        epilog=examples(
            ("export AGENT_MEMOS_KEY=$(memos key new)", "into the environment"),
            ("memos key new --keyring --store ~/notes", "into the keyring, for that store"),
        ),
    )(_new)
    command(
        key,
        "rotate",
        panel="Commands",
        epilog=examples(
            ("memos key rotate", "the new key is printed, or goes into the keyring"),
            ("memos key rotate --store ~/notes", "of another store"),
        ),
    )(_rotate)
    app.add_typer(key, name="key", rich_help_panel=PANEL)


def _new(
    call: Call,
    keyring: Annotated[
        bool,
        typer.Option("--keyring", help="Keep it in the system's keyring, for the store to come."),
    ] = False,
) -> None:
    """Make the key of an encrypted store to come; it is shown now and never again."""
    from memos.stores.key_changes import begin_in_keyring
    from memos.stores.keys import MasterKey

    master = MasterKey.fresh()
    if keyring:
        folder = _folder(call)
        begin_in_keyring(folder, master, lock_seconds=call.loaded.settings.lock_seconds)
        call.out.note(f"the keyring has the key of a store in {folder}; {_KEEP}")
        call.out.note("next: set encryption.key_from to keyring, then memos init --encrypt")
    else:
        _show(call, master)
        call.out.note(_KEEP)
        call.out.note("next: set AGENT_MEMOS_KEY to it and encryption.key_from to env,")
        call.out.note("then memos init --encrypt")


def _rotate(call: Call) -> None:
    """Give an encrypted store another key; the old one opens it no more."""
    from memos.config import key_from_environment
    from memos.stores.folder import Folder
    from memos.stores.key_changes import locked, rotate
    from memos.stores.keys import MasterKey
    from memos.stores.master_key import key_of_environment, key_of_keyring

    settings, folder = call.loaded.settings, _folder(call)
    source = settings.encryption.key_from
    if source == "none":
        hint = "set encryption.key_from to env or keyring"
        raise MissingKey("no key is configured that could be changed", hint=hint)
    if not Folder.holds_store(folder):
        raise NotFound(f"there is no store in {folder}", hint="memos init --encrypt makes one")
    with locked(folder, lock_seconds=settings.lock_seconds):
        if source == "keyring":
            rotate(folder, key_of_keyring(folder), MasterKey.fresh(), in_keyring=True)
            call.out.note(f"the keyring has the new key of the store in {folder}; {_KEEP}")
            return
        old, new = key_of_environment(folder, key_from_environment()), MasterKey.fresh()
        _show(call, new)
        sys.stdout.flush()  # the old key is good until somebody has the new one
        rotate(folder, old, new, in_keyring=False)
    call.out.note(_KEEP)
    call.out.note("next: set AGENT_MEMOS_KEY to it")


def _show(call: Call, master: MasterKey) -> None:
    """Write the key alone, so that a shell can take it; as JSON where that was asked for."""
    if call.out.asked and call.out.mode in {Mode.JSON, Mode.JSONL}:
        call.out.one("key", _Made(key=master.text), table="")
    else:
        call.out.line(master.text)


def _folder(call: Call) -> Path:
    if call.url:
        raise BadInput(f"{call.url!r} is a URL", hint="name the store's folder")
    return Path(call.loaded.settings.store).expanduser().absolute()
