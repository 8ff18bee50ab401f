"""The system calls between the kinds: transform, chat, lineage."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Unpack

from memos.cube import Kind, MemCube, Right, State
from memos.errors import BadInput, Forbidden, NotSupported, WrongKind
from memos.governance.scope import joint
from memos.kernel.arguments import (
    read_choice,
    read_ids,
    read_kind,
    read_share,
    require_count,
    require_flags,
)
from memos.kernel.routing import RouteCalls
from memos.kinds.answering import Memories, Part
from memos.kinds.choosing import fitting_states
from memos.kinds.drafts import checked_text
from memos.kinds.evidence import is_fact
from memos.kinds.parametric import METHODS
from memos.life.expectation import require_unexpired
from memos.life.lineage import Lineage
from memos.ports.filters import EVERYTHING
from memos.ports.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memos.governance.act import Act
    from memos.kernel.handle import Whose
    from memos.kinds.answer import Answer
    from memos.life.once import Once


class KindCalls(RouteCalls):
    """Make one kind of memory from another, answer with any of them, tell where they came from."""

    def transform(
        self,
        ids: Sequence[str],
        *,
        to: Kind | str,
        method: str = "lora",
        title: str | None = None,
        idempotency_key: str | None = None,
        progress: Progress = silent,
        **whose: Unpack[Whose],
    ) -> MemCube:
        """Make a KV cube (``to=Kind.ACTIVATION``) or a LoRA cube (``to=Kind.PARAMETRIC``) of texts.

        Or a text of one parametric cube (``to=Kind.PLAINTEXT``): the statements that it still
        makes and that its sources make, too; what it lost stands in the attribute ``lost``.

        The new cube remembers which cubes, at which versions, it was made from. Training may take
        minutes: ``progress`` is told of every step, and other threads may go on meanwhile. Where
        the process dies at it, the same call goes on from what was reached, and so does
        :meth:`retrain`.

        Args:
            ids: what it is made from.
            to: the kind of the new cube.
            method: how weights are trained: ``lora``, ``prefix`` (a trained attention prefix) or
                ``side`` (a side memory).
            title: what to call the new cube.
            idempotency_key: the same key and arguments again return the same cube.
            progress: told of every step.
            whose: within this scope the cubes are looked for.

        Raises:
            UnknownCube: one of the cubes is not there.
            WrongKind: one of them is not plaintext.
            ExpiredCube: the time of one of them is over.
            BadInput: they belong to different users, or hold nothing that can be learnt; there is
                no such method, or nothing is trained.
            VersionConflict: one of them was revised meanwhile.
            StaleCube: a source of the parametric cube was revised.
            NotSupported: a transform to plaintext of what is not parametric.
        """
        with self._act("transform", Right.WRITE, **whose) as act:
            kind = read_kind(to)
            named = read_ids(ids)
            called = None if title is None else checked_text(title, "the title")
            trained = read_choice(method, "method", METHODS)
            if trained != METHODS[0] and kind is not Kind.PARAMETRIC:
                hint = "leave method out, or transform to parametric"
                raise BadInput(f"method={method!r} does not make a {kind} cube", hint=hint)
            how = [] if trained == METHODS[0] else [trained]
            once = self._once(idempotency_key, act, ["transform", list(ids), kind, title, *how])
            cubes = [self._seen(one, act) for one in named]
            act.require_whole(cubes)
            if cubes:
                self._gate.require(act, joint(cubes))
            if kind is Kind.PLAINTEXT:
                return self._written(cubes, once, act, called)
            made = self._deriver.derive(
                cubes, kind, once, act=act, title=called, method=trained, progress=progress
            )
            if kind is Kind.PARAMETRIC:
                self._settle()
            return made

    def chat(
        self,
        question: str,
        *,
        memories: Sequence[str] | None = None,
        k: int = 5,
        max_tokens: int = 64,
        allow_unfit: bool = False,
        compose: float | None = None,
        weights: str = "named",
        **whose: Unpack[Whose],
    ) -> Answer:
        """Ask the configured language model, with memories.

        Args:
            question: what to ask.
            memories: ids of the cubes to use: any number of plaintext and parametric cubes, or
                one activation cube. Of several parametric cubes, the model follows the mean.
                None: the ``k`` best hits of a search for the question, and an activation cube
                that was made from some of them, as they are now, where there is one. An empty
                list: none.
            k: how many hits to use where ``memories`` is None.
            max_tokens: the longest answer.
            allow_unfit: use a parametric cube that failed its evaluation.
            compose: lets several activation cubes be put one behind another, in the order of
                ``memories``. None of them knows of those before it, so this share of the tokens of
                all but the first is computed anew: 0 is free and far off, 1 as exact and as dear
                as reading them all; 0.5 is worth its price. None: one cube at most, exactly.
            weights: ``named`` uses the parametric cubes in ``memories`` alone. ``routed`` also
                those that serve the question, see :meth:`route`: what they were made from is not
                put into the prompt, for it is in the weights. Where ``memories`` is None then, no
                text is, and where no adapter serves, the model answers as it is, bit for bit.
            whose: whose memories.

        Raises:
            UnknownCube: one of the cubes is not there.
            StaleCube: a source of a derived cube has been revised since.
            ExpiredCube: the time of a cube, or of a source of it, is over.
            ModelMismatch: a derived cube was made for another model.
            UnfitCube: a parametric cube failed its evaluation.
            BadInput: these cubes cannot be used together, such as KV and adapters.
        """
        with self._act("chat", Right.READ, **whose) as act:
            text = checked_text(question, "the question")
            require_count(max_tokens, "max_tokens")
            require_flags(allow_unfit=allow_unfit)
            named = None if memories is None else read_ids(memories, "memories")
            share = None if compose is None else read_share(compose, "compose")
            routed = read_choice(weights, "weights", ("named", "routed")) == "routed"
            used = (
                self._routed(text, named, act)
                if routed
                else self._used(text, named, k, act, compose=share)
            )
            return self._answerer.answer(
                text,
                used,
                max_tokens=max_tokens,
                allow_unfit=allow_unfit,
                kept_in=partial(self._keeper.note, act=act),
            )

    def lineage(
        self,
        id: str,  # noqa: A002
        **whose: Unpack[Whose],
    ) -> Lineage:
        """The cubes and steps that a cube came from, and whether it is stale.

        Raises:
            UnknownCube: there is none in this scope.
        """
        with self._act("lineage", Right.READ, **whose) as act:
            lineage = self._currency.lineage(self._seen(id, act))
            return self._shown_lineage(lineage, act)

    def _settle(self) -> None:
        """Pay what a training has left owed: checkpoints that are needed no more."""
        with self._lock:
            self._index.drain(insist=False)

    def _shown_lineage(self, lineage: Lineage, act: Act) -> Lineage:
        """What of a lineage the principal may see; what it may not leaves no trace."""
        # As they are now: a right to today's version is a right to all of them, and no other is.
        readable = act.readable({one.cube.id for one in lineage.ancestors})
        seen = [one for one in lineage.ancestors if one.cube.id in readable]
        there = {lineage.cube.id, *readable}
        shown = act.shown([one.cube for one in seen])
        ancestors = [
            one.model_copy(
                update={
                    "cube": cube,
                    "children": tuple(child for child in one.children if child in there),
                }
            )
            for one, cube in zip(seen, shown, strict=True)
        ]
        (cube,) = act.shown([lineage.cube])
        return Lineage(cube=cube, ancestors=tuple(ancestors))

    def _used(
        self,
        text: str,
        memories: Sequence[str] | None,
        k: int,
        act: Act,
        *,
        compose: float | None,
    ) -> Memories:
        if memories is None:
            require_count(k, "k", largest=1000)
            hits = self._search(text, act, k=k, where=EVERYTHING, at=act.at)
            return self._resumed(tuple(hit.cube for hit in hits), act)
        cubes = [self._seen(one, act) for one in memories]
        for cube in cubes:
            require_unexpired(cube)
            if is_fact(cube):
                self._currency.require_current(cube)
        texts = [cube for cube in cubes if cube.kind is Kind.PLAINTEXT]
        act.require_whole([cube for cube in cubes if cube.kind is not Kind.PLAINTEXT])
        self._require_shown([cube for cube in cubes if cube.kind is Kind.PARAMETRIC], act)
        shown = {cube.id: cube for cube in act.shown(texts)}
        return self._memories([shown.get(cube.id, cube) for cube in cubes], compose)

    def _require_shown(self, weights: Sequence[MemCube], act: Act) -> None:
        """Refuse weights whose sources have become more sensitive since than they are."""
        for cube in weights:
            parents = [parent.id for parent in cube.provenance.parents]
            if not act.shows_whole(self._parts.catalog.find_all(parents)):
                # whoever was granted this cube alone is not to learn the ids of its sources
                message = f"what {cube.kind} cube {cube.id} was made from may be seen only redacted"
                raise Forbidden(message, hint="ask for the right to administer it: memos grant")

    def _routed(self, text: str, memories: Sequence[str] | None, act: Act) -> Memories:
        """What was named, and the adapters that serve the question, in the place of their texts."""
        named = Memories()
        if memories is not None:
            named = self._used(text, memories, 1, act, compose=None)
        if named.state is not None:
            message = f"KV {named.state.id} belongs to the model without adapters"
            raise BadInput(message, hint="name texts, or leave weights='routed' out")
        serving = self._serving(self._routes([text], act)[0])
        learnt = {parent.id for cube in serving for parent in cube.provenance.parents}
        worn = {cube.id: cube for cube in (*named.weights, *serving)}
        texts = tuple(cube for cube in named.texts if cube.id not in learnt)
        return Memories(texts, weights=tuple(worn.values()))

    def _written(
        self, cubes: Sequence[MemCube], once: Once, act: Act, title: str | None
    ) -> MemCube:
        """A text of what an adapter holds."""
        if once.answer is not None:
            return self._deriver.again(once)
        other = next((cube for cube in cubes if cube.kind is not Kind.PARAMETRIC), None)
        if other is not None:
            message = f"a transform of {other.kind} to plaintext is not built"
            raise NotSupported(message, hint="name a parametric cube: memos lora ls")
        if len(cubes) != 1:
            message = f"{len(cubes)} cubes cannot become one text"
            raise BadInput(message, hint="name one parametric cube: memos lora ls")
        (cube,) = cubes
        sources = self._taught(cube, act)
        recited = self._recital(cube, sources)
        with self._changing(act):
            return self._reciter.write(recited, [cube, *sources], once, act=act, title=title)

    def _memories(self, cubes: Sequence[MemCube], compose: float | None) -> Memories:
        states = [cube for cube in cubes if cube.kind is Kind.ACTIVATION]
        if compose is not None and len(states) > 1:
            return self._put_together(states, cubes, compose)
        by_kind = {kind: [cube for cube in cubes if cube.kind is kind] for kind in Kind}
        if len(states) > 1:
            message = f"{len(states)} activation cubes cannot be used at once"
            hint = "transform all their sources into one, or pass compose=0.5"
            raise BadInput(message, hint=hint)
        state = next(iter(by_kind[Kind.ACTIVATION]), None)
        weights = tuple(by_kind[Kind.PARAMETRIC])
        for cube in weights:
            self._currency.require_current(cube)
        texts = tuple(by_kind[Kind.PLAINTEXT])
        if state is None:
            return Memories(texts, weights=weights)
        if texts:
            message = f"cube {texts[0].id} is not part of KV cube {state.id}"
            raise WrongKind(message, hint="transform all the texts into one KV cube")
        return self._kept(state, self._sources(state), weights=weights)

    def _put_together(
        self, states: Sequence[MemCube], cubes: Sequence[MemCube], recompute: float
    ) -> Memories:
        others = [cube for cube in cubes if cube.kind is not Kind.ACTIVATION]
        if others:
            message = f"cube {others[0].id} is {others[0].kind}, and cannot be among KV cubes"
            raise WrongKind(message, hint="name KV cubes alone, or none")
        parts = tuple(
            Part(state, self._sources(state), self._keeper.salt(state.scope)) for state in states
        )
        texts = tuple(source for part in parts for source in part.sources)
        return Memories(texts, parts=parts, recompute=recompute)

    def _kept(
        self,
        state: MemCube,
        sources: Sequence[MemCube],
        others: Sequence[MemCube] = (),
        weights: tuple[MemCube, ...] = (),
    ) -> Memories:
        salt = self._keeper.salt(state.scope)
        return Memories((*sources, *others), state, len(sources), salt, weights)

    def _resumed(self, hits: Sequence[MemCube], act: Act) -> Memories:
        """The hits, those first that a KV cube was made from, if there is one that fits."""
        below = self._parts.graph.descendants([cube.id for cube in hits]) if hits else ()
        states = [
            cube
            for cube in self._parts.catalog.find_all(sorted(act.readable(set(below))))
            if cube.kind is Kind.ACTIVATION and cube.state is State.ACTIVATED
        ]
        if not states:
            return Memories(tuple(hits))
        raw = {cube.id: cube for cube in self._parts.catalog.find_all([one.id for one in hits])}
        whole = [cube for cube in hits if raw.get(cube.id) == cube]  # not redacted
        fitting = fitting_states(whole, states, self._parts.runtime.fingerprint)
        state = next(filter(self._is_current, fitting), None)
        if state is None:
            return Memories(tuple(hits))
        order = [parent.id for parent in state.provenance.parents]
        sources = [raw[one] for one in order]
        return self._kept(state, sources, [cube for cube in hits if cube.id not in order])

    def _is_current(self, state: MemCube) -> bool:
        lineage = self._currency.lineage(state)
        return not lineage.stale and not lineage.expired

    def _sources(self, state: MemCube) -> tuple[MemCube, ...]:
        return self._currency.sources(state)
