"""The commands on a memory's life: its state, its time, its branches, and the rules it is under."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from memos.cli.call import Call, command
from memos.cli.manual import examples
from memos.cli.span import seconds
from memos.cli.write import Expires, Ids, Key, Label, Meta, Ttl, given_ids
from memos.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from memos import MemCube, MemOS
    from memos.kernel import Whose

PANEL = "The life of a memory"

_INTO: dict[str, Literal["user_id", "agent_id", "session_id"]] = {
    "user": "user_id",
    "agent": "agent_id",
    "session": "session_id",
}

One = Annotated[str, typer.Argument(metavar="ID", help="The cube.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    commands: list[tuple[str, Callable[..., None], str]] = [
        ("archive", _archive, "put it away: it is found no more"),
        ("activate", _activate, "back from archive or merge"),
        ("freeze", _freeze, "refuse every change from now on"),
        ("thaw", _thaw, "let it be changed again"),
    ]
    for name, run, what in commands:
        epilog = examples(
            (f"memos {name} ID", what), (f"memos ls -w labels=work -q | memos {name} -", "many")
        )
        command(app, name, panel=PANEL, scoped=True, epilog=epilog)(run)
    command(
        app,
        "expire",
        panel=PANEL,
        scoped=True,
        epilog=examples(
            ("memos expire ID", "now"),
            ("memos expire ID --ttl 30d", "in thirty days"),
            ("memos expire ID --never", "take it back"),
        ),
    )(_expire)
    command(
        app,
        "sweep",
        panel=PANEL,
        epilog=examples(
            ("memos sweep --dry-run", "what is due"), ("memos sweep", "expire what is due")
        ),
    )(_sweep)
    command(
        app,
        "revert",
        panel=PANEL,
        scoped=True,
        epilog=examples(
            ("memos history ID", "the versions"),
            ("memos revert ID --to 1", "a new version, with the content of the first"),
        ),
    )(_revert)
    command(
        app,
        "fork",
        panel=PANEL,
        scoped=True,
        epilog=examples(
            ("memos fork ID", "a copy that goes its own way"),
            ("memos fork ID --into user=bob", "as Bob's"),
            ("memos fork ID --into user=bob,session=3", "within a session of his"),
        ),
    )(_fork)
    command(
        app,
        "merge",
        panel=PANEL,
        scoped=True,
        epilog=examples(
            ('memos merge ID ID --text "Alice lives in Lisbon."', "one in the place of two"),
            ('memos ls -w labels=move -q | memos merge - --text "…"', "or of many"),
        ),
    )(_merge)
    command(
        app,
        "hold",
        panel=PANEL,
        scoped=True,
        epilog=examples(
            ("memos hold ID --reason 'case 7'", "nobody can forget it"),
            ("memos ls --user bob -q | memos hold -", "all of Bob's"),
        ),
    )(_hold)
    command(
        app,
        "release",
        panel=PANEL,
        scoped=True,
        epilog=examples(
            ("memos release ID", "it can be forgotten again"),
            ("memos ls --user bob -q | memos release -", "all of Bob's"),
        ),
    )(_release)
    command(
        app,
        "classify",
        panel=PANEL,
        scoped=True,
        epilog=examples(
            ("memos classify ID confidential", "who may not see it whole sees less"),
            ("memos classify ID public", "its owner, or an administrator, may"),
        ),
    )(_classify)


def _archive(call: Call, ids: Ids = None) -> None:
    """Put memories away: they are found no more, and stay readable by id."""
    _each(call, ids, lambda mem, one, scope: mem.archive(one, **scope))


def _activate(call: Call, ids: Ids = None) -> None:
    """Take memories back into use that were archived or merged."""
    _each(call, ids, lambda mem, one, scope: mem.activate(one, **scope))


def _freeze(call: Call, ids: Ids = None) -> None:
    """Keep memories as they are: found and used, but every change is refused."""
    _each(call, ids, lambda mem, one, scope: mem.freeze(one, **scope))


def _thaw(call: Call, ids: Ids = None) -> None:
    """Let frozen memories be changed again."""
    _each(call, ids, lambda mem, one, scope: mem.thaw(one, **scope))


def _expire(
    call: Call,
    ids: Ids = None,
    ttl: Ttl = None,
    expires: Expires = None,
    never: Annotated[bool, typer.Option("--never", help="Let it count for ever.")] = False,
) -> None:
    """End the time of memories now, or say when it ends; what has expired comes back by that.

    What has expired is neither found nor used any more, and stays readable by id until it is
    forgotten.
    """
    if never and (ttl or expires):
        raise BadInput("--never leaves nothing to choose", hint="leave out --never, or the rest")
    if never or ttl or expires:
        ttl_seconds = seconds(ttl)
        _each(
            call,
            ids,
            lambda mem, one, scope: mem.set_expiry(
                one, ttl_seconds=ttl_seconds, expires_at=expires, **scope
            ),
        )
    else:
        _each(call, ids, lambda mem, one, scope: mem.expire(one, **scope))


def _sweep(
    call: Call,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what is due.")] = False,
) -> None:
    """Expire every memory whose time is over; any other command does the same on its way."""
    from memos.cli.cubes import write_cubes
    from memos.cli.tables import counted

    with call.open() as mem:
        cubes = mem.sweep(dry_run=dry_run)
    if cubes or not call.out.tabled:
        write_cubes(call.out, "cubes", cubes)
    call.out.note(f"{counted(len(cubes), 'memory')} {'due' if dry_run else 'expired'}")


def _revert(
    call: Call,
    cube_id: One,
    to: Annotated[int, typer.Option("--to", metavar="N", help="The version to go back to.")],
    if_version: Annotated[
        int | None,
        typer.Option("--if-version", metavar="N", help="Only if the cube is at this version."),
    ] = None,
    key: Key = None,
) -> None:
    """Give a memory the content of one of its old versions; a new version is written."""
    from memos.cli.cubes import write_cube

    with call.open() as mem:
        cube = mem.restore(cube_id, to, if_version=if_version, idempotency_key=key, **call.scope)
        write_cube(call.out, "cube", cube)


def _fork(
    call: Call,
    cube_id: One,
    into: Annotated[
        list[str] | None,
        typer.Option(
            "--into", metavar="WHO=ID[,WHO=ID]", help="Whose it is: user=, agent=, session=."
        ),
    ] = None,
    key: Key = None,
) -> None:
    """Make a new memory with the same text, which goes its own way from there.

    Forgetting the original takes its forks along.
    """
    from memos.cli.cubes import write_cube

    target = _target(into) if into else None
    with call.open() as mem:
        cube = mem.fork(cube_id, into=target, idempotency_key=key, **call.scope)
        write_cube(call.out, "cube", cube)


def _merge(
    call: Call,
    ids: Ids = None,
    text: Annotated[
        str | None, typer.Option("--text", metavar="TEXT", help="What stands in their place.")
    ] = None,
    label: Label = None,
    meta: Meta = None,
    key: Key = None,
) -> None:
    """Put one memory in the place of several; they are found no more, and can be activated again.

    Forgetting one of them takes the new memory along.
    """
    from memos.cli.cubes import write_cube
    from memos.cli.where import pairs

    if text is None:
        raise BadInput("what stands in their place?", hint='say it: --text "…"')
    with call.open() as mem:
        cube = mem.merge(
            given_ids(ids),
            text,
            labels=label or (),
            metadata=pairs(meta),
            idempotency_key=key,
            **call.scope,
        )
        write_cube(call.out, "cube", cube)


def _hold(call: Call, ids: Ids = None) -> None:
    """Put memories under legal hold: nobody can forget them until they are released."""
    _each(call, ids, lambda mem, one, scope: mem.hold(one, **scope))


def _release(call: Call, ids: Ids = None) -> None:
    """Release memories from legal hold."""
    _each(call, ids, lambda mem, one, scope: mem.release(one, **scope))


def _classify(
    call: Call,
    cube_id: One,
    level: Annotated[
        str,
        typer.Argument(metavar="LEVEL", help="public, normal, confidential or secret."),
    ],
) -> None:
    """Say how sensitive a memory is; whoever may not see it whole sees it redacted."""
    _each(call, [cube_id], lambda mem, one, scope: mem.classify(one, level, **scope))


def _each(
    call: Call, ids: list[str] | None, change: Callable[[MemOS, str, Whose], MemCube]
) -> None:
    """Change one cube after the other, once all of them are known to be there."""
    from memos.cli.cubes import wire, write_cube
    from memos.cli.tables import cubes_table

    named = given_ids(ids)
    if not ids:
        raise BadInput("which memories?", hint="name ids, or - for stdin")
    with call.open() as mem:
        for one in named:
            mem.get(one, **call.scope)
        if len(named) == 1:
            write_cube(call.out, "cubes", change(mem, named[0], call.scope))
            return

        def changed() -> Iterator[MemCube]:
            for one in named:
                yield change(mem, one, call.scope)

        call.out.many("cubes", changed(), content=wire, ids=lambda cube: cube.id, table=cubes_table)


def _target(into: list[str]) -> Whose:
    target: Whose = {}
    for text in ",".join(into).split(","):
        name, _, value = text.strip().partition("=")
        if name not in _INTO:
            hint = "such as --into user=bob,session=3, with no comma in an id"
            raise BadInput(f"--into {text!r:.60} names nobody", hint=hint)
        if _INTO[name] in target:
            raise BadInput(f"--into names {name} twice", hint="name one")
        target[_INTO[name]] = value
    return target
