"""Plaintext memory: how a draft becomes a cube, and what of it the indexes see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.cube import Header, Kind, Life, MemCube, Plaintext, Provenance, State
from memos.cube.wire import payload_digest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from memos.kinds.drafts import Draft

CUT = "…"
"""What a shortened title ends in."""

_TITLE = 80


def born(
    draft: Draft,
    cube_id: str,
    *,
    now: datetime,
    position: int | None,
    provenance: Provenance,
    owner: str | None = None,
) -> MemCube:
    """The first version of a plaintext cube; ``owner`` counts where the scope names no user."""
    governance = draft.governance
    if draft.scope.user_id is None and owner is not None:
        governance = governance.model_copy(update={"owner": owner})
    payload = Plaintext(
        text=draft.text,
        speaker=draft.speaker,
        role=draft.role,
        position=position,
        attributes=dict(draft.attributes),
    )
    header = Header(
        id=cube_id,
        kind=Kind.PLAINTEXT,
        title=heading(draft.text, draft.attributes),
        labels=draft.labels,
        metadata=dict(draft.metadata),
        created_at=now,
        updated_at=now,
        valid_from=draft.said_at,
        digest=payload_digest(payload),
        scope=draft.scope,
        governance=governance,
        life=Life(state=State.ACTIVATED),
    )
    return MemCube(header=header, payload=payload, provenance=provenance)


def indexed_text(cube: MemCube) -> str:
    """What vectors and words see of a cube: under which title, who said it, what, what was shown.

    A title that was made from the text itself says nothing new, and is left out.
    """
    if not isinstance(cube.payload, Plaintext):
        return cube.header.title
    speaker = f"{cube.payload.speaker}: " if cube.payload.speaker else ""
    title = cube.payload.attributes.get("title")
    above = f"{title}: " if title else ""
    caption = cube.payload.attributes.get("caption")
    shown = f" [{caption}]" if caption else ""
    return f"{above}{speaker}{cube.payload.text}{shown}"


def heading(text: str, attributes: Mapping[str, str]) -> str:
    """The title in a cube's header: the one that was given, or else the text's own beginning."""
    return title_of(attributes.get("title", text))


def title_of(text: str) -> str:
    """The first line of a text, shortened."""
    line = " ".join(text.split())
    return line if len(line) <= _TITLE else line[: _TITLE - 1].rstrip() + CUT
