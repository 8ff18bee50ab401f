"""The command line as a whole: its global options and its commands, in the order of the help."""

from __future__ import annotations

import sys
import warnings
from typing import Annotated

import typer

import memos
from memos.cli import (
    access,
    audit,
    bench,
    change,
    context,
    convert,
    demo,
    extract,
    forget,
    ingest,
    keep,
    key,
    kv,
    life,
    lora,
    moments,
    read,
    settings,
    sharing,
    signing,
    store,
    write,
)
from memos.cli.call import (
    Agent,
    As,
    Debug,
    Json,
    OutputOption,
    Quiet,
    Reason,
    Session,
    Set,
    Shared,
    Store,
    User,
)
from memos.cli.failing import last_words
from memos.cli.manual import AS_JSON, WIDTH, Group, examples
from memos.cli.output import Mode, Output
from memos.cube.frozen import Frozen

_HELP = """The memory of LLM agents: text that is searched, KV caches that are resumed, LoRA
weights that were really trained.

A store is a folder, ./memory unless --store says otherwise. Data goes to stdout, as a table on
a terminal and as JSON lines into a pipe; everything else goes to stderr.

\b
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 conflict, 5 not permitted,
6 the store is damaged, 7 done in part, 75 in use by another process, 130 interrupted,
141 the reader of the pipe went away.
"""

app = typer.Typer(
    name="memos",
    cls=Group,
    help=_HELP,
    epilog=examples(
        ('memos add "Alice moved to Lisbon in May 2024." --user alice', "remember"),
        ('memos search "where does alice live?" --user alice', "find it again"),
        ("memos demo", "the whole story, on a shipped conversation"),
    ),
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": WIDTH},
)


class _Version(Frozen):
    version: str


def _version(ctx: typer.Context, wanted: bool) -> None:
    if wanted:
        as_json = Mode.JSON if ctx.meta.get(AS_JSON) else Mode.TABLE
        Output(as_json).one("version", _Version(version=memos.__version__), table=memos.__version__)
        raise typer.Exit


@app.callback()
def _everywhere(
    ctx: typer.Context,
    store: Store = None,
    set_: Set = None,
    as_: As = None,
    reason: Reason = None,
    user: User = None,
    agent: Agent = None,
    session: Session = None,
    output: OutputOption = None,
    json: Json = False,
    quiet: Quiet = False,
    _debug: Debug = False,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    ctx.obj = Shared(
        store=store,
        set_=tuple(set_ or ()),
        as_=as_,
        reason=reason,
        user=user,
        agent=agent,
        session=session,
        mode=Mode.chosen(output, as_json=json, quiet=quiet),
    )


for part in (
    write,
    ingest,
    forget,
    read,
    extract,
    change,
    context,
    convert,
    kv,
    life,
    lora,
    moments,
    access,
    audit,
    sharing,
    signing,
    store,
    keep,
    settings,
    key,
    bench,
    demo,
):
    part.register(app)


def main() -> None:
    """Run the command line and leave with its exit code."""
    sys.excepthook = last_words
    if "--debug" not in sys.argv and not sys.warnoptions:
        warnings.simplefilter("ignore")
    typer.main.get_command(app).main(prog_name="memos")
