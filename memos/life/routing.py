"""Which adapters serve a question, by way of the memories that were found for it.

question --search--> hits --made from them--> parametric cubes: fit, current, of this model
                       |                           |
                       +-- what those hits name ---+--> the question's activation --> routes

Only hits decide: what the principal may not read has no part in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from math import isfinite
from operator import or_
from typing import TYPE_CHECKING

from memos.cube import Kind, Parametric, State
from memos.errors import CorruptionError
from memos.kinds.parametric import names_in
from memos.kinds.routing import Names, barred, best_first, named, route

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from memos.cube import MemCube
    from memos.governance.act import Act
    from memos.kinds.routing import Route
    from memos.life.currency import Currency
    from memos.life.keys_at_hand import KeysAtHand
    from memos.life.lineage import Ancestor
    from memos.ports.catalog import Catalog
    from memos.ports.graph import Graph
    from memos.ports.runtime import Runtime


REDACTED = "what it was made from may be seen only redacted"


@dataclass(frozen=True, slots=True)
class Sought:
    """A question, and the memories that a search found for it, as they may be shown."""

    question: str
    hits: Sequence[MemCube]


class Router:
    """Finds the adapters for questions, and says of each why it serves or why not."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        graph: Graph,
        currency: Currency,
        runtime: Runtime,
        keys: KeysAtHand,
    ) -> None:
        self._catalog = catalog
        self._graph = graph
        self._currency = currency
        self._runtime = runtime
        self._keys = keys

    def routes(
        self, sought: Sequence[Sought], act: Act, *, examined: str | None = None
    ) -> list[tuple[Route, ...]]:
        """Of each question the adapters that were made from its hits, best first.

        Args:
            sought: the questions.
            act: who asks; what may not be read is as if it were not there.
            examined: the id of an adapter that is being examined: it counts as fit.

        Raises:
            CorruptionError: the keys of an adapter are not what they were.
        """
        adapters = self._adapters({hit.id for one in sought for hit in one.hits}, act)
        bench = _Bench(self, act, examined)
        first = [[(one, bench.look(one, each)) for one in _made_from(each, adapters)]
                 for each in sought]  # fmt: skip
        open_ = [at for at, looks in enumerate(first) if any(look.open for _, look in looks)]
        questions = [sought[at].question for at in open_]
        measured = self._runtime.activations(questions) if questions else []
        activations = dict(zip(open_, measured, strict=True))
        return [
            best_first(self._judged(one, look, activations.get(at)) for one, look in looks)
            for at, looks in enumerate(first)
        ]

    def _adapters(self, hits: set[str], act: Act) -> list[MemCube]:
        below = set(self._graph.descendants(sorted(hits))) if hits else set()
        cubes = self._catalog.find_all(sorted(act.readable(below))) if below else []
        return [cube for cube in cubes if cube.kind is Kind.PARAMETRIC]

    def _judged(self, cube: MemCube, look: _Look, activation: Sequence[float] | None) -> Route:
        if look.barred:
            return barred(cube.id, look.names, look.threshold, look.barred)
        if not look.names or activation is None:
            return route(cube.id, look.names, None, look.threshold)
        keys = self._keys.of(_payload(cube).blob, look.threshold)
        if keys.centre.shape != (len(activation),):
            message = f"the keys of parametric cube {cube.id} are not of its model"
            raise CorruptionError(message, hint="forget it, and transform its sources again")
        similarity = keys.similarity(activation)
        measured = similarity if isfinite(similarity) else None
        return route(cube.id, look.names, measured, look.threshold)

    def taught(self, cube: MemCube) -> Names:
        """Whom and what an adapter was taught of; rules alone do not find all in its sources."""
        routing = _payload(cube).routing
        return self._keys.of(_payload(cube).blob, routing.threshold if routing else 1.0).names

    def unfit(self, cube: MemCube, act: Act, *, examined: bool) -> str:
        """Why an adapter serves no question, as far as it says so itself; empty where it may."""
        payload = _payload(cube)
        put_away = cube.state is not State.ACTIVATED
        if put_away and cube.state is not State.GENERATED:
            return f"it is {cube.state}"
        if not examined and (put_away or not payload.evaluation.passed):
            failures = payload.evaluation.failures
            return f"it is unfit: {'; '.join(failures)}" if failures else f"it is {cube.state}"
        if payload.routing is None:
            return "it does not say which questions it serves"
        if payload.model.differs(self._runtime.fingerprint):
            return f"it was made for another model, {payload.model.name}"
        return "" if act.reads_whole(cube) else "it may be seen only redacted"

    def outdated(self, cube: MemCube, act: Act) -> str:
        """Why an adapter does not speak for its sources any more; empty where it does.

        Whatever is revised, has expired or is superseded since it was trained, or is now to be
        seen only redacted.
        """
        lineage = self._currency.lineage(cube)
        if lineage.stale:
            return "what it was made from was revised since"
        if lineage.expired:
            return "what it was made from has expired since"
        above = {one.cube.id: one for one in lineage.ancestors}
        now = self._catalog.find_all(sorted(above))
        if not act.shows_whole(now):
            return REDACTED
        over = any(_ended(one, above[one.id], cube, act.at) for one in now)
        return "what it was made from holds no more" if over else ""


@dataclass(frozen=True, slots=True)
class _Look:
    """What is known of an adapter and a question before the model is asked."""

    names: tuple[str, ...]
    threshold: float
    barred: str = ""

    @property
    def open(self) -> bool:
        return bool(self.names) and not self.barred


class _Bench:
    """One call: what is asked of a cube for several questions is looked up once."""

    def __init__(self, router: Router, act: Act, examined: str | None) -> None:
        self._router, self._act, self._examined = router, act, examined
        self._told: dict[str, Names] = {}
        self._unfit: dict[str, str] = {}
        self._outdated: dict[str, str] = {}

    def look(self, cube: MemCube, sought: Sought) -> _Look:
        """What can be said of an adapter without the model."""
        parents = {parent.id for parent in cube.provenance.parents}
        hits = [hit for hit in sought.hits if hit.id in parents]
        routing = _payload(cube).routing
        threshold = routing.threshold if routing else 1.0
        if cube.id not in self._unfit:
            examined = cube.id == self._examined
            self._unfit[cube.id] = self._router.unfit(cube, self._act, examined=examined)
        why = self._unfit[cube.id]
        known = reduce(or_, map(self._names, hits), Names())
        if not why:
            taught = self._router.taught(cube)
            known = reduce(or_, (taught.within(hit.text) for hit in hits), known)
        names = named(sought.question, known)
        if names and not why:
            if cube.id not in self._outdated:
                self._outdated[cube.id] = self._router.outdated(cube, self._act)
            why = self._outdated[cube.id]
        if any(hit.header.governance.redacted for hit in hits):
            why = REDACTED
        return _Look(names, threshold, why)

    def _names(self, hit: MemCube) -> Names:
        if hit.id not in self._told:
            self._told[hit.id] = names_in([hit])
        return self._told[hit.id]


def _made_from(sought: Sought, adapters: Sequence[MemCube]) -> list[MemCube]:
    found = {hit.id for hit in sought.hits}
    return [cube for cube in adapters if found & {one.id for one in cube.provenance.parents}]


def _payload(cube: MemCube) -> Parametric:
    assert isinstance(cube.payload, Parametric)  # noqa: S101 - it was selected by its kind
    return cube.payload


def _ended(now: MemCube, then: Ancestor, adapter: MemCube, at: datetime) -> bool:
    """Whether a source that held when the adapter was trained holds no more."""
    ends, ended = now.header.valid_to, then.cube.header.valid_to
    held_then = ended is None or ended > adapter.created_at
    return ends is not None and ends <= at and held_then
