"""Adapters become text again: what they still say, and their sources say, too.

    sources ----> adapter ----> text: the statements that both make
        +----------------------->

The text speaks for the adapter and for its sources, as a fact does: when one of them is revised or
expires it is found no more, and when one is forgotten it goes along.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from memos.cube import MemCube, Parent, Provenance, Step
from memos.errors import BadInput
from memos.governance.scope import joint
from memos.kinds.drafts import Draft
from memos.kinds.entities import entity_edges
from memos.kinds.evidence import BETWEEN, EVIDENCE
from memos.kinds.examination import ANSWER_TOKENS
from memos.kinds.plaintext import born
from memos.kinds.recital import promptings, recital
from memos.life.extracting import governance_of
from memos.life.writing import CODE
from memos.ports.catalog import Change
from memos.ports.graph import Edge, Relation
from memos.ports.runtime import Asked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memos.cube.identity import Identities
    from memos.governance.act import Act
    from memos.kinds.recital import Recital
    from memos.life.index import Index
    from memos.life.once import Once
    from memos.ports.catalog import Catalog
    from memos.ports.runtime import Runtime, Stored

RECITED = "recite"
"""The step of a text that an adapter recited."""
_TITLE = "title"


class Reciter:
    """Asks adapters for all that they were taught."""

    def __init__(
        self, *, catalog: Catalog, index: Index, runtime: Runtime, identities: Identities
    ) -> None:
        self._catalog = catalog
        self._index = index
        self._runtime = runtime
        self._identities = identities

    def ask(self, cube: MemCube, sources: Sequence[MemCube], adapter: Stored) -> Recital:
        """What of its sources, oldest first, an adapter holds when it is worn."""
        asked = promptings(sources)
        batch = [Asked(one.question, one.plain, (adapter,)) for one in asked]
        answers = self._runtime.answers(batch, limit=ANSWER_TOKENS) if batch else []
        return recital(cube.id, asked, answers)

    def write(
        self,
        recited: Recital,
        parents: Sequence[MemCube],
        once: Once,
        *,
        act: Act,
        title: str | None = None,
    ) -> MemCube:
        """A plaintext cube of the statements that were verified.

        Args:
            recited: what the adapter says.
            parents: the adapter, and the sources that it was compared with.
            once: its idempotency.
            act: who asks.
            title: what to call it.

        Raises:
            BadInput: there is none.
            VersionConflict: one of the parents was changed meanwhile.
        """
        if not recited.held:
            message = f"cube {recited.cube_id} says nothing that its sources say"
            raise BadInput(message, hint="memos lora recite tells what it says")
        made = self._made(recited, parents, act, title)
        above = made.provenance.parents
        derived = [Edge(made.id, Relation.DERIVED, one.id, one.version) for one in above]
        ready = self._index.embed([made])
        self._catalog.commit(
            Change(
                audit=act.audit([made.id, *(one.id for one in above)]),
                put=(made,),
                edges=(*derived, *entity_edges(made)),
                expects={made.id: 0, **{one.id: one.version for one in parents}},
                receipt=once.receipt(made.id),
            )
        )
        self._index.drain([made], ready)
        return made

    def _made(
        self, recited: Recital, parents: Sequence[MemCube], act: Act, title: str | None
    ) -> MemCube:
        attributes = {
            EVIDENCE: BETWEEN.join(dict.fromkeys(cube.text for cube in parents[1:])),
            "lost": json.dumps([one.model_dump() for one in recited.lost], ensure_ascii=False),
        }
        draft = Draft(
            text=recited.text,
            scope=joint(parents),
            attributes=attributes if title is None else {**attributes, _TITLE: title},
            governance=governance_of(parents, act),
        )
        step = Step(operation=RECITED, by=CODE, parameters={"adapter": recited.cube_id})
        above = tuple(Parent(id=one.id, version=one.content_version) for one in parents)
        provenance = Provenance(actor=act.actor, time=act.at, step=step, parents=above)
        return born(
            draft,
            self._identities.new(act.at),
            now=act.at,
            position=None,
            provenance=provenance,
            owner=act.owner,
        )
