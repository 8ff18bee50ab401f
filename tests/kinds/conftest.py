"""Plaintext cubes as the kernel makes them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from memos.cube import Header, Kind, MemCube, Plaintext, Provenance, Scope, Step
from memos.cube.wire import payload_digest

if TYPE_CHECKING:
    from collections.abc import Callable

NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def remembered() -> Callable[..., MemCube]:
    """Makes a plaintext cube of a text and, by name, its speaker, role and user."""

    def make(
        text: str, *, speaker: str | None = None, role: str | None = None, user: str | None = None
    ) -> MemCube:
        payload = Plaintext(text=text, speaker=speaker, role=role)
        header = Header(
            id="cube",
            kind=Kind.PLAINTEXT,
            title=text,
            created_at=NOON,
            updated_at=NOON,
            digest=payload_digest(payload),
            scope=Scope(user_id=user),
        )
        step = Step(operation="add", by="test")
        provenance = Provenance(actor="test", time=NOON, step=step)
        return MemCube(header=header, payload=payload, provenance=provenance)

    return make
