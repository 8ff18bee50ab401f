"""The quarantine as forgetting sees it: which damaged cubes are meant, and which go along."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memos.cube import EVERYBODY, Right
from memos.life.remains import Remains, read_remains

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from memos.cube import MemCube
    from memos.governance.access import Reach
    from memos.governance.act import Act
    from memos.ports.catalog import Catalog
    from memos.ports.filters import Filter
    from memos.ports.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be forgotten."""

    cubes: Sequence[MemCube]
    remains: Sequence[Remains] = ()
    """Of cubes that are not there any more."""
    unread: int = 0
    """Damaged cubes of which nobody can say whether they are meant."""
    discarding: bool = False
    """Whether only what is in quarantine goes, and nothing that was made from it and lives."""
    even_held: bool = False
    """Whether a legal hold that stands in what is left of a cube does not keep it."""


@dataclass(frozen=True, slots=True)
class Lost:
    """A cube that goes, and of which nothing is left outside of the quarantine."""

    id: str
    kind: str | None
    because: str | None
    """The id of the cube that takes it along; None for what was asked for."""


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What goes out of the quarantine."""

    rows: tuple[Remains, ...] = ()
    lost: tuple[Lost, ...] = ()
    """Their cubes, as far as these are not there any more."""

    @property
    def blobs(self) -> set[str]:
        """The digests of the blobs that go with them."""
        return {digest for row in self.rows for digest in row.blobs}

    def seen(self, reach: Reach, ids: Collection[str]) -> Leftovers:
        """What of it one may know of: what lies within the reach, or is of these cubes."""
        rows = [row for row in self.rows if row.cube_id in ids or row.is_within(reach)]
        there = {row.cube_id for row in rows}
        return Leftovers(tuple(rows), tuple(one for one in self.lost if one.id in there))


class Quarantine:
    """Reads what repairs have taken out of the catalog."""

    def __init__(self, *, catalog: Catalog, ledger: Ledger) -> None:
        self._catalog = catalog
        self._ledger = ledger

    def of(self, cube_id: str, act: Act) -> list[Remains]:
        """What is left of a cube that is not there any more, if the call may forget it."""
        return [one for one in self._stranded() if one.cube_id == cube_id and _may(one, act)]

    def admitted(self, where: Filter, act: Act) -> tuple[list[Remains], int]:
        """What the filter admits, of cubes that are not there any more, and the call may forget.

        With how many cubes there are beside of which that cannot be told: for administrators.
        """
        found, unsure = [], set()
        for one in self._stranded():
            lies = one.lies_in(act.scope, where)
            if lies and _may(one, act):
                found.append(one)
            elif lies is None:
                unsure.add(one.cube_id)
        told = act.widened().reach(Right.ADMINISTER).covers(EVERYBODY)
        return found, len(unsure - {one.cube_id for one in found}) if told else 0

    def leftovers(self, ids: Collection[str], asked: Sequence[Remains]) -> Leftovers:
        """What goes when cubes go: what is left of them, and what was made from any of them."""
        rows = [read_remains(entry) for entry in self._ledger.quarantined()]
        alive = self._catalog.versions({row.cube_id for row in rows})
        roots = {row.cube_id: None for row in asked}
        because: dict[str, str | None] = {**dict.fromkeys(ids), **roots}
        going: list[Remains] = []
        while more := [row for row in rows if row.names & because.keys()]:
            going += more
            rows = [row for row in rows if not row.names & because.keys()]
            for row in more:
                if row.cube_id not in alive:
                    because.setdefault(row.cube_id, min(row.names & because.keys()))
        kinds = {row.cube_id: row.kind for row in going if row.kind is not None}
        lost = dict.fromkeys(row.cube_id for row in going if row.cube_id not in alive)
        return Leftovers(
            tuple(going), tuple(Lost(one, kinds.get(one), because[one]) for one in lost)
        )

    def held(self, left: Leftovers) -> list[str]:
        """The cubes of which a damaged version says that they are under legal hold."""
        by_cube: dict[str, list[Remains]] = {}
        for row in left.rows:
            by_cube.setdefault(row.cube_id, []).append(row)
        return [one for one, rows in by_cube.items() if self._is_held(one, rows)]

    def _is_held(self, cube_id: str, rows: Sequence[Remains]) -> bool:
        since = max((row.version for row in rows if row.held), default=None)
        if since is None:
            return False
        # A version that is sound may be older than the hold, so only one that knew of it counts.
        sound = (
            cube.version >= since and cube.header.governance.legal_hold
            for cube in self._catalog.history(cube_id)
        )
        later = (row.version > since and row.held is False for row in rows)
        return not (any(sound) or any(later))

    def _stranded(self) -> Iterator[Remains]:
        entries = self._ledger.quarantined()
        alive: Mapping[str, int] = self._catalog.versions({one.cube_id for one in entries})
        for entry in entries:
            if entry.cube_id not in alive:
                yield read_remains(entry)


def _may(one: Remains, act: Act) -> bool:
    return one.is_within(act.reach()) and one.is_within(act.reach(Right.READ))
