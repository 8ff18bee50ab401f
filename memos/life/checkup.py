"""Compares the catalog with everything derived from it, and mends what can be rebuilt."""

from __future__ import annotations

from importlib.metadata import packages_distributions
from typing import TYPE_CHECKING

from memos.cube import Kind
from memos.cube.header import FINDABLE
from memos.errors import CorruptionError, ModelMismatch
from memos.life.report import CheckReport, Problem
from memos.ports.catalog import Errand, Selection
from memos.ports.filters import Condition, Operator
from memos.ports.graph import Relation
from memos.ports.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from memos.life.index import Index
    from memos.ports.blobs import Blobs
    from memos.ports.catalog import Catalog
    from memos.ports.privacy import Privacy

_DISTRIBUTION = "agent-memos"
_FINDABLE = Selection(
    where=Condition("state", Operator.IN, [str(state) for state in FINDABLE]),
    kinds=(Kind.PLAINTEXT,),
)
"""What the indexes hold."""


class Checkup:
    """Looks at every cube, index row and blob."""

    def __init__(
        self, *, catalog: Catalog, blobs: Blobs, index: Index, privacy: Privacy | None = None
    ) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._index = index
        self._privacy = privacy
        self._checked: dict[str, int] = {}

    def run(self, *, repair: bool, progress: Progress = silent) -> CheckReport:
        """Everything that is wrong; with ``repair``, mended where it can be."""
        self._checked = {}
        problems = [
            *self._database(),
            *self._name_clash(),
            *self._cubes(progress),
            *self._indexes(repair=repair, progress=progress),
            *self._references(progress),
            *self._orphans(repair=repair),
            *self._derivations(),
            *self._modes(repair=repair),
        ]
        return CheckReport(problems=tuple(problems), checked=self._checked)

    def _database(self) -> Iterator[Problem]:
        for message in self._catalog.problems():
            yield Problem(code="damaged-database", subject="catalog", message=message)

    def _name_clash(self) -> Iterator[Problem]:
        others = set(packages_distributions().get("memos", [])) - {_DISTRIBUTION}
        for name in sorted(others):
            message = f"the distribution {name} installs a package called memos as well"
            yield Problem(code="name-clash", subject=name, message=message)

    def _cubes(self, progress: Progress) -> Iterator[Problem]:
        ids = self._catalog.ids(Selection())
        self._checked["cubes"] = len(ids)
        for number, cube_id in enumerate(ids, start=1):
            try:
                self._catalog.history(cube_id)
            except CorruptionError as error:
                yield Problem(code="damaged-cube", subject=cube_id, message=error.message)
            if number % 100 == 0 or number == len(ids):
                progress("checking cubes", number, len(ids))

    def _indexes(self, *, repair: bool, progress: Progress) -> list[Problem]:
        """The outbox, the model of the vectors, and the rows of vectors and words."""
        owed = self._catalog.counts().pending
        found = []
        if owed:
            message = f"{owed} tasks of an interrupted write are still to be done"
            found.append(Problem(code="unfinished", subject="outbox", message=message))
        try:
            tasks = self._row_problems(found)
        except ModelMismatch as error:
            found.append(Problem(code="other-embedder", subject="vectors", message=error.message))
            tasks = self._reindexed() if repair else []
        if not repair or not found:
            return found
        self._catalog.owe(tasks)
        self._index.drain(progress=progress)
        return [problem.model_copy(update={"repaired": True}) for problem in found]

    def _row_problems(self, found: list[Problem]) -> list[tuple[Errand, str]]:
        ids = set(self._catalog.ids(_FINDABLE))
        indexed = self._index.indexed_by() is not None
        rows = {
            "vector": self._index.vectors.ids() if ids or indexed else set(),
            "word": self._index.words.ids(),
        }
        tasks: list[tuple[Errand, str]] = []
        for name, there in rows.items():
            self._checked[f"{name}s"] = len(there)
            for cube_id in sorted(ids - there):
                message = f"cube {cube_id} is not in the {name} index"
                found.append(Problem(code=f"missing-{name}", subject=cube_id, message=message))
                tasks.append((Errand.INDEX, cube_id))
            for cube_id in sorted(there - ids):
                message = f"the {name} index has {cube_id}, which is no cube to be found"
                found.append(Problem(code=f"orphan-{name}", subject=cube_id, message=message))
                tasks.append((Errand.DROP, cube_id))
        return tasks

    def _reindexed(self) -> list[tuple[Errand, str]]:
        self._index.rebuild()
        ids = self._catalog.ids(_FINDABLE)
        return [(Errand.INDEX, cube_id) for cube_id in ids]

    def _references(self, progress: Progress) -> Iterator[Problem]:
        digests = sorted(self._catalog.blobs())
        self._checked["blobs"] = len(digests)
        for number, digest in enumerate(digests, start=1):
            try:
                self._blobs.get(digest)
            except CorruptionError as error:
                missing = self._blobs.size_bytes(digest) is None
                code = "missing-blob" if missing else "damaged-blob"
                yield Problem(code=code, subject=digest, message=error.message)
            progress("checking blobs", number, len(digests))

    def _orphans(self, *, repair: bool) -> Iterator[Problem]:
        referred = self._catalog.blobs()
        for digest in self._blobs.digests():
            if digest not in referred:
                if repair:
                    self._blobs.drop(digest)
                message = f"no cube refers to blob {digest}"
                yield Problem(code="orphan-blob", subject=digest, message=message, repaired=repair)

    def _derivations(self) -> Iterator[Problem]:
        derived = self._catalog.ids(Selection(kinds=(Kind.ACTIVATION, Kind.PARAMETRIC)))
        for cube_id in derived:
            edges = self._catalog.edges_of([cube_id], [Relation.DERIVED])
            parents = [edge.target for edge in edges if edge.source == cube_id]
            there = self._catalog.versions(parents)
            yield from self._broken(cube_id, [one for one in parents if one not in there])

    def _broken(self, cube_id: str, missing: Sequence[str]) -> Iterator[Problem]:
        for parent in missing:
            message = f"cube {cube_id} was derived from {parent}, which is gone; forget it"
            yield Problem(code="orphan-derivation", subject=cube_id, message=message)

    def _modes(self, *, repair: bool) -> Iterator[Problem]:
        if self._privacy is None:
            return
        found = self._privacy.loose()
        mended = set(self._privacy.tighten()) if repair else set()
        for path in found:
            message = f"others than its owner have a right to {path}"
            mine = path in mended
            yield Problem(code="loose-permissions", subject=path, message=message, repaired=mine)
