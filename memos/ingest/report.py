"""What became of a source that was ingested."""

from __future__ import annotations

from pydantic import Field

from memos.cube.frozen import Frozen


class Remark(Frozen):
    """Something about an entry of a source."""

    place: str
    """Where in the source, such as ``line 12``."""
    reason: str


class Duplicate(Frozen):
    """A cube whose text, by the same speaker, was remembered before, from elsewhere."""

    id: str
    of: str
    """The earlier cube."""


class Ingested(Frozen):
    """What became of a source; every entry of it is counted somewhere."""

    source: str
    """Its URI."""
    format: str
    ids: tuple[str, ...] = ()
    """The new cubes, of all views."""
    views: dict[str, int] = Field(default_factory=dict)
    """How many cubes of each view are new."""
    already: int = 0
    """Cubes that were there already, from the same place of the same source."""
    forgotten: int = 0
    """Entries that were there and were forgotten; they are not brought back."""
    duplicates: tuple[Duplicate, ...] = ()
    unread: tuple[Remark, ...] = ()
    """Entries that could not be read, and why."""
    left_out: tuple[Remark, ...] = ()
    """What was left out of entries that were read, such as the bytes of a picture."""
    empty: int = 0
    """Entries that say nothing."""
    dry_run: bool = False
    """Whether this is only what would become of it."""
