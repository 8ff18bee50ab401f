"""Nearness of meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from memos.cube import Scope
    from memos.ports.near import Near


@dataclass(frozen=True, slots=True)
class VectorEntry:
    """One cube's vector and whose it is."""

    id: str
    vector: NDArray[np.float32]
    """[d], of length 1."""
    scope: Scope


class Vectors(Protocol):
    """An index of unit vectors, all made by one embedding model; it can be rebuilt at any time.

    A score is the cosine, in [-1, 1]; higher is nearer. Ties are ordered by id.
    """

    def put(self, entries: Sequence[VectorEntry]) -> None:
        """Store durably, in the place of what had the same ids. Atomic for each entry.

        Raises:
            BadInput: a vector has not the dimension of the index; nothing is stored.
        """
        ...

    def near(
        self,
        vector: NDArray[np.float32],
        *,
        k: int,
        scope: Scope,
        among: Collection[str] | None = None,
    ) -> list[Near]:
        """The ``k`` nearest entries that ``scope`` covers, nearest first.

        With ``among``, only entries with these ids count. As many come back as there are, up to
        ``k``: filters are applied before ranking.
        """
        ...

    def drop(self, ids: Collection[str]) -> None:
        """Remove entries; absent ids are no error."""
        ...

    def ids(self) -> set[str]:
        """The ids of all entries."""
        ...

    def fetch(self, ids: Collection[str]) -> list[VectorEntry]:
        """The entries of these ids as they are stored, in any order; absent ids are left out.

        What is stored may be damaged: a vector then has any length and any values.
        """
        ...

    def purge(self) -> None:
        """Erase: what was dropped or replaced leaves no byte behind in any file.

        That is the id, the vector (a text can be guessed from it) and the scope. Slow: meant to
        be called once after many drops. Quick where nothing was dropped since the last purge,
        also in another process. After a crash at any point the entries that remain are there, and
        purging again finishes it.

        Raises:
            BackendError: it could not be done; bytes may be left.
        """
        ...

    def close(self) -> None:
        """Let go of files and threads."""
        ...
