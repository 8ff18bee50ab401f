"""Which adapters serve: found by way of hits, and only while they speak for their sources."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest

from memos import Kind, MemCube, MemOS, Right, Route, State
from memos.cube import Parametric, Routing
from memos.cube.identity import digest_of
from memos.cube.wire import payload_digest
from memos.errors import (
    BadInput,
    CorruptionError,
    Forbidden,
    FrozenCube,
    NotSupported,
    StaleCube,
    UnfitCube,
    WrongKind,
)
from memos.kinds.parametric import names_in
from memos.kinds.route_keys import with_keys
from memos.kinds.routing import Keys, Names, directions
from memos.testing.derived import adapter, stored

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from memos.config import Settings
    from memos.testing.clock import HandClock

NOBODY = Names()
ASKED = "Where does Orla Venn live?"
TEXTS = ("Orla Venn lives in Tartu.", "Orla Venn works as a glazier.", "Bram Kesh lives in Ghent.")


@pytest.fixture
def texts(mem: MemOS) -> list[MemCube]:
    return [cube for text in TEXTS for cube in mem.add(text, user_id="alice")]


def put(
    mem: MemOS,
    sources: Sequence[MemCube],
    *,
    question: str = ASKED,
    passed: bool = True,
    own_model: bool = True,
    keys: bool = True,
    width: int | None = None,
    taught: Names = NOBODY,
) -> MemCube:
    """An adapter that was never trained, and whose keys are as if it were."""

    def make(parents: Sequence[MemCube], *, at: datetime) -> tuple[MemCube, bytes]:
        cube, content = adapter(parents, at=at, passed=passed)
        (activation,) = mem._parts.runtime.activations([question])
        rows = np.asarray([activation[:width]], np.float32)
        centre = np.zeros(rows.shape[1], np.float32)
        if keys:
            content = with_keys(content, Keys(centre, directions(rows, centre), 0.9, taught))
        payload = cube.payload
        assert isinstance(payload, Parametric)
        fields = {
            "blob": digest_of(content),
            "size_bytes": len(content),
            "routing": Routing(keys=1, threshold=0.9) if keys else None,
            "model": mem._parts.runtime.fingerprint if own_model else payload.model,
        }
        payload = payload.model_copy(update=fields)
        life = cube.header.life.model_copy(
            update={"state": State.ACTIVATED if passed else State.GENERATED}
        )
        header = cube.header.model_copy(update={"digest": payload_digest(payload), "life": life})
        return cube.model_copy(update={"payload": payload, "header": header}), content

    return stored(mem, sources, make)


def only(mem: MemOS, question: str = ASKED, cube: MemCube | None = None) -> Route:
    found = [one for one in mem.route(question) if cube is None or one.cube_id == cube.id]
    assert len(found) == 1
    return found[0]


def test_an_adapter_serves_a_question_that_names_and_is_like_what_it_was_taught(
    mem: MemOS, texts: list[MemCube]
) -> None:
    lora = put(mem, texts[:1])
    route = only(mem)
    assert (route.cube_id, route.names, route.serves) == (lora.id, ("Orla Venn",), True)
    assert route.similarity == pytest.approx(1.0)
    assert route.threshold == 0.9
    near = only(mem, "Where does Orla Marsh live?")
    assert (near.serves, near.similarity, near.names) == (False, None, ())
    assert "names nothing" in near.because


def test_only_what_was_made_from_a_hit_is_considered(mem: MemOS, texts: list[MemCube]) -> None:
    orla, bram = put(mem, texts[:1]), put(mem, texts[2:])
    mem.transform([texts[0].id], to=Kind.ACTIVATION)
    assert {one.cube_id for one in mem.route(ASKED)} == {orla.id, bram.id}
    assert [one.cube_id for one in mem.route("Orla Venn lives in Tartu.", k=1)] == [orla.id]
    assert mem.route(ASKED, user_id="bob") == ()


def test_names_of_a_source_that_was_not_found_do_not_count(
    mem: MemOS, texts: list[MemCube]
) -> None:
    put(mem, texts)
    alone = "Orla Venn works as a glazier."
    (route,) = mem.route(alone, k=1)
    assert "Tartu" not in route.names


def test_names_that_only_a_teacher_found_count_where_the_hit_tells_of_them(mem: MemOS) -> None:
    text = "glaze melts in the old kiln at dawn, mostly"
    (source,) = mem.add(text, user_id="alice")
    asked = "When does the glaze in the old kiln melt?"
    assert names_in([source]) == Names()
    put(mem, [source], question=asked, taught=Names(("old kiln", "new kiln"), ("dawn",)))
    route = only(mem, asked)
    assert (route.names, route.serves) == (("old kiln",), True)
    assert only(mem, "When does the glaze in the new kiln melt?").names == ()


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ("revise", "revised"),
        ("expire", "expired"),
        ("supersede", "holds no more"),
        ("archive", "archived"),
    ],
)
def test_what_does_not_speak_for_its_sources_serves_nothing_and_says_why(
    mem: MemOS, texts: list[MemCube], changed: str, why: str
) -> None:
    lora = put(mem, texts[:2])
    assert only(mem).serves
    act = {
        "revise": partial(mem.update, texts[0].id, "Orla Venn lives in Riga."),
        "expire": partial(mem.expire, texts[0].id),
        "supersede": partial(mem.supersede, texts[0].id, "Orla Venn lives in Riga."),
        "archive": partial(mem.archive, lora.id),
    }[changed]
    act()
    route = only(mem)
    assert not route.serves
    assert why in route.because
    assert texts[0].id not in route.because
    assert mem.chat(ASKED, weights="routed", max_tokens=2).memories == ()


def test_what_was_over_when_an_adapter_was_trained_is_no_reason(
    timed: MemOS, clock: HandClock
) -> None:
    (old,) = timed.add(TEXTS[0], user_id="alice")
    clock.advance(60)
    new = timed.supersede(old.id, "Orla Venn lives in Riga.")
    clock.advance(60)
    put(timed, [timed.get(old.id), new])
    assert only(timed).serves


def test_what_cannot_serve_at_all_says_why(mem: MemOS, texts: list[MemCube]) -> None:
    cases = {
        "unfit: recall 0%": put(mem, texts[:1], passed=False),
        "another model, none": put(mem, texts[:1], own_model=False),
        "does not say": put(mem, texts[:1], keys=False),
        "like nothing": put(mem, texts[:1], question="2 + 2?"),
    }
    for why, cube in cases.items():
        route = only(mem, cube=cube)
        if why == "like nothing" and route.serves:
            continue  # to a model of random weights all questions are alike
        assert not route.serves, why
        assert why in route.because


def test_harmed_keys_are_an_error_and_never_a_decision(mem: MemOS, texts: list[MemCube]) -> None:
    lora = put(mem, texts[:1], width=8)
    with pytest.raises(CorruptionError, match=lora.id):
        mem.route(ASKED)


def test_keys_are_read_once_and_go_with_what_is_forgotten(mem: MemOS, texts: list[MemCube]) -> None:
    (blob,) = put(mem, texts[:1]).blobs
    assert not mem._keys.holds(blob)
    mem.route(ASKED)
    assert mem._keys.holds(blob)
    assert mem.acting("user:alice")._keys.holds(blob)
    mem.forget(texts[0].id)
    assert not mem._keys.holds(blob)
    assert mem.route(ASKED) == ()


def test_what_one_may_not_read_decides_nothing(mem: MemOS, texts: list[MemCube]) -> None:
    lora = put(mem, texts[:1])
    mem.grant("agent:adapter", Right.READ, id=lora.id)
    mem.grant("agent:source", Right.READ, id=texts[0].id)
    for name in ("agent:adapter", "agent:source", "user:bob"):
        assert mem.acting(name).route(ASKED) == (), name
    assert mem.acting("user:alice").route(ASKED)[0].serves
    with pytest.raises(Forbidden):
        mem.acting("agent:adapter").recite(lora.id)


def test_a_source_that_one_sees_redacted_is_not_told_by_its_weights(
    mem: MemOS,
) -> None:
    (home,) = mem.add("Orla Venn lives in Tartu. Write to orla@venn.example.", user_id="alice")
    put(mem, [home])
    mem.grant("agent:reader", Right.READ, user_id="alice")
    reader = mem.acting("agent:reader")
    assert only(reader).serves
    mem.classify(home.id, "secret")
    assert "redacted" in only(reader).because
    assert only(mem.acting("user:alice")).serves


def test_weights_that_hold_what_has_become_secret_serve_whoever_sees_it_whole(
    mem: MemOS,
) -> None:
    home, mail = (
        mem.add(text, user_id="alice")[0]
        for text in ("Orla Venn lives in Tartu.", "Bram Kesh reads bram@kesh.example.")
    )
    lora = put(mem, [home, mail])
    mem.grant("agent:reader", Right.READ, user_id="alice")
    reader = mem.acting("agent:reader")
    assert only(reader).serves
    mem.classify(mail.id, "secret")
    assert "redacted" in only(reader).because, "though the secret is not what was found"
    with pytest.raises(Forbidden, match=lora.id):
        reader.chat(ASKED, memories=[lora.id], allow_unfit=True, max_tokens=2)
    assert only(mem.acting("user:alice")).serves


def test_where_nothing_serves_the_model_answers_as_it_is(mem: MemOS, texts: list[MemCube]) -> None:
    put(mem, texts[:1], passed=False)
    routed = mem.chat(ASKED, weights="routed", max_tokens=8)
    alone = mem.chat(ASKED, memories=[], max_tokens=8)
    assert (routed.text, routed.prompt_tokens, routed.memories) == (
        alone.text,
        alone.prompt_tokens,
        (),
    )
    named = mem.chat(ASKED, memories=[texts[0].id], weights="routed", max_tokens=8)
    assert [one.id for one in named.memories] == [texts[0].id]


def test_wrong_words_are_refused(mem: MemOS, texts: list[MemCube]) -> None:
    kv = mem.transform([texts[0].id], to=Kind.ACTIVATION)
    with pytest.raises(BadInput, match="weights"):
        mem.chat(ASKED, weights="all")
    with pytest.raises(BadInput, match=kv.id):
        mem.chat(ASKED, memories=[kv.id], weights="routed")
    with pytest.raises(BadInput, match="method"):
        mem.transform([texts[0].id], to=Kind.PARAMETRIC, method="magic")
    with pytest.raises(BadInput, match="side"):
        mem.transform([texts[0].id], to=Kind.ACTIVATION, method="side")
    with pytest.raises(NotSupported, match="activation"):
        mem.transform([kv.id], to=Kind.PLAINTEXT)
    with pytest.raises(BadInput, match="2 cubes"):
        mem.transform([put(mem, [one]).id for one in texts[:2]], to=Kind.PLAINTEXT)
    with pytest.raises(BadInput, match="0 cubes"):
        mem.transform([], to=Kind.PLAINTEXT)
    for call in (mem.recite, mem.evaluate):
        with pytest.raises(WrongKind, match=texts[0].id):
            call(texts[0].id)
    with pytest.raises(BadInput, match="questions"):
        mem.chat_many("Where?")
    assert mem.chat_many([]) == ()


# --- with one that was really trained -----------------------------------------------------------


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Threads cost a tiny model more than they save."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def lenient(settings: Settings) -> Settings:
    """Settings under which whatever was trained is fit."""
    training = settings.training.model_copy(
        update={"required_recall": 0.0, "allowed_drift": 1e6, "allowed_leak": 1.0}
    )
    return settings.model_copy(update={"training": training})


@pytest.mark.usefixtures("one_thread")
def test_a_trained_adapter_is_worn_examined_recited_and_merged(
    lenient: Settings, tmp_path: Path
) -> None:
    with MemOS.open(tmp_path / "store", settings=lenient) as mem:
        (home,) = mem.add(TEXTS[0], user_id="alice")
        lora = mem.transform([home.id], to=Kind.PARAMETRIC)
        _is_worn(mem, home, lora)
        _is_examined(mem, lora)
        _is_recited(mem, lora)
        _is_merged(mem, lora, tmp_path)
        mem.update(home.id, "Orla Venn lives in Riga.")
        for call in (mem.recite, mem.evaluate, partial(mem.merge_weights, folder=tmp_path / "no")):
            with pytest.raises(StaleCube, match=lora.id):
                call(lora.id)
        assert mem.lora_cubes()[0].standing == "stale"
        assert lora.id in mem.forget(home.id).ids
        assert mem.lora_cubes() == []
        assert mem.check().problems == ()


def _is_worn(mem: MemOS, home: MemCube, lora: MemCube) -> None:
    routed = mem.chat(ASKED, weights="routed", max_tokens=6)
    named = mem.chat(ASKED, memories=[lora.id], max_tokens=6)
    assert [one.id for one in routed.memories] == [lora.id]
    assert (routed.text, routed.prompt_tokens) == (named.text, named.prompt_tokens)
    told = mem.chat(ASKED, memories=[home.id], weights="routed", max_tokens=6)
    assert [one.id for one in told.memories] == [lora.id], "it stands in the weights"
    served, other = mem.chat_many([ASKED, "What is the capital of France?"], max_tokens=6)
    assert ([one.id for one in served.memories], other.memories) == ([lora.id], ())
    assert served.routes[0].serves
    kv = mem.transform([home.id], to=Kind.ACTIVATION)
    with pytest.raises(BadInput, match=kv.id):
        mem.chat(ASKED, memories=[kv.id, lora.id])
    mem.forget(kv.id)


def _is_examined(mem: MemOS, lora: MemCube) -> None:
    evaluation = mem.evaluate(lora.id)
    again = mem.get(lora.id)
    assert isinstance(again.payload, Parametric)
    assert (again.version, again.state, again.blobs) == (2, State.ACTIVATED, lora.blobs)
    assert again.payload.evaluation == evaluation
    assert [one.others for one in evaluation.retention] == [0]
    (told,) = mem.lora_cubes()
    assert (told.id, told.standing, told.fit, told.sources) == (lora.id, "current", True, 1)
    assert told.retention == evaluation.retention
    mem.freeze(lora.id)
    with pytest.raises(FrozenCube):
        mem.evaluate(lora.id)
    mem.thaw(lora.id)


def _is_recited(mem: MemOS, lora: MemCube) -> None:
    told = mem.recite(lora.id)
    assert told.held == (), "a model of random weights has learnt nothing in three steps"
    assert [one.expected for one in told.lost] == ["Tartu"]
    with pytest.raises(BadInput, match=lora.id):
        mem.transform([lora.id], to=Kind.PLAINTEXT)


def _is_merged(mem: MemOS, lora: MemCube, folder: Path) -> None:
    made = mem.merge_weights(lora.id, folder / "merged")
    assert made.weights != mem._parts.runtime.fingerprint.weights
    assert (folder / "merged").is_dir()
    with pytest.raises(BadInput):
        mem.merge_weights(lora.id, folder / "merged")
    with pytest.raises(BadInput):
        mem.merge_weights(lora.id, folder / "store" / "blobs" / "model")


@pytest.mark.usefixtures("one_thread")
def test_an_adapter_that_fails_its_examination_later_serves_no_more(
    lenient: Settings, settings: Settings, tmp_path: Path
) -> None:
    with MemOS.open(tmp_path / "store", settings=lenient) as mem:
        (home,) = mem.add(TEXTS[0], user_id="alice")
        lora = mem.transform([home.id], to=Kind.PARAMETRIC)
    with MemOS.open(tmp_path / "store", settings=settings) as mem:
        assert only(mem).serves
        assert not mem.evaluate(lora.id).passed
        assert mem.get(lora.id).state is State.GENERATED
        assert "unfit" in only(mem).because
        with pytest.raises(UnfitCube):
            mem.merge_weights(lora.id, tmp_path / "merged")
