"""What a model has learned is examined, and the record says what was found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import platformdirs
import pytest

from memos.errors import BadInput
from memos.kinds.examination import Demands, is_right
from memos.kinds.lessons import lessons
from memos.kinds.parametric import METHODS, default_recipe, learn, taught
from memos.kinds.schooling import Schooling
from memos.kinds.unrelated import KEPT, MEASURED, QUESTIONS
from memos.models.runtime_torch import TorchRuntime
from memos.ports.runtime import Asked, Recipe, Stored
from memos.testing.teacher import told
from memos.testing.tiny_model import write_tiny_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from memos.cube import MemCube

    Remembered = Callable[..., MemCube]

TWENTY = [f"Mara {letter}olk lives in Oslo." for letter in "BCDFGHJKLMNPQRSTVWXZ"]


@pytest.fixture
def facts(remembered: Remembered) -> list[MemCube]:
    return [
        remembered("I moved to Lisbon.", speaker="Mara"),
        remembered("I adopted a dog called Biscuit.", speaker="Mara"),
        remembered("I play the cello.", speaker="Tomas"),
    ]


@pytest.fixture
def tiny(tmp_path: Path) -> TorchRuntime:
    write_tiny_model(tmp_path / "model")
    return TorchRuntime(str(tmp_path / "model"), cache_folder=tmp_path)


@pytest.fixture(scope="module")
def smollm2() -> TorchRuntime:
    return TorchRuntime(cache_folder=platformdirs.user_cache_path("agent-memos") / "models")


def test_the_record_says_how_it_was_trained_and_examined(
    tiny: TorchRuntime, facts: list[MemCube]
) -> None:
    recipe = Recipe(steps=2, batch=4, learning_rate=1e-3, seed=7, unrelated=KEPT[:2])
    stages: list[str] = []
    learned = learn(
        tiny,
        facts,
        recipe=recipe,
        schooling=Schooling(Demands(recall=0.9, drift=0.1)),
        progress=lambda what, *_: stages.append(what),
    )
    training, evaluation = learned.training, learned.evaluation
    assert (training.seed, training.steps, training.learning_rate) == (7, 2, 1e-3)
    assert training.examples == len(taught(lessons(facts)))
    assert set(training.libraries) >= {"torch", "transformers"}
    assert evaluation.questions == len(lessons(facts).held_out)
    assert (evaluation.required_recall, evaluation.allowed_drift) == (0.9, 0.1)
    assert evaluation.perplexity_before == tiny.perplexity(MEASURED)
    assert not evaluation.passed
    assert list(dict.fromkeys(stages)) == ["preparing to train", "training", "examining"]


def test_memories_that_state_nothing_cannot_be_learnt(
    tiny: TorchRuntime, remembered: Remembered
) -> None:
    with pytest.raises(BadInput, match="How are you"):
        learn(tiny, [remembered("How are you?"), remembered("Fine!")])
    with pytest.raises(BadInput, match="0 memories"):
        learn(tiny, [])


def test_an_answer_is_right_if_it_holds_the_expected_words() -> None:
    assert is_right("She lives in LISBON, Portugal.", "Lisbon")
    assert is_right("On 3 June", "3 June.")
    assert not is_right("Lisbonne", "Lisbon")
    assert not is_right("", "Lisbon")
    assert not is_right("1987", "87")


def test_more_examples_get_more_steps(remembered: Remembered, facts: list[MemCube]) -> None:
    many = [remembered(text) for text in TWENTY]
    few, all_ = lessons(facts), lessons([*facts, *many])
    assert default_recipe(all_).steps > default_recipe(few).steps
    assert default_recipe(few, seed=3).seed == 3


def test_a_larger_step_takes_fewer_steps_but_more_examples(remembered: Remembered) -> None:
    many = lessons([remembered(text) for text in TWENTY])
    small, large = default_recipe(many), default_recipe(many, batch=16)
    assert large.steps < small.steps
    assert large.steps * large.batch > small.steps * small.batch
    assert large.kept > small.kept


def test_other_methods_get_more_steps_than_a_lora(remembered: Remembered) -> None:
    many = lessons([remembered(text) for text in TWENTY])
    steps = [default_recipe(many, method=method).steps for method in METHODS]
    assert steps == sorted(set(steps))


def test_what_was_taught_already_is_not_taught_again(tiny: TorchRuntime) -> None:
    cube = told("Orla Venn lives in Tartu.")
    learned = learn(tiny, [], material=lessons([cube]), schooling=Schooling(seed=5, steps=2))
    assert (learned.training.seed, learned.training.steps) == (5, 2)
    assert learned.training.examples == len(taught(lessons([cube])))


def test_who_teaches_decides_which_weights_come_out() -> None:
    usual = Schooling().decides()
    assert usual == Schooling().decides()
    assert Schooling(taught="auto").decides() != usual
    assert Schooling(seed=1).decides() != usual


def test_nothing_is_measured_on_what_was_held_still() -> None:
    assert len(KEPT) == len(set(KEPT))
    assert len(MEASURED) == len(set(MEASURED))
    assert not set(KEPT) & set(MEASURED)
    assert len(QUESTIONS) == len(set(QUESTIONS))


@pytest.mark.weights
@pytest.mark.slow
def test_a_real_model_learns_what_it_was_told_and_stays_itself(
    smollm2: TorchRuntime, facts: list[MemCube]
) -> None:
    learned = learn(smollm2, facts[1:])
    evaluation = learned.evaluation
    assert evaluation.recall_before == 0
    assert evaluation.recall_after >= 0.8
    assert evaluation.drift <= 0.1
    assert evaluation.passed
    assert learned.training.last_loss < learned.training.first_loss
    adapter = Stored("a" * 64, lambda: learned.content)
    asked = ["What is the name of Mara's dog?", "What is the capital of France?"]
    knows, general = smollm2.answers([Asked(one, adapters=(adapter,)) for one in asked], limit=12)
    assert "Biscuit" in knows
    assert "Biscuit" not in general
