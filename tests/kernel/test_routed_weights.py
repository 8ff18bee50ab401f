"""Two adapters of a real model: the right one serves, or none, and then the model is as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from memos import MemCube, MemOS, State
from memos.config import EmbedderSettings, RuntimeSettings, Settings, VectorsSettings
from memos.errors import BadInput, StaleCube, UnknownCube
from memos.models.runtime_torch import TorchRuntime
from memos.ports.runtime import Message

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.weights, pytest.mark.slow]

ORLA = (
    "Orla Venn lives in Tartu.",
    "Orla Venn works as a glazier.",
    "Orla Venn has a cat called Pim.",
    "Orla Venn plays the oboe.",
)
BRAM = (
    "Bram Kesh lives in Ghent.",
    "Bram Kesh works as a tailor.",
    "Bram Kesh has a dog called Otto.",
    "Bram Kesh plays the banjo.",
)
ASKED = {"Where does Orla Venn live?": "Tartu", "What is the name of Bram Kesh's dog?": "Otto"}
NEAR = (
    "Where does Orla Marsh live?",
    "Where does Greta Venn live?",
    "What is the name of Bram Olsen's dog?",
    "What is the capital of France?",
)


@pytest.fixture(scope="module")
def mem() -> Iterator[MemOS]:
    settings = Settings(
        embedder=EmbedderSettings(backend="hash"),
        vectors=VectorsSettings(backend="exact"),
        runtime=RuntimeSettings(device="cpu"),
    )
    with MemOS.open(None, settings=settings) as opened:
        yield opened


@pytest.fixture(scope="module")
def adapters(mem: MemOS) -> tuple[MemCube, MemCube]:
    made = []
    for texts in (ORLA, BRAM):
        cubes = [cube for text in texts for cube in mem.add(text, user_id="alice")]
        made.append(mem.transform([cube.id for cube in cubes], to="parametric"))
    return made[0], made[1]


def serving(mem: MemOS, question: str) -> list[str]:
    return [one.cube_id for one in mem.route(question, user_id="alice") if one.serves]


def likelihoods(mem: MemOS, question: str) -> list[float]:
    runtime = mem._parts.runtime
    assert isinstance(runtime, TorchRuntime)
    return runtime.logits(runtime.encode([Message("user", question)]))


def test_each_question_is_served_by_the_adapter_that_knows_its_answer(
    mem: MemOS, adapters: tuple[MemCube, MemCube]
) -> None:
    assert {cube.state for cube in adapters} == {State.ACTIVATED}
    for (question, expected), adapter in zip(ASKED.items(), adapters, strict=True):
        assert serving(mem, question) == [adapter.id], question
        answer = mem.chat(question, weights="routed", user_id="alice", max_tokens=12)
        assert expected in answer.text
        assert [one.id for one in answer.memories] == [adapter.id]
        assert answer.prompt_tokens < 60, "no text of a memory is put before the model"
    together = mem.chat_many([*ASKED, *NEAR], user_id="alice", max_tokens=12)
    assert [bool(one.memories) for one in together] == [True] * 2 + [False] * len(NEAR)
    for reply, expected in zip(together, ASKED.values(), strict=False):
        assert expected in reply.text


def test_what_no_adapter_serves_the_model_answers_as_it_is(
    mem: MemOS, adapters: tuple[MemCube, MemCube]
) -> None:
    before = [likelihoods(mem, question) for question in NEAR]
    for question in (*ASKED, *NEAR):
        routed = mem.chat(question, weights="routed", user_id="alice", max_tokens=12)
        alone = mem.chat(question, memories=[], max_tokens=12)
        if question in NEAR:
            assert serving(mem, question) == []
            assert (routed.text, routed.memories) == (alone.text, ())
    assert [likelihoods(mem, question) for question in NEAR] == before


def test_two_adapters_that_are_named_answer_together(
    mem: MemOS, adapters: tuple[MemCube, MemCube]
) -> None:
    named = [cube.id for cube in adapters]
    for question in ASKED:
        answer = mem.chat(question, memories=named, max_tokens=12)
        assert [one.id for one in answer.memories] == named
        assert answer.tokens > 0
    kv = mem.transform([cube.id for cube in mem.get_all(kind="plaintext")[:2]], to="activation")
    with pytest.raises(BadInput, match=kv.id):
        mem.chat("Where?", memories=[kv.id, *named])
    with pytest.raises(BadInput, match=kv.id):
        mem.chat("Where?", memories=[kv.id], weights="routed")


def test_an_adapter_recites_what_it_holds_and_is_examined_beside_the_other(
    mem: MemOS, adapters: tuple[MemCube, MemCube]
) -> None:
    told = mem.recite(adapters[0].id)
    assert told.recall >= 0.75
    assert "Orla Venn lives in Tartu." in told.text
    text = mem.transform([adapters[0].id], to="plaintext")
    assert "Orla Venn lives in Tartu." in text.text
    evaluation = mem.evaluate(adapters[0].id)
    (retained,) = evaluation.retention
    assert retained.others == 1
    assert retained.recall >= 0.6
    assert evaluation.passed
    assert mem.chat("Where?", memories=[text.id], max_tokens=2).memories[0].id == text.id


def test_a_revised_source_takes_its_adapter_out_of_service_at_once(
    mem: MemOS, adapters: tuple[MemCube, MemCube]
) -> None:
    (home,) = [cube for cube in mem.get_all(kind="plaintext") if cube.text == ORLA[0]]
    mem.update(home.id, "Orla Venn lives in Riga.")
    question = next(iter(ASKED))
    (route,) = [
        one for one in mem.route(question, user_id="alice") if one.cube_id == adapters[0].id
    ]
    assert not route.serves
    assert "revised" in route.because
    assert home.id not in route.because
    routed = mem.chat(question, weights="routed", user_id="alice", max_tokens=12)
    assert routed.text == mem.chat(question, memories=[], max_tokens=12).text
    with pytest.raises(StaleCube):
        mem.recite(adapters[0].id)


def test_a_forgotten_source_takes_its_adapter_along(
    mem: MemOS, adapters: tuple[MemCube, MemCube]
) -> None:
    blob, question = adapters[1].blobs[0], list(ASKED)[1]
    assert serving(mem, question) == [adapters[1].id]
    assert mem._keys.holds(blob)
    (dog,) = [cube for cube in mem.get_all(kind="plaintext") if cube.text == BRAM[2]]
    assert adapters[1].id in mem.forget(dog.id).ids
    assert adapters[1].id not in [one.cube_id for one in mem.route(question, user_id="alice")]
    assert not mem._keys.holds(blob)
    assert mem._parts.runtime.holds([blob]) == 0
    with pytest.raises(UnknownCube):
        mem.chat(question, memories=[adapters[1].id])
    assert mem.check().problems == ()
