"""Transform, chat and lineage, on a model that is real in all but its knowledge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from memos import Kind, MemCube, MemOS, State
from memos.config import TrainingSettings
from memos.cube import Activation, Parametric
from memos.errors import (
    BadInput,
    CorruptionError,
    ModelMismatch,
    NotSupported,
    StaleCube,
    UnfitCube,
    UnknownCube,
    VersionConflict,
    WrongKind,
)
from memos.testing.tiny_model import write_tiny_model

if TYPE_CHECKING:
    from pathlib import Path

    from memos.config import Settings

SAID = ["Alice moved to Lisbon in May 2024.", "Alice works as a baker.", "Alice has a dog."]


@pytest.fixture
def texts(mem: MemOS) -> list[MemCube]:
    return [cube for text in SAID for cube in mem.add(text, user_id="alice", session_id="s")]


def ids(cubes: list[MemCube]) -> list[str]:
    return [cube.id for cube in cubes]


def test_a_kv_cube_answers_as_its_texts_do_and_computes_less(
    mem: MemOS, texts: list[MemCube]
) -> None:
    kv = mem.transform(ids(texts), to=Kind.ACTIVATION)
    read = mem.chat("Where is Alice?", memories=ids(texts), max_tokens=12)
    resumed = mem.chat("Where is Alice?", memories=[kv.id], max_tokens=12)
    assert resumed.text == read.text
    assert resumed.prompt_tokens == read.prompt_tokens
    assert isinstance(kv.payload, Activation)
    assert read.reused_tokens == 0
    assert resumed.reused_tokens == kv.payload.tokens
    assert [one.id for one in resumed.memories] == [kv.id]


def test_a_kv_cube_knows_its_model_and_where_it_came_from(mem: MemOS, texts: list[MemCube]) -> None:
    kv = mem.transform(ids(texts), to="activation", title="about Alice")
    assert (kv.kind, kv.state, kv.header.title) == (
        Kind.ACTIVATION,
        State.ACTIVATED,
        "about Alice",
    )
    assert kv.scope == texts[0].scope
    lineage = mem.lineage(kv.id)
    assert [one.cube for one in lineage.ancestors] == texts
    assert all(one.distance == 1 and one.children == (kv.id,) for one in lineage.ancestors)
    assert lineage.stale == ()
    assert kv.provenance.step.operation == "prefill"


def test_a_stored_state_survives_reopening(tmp_path: Path, settings: Settings) -> None:
    with MemOS.open(tmp_path / "store", settings=settings) as mem:
        cubes = mem.add([{"content": text} for text in SAID], user_id="alice")
        kv = mem.transform(ids(cubes), to=Kind.ACTIVATION)
        before = mem.chat("Where?", memories=[kv.id], max_tokens=8)
    with MemOS.open(tmp_path / "store", settings=settings) as mem:
        after = mem.chat("Where?", memories=[kv.id], max_tokens=8)
        assert (after.text, after.reused_tokens) == (before.text, before.reused_tokens)


def test_a_revised_source_makes_a_kv_cube_stale(mem: MemOS, texts: list[MemCube]) -> None:
    kv = mem.transform(ids(texts), to=Kind.ACTIVATION)
    mem.update(texts[0].id, "Alice moved to Porto.")
    with pytest.raises(StaleCube, match=kv.id):
        mem.chat("Where?", memories=[kv.id])
    assert [(one.id, one.version) for one in mem.lineage(kv.id).stale] == [(texts[0].id, 1)]
    again = mem.transform(ids(texts), to=Kind.ACTIVATION)
    assert mem.chat("Where?", memories=[again.id], max_tokens=2).reused_tokens > 0


def test_a_forgotten_source_takes_what_was_derived_from_it_along(
    mem: MemOS, texts: list[MemCube]
) -> None:
    kv = mem.transform(ids(texts), to=Kind.ACTIVATION)
    other = mem.transform(ids(texts[1:]), to=Kind.ACTIVATION)
    forgotten = mem.delete(texts[0].id)
    assert forgotten.ids == (texts[0].id, kv.id)
    assert forgotten.cubes[1].because == texts[0].id
    assert mem.stats().blocks == mem.where(other.id).blocks > 0
    with pytest.raises(UnknownCube):
        mem.chat("Where?", memories=[kv.id])
    assert mem.chat("Where?", memories=[other.id], max_tokens=2).reused_tokens > 0
    assert mem.check().problems == ()


def test_a_kv_cube_of_another_model_is_refused(
    mem: MemOS, texts: list[MemCube], tmp_path: Path, settings: Settings
) -> None:
    kv = mem.transform(ids(texts), to=Kind.ACTIVATION)
    bundle = tmp_path / "bundle.zip"
    mem.export_to(bundle)
    write_tiny_model(tmp_path / "other", seed=1)
    with MemOS.open(None, settings=settings, runtime=str(tmp_path / "other")) as elsewhere:
        elsewhere.import_from(bundle)
        with pytest.raises(ModelMismatch, match="weights"):
            elsewhere.chat("Where?", memories=[kv.id])


def test_damaged_weights_are_an_error_and_never_an_answer(
    mem: MemOS, texts: list[MemCube], tmp_path: Path
) -> None:
    lora = mem.transform(ids(texts), to=Kind.PARAMETRIC)
    (file,) = [path for path in (tmp_path / "store" / "blobs").rglob("*") if path.is_file()]
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.chmod(0o600)
    file.write_bytes(content)
    with pytest.raises(CorruptionError):
        mem.chat("Where?", memories=[lora.id], allow_unfit=True)
    assert [problem.code for problem in mem.check(repair=True).problems] == ["damaged-blob"]


def test_memories_are_recalled_where_none_are_named(mem: MemOS, texts: list[MemCube]) -> None:
    mem.add("Bob moved to Oslo.", user_id="bob")
    answer = mem.chat("Where did Alice move?", user_id="alice", k=2, max_tokens=2)
    assert {one.id for one in answer.memories} <= set(ids(texts))
    assert len(answer.memories) == 2
    assert mem.chat("Where?", memories=[], max_tokens=2).memories == ()


def test_the_same_key_trains_once(mem: MemOS, texts: list[MemCube]) -> None:
    first = mem.transform(ids(texts), to=Kind.ACTIVATION, idempotency_key="k")
    assert mem.transform(ids(texts), to=Kind.ACTIVATION, idempotency_key="k") == first
    assert len(mem.get_all(kind=Kind.ACTIVATION)) == 1


def test_what_cannot_be_transformed_or_combined_is_refused_by_name(
    mem: MemOS, texts: list[MemCube]
) -> None:
    (his,) = mem.add("Bob moved to Oslo.", user_id="bob")
    kv = mem.transform(ids(texts[:1]), to=Kind.ACTIVATION)
    two = mem.transform(ids(texts[1:]), to=Kind.ACTIVATION)
    before = mem.stats().held
    with pytest.raises(BadInput, match="different users"):
        mem.transform([texts[0].id, his.id], to=Kind.ACTIVATION)
    with pytest.raises(WrongKind, match=kv.id):
        mem.transform([kv.id], to=Kind.PARAMETRIC)
    with pytest.raises(NotSupported, match="plaintext"):
        mem.transform(ids(texts), to=Kind.PLAINTEXT)
    with pytest.raises(BadInput, match="2 activation"):
        mem.chat("Where?", memories=[kv.id, two.id])
    with pytest.raises(WrongKind, match=texts[2].id):
        mem.chat("Where?", memories=[kv.id, texts[2].id])
    with pytest.raises(WrongKind, match="plaintext"):
        mem.update(kv.id, "new text")
    with pytest.raises(BadInput):
        mem.chat("word " * 5000, memories=[kv.id])
    assert mem.stats().held == before


def test_a_parametric_cube_holds_its_training_and_its_evaluation(
    tmp_path: Path, settings: Settings
) -> None:
    twice = settings.model_copy(update={"training": TrainingSettings(steps=10)})
    with MemOS.open(tmp_path / "store", settings=twice) as mem:
        texts = [cube for text in SAID for cube in mem.add(text, user_id="alice", session_id="s")]
        lora = mem.transform(ids(texts), to=Kind.PARAMETRIC)
        ancestors = [one.cube for one in mem.lineage(lora.id).ancestors]
    assert isinstance(lora.payload, Parametric)
    training = lora.payload.training
    assert training.steps > 0
    assert training.examples <= 40, "every example is seen twice, in batches of eight"
    assert training.last_loss < training.first_loss
    assert lora.payload.evaluation.questions > 0
    assert ancestors == texts
    assert lora.state is (State.ACTIVATED if lora.payload.evaluation.passed else State.GENERATED)


def test_an_unfit_cube_says_so_and_is_used_only_on_request(
    mem: MemOS, texts: list[MemCube]
) -> None:
    lora = mem.transform(ids(texts), to=Kind.PARAMETRIC)
    assert isinstance(lora.payload, Parametric)
    assert not lora.payload.evaluation.passed, "a model that knows nothing cannot have passed"
    with pytest.raises(UnfitCube, match="unfit"):
        mem.chat("Where?", memories=[lora.id])
    assert mem.chat("Where?", memories=[lora.id], allow_unfit=True, max_tokens=2).tokens > 0
    mem.update(texts[0].id, "Alice moved to Porto.")
    with pytest.raises(StaleCube):
        mem.chat("Where?", memories=[lora.id], allow_unfit=True)


def test_kv_and_lora_exclude_each_other(mem: MemOS, texts: list[MemCube]) -> None:
    kv = mem.transform(ids(texts), to=Kind.ACTIVATION)
    lora = mem.transform(ids(texts), to=Kind.PARAMETRIC)
    with pytest.raises(BadInput, match="one of the two"):
        mem.chat("Where?", memories=[kv.id, lora.id], allow_unfit=True)


def test_a_source_that_is_revised_during_training_is_noticed(
    mem: MemOS, texts: list[MemCube]
) -> None:
    def revise(_what: str, _done: int, _total: int) -> None:
        if mem.get(texts[0].id).version == 1:
            mem.update(texts[0].id, "Alice moved to Porto.")

    with pytest.raises(VersionConflict, match=texts[0].id):
        mem.transform(ids(texts), to=Kind.PARAMETRIC, progress=revise)
    assert mem.get_all(kind=Kind.PARAMETRIC) == []
    mem.add("anything, so that the outbox is paid")
    assert mem.check().problems == ()
