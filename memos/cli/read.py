"""The commands that read memories: ``search``, ``get``, ``ls``, ``history`` and ``lineage``."""

from __future__ import annotations

import itertools
import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from memos.cli.call import Call, command
from memos.cli.manual import examples
from memos.cli.where import filters
from memos.cli.write import PANEL, Filter, Ids, Where, given_ids
from memos.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from memos import MemCube, MemOS

_PAGE = 500
"""Cubes that ``ls`` reads at a time."""
_MOST = 2**31 - 1
"""The largest number that ``--limit`` takes, as in Python."""
_TABLED = 50
"""Cubes that ``ls`` shows on a terminal unless told otherwise."""

Then = Annotated[
    str | None,
    typer.Option(
        "--at",
        "--known-at",
        metavar="TIME|NAME",
        help="As it was known then, or at that snapshot.",
    ),
]
AsOf = Annotated[
    str | None, typer.Option("--as-of", metavar="TIME", help="What was true in the world then.")
]
Top = Annotated[int, typer.Option("--top", "-k", metavar="N", help="At most this many.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    command(
        app,
        "search",
        panel=PANEL,
        scoped=True,
        epilog=examples(
            ('memos search "where does alice live?"', "the five best"),
            ('memos search "travel" --where "created_at>=2024-05-01"', "only recent ones"),
            ('memos search "travel" --at 2024-05-01', "as it was known then"),
            ('memos search "home town" --as-of 2024-05-01', "what was true then"),
            ('memos search "travel" --rerank llm', "in the order of a language model"),
        ),
    )(_search)
    command(
        app,
        "get",
        panel=PANEL,
        scoped=True,
        epilog=examples(
            ("memos get ID", "all that is known of a cube"),
            ("memos get ID --version 1 --json", "as it was at first, as JSON"),
            ("memos ls -q | memos get -", "many"),
        ),
    )(_get)
    command(
        app,
        "ls",
        panel=PANEL,
        scoped=True,
        epilog=examples(
            ("memos ls --user alice", "oldest first"),
            ("memos ls --newest --limit 10", "the latest ten"),
            ("memos ls --kind parametric", "LoRA weights"),
            ("memos ls --where labels=work -q", "ids, for another command"),
        ),
    )(_ls)
    command(
        app,
        "history",
        panel=PANEL,
        scoped=True,
        epilog=examples(
            ("memos history ID", "every version, oldest first"),
            ("memos history ID -o jsonl", "one JSON object a version"),
        ),
    )(_history)
    command(
        app,
        "lineage",
        panel=PANEL,
        scoped=True,
        epilog=examples(
            ("memos lineage ID", "what it was made from, as a tree"),
            ("memos lineage ID -q", "the ids of its ancestors"),
        ),
    )(_lineage)


def _search(
    call: Call,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="What to look for; - reads stdin.")],
    top: Top = 5,
    where: Where = None,
    filter_: Filter = None,
    at: Then = None,
    as_of: AsOf = None,
    superseded: Annotated[
        bool, typer.Option("--include-superseded", help="Also what holds no more.")
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show what each score is made of, and what matched.")
    ] = False,
    rewrite: Annotated[
        str | None,
        typer.Option("--rewrite", metavar="STEP", help="Other wordings, too: none, llm or auto."),
    ] = None,
    rerank: Annotated[
        str | None,
        typer.Option("--rerank", metavar="STEP", help="Another order: none, llm or auto."),
    ] = None,
) -> None:
    """Find memories by meaning, by words, and by what stands beside a good hit; best first."""
    from memos.cli.cubes import hit_wire
    from memos.cli.explained import explained_table, explained_wire
    from memos.cli.tables import hits_table

    words = sys.stdin.read() if query == "-" else query
    with call.open() as mem:
        hits = mem.search(
            words,
            k=top,
            filters=filters(where, filter_),
            as_of=as_of,
            known_at=at,
            include_superseded=superseded,
            rewrite=rewrite,
            rerank=rerank,
            **call.scope,
        )
        if not hits:
            call.out.note("nothing was found")
            if call.out.tabled:
                return
        call.out.many(
            "hits",
            hits,
            content=lambda hit: explained_wire(hit, words) if explain else hit_wire(hit),
            ids=lambda hit: hit.cube.id,
            table=lambda found: explained_table(found, words) if explain else hits_table(found),
        )


def _get(
    call: Call,
    ids: Ids = None,
    version: Annotated[
        int | None, typer.Option("--version", metavar="N", help="This version of it.")
    ] = None,
    at: Then = None,
) -> None:
    """Show cubes by id: what they hold, whose they are, where they came from."""
    from memos.cli.cubes import write_cube, write_cubes

    named = given_ids(ids)
    if not ids:
        raise BadInput("get what?", hint="name an id, or - for stdin")
    if version is not None and at is not None:
        raise BadInput("--version and --at exclude each other", hint="choose one of them")
    with call.open() as mem:
        if at is not None:
            view = mem.at(at)
            cubes = [view.get(one, **call.scope) for one in named]
        else:
            cubes = [mem.get(one, version=version, **call.scope) for one in named]
        if len(cubes) == 1:
            links = mem.links(cubes[0].id, **call.scope) if call.out.tabled else ()
            write_cube(call.out, "cubes", cubes[0], links, more=_blocks(call, mem, cubes[0]))
        else:
            write_cubes(call.out, "cubes", cubes)


def _blocks(call: Call, mem: MemOS, cube: MemCube) -> dict[str, str]:
    """For people: in how many blocks a KV cube is kept, and where they lie."""
    from memos import Kind
    from memos.cli.keep import blocks_said

    if not call.out.tabled or cube.kind is not Kind.ACTIVATION:
        return {}
    return {"blocks": blocks_said(mem.where(cube.id, **call.scope))}


def _ls(
    call: Call,
    kind: Annotated[
        str | None,
        typer.Option("--kind", metavar="KIND", help="plaintext, activation or parametric."),
    ] = None,
    where: Where = None,
    filter_: Filter = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            "-n",
            metavar="N",
            help="At most this many; unless given 50 on a terminal, and all into a pipe.",
            show_default=False,
        ),
    ] = None,
    after: Annotated[
        str | None, typer.Option("--after", metavar="ID", help="Go on beyond this cube.")
    ] = None,
    newest: Annotated[bool, typer.Option("--newest", help="Newest first.")] = False,
    at: Then = None,
    state: Annotated[
        str | None, typer.Option("--state", metavar="STATE", help="activated, archived, frozen, …")
    ] = None,
    as_of: AsOf = None,
    current: Annotated[
        bool, typer.Option("--current", help="Not what has been superseded.")
    ] = False,
) -> None:
    """List cubes in the order in which they were made."""
    from memos.cli.cubes import wire
    from memos.cli.tables import cubes_table

    if limit is not None:
        from memos.kernel.arguments import require_count

        require_count(limit, "limit", largest=_MOST)
    most = _TABLED if limit is None and call.out.tabled else limit
    with call.open() as mem:
        known = mem if at is None else mem.at(at)
        read = partial(
            known.get_all,
            kind=kind,
            state=state,
            filters=filters(where, filter_),
            as_of=as_of,
            include_superseded=not current,
            newest_first=newest,
            **call.scope,
        )
        pages = _pages(read, after)
        if not call.out.tabled:
            rows = itertools.islice(pages, most)
            call.out.many("cubes", rows, content=wire, ids=lambda cube: cube.id, table=cubes_table)
            return
        shown = list(itertools.islice(pages, most and most + 1))
        if not shown:
            call.out.note("there is nothing here")
            return
        call.out.draw(cubes_table(shown[:most]))
        if most is not None and len(shown) > most:
            call.out.note(f"there are more: --after {shown[most - 1].id}, or a larger --limit")


def _pages(read: Callable[..., list[MemCube]], after: str | None) -> Iterator[MemCube]:
    while True:
        page = read(limit=_PAGE, after=after)
        yield from page
        if len(page) < _PAGE:
            return
        after = page[-1].id


def _history(
    call: Call,
    cube_id: Annotated[str, typer.Argument(metavar="ID", help="The cube.")],
    at: Then = None,
) -> None:
    """Show every version of a cube, oldest first."""
    from memos.cli.cubes import wire
    from memos.cli.tables import versions_table

    with call.open() as mem:
        known = mem if at is None else mem.at(at)
        call.out.many(
            "history",
            known.history(cube_id, **call.scope),
            content=wire,
            ids=lambda cube: cube.id,
            table=versions_table,
        )
        for link in mem.links(cube_id, **call.scope) if call.out.tabled else ():
            call.out.note(f"{link}")


def _lineage(
    call: Call, cube_id: Annotated[str, typer.Argument(metavar="ID", help="The cube.")]
) -> None:
    """Show what a cube was made from, back to the files that it was read from."""
    from memos.cli.cubes import lineage_tree

    with call.open() as mem:
        lineage = mem.lineage(cube_id, **call.scope)
        links = mem.links(cube_id, **call.scope) if call.out.tabled else ()
        call.out.one(
            "lineage",
            lineage,
            ids=[one.cube.id for one in lineage.ancestors],
            table=lineage_tree(lineage, links) if call.out.tabled else "",
        )
