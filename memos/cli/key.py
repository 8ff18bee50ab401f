"""The commands about the key of encrypted stores: ``key new`` and ``key rotate``."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from memos.cli.call import Call, command
from memos.cli.confirm import confirm, require_terminal
from memos.cli.failing import FAILED
from memos.cli.manual import Group, examples
from memos.cli.output import Mode
from memos.cube import EVERYBODY, ROOT
from memos.cube.frozen import Frozen
from memos.errors import BackendError, BadInput, MemosError, MissingKey, NotFound, shown
from memos.kinds.drafts import checked_reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memos.stores.keys import MasterKey

PANEL = "The store"

_KEPT = "Have you kept the new key, so that the old one may go"
_HAND = "name --new-key-file FILE, or take the key from stdout and pass --yes"
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
        nobodys=True,
        epilog=examples(
            ("export AGENT_MEMOS_KEY=$(memos key new)", "into the environment"),
            ("memos key new --keyring --store ~/notes", "into the keyring, for that store"),
        ),
    )(_new)
    command(
        key,
        "rotate",
        panel="Commands",
        nobodys=True,
        epilog=examples(
            ("memos key rotate", "shows the new key, asks, and takes it; or the keyring does"),
            ("memos key rotate --new-key-file new.key", "into a file, without a question"),
            ("NEW=$(memos key rotate --yes --store ~/notes)", "into a shell, of another store"),
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


def _rotate(
    call: Call,
    file: Annotated[
        Path | None,
        typer.Option(
            "--new-key-file", metavar="FILE", help="Write the new key to this new file instead."
        ),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask whether the new key is kept.")
    ] = False,
) -> None:
    """Give an encrypted store another key; the old one opens it no more.

    Before that, the new key is shown, and has to be kept: it is asked for that on a terminal.
    """
    from memos.stores.folder import Folder
    from memos.stores.key_changes import locked

    settings, folder = call.loaded.settings, _folder(call)
    if settings.encryption.key_from == "none":
        hint = "set encryption.key_from to env or keyring"
        raise MissingKey("no key is configured that could be changed", hint=hint)
    if not Folder.holds_store(folder):
        raise NotFound(f"there is no store in {folder}", hint="memos init --encrypt makes one")
    with locked(folder, lock_seconds=settings.lock_seconds):
        if settings.encryption.key_from == "keyring":
            _rotate_in_keyring(call, folder, file)
        else:
            _rotate_in_hand(call, folder, file, yes=yes)


def _rotate_in_keyring(call: Call, folder: Path, file: Path | None) -> None:
    from memos.stores.key_changes import rotate
    from memos.stores.keys import MasterKey
    from memos.stores.master_key import key_of_keyring

    if file is not None:
        raise BadInput("the keyring keeps the new key", hint="leave out --new-key-file")
    with _recorded(call, folder):
        rotate(folder, key_of_keyring(folder), MasterKey.fresh(), in_keyring=True)
    call.out.note(f"the keyring has the new key of the store in {folder}; {_KEEP}")


def _rotate_in_hand(call: Call, folder: Path, file: Path | None, *, yes: bool) -> None:
    """The old key is good until somebody has the new one."""
    from memos.config import key_from_environment
    from memos.stores.key_changes import keep_in_file, rotate
    from memos.stores.keys import MasterKey
    from memos.stores.master_key import key_of_environment

    old, new = key_of_environment(folder, key_from_environment()), MasterKey.fresh()
    with _recorded(call, folder):
        if file is not None:
            from memos.kernel.arguments import read_outlet

            keep_in_file(new, read_outlet(file, call.grounds))
        elif not _is_handed_over(call, new, yes=yes):
            call.out.warn("the store has its old key, and the new one is none")
            raise typer.Exit(FAILED)
        rotate(folder, old, new, in_keyring=False)
    call.out.note(_KEEP if file is None else f"{file} has the new key; {_KEEP}")
    call.out.note("next: set AGENT_MEMOS_KEY to it")


def _is_handed_over(call: Call, new: MasterKey, *, yes: bool) -> bool:
    """Show a key, and ask whether somebody has it; refuse where nobody can.

    Raises:
        BadInput: nobody would see it, or nobody can be asked.
    """
    if _is_lost():
        raise BadInput("nobody would see the new key: stdout is thrown away", hint=_HAND)
    if not yes:
        require_terminal(_KEPT, hint=_HAND)
    _show(call, new)
    sys.stdout.flush()
    return confirm(_KEPT, yes=yes)


def _is_lost() -> bool:
    """Whether stdout is a device that is no terminal, such as /dev/null."""
    try:
        mode = os.fstat(sys.stdout.fileno()).st_mode
    except OSError:  # it is within a program that runs us, which reads it
        return False
    return stat.S_ISCHR(mode) and not sys.stdout.isatty()


@contextmanager
def _recorded(call: Call, folder: Path) -> Iterator[None]:
    """A row of the journal for a change of the key, in the application's name."""
    from memos.opening import beside
    from memos.ports.journal import Audit
    from memos.stores.clock_system import SystemClock

    at, why = SystemClock().now(), checked_reason(call.reason)
    row = Audit(at, str(ROOT), "rotate_key", EVERYBODY, (), reason=why, basis="root")
    with beside(folder, call.loaded.settings) as (journal, _, _keys):
        try:
            yield
        except MemosError as error:
            with suppress(BackendError):  # why it failed must not be hidden
                journal.append(replace(row, outcome=error.code, basis=""))
            raise
        journal.append(row)


def _show(call: Call, master: MasterKey) -> None:
    """Write the key alone, so that a shell can take it; as JSON where that was asked for."""
    if call.out.asked and call.out.mode in {Mode.JSON, Mode.JSONL}:
        call.out.one("key", _Made(key=master.text), table="")
    else:
        call.out.line(master.text)


def _folder(call: Call) -> Path:
    if call.url:
        raise BadInput(f"{shown(call.url)} is a URL", hint="name the store's folder")
    return Path(call.loaded.settings.store).expanduser().absolute()
