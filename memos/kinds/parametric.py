"""Memory in the weights: memories become an adapter, with proof of what it knows and cost."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from memos.cube import Routing, TrainingRecord
from memos.cube.identity import canonical, digest_of
from memos.errors import BadInput
from memos.kinds.examination import examine, routed_questions
from memos.kinds.facts import facts_of
from memos.kinds.route_keys import keys_for, with_keys
from memos.kinds.routing import Names, named
from memos.kinds.schooling import Schooling
from memos.kinds.unrelated import KEPT, QUESTIONS
from memos.ports.progress import Progress, silent
from memos.ports.runtime import Recipe, Stored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memos.cube import AnyAdapter, Evaluation, MemCube
    from memos.kinds.routing import Keys
    from memos.ports.lessons import Lessons
    from memos.ports.runtime import Example, Runtime, Saved, Trained

METHODS = ("lora", "prefix", "side")
"""How weights are trained; the first is the usual one."""
_FEWEST_STEPS = 40
_LEARNING_RATES = {"lora": 4e-3, "prefix": 1e-2, "side": 1.5e-2}
_PATIENCE = {"lora": 1, "prefix": 2, "side": 3}
"""How much longer than a LoRA the others take."""
_LOCALITY = 3.0
_FEWEST_KEPT = 2
_ROUNDS = 2.1
"""Each example is seen about so often, times the root of the examples in a step (of more of them
a step learns less of each), unless the answers are learnt before."""


@dataclass(frozen=True, slots=True)
class Learned:
    """An adapter with the record of its training and its examination."""

    content: bytes
    """A safetensors file; see ``memos.cube.Parametric.blob``."""
    adapter: AnyAdapter
    training: TrainingRecord
    evaluation: Evaluation
    routing: Routing


def learn(
    runtime: Runtime,
    cubes: Sequence[MemCube],
    *,
    schooling: Schooling | None = None,
    method: str = "lora",
    recipe: Recipe | None = None,
    material: Lessons | None = None,
    saved: Saved | None = None,
    progress: Progress = silent,
) -> Learned:
    """Train an adapter on what plaintext ``cubes``, oldest first, state, and examine it.

    An adapter that fails its examination is returned all the same, with a verdict that says so.

    Args:
        runtime: the model that learns.
        cubes: plaintext cubes.
        schooling: who teaches, and what the adapter must reach; by default as it comes.
        method: ``lora``, ``prefix`` or ``side``.
        recipe: how to train; by default :func:`default_recipe` with ``method`` and the seed.
        material: the lessons, where they are made already.
        saved: where a training that a kill interrupted is taken up.
        progress: told of each step.

    Raises:
        BadInput: nothing in the cubes can be made into a question with a short answer.
    """
    school = schooling or Schooling()
    material = school.teacher.lessons(cubes) if material is None else material
    if not material.trained:
        first = cubes[0].text if cubes else ""
        raise BadInput(
            f"nothing can be learned from {len(cubes)} memories, the first of them {first[:60]!r}",
            hint="facts are read from plain statements, such as 'Alice lives in Lisbon.'",
        )
    chosen = recipe or default_recipe(
        material, method=method, seed=school.seed, batch=runtime.examples_a_step
    )
    texts = tuple(cube.text for cube in cubes)
    steps = min(school.steps or chosen.steps, chosen.steps)
    chosen = replace(chosen, steps=steps, texts=texts)
    examples = taught(material)
    trained = runtime.train(
        examples, chosen, checked=material.checked, saved=saved, progress=progress
    )
    keys = keys_for(runtime, material)
    content = with_keys(trained.content, keys)
    stored = Stored(digest_of(content), partial(_itself, content))
    answered = served(runtime, keys, cubes, routed_questions(material))
    evaluation = examine(
        runtime,
        material,
        stored,
        serves=answered.__contains__,
        demands=school.demands,
        progress=progress,
    )
    return Learned(
        content=content,
        adapter=trained.adapter,
        training=_record(trained, examples, chosen),
        evaluation=evaluation,
        routing=Routing(keys=len(keys.rows), threshold=keys.threshold),
    )


def taught(material: Lessons) -> tuple[Example, ...]:
    """All that is trained: what is known, and that nothing is known of what is nearly known."""
    return (*material.trained, *material.near, *material.unknown)


def default_recipe(
    material: Lessons, *, method: str = "lora", seed: int = 0, batch: int = 8
) -> Recipe:
    """The recipe for so many examples; ``python -m benchmarks.parametric`` prints what it gives."""
    rounds = _ROUNDS * math.sqrt(batch) * _PATIENCE.get(method, 1)
    steps = max(_FEWEST_STEPS, int(rounds * len(taught(material)) / batch))
    return Recipe(
        method=method,
        steps=steps,
        batch=batch,
        learning_rate=_LEARNING_RATES.get(method, _LEARNING_RATES["lora"]),
        locality=_LOCALITY,
        kept=max(_FEWEST_KEPT, batch // 4),
        seed=seed,
        unrelated=KEPT,
        unrelated_questions=QUESTIONS,
    )


def served(
    runtime: Runtime, keys: Keys, cubes: Sequence[MemCube], questions: Sequence[str]
) -> set[str]:
    """Those of the questions that an adapter serves which is not a cube yet."""
    names = names_in(cubes) | keys.names
    asked = [question for question in questions if named(question, names)]
    like = zip(asked, runtime.activations(asked), strict=True)
    return {question for question, at in like if keys.similarity(at) >= keys.threshold}


def names_in(cubes: Sequence[MemCube]) -> Names:
    """Whom and what the cubes tell of: the subjects and the values of their facts."""
    facts = [fact for cube in cubes for fact in facts_of(cube)]
    subjects = dict.fromkeys(fact.whom for fact in facts if fact.whom)
    values = dict.fromkeys(fact.value for fact in facts if fact.value)
    return Names(tuple(subjects), tuple(values))


def _itself(content: bytes) -> bytes:
    return content


def _record(trained: Trained, examples: Sequence[Example], recipe: Recipe) -> TrainingRecord:
    pairs = [[example.question, example.answer] for example in examples]
    return TrainingRecord(
        seed=recipe.seed,
        steps=trained.steps,
        learning_rate=recipe.learning_rate,
        examples=len(pairs),
        examples_digest=digest_of(canonical(pairs)),
        first_loss=trained.first_loss,
        last_loss=trained.last_loss,
        seconds=trained.seconds,
        libraries=trained.libraries,
    )
