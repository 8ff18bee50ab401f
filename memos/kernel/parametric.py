"""The system calls on adapters: what there is, asked in a batch, examined again, merged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from memos.cube import Kind, Parametric, Parent, Retention, Right, State
from memos.errors import BadInput, UnfitCube, shown
from memos.kernel.activation import ActivationCalls
from memos.kernel.arguments import read_path, require_count, require_flags
from memos.kernel.routing import HITS
from memos.kinds.answer import Reply
from memos.kinds.drafts import checked_text
from memos.kinds.examination import routed_questions
from memos.life.expectation import require_changeable
from memos.life.lora_report import LoraCube
from memos.ports.catalog import Selection
from memos.ports.filters import Condition, Every, Operator
from memos.ports.grounds import require_outside
from memos.ports.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from memos.cube import Evaluation, Fingerprint, MemCube
    from memos.governance.act import Act
    from memos.kernel.handle import Whose
    from memos.life.kv_report import Standing
    from memos.ports.runtime import Stored

_MOST_TOKENS = 1024
_MOST_QUESTIONS = 1000


class ParametricCalls(ActivationCalls):
    """Look after what was trained."""

    def lora_cubes(self, **whose: Unpack[Whose]) -> list[LoraCube]:
        """Every parametric cube, oldest first: how it did, and whether it may serve.

        The model's weights are not loaded for it.
        """
        with self._act("lora_cubes", Right.READ, **whose) as act:
            cubes = self._parts.catalog.select(
                Selection(scope=act.scope, kinds=(Kind.PARAMETRIC,), where=act.visible())
            )
            act.touch(cube.id for cube in cubes)
            model = self._model() if cubes else None
            return [
                _told(seen, cube.payload, self._standing(cube, model))
                for cube, seen in zip(cubes, act.shown(cubes, current=True), strict=True)
                if isinstance(cube.payload, Parametric)
            ]

    def chat_many(
        self,
        questions: Sequence[str],
        *,
        k: int = HITS,
        max_tokens: int = 64,
        plain: bool = False,
        **whose: Unpack[Whose],
    ) -> tuple[Reply, ...]:
        """Ask the model several questions at once, each with the adapters that serve it.

        No text is put before the model: a question that no adapter serves is answered by the
        model as it is.

        Args:
            questions: what to ask; 1,000 at most.
            k: as in :meth:`route`.
            max_tokens: the longest answer; 1,024 at most.
            plain: the questions are texts that the model continues, outside any chat.
            whose: whose memories.

        Returns:
            One reply for each question, in their order.

        Raises:
            BadInput: a question is empty, or there are too many.
            CorruptionError: an adapter is not what it was.
        """
        with self._act("chat_many", Right.READ, **whose) as act:
            texts = _read_questions(questions)
            require_count(k, "k", largest=1000)
            require_count(max_tokens, "max_tokens", largest=_MOST_TOKENS)
            require_flags(plain=plain)
            routes = self._routes(texts, act, k=k)
            worn = [self._serving(each) for each in routes]
            batch = list(zip(texts, worn, strict=True))
            answers = self._answerer.answer_many(batch, max_tokens=max_tokens, plain=plain)
            return tuple(
                Reply(text=text, memories=_parents(cubes), routes=each)
                for text, cubes, each in zip(answers, worn, routes, strict=True)
            )

    def evaluate(
        self,
        id: str,  # noqa: A002 - the name every user expects
        *,
        progress: Progress = silent,
        **whose: Unpack[Whose],
    ) -> Evaluation:
        """Examine an adapter again, as questions are served now, with all others around it.

        The weights stay as they are; a new version of the cube holds what was found, and one more
        ``retention``. It is activated if it passes, and not used by default any more if it fails.
        Who asks, and what it must reach, is what the settings say today.

        Raises:
            UnknownCube: there is none in this scope.
            WrongKind: it is not parametric.
            Forbidden: one may read it, and not write it, or not read all that it was made from.
            StaleCube: a source has been revised since.
            ExpiredCube: its time, or that of a source, is over.
            FrozenCube: it is frozen.
            ModelMismatch: it was made for another model.
            BackendError: whoever teaches asks a language model, which could not be asked.
            VersionConflict: it was changed meanwhile.
        """
        with self._act("evaluate", Right.WRITE, **whose) as act:
            cube = self._held(id, act)
            sources = self._taught(cube, act)
            require_changeable(cube)
            assert isinstance(cube.payload, Parametric)  # noqa: S101 - or it taught nothing
            material = self._schooling.teacher.lessons(sources)
            worn = self._worn_for(routed_questions(material), act, cube)
            (adapter,) = self._answerer.adapters([cube], allow_unfit=True)
            evaluation, recall = self._examiner.examine(
                cube.payload, material, adapter, wears=worn.__getitem__, progress=progress
            )
            with self._changing(act):
                others = self._others(cube, act)
                retention = Retention(at=act.at, recall=recall, others=others)
                made = self._examiner.record(cube, evaluation, retention, act)
            assert isinstance(made.payload, Parametric)  # noqa: S101 - as it was
            return made.payload.evaluation

    def merge_weights(
        self,
        id: str,  # noqa: A002
        folder: str | Path,
        **whose: Unpack[Whose],
    ) -> Fingerprint:
        """Write a model to a folder into whose weights an adapter is added for good.

        Nothing else ever merges: adapters serve side by side. The folder is no part of the store:
        *forgetting what the adapter was made from does not reach it*. Whoever writes it answers
        for erasing it.

        Returns:
            Which model that is: another one, which the store knows nothing of.

        Raises:
            UnknownCube: there is none in this scope.
            WrongKind: it is not parametric.
            Forbidden: one may not read, unredacted, all that it was made from.
            StaleCube: a source has been revised since.
            ExpiredCube: its time, or that of a source, is over.
            UnfitCube: it failed its examination.
            ModelMismatch: it was made for another model.
            NotSupported: it is no LoRA.
            BadInput: the folder is not empty, or lies in a store or a backup.
        """
        with self._act("merge_weights", Right.READ, **whose) as act:
            place = read_path(folder).absolute()
            require_outside(place, self._parts.grounds)
            cube = self._seen(id, act)
            self._taught(cube, act)
            if cube.state is not State.ACTIVATED:
                message = f"parametric cube {cube.id} is {cube.state}, and not to be used"
                raise UnfitCube(message, hint="memos lora evaluate says what it lacks")
            (adapter,) = self._answerer.adapters([cube])
            return self._parts.runtime.merge(adapter, place)

    def _worn_for(
        self, questions: Sequence[str], act: Act, cube: MemCube
    ) -> Mapping[str, tuple[Stored, ...]]:
        """What the model wears for each question, where this cube counts as fit."""
        routes = self._routes(questions, act, examined=cube.id)
        return {
            question: self._answerer.adapters(self._serving(each), allow_unfit=True)
            for question, each in zip(questions, routes, strict=True)
        }

    def _others(self, cube: MemCube, act: Act) -> int:
        """How many other adapters that are in use the principal may read."""
        active = Condition("state", Operator.EQ, str(State.ACTIVATED))
        where = Every((active, act.visible()))
        found = Selection(scope=act.scope, kinds=(Kind.PARAMETRIC,), where=where)
        return len(set(self._parts.catalog.ids(found)) - {cube.id})


def _read_questions(questions: object) -> list[str]:
    if isinstance(questions, str | bytes) or not isinstance(questions, list | tuple):
        raise BadInput(f"questions is {shown(questions)}", hint="pass a list of texts")
    if len(questions) > _MOST_QUESTIONS:
        hint = f"ask at most {_MOST_QUESTIONS:,} at a time"
        raise BadInput(f"there are {len(questions):,} questions", hint=hint)
    return [checked_text(one, "a question") for one in questions]


def _parents(cubes: Sequence[MemCube]) -> tuple[Parent, ...]:
    return tuple(Parent(id=cube.id, version=cube.version) for cube in cubes)


def _told(seen: MemCube, payload: Parametric, standing: Standing) -> LoraCube:
    evaluation = payload.evaluation
    return LoraCube(
        id=seen.id,
        title=seen.header.title,
        method=payload.adapter.method,
        model=payload.model.name,
        state=seen.state,
        standing=standing,
        fit=evaluation.passed,
        verdict=evaluation.verdict,
        routed=payload.routing is not None,
        recall=evaluation.recall_after,
        reversed_recall=evaluation.reversed_recall,
        leak=evaluation.leak,
        drift=evaluation.drift,
        parameters=payload.adapter.parameters,
        size_bytes=payload.size_bytes,
        sources=len(seen.provenance.parents),
        created_at=seen.created_at,
        retention=evaluation.retention,
    )
