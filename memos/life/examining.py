"""An adapter is examined again, as questions are served now, with all others around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.cube import Header, Life, MemCube, Parametric, Provenance, Retention, State, Step
from memos.cube.wire import payload_digest
from memos.kinds.examination import examine, retained
from memos.life.writing import CODE
from memos.ports.catalog import Change

if TYPE_CHECKING:
    from memos.cube import Evaluation
    from memos.governance.act import Act
    from memos.kinds.examination import Demands, Wears
    from memos.ports.catalog import Catalog
    from memos.ports.lessons import Lessons
    from memos.ports.progress import Progress
    from memos.ports.runtime import Runtime, Stored


class Examiner:
    """Asks a model what an adapter holds, and writes what came of it into a new version."""

    def __init__(self, *, catalog: Catalog, runtime: Runtime, demands: Demands) -> None:
        self._catalog = catalog
        self._runtime = runtime
        self._demands = demands

    def examine(
        self,
        payload: Parametric,
        material: Lessons,
        adapter: Stored,
        *,
        wears: Wears,
        progress: Progress,
    ) -> tuple[Evaluation, float]:
        """What the adapter knows by itself where it serves, and with all that serve beside it."""
        evaluation = examine(
            self._runtime,
            material,
            adapter,
            serves=lambda question: payload.blob in {one.digest for one in wears(question)},
            demands=self._demands,
            progress=progress,
        )
        return evaluation, retained(self._runtime, material, wears)

    def record(
        self, cube: MemCube, evaluation: Evaluation, retention: Retention, act: Act
    ) -> MemCube:
        """The next version of an adapter: the same weights, examined anew.

        Raises:
            VersionConflict: it was changed meanwhile.
        """
        made = _examined(cube, evaluation, retention, act)
        self._catalog.commit(Change(audit=act.audit([made.id]), put=(made,)))
        return made


def _examined(cube: MemCube, evaluation: Evaluation, retention: Retention, act: Act) -> MemCube:
    payload = cube.payload
    assert isinstance(payload, Parametric)  # noqa: S101 - nothing else is examined
    kept = (*payload.evaluation.retention, retention)
    evaluation = evaluation.model_copy(update={"retention": kept})
    payload = payload.model_copy(update={"evaluation": evaluation})
    state = cube.state
    if state in {State.GENERATED, State.ACTIVATED}:
        state = State.ACTIVATED if evaluation.passed else State.GENERATED
    header = Header(
        **{
            **dict(cube.header),
            "updated_at": act.at,
            "digest": payload_digest(payload),
            "life": Life(state=state, version=cube.version + 1, previous=cube.version),
        }
    )
    provenance = Provenance(
        actor=act.actor,
        time=act.at,
        step=Step(operation="evaluate", by=payload.model.name, parameters={"code": CODE}),
        source=cube.provenance.source,
        parents=cube.provenance.parents,
    )
    return MemCube(header=header, payload=payload, provenance=provenance)
