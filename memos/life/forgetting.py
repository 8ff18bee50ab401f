"""Cubes go, and whatever was derived from them goes along, out of every store and off the disk.

asked for ---> duplicates (the same text, of the same user)
    |               |
    +---------------+---> everything derived, children before grandchildren
                                 |
one commit: rows out, tombstones and a certificate in, and the outbox owes
                                 |
     DROP from vectors and words, SWEEP of blobs, PURGE of every file
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.cube import Kind, MemCube, Right
from memos.cube.identity import is_cube_id
from memos.errors import LegalHold
from memos.life.certifying import body_of, proof_for
from memos.life.doom import Doom
from memos.life.report import Doomed, Forgotten, Tie, Verified
from memos.ports.catalog import Change, Selection
from memos.ports.filters import Condition, Operator
from memos.ports.ledger import Certificate, Tombstone
from memos.ports.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from pydantic import JsonValue

    from memos.cube.identity import Identities
    from memos.governance.act import Act
    from memos.life.index import Index
    from memos.life.once import Once
    from memos.life.proving import Prover
    from memos.ports.catalog import Catalog
    from memos.ports.graph import Graph
    from memos.ports.ledger import Entry, Ledger
    from memos.ports.runtime import Runtime

_MANY = 500


class Forgetter:
    """Erases cubes with all their versions, their derivations, index rows and blobs."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        ledger: Ledger,
        graph: Graph,
        index: Index,
        runtime: Runtime,
        identities: Identities,
        prover: Prover,
    ) -> None:
        self._catalog = catalog
        self._ledger = ledger
        self._graph = graph
        self._index = index
        self._runtime = runtime
        self._identities = identities
        self._prover = prover

    def forget(
        self,
        cubes: Sequence[MemCube],
        once: Once,
        *,
        act: Act,
        dry_run: bool,
        duplicates: bool = False,
        also: tuple[Entry, ...] = (),
        verify: bool = False,
        progress: Progress = silent,
    ) -> Forgotten:
        """Forget cubes, or say what forgetting them would take along.

        ``also`` is written along, even where there is no cube to forget. With ``verify``, all
        files are searched afterwards, and what was found stands in the certificate.

        Raises:
            LegalHold: one of the cubes that would go is held by law, in a dry run, too.
        """
        if once.answer is not None:
            return Forgotten.model_validate(once.answer)
        same = self._duplicates(cubes, act) if duplicates else []
        doomed = self.doomed(cubes, same)
        forgotten = self.told(doomed, act, dry_run=dry_run)
        act.touch(forgotten.ids)
        _refuse_held(doomed, forgotten)
        if dry_run or not (doomed or also):
            act.outcome = "dry run" if dry_run else "nothing to forget"
            return forgotten
        done, records = self.recorded(doomed, forgotten, act)
        ids = tuple(doom.cube.id for doom in doomed)
        sought = self._prover.sought([doom.cube for doom in doomed]) if verify else None
        self._catalog.commit(
            Change(
                audit=act.audit(ids),
                forget=ids,
                expects={doom.cube.id: doom.cube.version for doom in doomed},
                receipt=once.receipt(_without_content(done)),
                also=(*records, *also),
            )
        )
        self.let_go(doomed)
        if sought is None:
            return done
        return self._proved(done, records, act, self._prover.search(sought, progress))

    def recorded(
        self,
        doomed: Sequence[Doom],
        forgotten: Forgotten,
        act: Act,
        *,
        anew: Collection[str] = (),
    ) -> tuple[Forgotten, tuple[Entry, ...]]:
        """What is told of a forgetting, and the tombstones and the certificate that it leaves.

        The ids in ``anew`` are put again in the same commit, and leave none.

        Raises:
            LegalHold: one of the cubes is held by law.
        """
        _refuse_held(doomed, forgotten)
        gone = [doom for doom in doomed if doom.cube.id not in anew]
        if not gone:
            return forgotten, ()
        certificate = self._identities.new(act.at)
        done = forgotten.model_copy(update={"certificate": certificate})
        rows = self._rows([doom.cube for doom in gone])
        record = Certificate(certificate, act.at, body_of(gone, rows, done, act))
        return done, (*_tombstones(gone, act, certificate), record)

    def let_go(self, doomed: Sequence[Doom]) -> None:
        """After the commit: what the model holds loaded, index entries and blobs go as well."""
        self._runtime.release({digest for doom in doomed for digest in doom.cube.blobs})
        self._index.drain()

    def _proved(
        self, done: Forgotten, records: Sequence[Entry], act: Act, verified: Verified
    ) -> Forgotten:
        told = verified.model_dump(mode="json")
        proved = tuple(
            Certificate(one.id, one.at, {**one.body, "verified": told})
            for one in records
            if isinstance(one, Certificate) and isinstance(one.body, dict)
        )
        audit = act.audit(outcome="verified" if verified.gone else "traces found")
        self._catalog.commit(Change(audit=audit, also=proved))
        return done.model_copy(update={"verified": proof_for(verified, act)})

    def doomed(self, cubes: Sequence[MemCube], same: Sequence[Doom] = ()) -> list[Doom]:
        """What goes: the cubes, those that say the same, and everything derived from them."""
        asked = {cube.id: cube for cube in cubes}
        roots = {**asked, **{doom.cube.id: doom.cube for doom in same}}
        derived = [one for one in self._graph.descendants(list(roots)) if one not in roots]
        return [
            *(Doom(cube, Tie.ASKED, None) for cube in asked.values()),
            *same,
            *(
                Doom(cube, Tie.DERIVED, _source(cube, roots))
                for cube in self._catalog.find_all(derived)
            ),
        ]

    def _duplicates(self, cubes: Sequence[MemCube], act: Act) -> list[Doom]:
        """Cubes of the same user with exactly the same text, as far as one may forget them."""
        asked = {cube.id for cube in cubes}
        texts = [cube for cube in cubes if cube.kind is Kind.PLAINTEXT]
        originals = {(cube.scope.user_id, cube.text): cube.id for cube in texts}
        said = sorted({cube.text for cube in texts})
        found = []
        for start in range(0, len(said), _MANY):
            where = Condition("text", Operator.IN, list(said[start : start + _MANY]))
            selection = Selection(where=where, kinds=(Kind.PLAINTEXT,))
            for cube in self._catalog.select(selection):
                original = originals.get((cube.scope.user_id, cube.text))
                if original is not None and cube.id not in asked and act.reach().holds(cube):
                    found.append(Doom(cube, Tie.DUPLICATE, original))
        return found

    def told(self, doomed: Sequence[Doom], act: Act, *, dry_run: bool) -> Forgotten:
        """What would go, as far as the principal may see it through this handle."""
        wide = act.widened()
        seen = [doom for doom in doomed if wide.reach(Right.READ).holds(doom.cube)]
        there = {doom.cube.id for doom in seen}
        titles = [cube.header.title for cube in wide.shown([doom.cube for doom in seen])]
        return Forgotten(
            cubes=tuple(
                Doomed(
                    id=cube.id,
                    kind=cube.kind,
                    title=title,
                    because=because if because in there else None,
                    tie=tie,
                )
                for (cube, tie, because), title in zip(seen, titles, strict=True)
            ),
            blobs=tuple(sorted({digest for doom in seen for digest in doom.cube.blobs})),
            dry_run=dry_run,
            rows=self._rows([doom.cube for doom in seen], wide),
        )

    def _rows(self, cubes: Sequence[MemCube], act: Act | None = None) -> dict[str, int]:
        """What else goes with the cubes; of the edges, those whose ends ``act`` may know of."""
        ids = [cube.id for cube in cubes]
        edges = self._catalog.edges_of(ids) if ids else []
        if act is not None:
            ends = {end for edge in edges for end in (edge.source, edge.target)} - set(ids)
            others = {end for end in ends if is_cube_id(end)}
            unseen = others - act.readable(others)
            edges = [edge for edge in edges if not unseen & {edge.source, edge.target}]
        texts = sum(cube.kind is Kind.PLAINTEXT for cube in cubes)
        granted = set(ids)
        return {
            "versions": sum(cube.version for cube in cubes),
            "edges": len(edges),
            "vectors": texts,
            "words": texts,
            "grants": sum(grant.cube_id in granted for grant in self._ledger.grants()),
            "loaded": self._runtime.holds([digest for cube in cubes for digest in cube.blobs]),
        }


def _refuse_held(doomed: Sequence[Doom], told: Forgotten) -> None:
    held = [doom.cube.id for doom in doomed if doom.cube.header.governance.legal_hold]
    if held:
        seen = [cube_id for cube_id in held if cube_id in told.ids]
        message = "a cube made from these is under legal hold, and one may not see which"
        if seen:
            message = (
                f"{len(seen)} of {len(told.ids)} cubes are under legal hold, such as {seen[0]}"
            )
        raise LegalHold(message, hint="nothing was forgotten; an administrator can release them")


def _source(cube: MemCube, roots: Mapping[str, MemCube]) -> str | None:
    parents = [parent.id for parent in cube.provenance.parents]
    return next((parent for parent in parents if parent in roots), next(iter(parents), None))


def _tombstones(doomed: Sequence[Doom], act: Act, certificate: str) -> Iterator[Tombstone]:
    for doom in doomed:
        cube = doom.cube
        yield Tombstone(cube.id, str(cube.kind), act.at, str(act.principal), certificate)


def _without_content(forgotten: Forgotten) -> JsonValue:
    # The receipt outlives the cubes: titles, which hold their text, are left out.
    cubes = tuple(doomed.model_copy(update={"title": ""}) for doomed in forgotten.cubes)
    answer: JsonValue = forgotten.model_copy(update={"cubes": cubes}).model_dump(mode="json")
    return answer
