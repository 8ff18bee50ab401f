"""The derived indexes, kept in step with the catalog by its outbox."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from memos.cube import Kind
from memos.cube.header import FINDABLE
from memos.errors import BackendError, CorruptionError, ModelMismatch, Unreachable
from memos.kinds.plaintext import indexed_text
from memos.ports.catalog import Errand, Selection
from memos.ports.embedder import TokenEmbedder, read
from memos.ports.filters import Condition, Every, Operator
from memos.ports.imprints import ImprintEntry
from memos.ports.progress import Progress, silent
from memos.ports.vectors import VectorEntry
from memos.ports.words import WordEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from pydantic import JsonValue

    from memos.cube import MemCube
    from memos.ports.aside import Aside
    from memos.ports.blobs import Blobs
    from memos.ports.catalog import Catalog, Task
    from memos.ports.embedder import Embedder, Reading
    from memos.ports.filters import Filter
    from memos.ports.imprints import Imprints
    from memos.ports.ledger import Ledger
    from memos.ports.vectors import Vectors
    from memos.ports.words import Words

    Ready = Mapping[str, Reading]
    """Vectors and imprints already computed, by text."""

_STATES: list[JsonValue] = [str(state) for state in FINDABLE]
_FINDABLE = Selection(where=Condition("state", Operator.IN, _STATES), kinds=(Kind.PLAINTEXT,))
_BATCH = 1000
_NOTE = "embedder"


class Index:
    """Vectors, imprints and words of plaintext cubes; what the outbox owes, :meth:`drain` pays.

    A task is settled after its effect is durable, and doing it twice is the same as doing it
    once: so a crash between any two steps loses nothing.
    """

    def __init__(  # noqa: PLR0913 - all that the outbox owes something
        self,
        *,
        catalog: Catalog,
        blobs: Blobs,
        words: Words,
        imprints: Imprints,
        embedder: Embedder,
        open_vectors: Callable[[str, int], Vectors],
        aside: Aside | None = None,
        ledger: Ledger | None = None,
        drop_blocks: Callable[[Collection[str]], object] = set,
    ) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self.words = words
        self.imprints = imprints
        self._embedder = embedder
        self._open_vectors = open_vectors
        self._aside = aside
        self._ledger = ledger
        self._drop_blocks = drop_blocks
        self._vectors: Vectors | None = None

    @property
    def vectors(self) -> Vectors:
        """The vector index of the configured embedding model.

        Raises:
            ModelMismatch: the store was indexed by another model.
        """
        if self._vectors is None:
            there = self.indexed_by()
            name = self._embedder.name
            if there is not None and there != name:
                message = f"the store was indexed by {there!r}, the embedding model is {name!r}"
                hint = "set embedder.model back, or run `memos check --repair` to index anew"
                raise ModelMismatch(message, hint=hint)
            self._vectors = self._open_vectors(name, self._embedder.dimension)
            if there is None:
                self._note()
        return self._vectors

    @property
    def dimension(self) -> int:
        """The length of a vector of the configured embedding model."""
        return self._embedder.dimension

    @property
    def imprinting(self) -> bool:
        """Whether the configured embedding model leaves imprints."""
        return isinstance(self._embedder, TokenEmbedder) and self._embedder.tells_tokens

    def indexed_by(self) -> str | None:
        """The embedding model that the store's vectors were made by; None before the first.

        Raises:
            CorruptionError: the note that says so cannot be read.
        """
        made_by = self._made_by()
        return None if made_by is None else made_by[0]

    def embed(self, cubes: Sequence[MemCube], progress: Progress = silent) -> Ready:
        """The vectors and imprints of what is indexed of these cubes, by text."""
        _ = self.vectors  # a mismatch of models is found before any work is done
        texts = list(dict.fromkeys(indexed_text(cube) for cube in cubes))
        if not texts:
            return {}
        return dict(zip(texts, read(self._embedder, texts, progress=progress), strict=True))

    def drain(
        self,
        fresh: Sequence[MemCube] = (),
        ready: Ready | None = None,
        progress: Progress = silent,
        *,
        insist: bool = True,
        reach: bool = False,
    ) -> int:
        """Pay everything the outbox owes, and return how many tasks that was.

        Blocks that lie on a server that does not answer are owed further, behind the rest.

        Args:
            fresh: cubes that were committed just now, to be spared another reading.
            ready: what the model made of theirs, as :meth:`embed` returned them.
            progress: told of embedding.
            insist: whether a purge that fails is an error. Otherwise it is still owed: a disk
                without room for it is no reason not to open a store.
            reach: whether a server that does not answer is an error. It is one for whoever
                forgets, and none for whoever adds.

        Raises:
            BackendError: a purge failed; what was forgotten is forgotten, and may lie on the disk.
            Unreachable: a server did not answer; what was forgotten may lie there.
        """
        done = 0
        at_hand = {cube.id: cube for cube in fresh}
        away = _Away()
        while tasks := away.besides(self._catalog.pending(_BATCH)):
            due = [task for task in tasks if task.errand is not Errand.PURGE]
            if due:
                self._pay(due, at_hand, ready or {}, progress)
                self._pay_blocks(due, away)
            elif not self._purged(insist=insist):  # last: what is erased was dropped before
                return done
            self._catalog.settle(due or tasks)
            done += len(due or tasks)
        if reach and away.why is not None:
            raise away.why
        return done

    def _pay(
        self,
        tasks: Sequence[Task],
        at_hand: Mapping[str, MemCube],
        ready: Ready,
        progress: Progress,
    ) -> None:
        ids = _subjects(tasks, Errand.INDEX)
        read = self._catalog.find_all([one for one in ids if one not in at_hand])
        cubes = [at_hand[one] for one in ids if one in at_hand]
        findable = [cube for cube in (*cubes, *read) if cube.state in FINDABLE]
        self._index(findable, ready, progress)
        self._word(self._catalog.find_all(_subjects(tasks, Errand.WORDS)))
        self._drop(_subjects(tasks, Errand.DROP))
        self._sweep(_subjects(tasks, Errand.SWEEP))

    def _pay_blocks(self, tasks: Sequence[Task], away: _Away) -> None:
        """Drop blocks; where a server does not answer, they are owed again, behind the rest."""
        names = _subjects(tasks, Errand.BLOCK)
        if names and away.why is None:
            try:
                self._drop_blocks(names)
            except Unreachable as error:
                away.why = error
        if names and away.why is not None:
            self._catalog.owe([(Errand.BLOCK, name) for name in names])
            away.names.update(names)

    def _purged(self, *, insist: bool) -> bool:
        try:
            self.words.purge()
            self.imprints.purge()
            if self.indexed_by() is not None:
                self.vectors.purge()
            self._catalog.purge()
            if self._aside is not None:
                self._aside.forget_vectors()
                if self._ledger is not None and not self._ledger.quarantined():
                    # Not only what was named: of a damaged row, the blob may be anybody's guess.
                    self._aside.forget_blobs()
        except BackendError:
            if insist:
                raise
            return False
        return True

    def rebuild(self) -> None:
        """Forget which model made the vectors, drop them all, and take the configured one."""
        made_by = self._made_by()
        if made_by is not None and self._vectors is None:
            old = self._open_vectors(*made_by)
            old.drop(old.ids())
            old.close()
        self.imprints.clear()
        self._vectors = self._vectors or self._open_vectors(
            self._embedder.name, self._embedder.dimension
        )
        self._note()

    def start_anew(self) -> None:
        """Take a vector index that cannot be used out of the way, and begin an empty one."""
        self.close()
        if self._aside is not None:
            self._aside.vectors()
        self._vectors = self._open_vectors(self._embedder.name, self._embedder.dimension)
        self._note()

    def restart(self, progress: Progress = silent) -> None:
        """Make all indexes anew, from the texts."""
        self.rebuild()
        ids = self._catalog.ids(_FINDABLE)
        self._catalog.owe([(Errand.INDEX, cube_id) for cube_id in ids])
        self.drain(progress=progress)

    def close(self) -> None:
        """Let go of the vector index."""
        if self._vectors is not None:
            self._vectors.close()
            self._vectors = None

    def _made_by(self) -> tuple[str, int] | None:
        note = self._catalog.note(_NOTE)
        if note is None:
            return None
        try:
            made_by = json.loads(note)
            return str(made_by["name"]), int(made_by["dimension"])
        except (ValueError, KeyError, TypeError) as error:
            message = f"the note on the embedding model holds {note!r:.60}"
            raise CorruptionError(message, hint="memos check --repair indexes anew") from error

    def _note(self) -> None:
        made_by = {"name": self._embedder.name, "dimension": self._embedder.dimension}
        self._catalog.note(_NOTE, json.dumps(made_by))

    def _index(self, cubes: Sequence[MemCube], ready: Ready, progress: Progress) -> None:
        if not cubes:
            return
        texts = {cube.id: indexed_text(cube) for cube in cubes}
        missing = [cube for cube in cubes if texts[cube.id] not in ready]
        by_text = {**ready, **(self.embed(missing, progress) if missing else {})}
        made = {cube.id: by_text[texts[cube.id]] for cube in cubes}
        self.vectors.put([VectorEntry(cube.id, made[cube.id].vector, cube.scope) for cube in cubes])
        self._imprint(made)
        self._word(cubes)

    def _imprint(self, made: Mapping[str, Reading]) -> None:
        """Put the imprints of these cubes; what a model without any makes leaves none behind."""
        entries = [
            ImprintEntry(cube_id, reading.imprint)
            for cube_id, reading in made.items()
            if reading.imprint is not None
        ]
        self.imprints.put(entries)
        self.imprints.drop(made.keys() - {entry.id for entry in entries})

    def _word(self, cubes: Sequence[MemCube]) -> None:
        self.words.put(
            [
                WordEntry(cube.id, indexed_text(cube), cube.scope)
                for cube in cubes
                if cube.state in FINDABLE
            ]
        )

    def _drop(self, ids: Sequence[str]) -> None:
        # An id that was dropped and can be found again, after an import or a way back, stays.
        if not ids:
            return
        there = set(self._catalog.ids(Selection(where=_findable(ids))))
        gone = [cube_id for cube_id in ids if cube_id not in there]
        if gone:
            self.words.drop(gone)
            self.imprints.drop(gone)
            if self.indexed_by() is not None:
                self.vectors.drop(gone)

    def _sweep(self, digests: Sequence[str]) -> None:
        if digests:
            for digest in set(digests) - self._catalog.blobs():
                self._blobs.drop(digest)


@dataclass(slots=True)
class _Away:
    """Blocks that could not be dropped, since a server did not answer."""

    names: set[str] = field(default_factory=set)
    why: Unreachable | None = None

    def besides(self, tasks: Sequence[Task]) -> list[Task]:
        """The tasks that have not been put off."""
        return [
            task
            for task in tasks
            if task.errand is not Errand.BLOCK or task.subject not in self.names
        ]


def _findable(ids: Sequence[str]) -> Filter:
    return Every(
        (
            Condition("id", Operator.IN, list(ids)),
            Condition("state", Operator.IN, _STATES),
        )
    )


def _subjects(tasks: Sequence[Task], errand: Errand) -> list[str]:
    return list(dict.fromkeys(task.subject for task in tasks if task.errand is errand))
