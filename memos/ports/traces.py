"""What is still to be found, byte for byte, of something that should be gone."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from memos.ports.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray


class Spelling(StrEnum):
    """How a thing may lie in a file."""

    UTF8 = "utf-8"
    JSON = "json"
    """Inside a JSON string: quotes, backslashes and line ends escaped."""
    ASCII_JSON = "ascii-json"
    """Likewise, with everything beyond ASCII escaped, too."""
    UTF16 = "utf-16-le"
    FLOAT32 = "float32-le"
    """A vector, also where it was normalised once more."""


@dataclass(frozen=True, slots=True)
class Trace:
    """A place where something still lies. It names what was found by number, never by content."""

    sought: int
    """The place in what was searched for: of a text, or, where it is FLOAT32, of a vector."""
    spelling: Spelling
    file: str
    """The path within the folder."""
    offset: int
    """Where in the file the first piece was seen, in bytes."""


@dataclass(frozen=True, slots=True)
class Search:
    """What a search looked at, and what it found: everything is clean if ``clean``."""

    traces: tuple[Trace, ...] = ()
    """For each thing, spelling and file at most one."""
    files: int = 0
    size_bytes: int = 0
    too_common: tuple[int, ...] = ()
    """Texts that were not searched for: shorter than 8 bytes, or fewer than 4 different ones."""
    still_said: tuple[int, ...] = ()
    """Texts that were not searched for: all their pieces stand in texts that live."""
    plain_vectors: tuple[int, ...] = ()
    """Vectors that were not searched for: hardly a number of theirs differs from zero."""
    passed_over: tuple[str, ...] = ()
    """What is no file: symbolic links, which are not followed, sockets, devices."""
    sealed: bool = False
    """Whether the files are encrypted: what lies in them sealed cannot be found."""

    @property
    def clean(self) -> bool:
        """Nothing was found, and nothing was left out of the search."""
        left_out = self.too_common or self.still_said or self.plain_vectors or self.passed_over
        return not self.traces and not left_out


class Traces(Protocol):
    """Looks at the bytes of a store's files, whatever wrote them.

    Found is every text of which 31 bytes on end lie anywhere in one of the spellings, also where a
    database has torn it into pages, and every vector of which 39 numbers on end do. Shorter texts
    and vectors are found whole, and so are vectors half of whose numbers are zero. Not found is
    what is compressed or encrypted, and what an index keeps of single words and tokens.
    """

    def find(
        self,
        texts: Sequence[str],
        *,
        vectors: Sequence[NDArray[np.float32]] = (),
        living: Iterable[str] = (),
        progress: Progress = silent,
    ) -> Search:
        """Search all files for each of ``texts`` and ``vectors``.

        Args:
            texts: what should be gone.
            vectors: each [d]; without those of texts that are still there in other cubes.
            living: texts that may be there; a piece that stands in one of them is no trace.
            progress: told of bytes.

        Raises:
            BackendError: a file, or a folder, cannot be read.
        """
        ...
