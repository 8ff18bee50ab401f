"""The commands about keys that bundles are signed with: ``signing-key new`` and ``show``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from memos.cli.call import Call, command
from memos.cli.manual import Group, examples

PANEL = "Sharing"

KeyFile = Annotated[Path, typer.Argument(metavar="FILE", help="The file with the private key.")]


@dataclass(frozen=True, slots=True)
class _Key:
    file: str
    public: str


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    keys = typer.Typer(
        cls=Group,
        help="Keys that bundles are signed with: make one, show its public half.",
        epilog=examples(
            ("memos signing-key new key.pem", "make a key, and print what others trust"),
            ("memos export kb.zip --sign key.pem", "sign with it"),
        ),
        rich_markup_mode=None,
        no_args_is_help=True,
    )
    command(
        keys,
        "new",
        panel="Commands",
        nobodys=True,
        epilog=examples(
            ("memos signing-key new key.pem", "never replaces a file"),
            ("memos signing-key new key.pem -q", "the public key, and no more"),
        ),
    )(_new)
    command(
        keys,
        "show",
        panel="Commands",
        nobodys=True,
        epilog=examples(
            ("memos signing-key show key.pem", "64 hexadecimal digits"),
            ("memos install kb.zip --namespace kb --trust KEY", "what others do with it"),
        ),
    )(_show)
    app.add_typer(keys, name="signing-key", rich_help_panel=PANEL)


def _new(call: Call, file: KeyFile) -> None:
    """Write a new Ed25519 key to a file that only you may read, and print its public key."""
    from memos.kernel.arguments import read_outlet
    from memos.life.signing import SigningKey

    place, key = read_outlet(file, call.grounds), SigningKey.new()
    key.write(place)
    _write(call, _Key(str(file), key.public))
    call.out.note(f"whoever has {file} can sign in your name: keep it, and keep it secret")


def _show(call: Call, file: KeyFile) -> None:
    """Print the public key of a private one: what others name to trust it."""
    from memos.life.signing import SigningKey

    _write(call, _Key(str(file), SigningKey.read(file).public))


def _write(call: Call, key: _Key) -> None:
    call.out.many(
        "signing-key",
        [key],
        content=lambda one: {"file": one.file, "public_key": one.public},
        ids=lambda one: one.public,
        table=lambda rows: rows[0].public,
    )
