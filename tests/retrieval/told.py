"""Memories for the tests of contexts, made without a store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from memos.cube import MemCube, Plaintext, Provenance, Scope, Source
from memos.cube.provenance import Step
from memos.kinds.drafts import Draft
from memos.kinds.plaintext import born

DAY = datetime(2024, 5, 1, 9, tzinfo=UTC)


def told(
    text: str,
    number: int = 1,
    *,
    days: float | None = 0,
    speaker: str | None = "Ann",
    session: str | None = "s",
    position: int | None = None,
    source: Source | None = None,
    **attributes: str,
) -> MemCube:
    """What somebody said so many days after the first of May."""
    draft = Draft(
        text=text,
        scope=Scope(session_id=session),
        speaker=speaker,
        said_at=None if days is None else DAY + timedelta(days=days),
        attributes=attributes,
    )
    step = Step(operation="add", by="test")
    provenance = Provenance(actor="test", time=DAY, step=step, source=source)
    made = born(draft, str(UUID(int=number)), now=DAY, position=position, provenance=provenance)
    assert isinstance(made.payload, Plaintext)
    return made
