"""Makes sure that what was forgotten is gone, by looking at the bytes of every file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memos.cube import Kind, Plaintext
from memos.kinds.plaintext import indexed_text
from memos.life.report import Verified
from memos.ports.catalog import Selection
from memos.ports.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from memos.cube import MemCube
    from memos.life.index import Index, Ready
    from memos.life.remains import Remains
    from memos.ports.catalog import Catalog
    from memos.ports.clock import Clock
    from memos.ports.traces import Search, Traces

_PAGE = 1000
_PLAIN = "the files were rewritten, then every byte was searched for the texts and their vectors"
_SEALED = (
    "the files were rewritten, and are encrypted: a search of every byte shows that nothing lies"
    " there in clear, and no more"
)


@dataclass(frozen=True, slots=True)
class Sought:
    """What must not be found any more."""

    texts: tuple[str, ...]
    readings: Ready
    """What the embedding model made of it, by what was indexed."""


class Prover:
    """Remembers what is about to go, and searches for it when it has gone."""

    def __init__(self, *, catalog: Catalog, index: Index, traces: Traces, clock: Clock) -> None:
        self._catalog = catalog
        self._index = index
        self._traces = traces
        self._clock = clock

    def sought(self, cubes: Sequence[MemCube], remains: Sequence[Remains] = ()) -> Sought:
        """The texts of all versions of the cubes, and the vectors that they were found by.

        And those of damaged versions in quarantine, as far as they can be read.
        """
        versions = [one for cube in cubes for one in self._catalog.history(cube.id)]
        versions += [one.cube for one in remains if one.cube is not None]
        said = [one for one in versions if one.kind is Kind.PLAINTEXT]
        broken = [one.text for one in remains if one.cube is None and one.text]
        return Sought(tuple(dict.fromkeys([*_texts(said), *broken])), self._index.embed(said))

    def search(self, sought: Sought, progress: Progress = silent) -> Verified:
        """Search every file of the store."""
        still = {indexed_text(cube) for cube in self._current()}
        found = self._traces.find(
            sought.texts,
            vectors=[
                reading.vector for text, reading in sought.readings.items() if text not in still
            ],
            living=self._living(),
            progress=progress,
        )
        return _told(found, self._clock)

    def _living(self) -> Iterator[str]:
        for cube in self._current():
            for version in [cube] if cube.version == 1 else self._catalog.history(cube.id):
                yield from _texts([version])

    def _current(self) -> Iterator[MemCube]:
        after = None
        while page := self._catalog.select(
            Selection(kinds=(Kind.PLAINTEXT,), after=after, limit=_PAGE)
        ):
            yield from page
            after = page[-1].id


def _texts(cubes: Sequence[MemCube]) -> Iterator[str]:
    for cube in cubes:
        if isinstance(cube.payload, Plaintext):
            yield cube.payload.text
            yield indexed_text(cube)


def _told(found: Search, clock: Clock) -> Verified:
    traces = tuple(
        f"{trace.spelling} of {'a vector' if trace.spelling == 'float32-le' else 'a text'}"
        f" in {trace.file} at byte {trace.offset}"
        for trace in found.traces
    )
    return Verified(
        how=_SEALED if found.sealed else _PLAIN,
        at=clock.now(),
        searched_bytes=found.size_bytes,
        searched_files=found.files,
        traces=traces,
        unsearchable=len(found.too_common) + len(found.still_said) + len(found.plain_vectors),
        unsearchable_vectors=len(found.plain_vectors),
    )
