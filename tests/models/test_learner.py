"""What a runtime does with adapters besides training them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch

from memos.errors import BadInput, CorruptionError, NotSupported
from memos.models import lora
from memos.models.held_still import Stillness
from memos.models.runtime_torch import TorchRuntime
from memos.models.training import Training
from memos.ports.runtime import Asked, Example, Message, Recipe, Stored
from memos.testing.learning import EXAMPLES, METHODS, TEXTS, UNRELATED, Interrupted, Killed, stored
from memos.testing.tiny_model import LONGEST

if TYPE_CHECKING:
    from pathlib import Path

QUESTION = EXAMPLES[0].question
RATES = {"lora": 1e-2, "prefix": 1e-1, "side": 1e-2}
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def adapters(tiny: TorchRuntime) -> dict[str, Stored]:
    recipe = Recipe(steps=30, batch=2, locality=0.1, unrelated=UNRELATED, texts=TEXTS)
    return {
        name: stored(
            tiny.train(EXAMPLES, replace(recipe, method=name, learning_rate=RATES[name])).content
        )
        for name in METHODS
    }


def test_a_merged_model_is_another_and_answers_as_the_adapter_does(
    tiny: TorchRuntime, adapters: dict[str, Stored], tmp_path: Path
) -> None:
    before = tiny.fingerprint
    asked = [Asked(example.question, adapters=(adapters["lora"],)) for example in EXAMPLES]
    worn = tiny.answers(asked, limit=8)
    merged = tiny.merge(adapters["lora"], tmp_path / "merged")
    other = TorchRuntime(str(tmp_path / "merged"), cache_folder=tmp_path)
    assert merged.differs(before) == ["weights"]
    assert other.fingerprint.differs(merged) == []
    assert other.answers([replace(one, adapters=()) for one in asked], limit=8) == worn
    assert tiny.answers(asked, limit=8) == worn
    assert tiny.fingerprint == before


@pytest.mark.parametrize("method", ["prefix", "side"])
def test_only_a_lora_can_be_merged(
    tiny: TorchRuntime, adapters: dict[str, Stored], tmp_path: Path, method: str
) -> None:
    with pytest.raises(NotSupported, match=method):
        tiny.merge(adapters[method], tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


def test_a_model_is_not_merged_into_a_folder_of_something_else(
    tiny: TorchRuntime, adapters: dict[str, Stored], tmp_path: Path
) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(BadInput, match="not empty"):
        tiny.merge(adapters["lora"], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


@pytest.mark.parametrize("method", METHODS)
def test_drift_is_perplexity_before_and_after(
    tiny: TorchRuntime, adapters: dict[str, Stored], method: str
) -> None:
    drift = tiny.drift(UNRELATED, adapter=adapters[method])
    assert drift.before == tiny.perplexity(UNRELATED)
    assert drift.after > 0
    assert (drift.divergence > 0) == (drift.after != drift.before)
    with pytest.raises(BadInput, match="two tokens"):
        tiny.drift(["", "a"], adapter=adapters[method])


def test_an_adapter_that_changes_nothing_does_not_drift(tiny: TorchRuntime) -> None:
    nothing = Recipe(method="lora", steps=1, learning_rate=0.0)
    adapter = stored(tiny.train(EXAMPLES, nothing).content)
    drift = tiny.drift(UNRELATED, adapter=adapter)
    assert (drift.after, drift.divergence) == (drift.before, 0.0)


@pytest.mark.parametrize("method", METHODS)
def test_what_is_known_is_what_would_be_answered(
    tiny: TorchRuntime, adapters: dict[str, Stored], method: str
) -> None:
    examples = [*EXAMPLES, Example("Where is Tom?", "Rome")]
    asked = [Asked(one.question, adapters=(adapters[method],)) for one in examples]
    answers = tiny.answers(asked, limit=8)
    expected = [one.answer == said for one, said in zip(examples, answers, strict=True)]
    assert tiny._learner.knows(examples, adapters[method]) == expected


def test_an_activation_is_of_the_question_and_of_the_model_alone(
    tiny: TorchRuntime, adapters: dict[str, Stored]
) -> None:
    first, second, other = tiny.activations([QUESTION, QUESTION, "Who are you?"])
    assert first == pytest.approx(second, abs=1e-4)
    assert first != pytest.approx(other, abs=1e-2)
    assert len(first) == tiny._lm.model.config.hidden_size
    tiny.generate(tiny.encode([Message("user", QUESTION)]), limit=1, adapters=[adapters["lora"]])
    assert tiny.activations([QUESTION, QUESTION, "Who are you?"]) == [first, second, other]
    assert tiny.activations([]) == []


def test_several_adapters_follow_the_mean_of_what_they_expect(
    tiny: TorchRuntime, adapters: dict[str, Stored]
) -> None:
    prompt = tiny.encode([Message("user", QUESTION)])
    model, learner = tiny._lm.model, tiny._learner
    ids = torch.tensor([prompt])
    expected = torch.zeros(len(tiny.logits(prompt)))
    for one in adapters.values():
        with torch.no_grad(), learner.wearing([one]):
            expected += model(input_ids=ids).logits[0, -1].softmax(-1) / len(adapters)
    told = tiny.generate(prompt, limit=1, adapters=list(adapters.values()))
    assert told.tokens == (int(expected.argmax()),)
    twice = tiny.generate(prompt, limit=8, adapters=[adapters["lora"]] * 2)
    assert twice.text == tiny.generate(prompt, limit=8, adapters=[adapters["lora"]]).text


def test_a_prefix_takes_room_from_the_text(tiny: TorchRuntime, adapters: dict[str, Stored]) -> None:
    prompt = tiny.encode([Message("user", "x" * (LONGEST - 50))])
    room = LONGEST - len(prompt)
    assert 0 < room < 19
    assert tiny.generate(prompt, limit=1).prompt_tokens == len(prompt)
    with pytest.raises(BadInput, match="behind 19"):
        tiny.generate(prompt, limit=1, adapters=[adapters["prefix"]])


def test_a_prefix_begins_as_what_was_told_up_to_so_many_tokens(tiny: TorchRuntime) -> None:
    told = Recipe(method="prefix", steps=1, learning_rate=0.0, texts=("a" * 300, "b"))
    prefix, short = (
        tiny.train(EXAMPLES, replace(told, tokens=tokens)).adapter for tokens in (0, 5)
    )
    assert prefix.model_dump()["tokens"] == 256
    assert short.model_dump()["tokens"] == 5
    one = tiny.train(EXAMPLES, replace(told, tokens=1, steps=2, learning_rate=0.1))
    assert one.adapter.model_dump()["tokens"] == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": "prefix", "tokens": -1},
        {"method": "side", "density": 0.0},
        {"method": "side", "density": 1.5},
        {"method": "side", "shard": -1},
    ],
    ids=str,
)
def test_a_recipe_that_cannot_be_followed_is_refused(
    tiny: TorchRuntime, wrong: dict[str, object]
) -> None:
    with pytest.raises(BadInput):
        tiny.train(EXAMPLES, replace(Recipe(steps=1), **wrong))  # type: ignore[arg-type]


def test_shards_are_learnt_one_after_the_other_and_merged(tiny: TorchRuntime) -> None:
    recipe = Recipe(
        method="side", steps=80, batch=1, learning_rate=5e-2, density=0.5, shard=1,
        locality=0.1, unrelated=UNRELATED,
    )  # fmt: skip
    trained = tiny.train(EXAMPLES, recipe)
    shape = trained.adapter.model_dump()
    assert (shape["shards"], shape["density"]) == (2, 0.5)
    assert trained.steps <= 80
    adapter = stored(trained.content)
    asked = [Asked(one.question, adapters=(adapter,)) for one in EXAMPLES]
    assert tiny.answers(asked, limit=4) != tiny.answers([Asked(a.question) for a in asked], limit=4)


def test_training_does_not_end_on_what_was_learnt_once_and_is_not_known_now(
    tiny: TorchRuntime,
) -> None:
    model, recipe = tiny._lm.model, Recipe(steps=9, unrelated=UNRELATED)
    lesson = tiny._learner._lesson(EXAMPLES, (), recipe)
    learning = lora.trainee(model, lesson, recipe)
    training = Training(model, lesson, recipe, learning, stillness=Stillness())
    state = training._begun(0)
    state.order.note(list(range(len(EXAMPLES))), [0.0] * len(EXAMPLES))
    state.step = training._epoch(0)
    assert state.order.learnt(recipe.enough) == 1.0
    with training._examples.above():
        assert not training._done(state)
    assert state.order.learnt(recipe.enough) == 0.0


@pytest.mark.parametrize("method", METHODS)
def test_a_training_is_not_taken_up_with_other_examples(tiny: TorchRuntime, method: str) -> None:
    recipe = Recipe(method=method, steps=4, unrelated=UNRELATED, texts=TEXTS)
    saved = Interrupted([1])
    with pytest.raises(Killed):
        tiny.train(EXAMPLES, recipe, saved=saved)
    with pytest.raises(CorruptionError):
        tiny.train(EXAMPLES[:1], recipe, saved=saved)
