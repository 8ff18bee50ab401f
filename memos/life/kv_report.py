"""What calls about KV cubes and their blocks answer with."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from memos.cube.frozen import Frozen


class Standing(StrEnum):
    """Whether a KV or a parametric cube can be used, and if not, why."""

    CURRENT = "current"
    STALE = "stale"
    """A source has been revised since."""
    EXPIRED = "expired"
    """Its time, or that of a source, is over."""
    OTHER_MODEL = "other model"
    """It was made for another model than the one that is configured."""
    UNKNOWN = "unknown"
    """Nothing of these, but the configured model cannot be looked at."""


class KvCube(Frozen):
    """A KV cube, and where its blocks lie."""

    id: str
    title: str
    model: str
    """The name of the model that it was made for."""
    tokens: int
    size_bytes: int
    """Of all keys and values, in the model's own dtype."""
    standing: Standing
    blocks: int
    """How many it is kept in; 0 where none was ever made here, as after an import."""
    places: dict[str, int] = Field(default_factory=dict)
    """By place, how many of these lie there; one may lie in several."""
    nowhere: int
    """How many lie in none: they are made anew when they are needed."""


class KvPlace(Frozen):
    """A place of blocks, and what it did since the store was opened."""

    place: str
    """``gpu`` or ``ram``, once a model has been loaded; ``disk``; ``shared``."""
    blocks: int
    used_bytes: int
    budget_bytes: int | None
    """None where whoever runs the place sets its limit."""
    hits: int
    misses: int
    read_bytes: int
    read_seconds: float
    written_bytes: int
    written_seconds: float
    evicted: int
    damaged: int


class Warmed(Frozen):
    """A KV cube all of whose blocks are there now."""

    id: str
    blocks: int
    tokens: int
    reused_tokens: int
    """Of blocks that were there before."""
    seconds: float


class Cooled(Frozen):
    """Blocks that were dropped; in a dry run, those that would be."""

    ids: tuple[str, ...]
    """The KV cubes; they stay, and are warmed when they are used."""
    dropped: int
    """How many blocks lay anywhere, and do no more."""
    shared: int
    """How many blocks stay, since other cubes are kept in them, too."""
    dry_run: bool


class DamagedBlock(Frozen):
    """A block on disk that is not what was put there; it is never served."""

    name: str
    cubes: tuple[str, ...]
    """Ids of the KV cubes that are kept in it."""
