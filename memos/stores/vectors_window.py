"""Unit vectors in RAM, searched exactly."""

from __future__ import annotations

from collections import OrderedDict
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from memos.errors import BadInput
from memos.ports.near import Near

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from numpy.typing import NDArray

    from memos.cube import Scope
    from memos.ports.vectors import VectorEntry

    Rows = NDArray[np.intp]
    Whose = tuple[str | None, ...]
    """A scope's fields, in the order of _FIELDS."""

_FIELDS = ("user_id", "agent_id", "session_id")
_NOBODY = -1
"""The code of a scope's field that is not set."""

_ROUNDING = 1e-4
"""More than a float32 product of two unit vectors can be wrong by."""

_SPARSE = 4
"""When fewer than one row in so many counts, only these are multiplied."""

_REMEMBERED = 10_000
"""How many scopes are remembered as asked for."""


class Window:
    """A matrix [capacity, dimension] of which the first ``len`` rows are in use, in any order.

    Beside each row stand its id and, for each field of a scope, a code for the value it has. Not
    for several threads at once: whoever holds a window locks it.
    """

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        self._matrix = np.empty((0, dimension), dtype=np.float32)
        self._codes = np.empty((len(_FIELDS), 0), dtype=np.int64)
        self._known: tuple[dict[str, int], ...] = tuple({} for _ in _FIELDS)
        self._ids: list[str] = []
        self._rows: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._ids)

    def put(self, entries: Sequence[VectorEntry]) -> None:
        """Take entries, in the place of what had the same ids."""
        if not entries:
            return
        rows = [self._row(entry.id) for entry in entries]
        self._reserve(len(self._ids))
        self._matrix[rows] = np.stack([entry.vector for entry in entries])
        self._codes[:, rows] = np.array([self._coded(entry.scope) for entry in entries]).T

    def drop(self, ids: Iterable[str]) -> None:
        """Remove entries; absent ids are no error."""
        for one in ids:
            row = self._rows.pop(one, None)
            if row is None:
                continue
            last = self._ids.pop()
            if last != one:  # the last row moves into the gap
                end = len(self._ids)
                self._ids[row], self._rows[last] = last, row
                self._matrix[row] = self._matrix[end]
                self._codes[:, row] = self._codes[:, end]

    def near(
        self,
        vector: NDArray[np.float32],
        *,
        k: int,
        scope: Scope,
        among: Collection[str] | None = None,
    ) -> list[Near]:
        """The ``k`` nearest entries that ``scope`` covers; see :class:`memos.ports.vectors`."""
        rows = self._counting(scope, among)
        if k < 1 or not len(rows):
            return []
        # In float32 the last bits of a score are noise. So that equal vectors have equal scores
        # wherever they stand, all that may be among the k are scored once more, in float64.
        rough = self._rough(rows, vector)
        if k < len(rows):
            edge = np.partition(rough, -k)[-k] - _ROUNDING
            rows = rows[rough >= edge]
        products = self._matrix[rows].astype(np.float64) * vector.astype(np.float64)
        scores = np.clip(products.sum(axis=1), -1.0, 1.0).tolist()
        found = [Near(self._ids[row], score) for row, score in zip(rows, scores, strict=True)]
        return sorted(found, key=lambda near: (-near.score, near.id))[:k]

    def _row(self, one: str) -> int:
        """The row of an id; a new id gets the row after the last."""
        row = self._rows.setdefault(one, len(self._ids))
        if row == len(self._ids):
            self._ids.append(one)
        return row

    def _reserve(self, count: int) -> None:
        """Make place for ``count`` rows: at least twice what there was, so that puts stay cheap."""
        capacity = len(self._matrix)
        if count <= capacity:
            return
        more = max(count, 2 * capacity) - capacity
        self._matrix = np.pad(self._matrix, ((0, more), (0, 0)))
        self._codes = np.pad(self._codes, ((0, 0), (0, more)))

    def _coded(self, scope: Scope) -> list[int]:
        return [
            _NOBODY if value is None else known.setdefault(value, len(known))
            for known, value in zip(self._known, _whose(scope), strict=True)
        ]

    def _counting(self, scope: Scope, among: Collection[str] | None) -> Rows:
        """The rows that ``scope`` covers and ``among`` names."""
        count = len(self._ids)
        counts = np.ones(count, dtype=bool)
        for value, codes, known in zip(_whose(scope), self._codes, self._known, strict=True):
            if value is not None:
                counts &= codes[:count] == known.get(value, _NOBODY - 1)
        if among is None:
            return np.flatnonzero(counts)
        named = {self._rows[one] for one in among if one in self._rows}
        rows = np.fromiter(named, dtype=np.intp, count=len(named))
        return rows[counts[rows]]

    def _rough(self, rows: Rows, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        # Not `@`: its library starts threads for a product as small as this, and where others
        # keep the cores busy these wait for each other ten times longer than they work.
        count = len(self._ids)
        if len(rows) * _SPARSE < count:
            return np.asarray(np.einsum("ij,j->i", self._matrix[rows], vector))
        return np.asarray(np.einsum("ij,j->i", self._matrix[:count], vector)[rows])


class Windows:
    """The windows of the scopes that are asked for again and again.

    The first question to a scope does not pay for loading it. Together the windows hold a limited
    number of vectors; those asked longest ago give way.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._windows: OrderedDict[Whose, Window] = OrderedDict()
        self._asked: set[Whose] = set()
        self._too_large: set[Whose] = set()

    def find(self, scope: Scope) -> Window | None:
        """A window that holds all that ``scope`` covers, if there is one."""
        for whose in _covering(scope):
            if whose in self._windows:
                self._windows.move_to_end(whose)
                return self._windows[whose]
        return None

    def pays(self, scope: Scope) -> bool:
        """Whether to load the window of ``scope``: it was asked for before, and may fit."""
        whose = _whose(scope)
        if whose in self._asked:
            return whose not in self._too_large
        if len(self._asked) >= _REMEMBERED:
            self._asked.clear()
            self._too_large.clear()
        self._asked.add(whose)
        return False

    def refuse(self, scope: Scope) -> None:
        """Note that ``scope`` covers more than the limit."""
        self._too_large.add(_whose(scope))

    def keep(self, scope: Scope, window: Window) -> None:
        """Take the window of all that ``scope`` covers."""
        self._windows[_whose(scope)] = window
        self._trim()

    def put(self, entries: Sequence[VectorEntry]) -> None:
        """Bring the windows in step with what was stored."""
        self.drop([entry.id for entry in entries])
        for entry in entries:
            for whose in _covering(entry.scope):
                if whose in self._windows:
                    self._windows[whose].put([entry])
        self._trim()

    def drop(self, ids: Collection[str]) -> None:
        """Bring the windows in step with what was removed."""
        for window in self._windows.values():
            window.drop(ids)

    def clear(self) -> None:
        """Let go of all windows."""
        self._windows.clear()
        self._asked.clear()
        self._too_large.clear()

    def _trim(self) -> None:
        while sum(map(len, self._windows.values())) > self.limit:
            self._windows.popitem(last=False)


def _whose(scope: Scope) -> Whose:
    return tuple(getattr(scope, field) for field in _FIELDS)


def _covering(scope: Scope) -> Iterable[Whose]:
    """Every scope that covers ``scope``: any of its fields may be left open."""
    return product(*(((value, None) if value is not None else (None,)) for value in _whose(scope)))


def check_dimension(vectors: Iterable[NDArray[np.float32]], dimension: int) -> None:
    """Make sure that all ``vectors`` fit an index.

    Raises:
        BadInput: one has another shape than [dimension].
    """
    for vector in vectors:
        if vector.shape != (dimension,):
            message = f"a vector of shape {vector.shape} does not fit an index of ({dimension},)"
            raise BadInput(message, hint="an index holds the vectors of one embedding model")
