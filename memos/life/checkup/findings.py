"""What a check has found so far, and what would mend it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from memos.errors import BackendError, CorruptionError
from memos.life.report import Problem
from memos.ports.ledger import Quarantined
from memos.ports.repairs import Mending

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from memos.ports.graph import Edge
    from memos.ports.journal import Audit
    from memos.ports.ledger import Entry


_LOSING = frozenset(
    {"damaged-cube", "missing-blob", "damaged-blob", "unfit-blob", "orphan-derivation"}
)
"""Problems of cubes that go into quarantine."""


@dataclass(slots=True)
class Findings:
    """Problems, and a plan for those that the catalog itself can mend."""

    at: datetime
    checked: dict[str, int] = field(default_factory=dict)
    """How many of each thing were looked at."""
    readable: bool = True
    """Whether every part could be looked at; what could not be must not be compared with."""
    lost: dict[tuple[str, int], Quarantined] = field(default_factory=dict)
    """Versions for the quarantine, by cube and number."""
    rewrite: dict[str, None] = field(default_factory=dict)
    unlink: list[Edge] = field(default_factory=list)
    link: list[Edge] = field(default_factory=list)
    drop_edges: list[int] = field(default_factory=list)
    drop_receipts: bool = False
    also: list[Entry] = field(default_factory=list)
    aside: set[str] = field(default_factory=set)
    """Digests of blobs that go with them."""
    _open: list[Problem] = field(default_factory=list)
    _planned: list[Problem] = field(default_factory=list)

    def tell(self, code: str, subject: str, message: str, *, repaired: bool = False) -> None:
        """A problem that no plan mends: nothing can, or it has been done already."""
        self._open.append(Problem(code=code, subject=subject, message=message, repaired=repaired))

    def plan(self, code: str, subject: str, message: str) -> None:
        """A problem that :meth:`mending` mends."""
        self._planned.append(Problem(code=code, subject=subject, message=message))

    def lose(self, cube_id: str, version: int, reason: str, body: str) -> None:
        """A version can be served no more; it goes into quarantine."""
        self.lost[cube_id, version] = Quarantined(cube_id, version, self.at, reason, body)

    @contextmanager
    def reading(self, what: str) -> Iterator[None]:
        """Looking at a part that may be damaged itself: that is a problem, and no end."""
        try:
            yield
        except (CorruptionError, BackendError) as error:
            self.readable = False
            self.tell("unreadable", what, error.message)

    @property
    def is_planned(self) -> bool:
        """Whether there is anything to mend in the catalog."""
        return bool(self._planned)

    def mending(self, audit: Audit) -> Mending:
        """What would mend everything that was planned."""
        return Mending(
            audit=audit,
            quarantine=tuple(self.lost[one] for one in sorted(self.lost)),
            rewrite=tuple(self.rewrite),
            unlink=tuple(self.unlink),
            link=tuple(self.link),
            drop_edges=tuple(self.drop_edges),
            drop_receipts=self.drop_receipts,
            also=tuple(self.also),
        )

    def mended(self) -> None:
        """The plan was carried out."""
        self._open += [
            one.model_copy(update={"repaired": True, "quarantined": one.code in _LOSING})
            for one in self._planned
        ]
        self._planned.clear()

    def problems(self) -> tuple[Problem, ...]:
        """All, those that were planned first."""
        return (*self._planned, *self._open)
