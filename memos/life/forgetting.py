"""Cubes go, and whatever was derived from them goes along, out of every store and off the disk.

asked for ---> duplicates (the same text, of the same user)
    |               |
    +---------------+---> everything derived, children before grandchildren
                                 |
                what is left of any of them in quarantine
                                 |
one commit: rows out, tombstones and a certificate in, and the outbox owes
                                 |
     DROP from all indexes, SWEEP of blobs, PURGE of every file

An adapter that goes along is owed anew, without what it goes for: see ``memos.life.rebuilding``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.cube import Kind, MemCube, Right
from memos.cube.identity import is_cube_id
from memos.errors import LegalHold
from memos.life.certifying import UNKNOWN, blobs_of, body_of, proof_for
from memos.life.doom import Doom
from memos.life.quarantine import Asked, Leftovers
from memos.life.rebuilding import owed_without
from memos.life.reopening import reopened
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
    from memos.life.keys_at_hand import KeysAtHand
    from memos.life.once import Once
    from memos.life.proving import Prover
    from memos.life.quarantine import Lost, Quarantine
    from memos.ports.catalog import Catalog
    from memos.ports.graph import Graph
    from memos.ports.ledger import Entry, Ledger
    from memos.ports.runtime import Runtime

_MANY = 500
_PAGE = 1000
_NOTHING = Leftovers()
_ON_DAMAGED = (
    "a damaged version says so; an administrator can hold and release the cube anew, or, where"
    " nothing else is left of it, memos quarantine --discard ID --even-held"
)


class Forgetter:
    """Erases cubes with all their versions, their derivations, index rows and blobs."""

    def __init__(  # noqa: PLR0913 - whatever holds something of a memory has to forget it
        self,
        *,
        catalog: Catalog,
        ledger: Ledger,
        graph: Graph,
        index: Index,
        runtime: Runtime,
        identities: Identities,
        prover: Prover,
        quarantine: Quarantine,
        keys: KeysAtHand,
    ) -> None:
        self._catalog = catalog
        self._ledger = ledger
        self._graph = graph
        self._index = index
        self._runtime = runtime
        self._identities = identities
        self._prover = prover
        self._quarantine = quarantine
        self._keys = keys

    def forget(
        self,
        asked: Asked,
        once: Once,
        *,
        act: Act,
        dry_run: bool,
        duplicates: bool = False,
        also: tuple[Entry, ...] = (),
        verify: bool = False,
        progress: Progress = silent,
    ) -> Forgotten:
        """Forget what was asked for, or say what forgetting it would take along.

        ``also`` is written along, even where there is no cube to forget. With ``verify``, all
        files are searched afterwards, and what was found stands in the certificate.

        Raises:
            LegalHold: one of the cubes that would go is held by law, in a dry run, too.
        """
        if once.answer is not None:
            return Forgotten.model_validate(once.answer)
        doomed, left = self._all_of(asked, self._duplicates(asked.cubes, act) if duplicates else [])
        forgotten = self.told(doomed, act, dry_run=dry_run, left=left)
        forgotten = forgotten.model_copy(update={"unread": asked.unread})
        act.touch(forgotten.ids)
        held = self._quarantine.held(left)
        _refuse_held(doomed, forgotten, [] if asked.even_held else held)
        if dry_run or not (doomed or left.rows or also):
            act.outcome = "dry run" if dry_run else "nothing to forget"
            return forgotten
        act.outcome = "even held" if held else act.outcome
        done, records = self.recorded(doomed, forgotten, act, left=left)
        there = {doom.cube.id: doom.cube.version for doom in doomed}
        ids = (*there, *(one.id for one in left.lost))
        said = [row for row in left.rows if row.cube_id in ids]
        sought = self._prover.sought([doom.cube for doom in doomed], said) if verify else None
        again = reopened(ids, self._catalog, act)
        self._catalog.commit(
            Change(
                audit=act.audit((*ids, *(cube.id for cube in again.put))),
                put=again.put,
                forget=ids,
                edges=again.edges,
                expects={**dict.fromkeys(ids, 0), **there},
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
        left: Leftovers = _NOTHING,
    ) -> tuple[Forgotten, tuple[Entry, ...]]:
        """What is told of a forgetting, and the tombstones and the certificate that it leaves.

        The ids in ``anew`` are put again in the same commit, and leave none.

        Raises:
            LegalHold: one of the cubes is held by law.
        """
        _refuse_held(doomed, forgotten)
        gone = [doom for doom in doomed if doom.cube.id not in anew]
        if not (gone or left.rows):
            return forgotten, ()
        certificate = self._identities.new(act.at)
        done = forgotten.model_copy(update={"certificate": certificate})
        rows = self._rows([doom.cube for doom in gone], left)
        record = Certificate(certificate, act.at, body_of((gone, left), rows, done, act))
        kinds = {doom.cube.id: str(doom.cube.kind) for doom in gone}
        kinds.update((one.id, one.kind or UNKNOWN) for one in left.lost)
        stones = (
            Tombstone(one, kind, act.at, str(act.principal), certificate)
            for one, kind in kinds.items()
        )
        return done, (*stones, record, *self._owed_without(doomed, left, anew, act))

    def _owed_without(
        self, doomed: Sequence[Doom], left: Leftovers, anew: Collection[str], act: Act
    ) -> tuple[Entry, ...]:
        """That adapters which go along are to be trained anew without what they go for."""
        gone = {*(doom.cube.id for doom in doomed), *(one.id for one in left.lost)} - set(anew)
        parents = {one.id for doom in doomed for one in doom.cube.provenance.parents}
        return owed_without(doomed, gone, {*self._catalog.versions(parents), *anew}, act)

    def let_go(self, doomed: Sequence[Doom]) -> None:
        """After the commit: what the model holds loaded, index entries and blobs go as well."""
        gone = {digest for doom in doomed for digest in doom.cube.blobs}
        self._runtime.release(gone)
        self._keys.release(gone)
        self._index.drain(reach=True)

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

    def doomed(
        self, cubes: Sequence[MemCube], same: Sequence[Doom] = (), lost: Collection[str] = ()
    ) -> list[Doom]:
        """What goes: the cubes, those that say the same, and everything derived from them.

        And from those that are ``lost``, to which no edges lead any more.
        """
        asked = {cube.id: cube for cube in cubes}
        roots = {**asked, **{doom.cube.id: doom.cube for doom in same}}
        made = [one for one in self._made_from(lost) if one not in roots]
        found = dict.fromkeys([*made, *self._graph.descendants([*roots, *made])])
        derived = [one for one in found if one not in roots]
        return [
            *(Doom(cube, Tie.ASKED, None) for cube in asked.values()),
            *same,
            *(
                Doom(cube, Tie.DERIVED, _source(cube, roots))
                for cube in self._catalog.find_all(derived)
            ),
        ]

    def _all_of(self, asked: Asked, same: Sequence[Doom]) -> tuple[list[Doom], Leftovers]:
        """What goes, of what is there and of what is left in quarantine."""
        doomed = self.doomed(asked.cubes, same)
        left = self._quarantine.leftovers([doom.cube.id for doom in doomed], asked.remains)
        while left.lost and not asked.discarding:
            more = self.doomed(asked.cubes, same, {one.id for one in left.lost})
            if len(more) == len(doomed):
                break
            doomed = more
            left = self._quarantine.leftovers([doom.cube.id for doom in doomed], asked.remains)
        return doomed, left

    def _made_from(self, lost: Collection[str]) -> Iterator[str]:
        """The cubes that say that they were made from one of those, by looking at every cube."""
        after = None
        while lost and (page := self._catalog.select(Selection(after=after, limit=_PAGE))):
            for cube in page:
                if any(parent.id in lost for parent in cube.provenance.parents):
                    yield cube.id
            after = page[-1].id

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

    def told(
        self, doomed: Sequence[Doom], act: Act, *, dry_run: bool, left: Leftovers = _NOTHING
    ) -> Forgotten:
        """What would go, as far as the principal may see it through this handle."""
        wide = act.widened()
        seen = [doom for doom in doomed if wide.reach(Right.READ).holds(doom.cube)]
        ids = {doom.cube.id for doom in seen}
        left = left.seen(wide.reach(Right.READ), ids)
        there = {*ids, *(one.id for one in left.lost)}
        titles = [cube.header.title for cube in wide.shown([doom.cube for doom in seen])]
        return Forgotten(
            cubes=(
                *(
                    Doomed(
                        id=cube.id,
                        kind=cube.kind,
                        title=title,
                        because=because if because in there else None,
                        tie=tie,
                    )
                    for (cube, tie, because), title in zip(seen, titles, strict=True)
                ),
                *(_doomed(one, there) for one in left.lost),
            ),
            blobs=tuple(sorted(blobs_of(seen, left))),
            dry_run=dry_run,
            rows=self._rows([doom.cube for doom in seen], left, wide),
        )

    def _rows(
        self, cubes: Sequence[MemCube], left: Leftovers, act: Act | None = None
    ) -> dict[str, int]:
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
            "blocks": self._blocks_of(granted),
            "loaded": self._runtime.holds([digest for cube in cubes for digest in cube.blobs]),
            "quarantined": len(left.rows),
        }

    def _blocks_of(self, ids: Collection[str]) -> int:
        """How many blocks of attention state none but these cubes are kept in."""
        if not self._ledger.blocks(ids):
            return 0
        kept = self._ledger.blocks()
        mine = {name for one in kept.keys() & ids for name in kept[one]}
        return len(mine.difference(*(names for one, names in kept.items() if one not in ids)))


def _refuse_held(doomed: Sequence[Doom], told: Forgotten, left: Sequence[str] = ()) -> None:
    held = [doom.cube.id for doom in doomed if doom.cube.header.governance.legal_hold]
    held += [cube_id for cube_id in left if cube_id not in held]
    if held:
        seen = [cube_id for cube_id in held if cube_id in told.ids]
        message = "a cube made from these is under legal hold, and one may not see which"
        if seen:
            message = (
                f"{len(seen)} of {len(told.ids)} cubes are under legal hold, such as {seen[0]}"
            )
        hint = "nothing was forgotten; an administrator can release them"
        raise LegalHold(message, hint=_ON_DAMAGED if left else hint)


def _source(cube: MemCube, roots: Mapping[str, MemCube]) -> str | None:
    parents = [parent.id for parent in cube.provenance.parents]
    return next((parent for parent in parents if parent in roots), next(iter(parents), None))


def _doomed(lost: Lost, there: Collection[str]) -> Doomed:
    return Doomed(
        id=lost.id,
        kind=None if lost.kind is None else Kind(lost.kind),
        title="",
        because=lost.because if lost.because in there else None,
        tie=Tie.QUARANTINED,
    )


def _without_content(forgotten: Forgotten) -> JsonValue:
    # The receipt outlives the cubes: titles, which hold their text, are left out.
    cubes = tuple(doomed.model_copy(update={"title": ""}) for doomed in forgotten.cubes)
    answer: JsonValue = forgotten.model_copy(update={"cubes": cubes}).model_dump(mode="json")
    return answer
