"""The vectors, the imprints and the words, compared with the texts they were made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memos.errors import BackendError, CorruptionError, ModelMismatch, Unreachable
from memos.kinds.plaintext import indexed_text
from memos.ports.catalog import Errand
from memos.ports.imprint import width
from memos.ports.progress import Progress, silent
from memos.ports.words import WordEntry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memos.cube import MemCube
    from memos.life.checkup.census import Census
    from memos.life.checkup.findings import Findings
    from memos.life.index import Index
    from memos.ports.catalog import Catalog
    from memos.ports.embedder import Reading
    from memos.ports.vectors import VectorEntry

_PAGE = 500
_ROUNDING = 1e-3
"""How far from 1 the length of a sound vector may be; half precision keeps three digits."""
_SAME = 0.999
"""The cosine of a vector and itself, computed again by the same model on another day."""
_OTHER_SIGNS = 0.01
"""The share of signs that may differ then: those of numbers next to zero."""


class IndexExam:
    """Looks at the outbox and at the indexes, and puts the outbox to work on what is wrong.

    Args:
        catalog: holds the texts, and the outbox.
        index: the indexes.
        deep: whether vectors and imprints are made again and compared.
    """

    def __init__(self, catalog: Catalog, index: Index, *, deep: bool) -> None:
        self._catalog = catalog
        self._index = index
        self._deep = deep
        self._found: list[tuple[str, str, str]] = []
        self._owed: dict[tuple[Errand, str], None] = {}

    def run(
        self, census: Census, findings: Findings, *, repair: bool, progress: Progress = silent
    ) -> None:
        """Tell what is wrong; with ``repair``, make it anew."""
        self._unfinished()
        self._words(census, findings, repair=repair)
        self._vectors(census, findings, repair=repair)
        self._imprints(census, findings, repair=repair)
        try:
            self._contents(census, progress)
        except (CorruptionError, BackendError) as error:
            self._anew(error.message, census, repair=repair)
        if not self._found:
            return
        repaired = repair and self._mended(progress, census, findings)
        for code, subject, message in self._found:
            findings.tell(code, subject, message, repaired=repaired)

    def _unfinished(self) -> None:
        owed = self._catalog.counts().pending
        if owed:
            message = f"{owed} tasks of an interrupted write are still to be done"
            self._found.append(("unfinished", "outbox", message))

    def _words(self, census: Census, findings: Findings, *, repair: bool) -> None:
        words = self._index.words
        try:
            broken = words.problems()
            there = set() if broken else words.ids()
        except (CorruptionError, BackendError) as error:
            broken, there = [error.message], set()
        findings.checked["words"] = len(there)
        for message in broken:
            self._found.append(("damaged-words", "words", message))
        if broken:
            self._all(census, Errand.WORDS)
            if repair:
                words.clear()
            return
        self._compare("word", there, census, Errand.WORDS)

    def _vectors(self, census: Census, findings: Findings, *, repair: bool) -> None:
        try:
            needed = bool(census.findable) or self._index.indexed_by() is not None
            there = self._index.vectors.ids() if needed else set()
        except ModelMismatch as error:
            self._found.append(("other-embedder", "vectors", error.message))
            self._all(census)
            if repair:
                self._index.rebuild()
            return
        except (CorruptionError, BackendError) as error:
            self._anew(error.message, census, repair=repair)
            return
        findings.checked["vectors"] = len(there)
        self._compare("vector", there, census, Errand.INDEX)

    def _imprints(self, census: Census, findings: Findings, *, repair: bool) -> None:
        imprints = self._index.imprints
        try:
            there = imprints.ids()
        except (CorruptionError, BackendError) as error:
            self._found.append(("damaged-imprints", "imprints", error.message))
            self._all(census)
            if repair:
                imprints.clear()
            return
        findings.checked["imprints"] = len(there)
        if self._index.imprinting:
            self._compare("imprint", there, census, Errand.INDEX)

    def _anew(self, message: str, census: Census, *, repair: bool) -> None:
        self._found.append(("damaged-vectors", "vectors", message))
        self._all(census)
        if repair:
            self._index.start_anew()

    def _all(self, census: Census, errand: Errand = Errand.INDEX) -> None:
        self._owed.update(dict.fromkeys((errand, one) for one in sorted(census.findable)))

    def _compare(self, name: str, there: set[str], census: Census, errand: Errand) -> None:
        for cube_id in sorted(census.findable - there):
            message = f"cube {cube_id} is not in the {name} index"
            self._tell(f"missing-{name}", cube_id, message, errand)
        for cube_id in sorted(there - census.findable - census.unsure):
            message = f"the {name} index has {cube_id}, which is no text that can be found"
            self._found.append((f"orphan-{name}", cube_id, message))
            self._owed[Errand.DROP, cube_id] = None

    def _tell(self, code: str, cube_id: str, message: str, errand: Errand) -> None:
        self._found.append((code, cube_id, message))
        self._owed[errand, cube_id] = None

    def _contents(self, census: Census, progress: Progress) -> None:
        """Compare row by row what is not to be made anew anyway."""
        owed = {subject for _, subject in self._owed}
        ids = sorted(census.findable - owed)
        for start in range(0, len(ids), _PAGE):
            cubes = self._catalog.find_all(ids[start : start + _PAGE])
            self._compare_words(cubes)
            self._compare_imprints(cubes)
            self._compare_vectors(cubes)
            progress("checking indexes", start + len(cubes), len(ids))

    def _compare_words(self, cubes: Sequence[MemCube]) -> None:
        entries = [WordEntry(cube.id, indexed_text(cube), cube.scope) for cube in cubes]
        for cube_id in self._index.words.differing(entries):
            message = f"the words that are indexed of cube {cube_id} are not those of its text"
            self._tell("wrong-word", cube_id, message, Errand.WORDS)

    def _compare_imprints(self, cubes: Sequence[MemCube]) -> None:
        if not self._index.imprinting:
            return
        there = self._index.imprints.of([cube.id for cube in cubes])
        for cube in cubes:
            found = there.get(cube.id)
            if found is None or found.shape[1] != width(self._index.dimension):
                message = f"the imprint of cube {cube.id} is none that was put"
                self._tell("wrong-imprint", cube.id, message, Errand.INDEX)

    def _compare_vectors(self, cubes: Sequence[MemCube]) -> None:
        entries = {one.id: one for one in self._index.vectors.fetch([cube.id for cube in cubes])}
        again = self._index.embed(cubes) if self._deep else {}
        for cube in cubes:
            entry = entries.get(cube.id)
            if entry is None or not _is_sound(entry, cube, self._index.dimension):
                message = f"the vector of cube {cube.id} is none that was put"
                self._tell("wrong-vector", cube.id, message, Errand.INDEX)
            elif self._deep and not self._is_of(entry, again[indexed_text(cube)]):
                message = f"vector or imprint of cube {cube.id} is not that of its text"
                self._tell("wrong-vector", cube.id, message, Errand.INDEX)

    def _is_of(self, entry: VectorEntry, again: Reading) -> bool:
        """Whether vector and imprint are those that the model makes again."""
        if float(entry.vector @ again.vector) < _SAME:
            return False
        if again.imprint is None:
            return True
        there = self._index.imprints.of([entry.id]).get(entry.id)
        if there is None or there.shape != again.imprint.shape:
            return False
        return bool(np.mean(np.unpackbits(there ^ again.imprint)) < _OTHER_SIGNS)

    def _mended(self, progress: Progress, census: Census, findings: Findings) -> bool:
        self._catalog.owe(list(self._owed))
        try:
            self._index.drain(progress=progress, reach=True)
        except Unreachable as error:
            findings.tell("unfinished", "outbox", error.message)
            return False
        except (CorruptionError, BackendError) as error:
            # Some damage shows only when something is written there.
            self._anew(error.message, census, repair=True)
        else:
            return True
        self._catalog.owe(list(self._owed))
        try:
            self._index.drain(progress=progress)
        except (CorruptionError, BackendError) as error:
            findings.tell("unfinished", "outbox", error.message)
            return False
        return True


def _is_sound(entry: VectorEntry, cube: MemCube, dimension: int) -> bool:
    vector = entry.vector
    return bool(
        vector.shape == (dimension,)
        and np.isfinite(vector).all()
        and abs(float(np.linalg.norm(vector)) - 1.0) < _ROUNDING
        and entry.scope == cube.scope
    )
