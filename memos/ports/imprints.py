"""The tokens of texts, for late interaction: how near each token of a question comes to a text."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from memos.ports.imprint import Imprint


class ImprintEntry(NamedTuple):
    """The imprint of one cube's text."""

    id: str
    imprint: Imprint


class Imprints(Protocol):
    """Imprints by cube; they can be made anew at any time.

    Only what a search may see is asked for, so an index knows no scopes.
    """

    def put(self, entries: Sequence[ImprintEntry]) -> None:
        """Store durably, all or none, in the place of what had the same ids."""
        ...

    def of(self, ids: Collection[str]) -> Mapping[str, Imprint]:
        """The imprints of those that have one; what is not as it was put counts as absent."""
        ...

    def drop(self, ids: Collection[str]) -> None:
        """Remove entries; absent ids are no error."""
        ...

    def ids(self) -> set[str]:
        """The ids of all entries, whole or not."""
        ...

    def clear(self) -> None:
        """Make the index anew, with nothing in it, also where it cannot be read any more."""
        ...

    def purge(self) -> None:
        """Erase: what was dropped or replaced leaves no byte behind in any file.

        Raises:
            BackendError: it could not be done; bytes may be left.
        """
        ...
