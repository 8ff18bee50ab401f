"""What all commands share: the options before or after a command's name, and the open store."""

from __future__ import annotations

import functools
import inspect
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from memos.cli.manual import EVERYWHERE, WHOSE, Command
from memos.cli.output import Mode, Output
from memos.cli.progress import bars
from memos.errors import BadInput, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from memos import MemOS
    from memos.config import Loaded
    from memos.kernel import Whose

Store = Annotated[
    str | None,
    typer.Option(
        "--store",
        "-s",
        metavar="PATH|URL",
        help="The store's folder, or the URL of its database.",
        show_default=False,
        rich_help_panel=EVERYWHERE,
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="A setting for this run, such as runtime.model=smollm2; may be repeated.",
        rich_help_panel=EVERYWHERE,
    ),
]
OutputOption = Annotated[
    Mode | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FORM",
        help="table, json, jsonl, ids or quiet; a table on a terminal, jsonl into a pipe.",
        show_default=False,
        rich_help_panel=EVERYWHERE,
    ),
]
Json = Annotated[
    bool,
    typer.Option(
        "--json", help="One JSON object; errors are JSON too.", rich_help_panel=EVERYWHERE
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Ids only.", rich_help_panel=EVERYWHERE)]
Debug = Annotated[
    bool,
    typer.Option("--debug", help="Show tracebacks of errors.", rich_help_panel=EVERYWHERE),
]
User = Annotated[
    str | None,
    typer.Option("--user", "-u", metavar="ID", help="This user's.", rich_help_panel=WHOSE),
]
Agent = Annotated[
    str | None,
    typer.Option("--agent", "-a", metavar="ID", help="This agent's.", rich_help_panel=WHOSE),
]
Session = Annotated[
    str | None,
    typer.Option("--session", metavar="ID", help="This session's.", rich_help_panel=WHOSE),
]

As = Annotated[
    str | None,
    typer.Option(
        "--as",
        metavar="PRINCIPAL",
        help="With the rights of user:NAME, agent:NAME or service:NAME; otherwise with all.",
        show_default=False,
        rich_help_panel=EVERYWHERE,
    ),
]
Reason = Annotated[
    str | None,
    typer.Option(
        "--reason",
        metavar="TEXT",
        help="Why, for the journal.",
        show_default=False,
        rich_help_panel=EVERYWHERE,
    ),
]

_SCOPE = {"user": User, "agent": Agent, "session": Session}
_ALWAYS = {
    "store": Store,
    "set_": Set,
    "as_": As,
    "reason": Reason,
    "output": OutputOption,
    "json": Json,
    "quiet": Quiet,
    "debug": Debug,
}


@dataclass(frozen=True, slots=True)
class Shared:
    """The options that may stand before a command's name as well as after it."""

    store: str | None = None
    set_: tuple[str, ...] = ()
    as_: str | None = None
    reason: str | None = None
    user: str | None = None
    agent: str | None = None
    session: str | None = None
    mode: Mode | None = None

    def under(self, nearer: Shared) -> Shared:
        """These options, where ``nearer``, which stood after the name, says nothing."""
        said = {field.name: getattr(nearer, field.name) for field in fields(nearer)}
        said = {name: value for name, value in said.items() if value is not None}
        return replace(self, **{**said, "set_": self.set_ + nearer.set_})


class Call:
    """One run of a command: what was asked for, and the way to the store."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self.out = Output(shared.mode)
        self.progress = bars(quiet=self.out.mode in {Mode.IDS, Mode.QUIET})

    @property
    def scope(self) -> Whose:
        """Whose memory, for the SDK."""
        shared = self._shared
        return {
            "user_id": shared.user,
            "agent_id": shared.agent,
            "session_id": shared.session,
        }

    @property
    def scoped(self) -> bool:
        """Whether a user, an agent or a session was named."""
        return any(value is not None for value in self.scope.values())

    @functools.cached_property
    def loaded(self) -> Loaded:
        """The settings, flags included."""
        from memos.config import load

        flags: dict[str, object] = dict(_pair(text) for text in self._shared.set_)
        if self._shared.store is not None and not self.url:
            flags["store"] = self._shared.store
        return load(flags)

    def set(self, name: str, value: str) -> None:
        """Take a setting from an option of its own, before the settings are read."""
        self._shared = replace(self._shared, set_=(*self._shared.set_, f"{name}={value}"))

    @property
    def url(self) -> str | None:
        """The store's URL, where it was named by one."""
        named = self._shared.store
        return named if named is not None and "://" in named else None

    @property
    def store_named(self) -> bool:
        """Whether the command line names a store."""
        return self._shared.store is not None

    @property
    def principal_named(self) -> bool:
        """Whether the command line says who acts."""
        return self._shared.as_ is not None

    @property
    def reason(self) -> str:
        """The purpose, for the journal."""
        return self._shared.reason or ""

    @property
    def grounds(self) -> tuple[Path, ...]:
        """The folders in which the store's own files lie, or would lie."""
        from memos.opening import grounds_of

        settings = self.loaded.settings
        return grounds_of(Path(settings.store).expanduser().absolute(), settings)

    @property
    def place(self) -> str:
        """Where the store is, for people."""
        return self.url or self.loaded.settings.store

    @contextmanager
    def open(self, *, create: bool = False) -> Iterator[MemOS]:
        """The store, until the end of the block.

        Raises:
            NotFound: there is none, and ``create`` is not set.
            BadInput: ``--as`` names nobody.
        """
        from memos import MemOS
        from memos.cube import ROOT

        shared = self._shared
        folder = None if self.url else self.loaded.settings.store
        try:
            with MemOS.open(
                folder,
                url=self.url,
                settings=self.loaded.settings,
                create=create,
                progress=self.progress,
                principal=ROOT if shared.as_ is None else shared.as_,
                reason=shared.reason or "",
            ) as mem:
                yield mem
        finally:
            self.progress.close()


def command(
    app: typer.Typer,
    name: str,
    *,
    epilog: str,
    panel: str,
    scoped: bool = False,
    nobodys: bool = False,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a command of a function whose first parameter is the :class:`Call`.

    The options of this module are added to those of the function; ``scoped`` adds the ones that
    say whose memory is meant. A command that is ``nobodys`` asks no open store for anybody's
    rights, and refuses to be called in somebody's name.
    """
    shared = {**(_SCOPE if scoped else {}), **_ALWAYS}

    def register(run: Callable[..., None]) -> Callable[..., None]:
        def door(ctx: typer.Context, **given: Any) -> None:
            nearer = _taken(given)
            call = Call((ctx.find_object(Shared) or Shared()).under(nearer))
            if call.scoped and not scoped:
                hint = "leave out --user, --agent and --session"
                raise BadInput(f"memos {name} is about the whole store", hint=hint)
            if call.principal_named and nobodys:
                message = (
                    f"{ctx.command_path} is done in nobody's name: it asks no store for rights"
                )
                raise BadInput(message, hint="leave out --as")
            run(call, **given)

        exposed: Any = door
        exposed.__doc__ = run.__doc__
        exposed.__annotations__ = {}
        exposed.__signature__ = inspect.Signature(_parameters(run, shared))
        app.command(name, cls=Command, epilog=epilog, rich_help_panel=panel)(door)
        return run

    return register


def _parameters(run: Callable[..., None], shared: dict[str, Any]) -> list[inspect.Parameter]:
    """What typer sees: the context, the function's own parameters, and the shared options."""
    own = list(inspect.signature(run, eval_str=True).parameters.values())[1:]
    flags = {Json, Quiet, Debug}
    more = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=False if kind in flags else None,
            annotation=kind,
        )
        for name, kind in shared.items()
    ]
    context = inspect.Parameter(
        "ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context
    )
    keywords = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own]
    return [context, *keywords, *more]


def _taken(given: dict[str, Any]) -> Shared:
    """The shared options, which are taken out of ``given``."""
    given.pop("debug")  # it is read where errors are told
    mode = Mode.chosen(given.pop("output"), as_json=given.pop("json"), quiet=given.pop("quiet"))
    return Shared(
        store=given.pop("store"),
        set_=tuple(given.pop("set_") or ()),
        as_=given.pop("as_"),
        reason=given.pop("reason"),
        user=given.pop("user", None),
        agent=given.pop("agent", None),
        session=given.pop("session", None),
        mode=mode,
    )


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise BadInput(
            f"--set {shown(text)} is not NAME=VALUE", hint="memos config show lists the names"
        )
    return name.strip(), value
