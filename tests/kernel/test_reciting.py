"""A text that an adapter recited speaks for the adapter and for its sources, and goes with them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from memos import Held, Lost, MemCube, MemOS, Recital, Right
from memos.cube import Parametric, Retention
from memos.errors import BadInput, StaleCube
from memos.testing.derived import stored

if TYPE_CHECKING:
    from collections.abc import Sequence

SAID = "Orla Venn lives in Tartu."


@pytest.fixture
def home(mem: MemOS) -> MemCube:
    (cube,) = mem.add("Orla Venn lives in Tartu, by the river.", user_id="alice", labels=["a"])
    return cube


@pytest.fixture
def lora(mem: MemOS, home: MemCube) -> MemCube:
    return stored(mem, [home])


def written(
    mem: MemOS, lora: MemCube, sources: Sequence[MemCube], *, key: str | None = None
) -> MemCube:
    """A text of an adapter, as if it had been asked."""
    held = Held(statement=SAID, question="Where does Orla Venn live?", answer="Tartu")
    lost = Lost(question="What does Orla Venn do?", expected="glazier", said="tailor")
    told = Recital(cube_id=lora.id, held=(held,), lost=(lost,))
    with mem._act("transform", Right.WRITE) as act, mem._changing(act):
        once = mem._once(key, act, ["recited"])
        return mem._reciter.write(told, [lora, *sources], once, act=act, title="of Orla")


def found(mem: MemOS, cube: MemCube) -> bool:
    return cube.id in {hit.cube.id for hit in mem.search(SAID, user_id="alice")}


def test_it_holds_what_was_verified_and_tells_what_was_lost(
    mem: MemOS, home: MemCube, lora: MemCube
) -> None:
    text = written(mem, lora, [home])
    again = mem.get(text.id)
    assert (again.text, again.header.title, again.scope) == (SAID, "of Orla", home.scope)
    attributes = json.loads(again.payload.model_dump_json())["attributes"]
    assert json.loads(attributes["lost"])[0]["said"] == "tailor"
    assert attributes["evidence"] == home.text
    assert [one.id for one in again.provenance.parents] == [lora.id, home.id]
    assert found(mem, text)
    assert mem.check().problems == ()


def test_it_is_found_no_more_when_its_source_is_revised(
    mem: MemOS, home: MemCube, lora: MemCube
) -> None:
    text = written(mem, lora, [home])
    mem.update(home.id, "Orla Venn lives in Riga.")
    assert not found(mem, text)
    with pytest.raises(StaleCube):
        mem.chat("Where?", memories=[text.id], max_tokens=1)


def test_it_goes_with_its_source_and_with_its_adapter(
    mem: MemOS, home: MemCube, lora: MemCube
) -> None:
    text = written(mem, lora, [home])
    assert set(mem.forget(home.id, dry_run=True).ids) == {home.id, lora.id, text.id}
    assert set(mem.forget(lora.id).ids) == {lora.id, text.id}
    assert mem.get(home.id) == home


def test_examining_the_adapter_again_does_not_put_it_aside(
    mem: MemOS, home: MemCube, lora: MemCube
) -> None:
    text = written(mem, lora, [home])
    assert isinstance(lora.payload, Parametric)
    now = Retention(at=datetime(2031, 1, 1, tzinfo=UTC), recall=0.5, others=3)
    with mem._act("evaluate", Right.WRITE) as act, mem._changing(act):
        mem._examiner.record(lora, lora.payload.evaluation, now, act)
    assert mem.get(lora.id).version == 2
    assert mem.lora_cubes()[0].retention == (now,)
    assert found(mem, text)
    assert mem.lineage(text.id).stale == ()
    assert mem.check().problems == ()


def test_where_nothing_was_verified_nothing_is_written(
    mem: MemOS, home: MemCube, lora: MemCube
) -> None:
    with mem._act("transform", Right.WRITE) as act, mem._changing(act):
        told = Recital(cube_id=lora.id, held=(), lost=())
        with pytest.raises(BadInput, match=lora.id):
            mem._reciter.write(told, [lora, home], mem._once(None, act, []), act=act)


def test_the_same_key_writes_once(mem: MemOS, home: MemCube, lora: MemCube) -> None:
    made = mem.transform([home.id], to="activation", idempotency_key="k")
    assert mem.transform([home.id], to="activation", idempotency_key="k") == made
    text = written(mem, lora, [home], key="t")
    with mem._act("transform", Right.WRITE) as act:
        assert mem._deriver.again(mem._once("t", act, ["recited"])) == text
