"""Several units of a source as one text: what a view holds, and how strictly it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.cube import MemCube, Parent, Plaintext, Source
from memos.kinds.drafts import Draft, Origin
from memos.kinds.plaintext import indexed_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import JsonValue

    from memos.cube import Governance, Scope

VIEW = "view"
"""The metadata that says what a cube holds of its source."""


def marked(metadata: Mapping[str, JsonValue], view: str) -> dict[str, JsonValue]:
    """Metadata that says which view it is; what the source itself calls so is ``source_view``."""
    kept = dict(metadata)
    if VIEW in kept:
        kept.setdefault(f"source_{VIEW}", kept.pop(VIEW))
    return {**kept, VIEW: view}


def is_view(cube: MemCube) -> bool:
    """Whether the cube was put together from others of one source, and says what they say."""
    named = VIEW in cube.metadata and cube.provenance.source is not None
    return named and bool(cube.provenance.parents) and cube.content_version == 1


def whole(
    view: str,
    parts: Sequence[MemCube],
    *,
    gaps: Sequence[str],
    span: tuple[int, int],
    scope: Scope,
    governance: Governance,
) -> Draft:
    """The parts, which are of one source and in its order, as the draft of one cube.

    Turns stand in lines of their own, with who said them; pieces of a document are joined by what
    parted them there. Labels and metadata are those that all parts have.

    Args:
        view: which view it is.
        parts: the cubes it is put together from, and derived from.
        gaps: what stood before each of the parts.
        span: from the first to the last of them, in the source.
        scope: whose it is.
        governance: its rules, as strict as the strictest of the parts'.
    """
    first = parts[0]
    source = first.provenance.source
    labels = set.intersection(*(set(one.header.labels) for one in parts))
    return Draft(
        text=_joined(parts, gaps),
        scope=scope,
        said_at=min((at for one in parts if (at := one.header.valid_from)), default=None),
        metadata=marked(_shared(parts), view),
        labels=tuple(label for label in first.header.labels if label in labels),
        attributes=_title(parts),
        governance=governance,
        origin=Origin(
            Source(uri=source.uri if source else "", span=span),
            tuple(Parent(id=one.id, version=one.version) for one in parts),
        ),
    )


def _joined(parts: Sequence[MemCube], gaps: Sequence[str]) -> str:
    if _position(parts[0]) is not None:
        return "\n".join(_line(one) for one in parts)
    pieces = [f"{gap}{one.text}" for one, gap in zip(parts, gaps, strict=True)]
    return "".join(pieces)[len(gaps[0]) :]


def _line(turn: MemCube) -> str:
    """A turn with who said it; whoever has no name is called by the role."""
    role = turn.payload.role if isinstance(turn.payload, Plaintext) else None
    nameless = turn.speaker is None and role is not None
    return f"{role}: {indexed_text(turn)}" if nameless else indexed_text(turn)


def _position(cube: MemCube) -> int | None:
    return cube.payload.position if isinstance(cube.payload, Plaintext) else None


def _shared(parts: Sequence[MemCube]) -> dict[str, JsonValue]:
    rest = [one.metadata for one in parts[1:]]
    return {
        name: value
        for name, value in parts[0].metadata.items()
        if name != VIEW and all(name in one and one[name] == value for one in rest)
    }


def _title(parts: Sequence[MemCube]) -> dict[str, str]:
    titles = {
        one.payload.attributes.get("title") for one in parts if isinstance(one.payload, Plaintext)
    }
    title = titles.pop() if len(titles) == 1 else None
    return {"title": title} if title else {}
