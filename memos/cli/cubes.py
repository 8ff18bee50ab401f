"""Cubes as commands write them: their wire form for programs, facts and a tree for people."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING

from memos.cli.output import clean, one_line
from memos.cli.tables import cubes_table, day, facts_table, size

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import JsonValue
    from rich.text import Text
    from rich.tree import Tree

    from memos.cli.output import Output
    from memos.cube import Activation, AnyAdapter, Governance, MemCube, Parametric
    from memos.life.lineage import Ancestor, Lineage
    from memos.retrieval.hit import Hit
    from memos.retrieval.links import Link

_SHOWN = 24
"""Parents drawn below one cube; the rest is counted."""


def wire(cube: MemCube) -> JsonValue:
    """The cube as :func:`memos.cube.wire.to_json` writes it."""
    from memos.cube.wire import to_json

    content: JsonValue = json.loads(to_json(cube))
    return content


def hit_wire(hit: Hit) -> dict[str, JsonValue]:
    """A hit with its cube in wire form."""
    links: list[JsonValue] = [link.model_dump(mode="json") for link in hit.links]
    return {
        "score": hit.score,
        "parts": dict(hit.parts),
        "superseded": hit.superseded,
        "links": links,
        "cube": wire(hit.cube),
    }


def write_cubes(out: Output, what: str, cubes: Sequence[MemCube]) -> None:
    """Write cubes in the form that was asked for."""
    out.many(what, cubes, content=wire, ids=lambda cube: cube.id, table=cubes_table)


def facts(cube: MemCube) -> dict[str, str]:
    """What a person wants to know of a cube."""
    from memos.cube import Activation, Plaintext

    until = cube.header.valid_to
    found = {
        "id": cube.id,
        "kind": f"{cube.kind}, version {cube.version}, {cube.state}",
        "whose": str(cube.scope),
        "said": day(cube) if cube.header.valid_from else "",
        "true until": f"{until:%Y-%m-%d %H:%M:%S} UTC" if until else "",
        "recorded": f"{cube.header.updated_at:%Y-%m-%d %H:%M:%S} UTC",
        "labels": ", ".join(cube.header.labels),
        "metadata": json.dumps(cube.metadata, ensure_ascii=False) if cube.metadata else "",
        **_rules(cube.header.governance),
        "source": _source(cube),
        "made from": f"{len(cube.provenance.parents)} cubes" if cube.provenance.parents else "",
    }
    if isinstance(cube.payload, Plaintext):
        found |= {"speaker": cube.speaker or "", "text": cube.text, **cube.payload.attributes}
    elif isinstance(cube.payload, Activation):
        found |= {"title": cube.text, **_activation(cube.payload)}
    else:
        found |= {"title": cube.text, **_parametric(cube.payload)}
    return {name: value for name, value in found.items() if value}


def _rules(governance: Governance) -> dict[str, str]:
    until = governance.expires_at
    return {
        "expires": "" if until is None else f"{until:%Y-%m-%d %H:%M:%S} UTC",
        "sensitivity": "" if governance.sensitivity == "normal" else governance.sensitivity,
        "licence": governance.licence or "",
        "legal hold": "yes: it cannot be forgotten" if governance.legal_hold else "",
    }


def _activation(payload: Activation) -> dict[str, str]:
    return {
        "model": payload.model.name,
        "tokens": f"{payload.tokens:,} in {payload.layers} layers",
        "size": size(payload.size_bytes),
        "prefill": f"{payload.prefill_seconds:.2f} s, saved whenever it is resumed",
    }


def _parametric(payload: Parametric) -> dict[str, str]:
    adapter, training = payload.adapter, payload.training
    return {
        "model": payload.model.name,
        "adapter": _shape(adapter),
        "size": size(payload.size_bytes),
        "training": (
            f"{training.examples} examples, {training.steps} steps in {training.seconds:.0f} s, "
            f"loss {training.first_loss:.2f} to {training.last_loss:.3f}"
        ),
        "verdict": payload.evaluation.verdict,
    }


def _shape(adapter: AnyAdapter) -> str:
    if adapter.method == "prefix":
        told = f"prefix of {adapter.tokens} tokens"
    elif adapter.method == "side":
        told = f"side memory of {adapter.target}"
    else:
        told = f"LoRA of rank {adapter.rank}"
    return f"{told}, {adapter.parameters:,} parameters"


def _source(cube: MemCube) -> str:
    source = cube.provenance.source
    if source is None:
        return ""
    return source.uri if source.span is None else f"{source.uri}, entry {source.span[0] + 1}"


def write_cube(
    out: Output,
    what: str,
    cube: MemCube,
    links: Sequence[Link] = (),
    *,
    more: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Write one cube; for people, with everything they want to know of it, and ``more``."""
    out.many(
        what,
        [cube],
        content=wire,
        ids=lambda one: one.id,
        table=lambda one: facts_table({**facts(one[0]), **linked(links), **more}),
    )


def linked(links: Sequence[Link]) -> dict[str, str]:
    """How a cube is linked with others, as facts of it."""
    found: dict[str, list[str]] = {}
    for link in links:
        found.setdefault(link.how, []).append(str(link).removeprefix(f"{link.how} "))
    return {how: "\n".join(said) for how, said in found.items()}


def lineage_tree(lineage: Lineage, links: Sequence[Link] = ()) -> Tree:
    """A cube, below it how it is linked, what it was made from, and where that was read."""
    from rich.tree import Tree

    above = {ancestor.cube.id: ancestor for ancestor in lineage.ancestors}
    tree = Tree(_named(lineage.cube, stale=False), guide_style="dim")
    for link in links:
        tree.add(f"{link}", style="yellow")
    _grow(tree, lineage.cube, above)
    return tree


def _grow(tree: Tree, cube: MemCube, above: dict[str, Ancestor]) -> None:
    parents = [above[parent.id] for parent in cube.provenance.parents if parent.id in above]
    for ancestor in parents[:_SHOWN]:
        branch = tree.add(_named(ancestor.cube, stale=ancestor.stale))
        _grow(branch, ancestor.cube, above)
    if len(parents) > _SHOWN:
        tree.add(f"and {len(parents) - _SHOWN:,} more", style="dim")
    source = _source(cube)
    if source:
        tree.add(clean(source), style="dim")


def _named(cube: MemCube, *, stale: bool) -> Text:
    from rich.text import Text

    label = Text(no_wrap=True, overflow="ellipsis")
    label.append(f"{cube.kind} ", style="dim").append(cube.id, style="cyan")
    label.append(f" v{cube.version}", style="dim")
    if stale:
        label.append(" revised since", style="yellow")
    speaker = f"{cube.speaker}: " if cube.speaker else ""
    label.append(f"\n{one_line(speaker + cube.text)}")
    return label
