"""The system call that draws facts from memories: extract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from memos.cube import Kind, MemCube, Right
from memos.cube.header import FINDABLE
from memos.errors import BadInput, WrongKind
from memos.ingest.whole import is_view
from memos.kernel.arguments import read_ids, read_step, require_flags
from memos.kernel.branching import BranchCalls
from memos.kinds.evidence import is_fact
from memos.kinds.verdicts import Proven, Refused, judged
from memos.life.expectation import require_unexpired
from memos.life.extracting import extraction
from memos.life.report import Drawn, Extracted, Unproven
from memos.life.writing import CODE
from memos.ports.catalog import Selection
from memos.ports.filters import Condition, Every, Operator
from memos.ports.progress import Progress, silent
from memos.retrieval.filters import read_filter
from memos.retrieval.truth import lasting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from memos.governance.act import Act
    from memos.kernel.handle import Whose
    from memos.ports.steps import Extractor

_FINDABLE = Condition("state", Operator.IN, [str(state) for state in FINDABLE])
_TOGETHER = 8
"""Memories that are read at once."""
_CHARACTERS = 12_000
"""Of these, all in all; a longer one is read alone."""


class ExtractCalls(BranchCalls):
    """Make short facts of long conversations."""

    def extract(
        self,
        ids: Sequence[str] | None = None,
        *,
        filters: Mapping[str, Any] | None = None,
        by: str | None = None,
        dry_run: bool = False,
        progress: Progress = silent,
        **whose: Unpack[Whose],
    ) -> Extracted:
        """Draw facts from memories: each a new cube, which is found as any other.

        What an extractor claims is checked before it is kept: it must quote a memory word for
        word, and every name, number, date and word that matters must stand in what it quotes, or
        be meant by it, as "yesterday" means a date. What does not is reported and not kept.

        A fact is as sensitive as its sources, is found no more when one of them is revised,
        expires or is superseded, and is forgotten with any of them. Drawing the same facts again
        adds none.

        Args:
            ids: which memories; plaintext. None: all that the filters and the scope admit and
                a search could find, less what are facts already, and views of other memories.
            filters: see ``memos.retrieval.filters``.
            by: ``rules``, ``llm``, ``auto`` (a language model where the settings name one), or a
                plugin's; None for what the settings say.
            dry_run: keep nothing; a model is asked nevertheless.
            progress: told of the memories that were read.
            whose: only these ids' cubes.

        Raises:
            BadInput: neither ids nor a scope nor filters, or a memory that is itself a fact.
            UnknownCube: one of the cubes is not there.
            WrongKind: one of them is not plaintext.
            ExpiredCube: its time is over.
            Forbidden: without the right to write where they are, or to see all of a text.
            UnknownBackend: there is no extractor of that name.
            MissingModel: it needs a language model, and the settings name none.
            BackendError: the model could not be asked, or gave no answer that can be used.
            VersionConflict: a memory was changed while it was read; nothing is kept.
        """
        with self._act("extract", Right.WRITE, **whose) as act:
            require_flags(dry_run=dry_run)
            name = read_step(by, "by")
            cubes = self._read_from(ids, filters, act)
            for scope in dict.fromkeys(cube.scope for cube in cubes):
                self._gate.require(act, scope)
            act.require_whole(cubes)
            extractor = self._steps.extractor(name)
            shown = [cube for cube in cubes if self._steps.shows(cube, extractor)]
            told = {cube.id for cube in shown}
            proven, refused = _drawn(extractor, shown, progress)
            step = extraction(name or self._steps.usual.extractor, extractor.by)
            with self._changing(act):
                new = self._fact_writer.new(proven, act)
                if dry_run:
                    act.outcome = "dry run"
                    made: list[MemCube] = []
                else:
                    made = self._fact_writer.write(new, step, act=act, progress=progress)
            return Extracted(
                facts=tuple(_told(one, made, place) for place, one in enumerate(new)),
                refused=tuple(
                    Unproven(text=one.text, why=one.why, sources=_ids(one)) for one in refused
                ),
                read=len(shown),
                known=len(proven) - len(new),
                withheld=tuple(cube.id for cube in cubes if cube.id not in told),
                by=extractor.by or CODE,
                dry_run=dry_run,
            )

    def _read_from(
        self, ids: Sequence[str] | None, filters: Mapping[str, Any] | None, act: Act
    ) -> list[MemCube]:
        """The memories that facts are drawn from."""
        if ids is not None:
            if filters:
                raise BadInput("both ids and filters are given", hint="give one of them")
            cubes = [self._seen(one, act) for one in read_ids(ids)]
            for cube in cubes:
                _require_readable(cube)
            return cubes
        if not (act.scope.named() or filters):
            hint = "name ids, a user, agent or session, or pass filters"
            raise BadInput("extract() without a scope would read everything", hint=hint)
        current = Every((_FINDABLE, lasting(act.at)))
        where = Every((act.asked(read_filter(filters)), act.visible(), current))
        kinds = (Kind.PLAINTEXT,)
        found = self._parts.catalog.select(Selection(scope=act.scope, where=where, kinds=kinds))
        cubes = [cube for cube in found if not (is_fact(cube) or is_view(cube))]
        act.touch(cube.id for cube in cubes)
        return cubes


def _require_readable(cube: MemCube) -> None:
    if cube.kind is not Kind.PLAINTEXT:
        message = f"cube {cube.id} is {cube.kind}, and facts are drawn from plaintext"
        raise WrongKind(message, hint="name the cubes it was made from: memos lineage")
    if is_fact(cube):
        hint = "name the memories it was drawn from: memos lineage"
        raise BadInput(f"cube {cube.id} is itself a fact", hint=hint)
    require_unexpired(cube)


def _drawn(
    extractor: Extractor, cubes: Sequence[MemCube], progress: Progress
) -> tuple[list[Proven], list[Refused]]:
    """What the extractor claims of the memories, reading a few at a time, and how it was judged."""
    proven: list[Proven] = []
    refused: list[Refused] = []
    read = 0
    for group in _groups(cubes):
        good, bad = judged(extractor.extract(group), group)
        proven += good
        refused += bad
        read += len(group)
        progress("reading memories", read, len(cubes))
    return proven, refused


def _groups(cubes: Sequence[MemCube]) -> Iterator[list[MemCube]]:
    """Memories that are read together: neighbours, of one scope and one sensitivity."""
    group: list[MemCube] = []
    for cube in cubes:
        size = sum(len(one.text) for one in group) + len(cube.text)
        if group and (
            len(group) == _TOGETHER or size > _CHARACTERS or _kept(cube) != _kept(group[0])
        ):
            yield group
            group = []
        group.append(cube)
    if group:
        yield group


def _kept(cube: MemCube) -> tuple[object, ...]:
    """What must be equal of memories that one fact may be drawn from."""
    rules = cube.header.governance
    return cube.scope, rules.owner, rules.sensitivity, rules.licence


def _told(one: Proven, made: Sequence[MemCube], place: int) -> Drawn:
    return Drawn(
        id=made[place].id if made else None,
        text=one.text,
        evidence=one.evidence,
        sources=_ids(one),
    )


def _ids(one: Proven | Refused) -> tuple[str, ...]:
    return tuple(source.id for source in one.sources)
