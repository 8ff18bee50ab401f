"""Where a cube came from."""

from __future__ import annotations

from pydantic import Field

from memos.cube.frozen import Frozen
from memos.cube.header import Time


class Source(Frozen):
    """What the memory was read from."""

    uri: str
    span: tuple[int, int] | None = None
    """First and last-plus-one unit (turn, line or character) of the source."""


class Parent(Frozen):
    """A cube, at a version, that another was derived from."""

    id: str
    version: int = Field(ge=1)


class Step(Frozen):
    """What was done, and by which code or model."""

    operation: str
    by: str
    parameters: dict[str, str] = Field(default_factory=dict)


class Provenance(Frozen):
    """Where a cube came from: source, actor, step and parents."""

    actor: str
    time: Time
    step: Step
    source: Source | None = None
    parents: tuple[Parent, ...] = ()
