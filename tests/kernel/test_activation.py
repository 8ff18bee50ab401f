"""Attention state in blocks: what is served is current, and what is forgotten is gone."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from memos import Kind, MemOS, Right
from memos.config import KvSettings
from memos.cube import Activation, Scope
from memos.errors import (
    BadInput,
    ExpiredCube,
    Forbidden,
    ModelMismatch,
    OutOfSpace,
    StaleCube,
    WrongKind,
)
from memos.life.kv_report import Standing
from memos.ports.catalog import Change
from memos.ports.journal import Audit
from memos.ports.ledger import Blocked
from memos.stores.digests import is_digest
from memos.testing.derived import attention, stored
from memos.testing.tiny_model import write_tiny_model

if TYPE_CHECKING:
    from pathlib import Path

    from memos import KvPlace, MemCube
    from memos.config import Settings
    from memos.kinds.answer import Answer

ASKED = "Where is Alice?"
SAID = ("Alice moved to Lisbon in May.", "Alice works as a baker.", "Alice has a dog.")
SHORT = KvSettings(block_tokens=32)
"""Blocks so short that texts of a line have several."""


@pytest.fixture
def short(settings: Settings) -> Settings:
    return settings.model_copy(update={"kv": SHORT})


@pytest.fixture
def mem(tmp_path: Path, short: Settings) -> object:
    with MemOS.open(tmp_path / "store", settings=short) as opened:
        yield opened


@pytest.fixture
def texts(mem: MemOS) -> list[str]:
    return [cube.id for cube in mem.add([{"content": one} for one in SAID], user_id="alice")]


@pytest.fixture
def kv(mem: MemOS, texts: list[str]) -> MemCube:
    return mem.transform(texts, to=Kind.ACTIVATION)


def files(folder: Path) -> dict[str, Path]:
    """The files of blocks, by name."""
    return {path.name: path for path in (folder / "kv").rglob("*") if is_digest(path.name)}


def kept(mem: MemOS, cube: MemCube) -> tuple[str, ...]:
    return mem._parts.ledger.blocks([cube.id]).get(cube.id, ())


def ask(mem: MemOS, *memories: str) -> Answer:
    return mem.chat(ASKED, memories=memories, max_tokens=8)


def place(mem: MemOS, name: str) -> KvPlace:
    return next(one for one in mem.kv_places() if one.place == name)


def only_on_disk(mem: MemOS, cube: MemCube) -> None:
    mem.move(cube.id, to="disk")
    assert mem.where(cube.id).places == {"disk": len(kept(mem, cube))}


# --- what is picked ------------------------------------------------------------------------------


def recalled(mem: MemOS, k: int = 3) -> Answer:
    return mem.chat("Alice", k=k, user_id="alice", max_tokens=4)


def test_a_question_without_memories_resumes_from_what_is_current(
    mem: MemOS, texts: list[str]
) -> None:
    before = recalled(mem)
    assert before.reused_tokens == 0
    part = mem.transform(texts[:2], to=Kind.ACTIVATION)
    answer = recalled(mem)
    assert isinstance(part.payload, Activation)
    assert answer.reused_tokens == part.payload.tokens
    assert [one.id for one in answer.memories] == [part.id, texts[2]]  # the rest stands behind
    whole = mem.transform(texts, to=Kind.ACTIVATION)
    assert [one.id for one in recalled(mem).memories] == [whole.id]  # it spares more


def test_what_was_made_from_more_than_the_hits_is_not_picked(
    mem: MemOS, texts: list[str], kv: MemCube
) -> None:
    answer = recalled(mem, k=2)
    assert kv.id not in [one.id for one in answer.memories]
    assert (len(answer.memories), answer.reused_tokens) == (2, 0)


@pytest.mark.parametrize("end", ["revise", "expire a source", "expire", "archive"])
def test_what_is_stale_expired_or_put_away_is_not_picked(
    mem: MemOS, texts: list[str], kv: MemCube, end: str
) -> None:
    if end == "revise":
        mem.update(texts[0], "Alice moved to Porto.")
    else:
        {"expire": mem.expire, "expire a source": mem.expire, "archive": mem.archive}[end](
            texts[0] if end == "expire a source" else kv.id
        )
    answer = recalled(mem)
    assert kv.id not in [one.id for one in answer.memories]
    assert answer.reused_tokens == 0
    standing = {"revise": Standing.STALE, "archive": Standing.CURRENT}
    assert mem.kv_cubes()[0].standing is standing.get(end, Standing.EXPIRED)


def test_what_another_model_made_is_not_picked(
    mem: MemOS, kv: MemCube, tmp_path: Path, short: Settings
) -> None:
    mem.close()
    write_tiny_model(tmp_path / "other", seed=1)
    with MemOS.open(tmp_path / "store", settings=short, runtime=str(tmp_path / "other")) as other:
        assert other.kv_cubes()[0].standing is Standing.OTHER_MODEL
        answer = recalled(other)
        assert kv.id not in [one.id for one in answer.memories]
        assert answer.reused_tokens == 0
        for call in (lambda: other.warm([kv.id]), lambda: ask(other, kv.id)):
            with pytest.raises(ModelMismatch):
                call()


def test_what_one_would_see_redacted_is_not_resumed_from(
    mem: MemOS, texts: list[str], kv: MemCube
) -> None:
    assert kv.id in [one.id for one in recalled(mem).memories]
    mem.update(texts[0], "Alice's number is +351 912 345 678.")
    mem.classify(texts[0], "secret")
    again = mem.transform(texts, to=Kind.ACTIVATION)
    mem.grant("agent:reader", Right.READ, user_id="alice")
    reader = mem.acting("agent:reader")
    answer = recalled(reader)
    assert again.id not in [one.id for one in answer.memories]
    assert answer.reused_tokens == 0
    with pytest.raises(Forbidden):
        ask(reader, again.id)
    with pytest.raises(Forbidden):
        reader.warm([again.id])
    assert again.id in [one.id for one in recalled(mem).memories]


# --- what is kept --------------------------------------------------------------------------------


def test_equal_beginnings_lie_in_the_same_files(
    mem: MemOS, texts: list[str], kv: MemCube, tmp_path: Path
) -> None:
    first = set(files(tmp_path / "store"))
    assert first == set(kept(mem, kv))
    half = mem.transform(texts[:2], to=Kind.ACTIVATION)
    shared = set(kept(mem, half)) & first
    assert len(shared) >= 4
    assert set(files(tmp_path / "store")) == first | set(kept(mem, half))
    assert mem.stats().blocks == len(first | set(kept(mem, half)))


def test_another_tenant_shares_none_of_them(mem: MemOS, kv: MemCube, tmp_path: Path) -> None:
    his = mem.add([{"content": one} for one in SAID], user_id="bob")
    other = mem.transform([cube.id for cube in his], to=Kind.ACTIVATION)
    assert len(kept(mem, other)) == len(kept(mem, kv))
    assert not set(kept(mem, other)) & set(kept(mem, kv))
    assert len(files(tmp_path / "store")) == 2 * len(kept(mem, kv))


def test_what_was_revised_is_never_served(mem: MemOS, texts: list[str], kv: MemCube) -> None:
    mem.update(texts[0], "Alice moved to Porto.")
    for call in (lambda: ask(mem, kv.id), lambda: mem.warm([kv.id])):
        with pytest.raises(StaleCube):
            call()
    with pytest.raises(StaleCube):
        mem.move(kv.id, to="ram")
    again = mem.transform(texts, to=Kind.ACTIVATION)
    head = set(kept(mem, kv)) & set(kept(mem, again))
    assert set(kept(mem, again)) - head
    assert ask(mem, again.id).text == ask(mem, *texts).text


def test_forgetting_takes_blocks_from_memory_and_from_the_disk(
    mem: MemOS, texts: list[str], kv: MemCube, tmp_path: Path
) -> None:
    half = mem.transform(texts[:1], to=Kind.ACTIVATION)
    shared, alone = set(kept(mem, kv)) & set(kept(mem, half)), set(kept(mem, kv))
    alone -= shared
    assert shared
    assert alone
    told = mem.forget(texts[2])
    assert set(told.ids) == {texts[2], kv.id}
    assert told.rows["blocks"] == len(alone)
    assert set(files(tmp_path / "store")) == set(kept(mem, half))
    assert mem._parts.kv.where(alone) == {}
    assert set(mem._parts.kv.where(shared).values()) == {("ram", "disk")}
    assert ask(mem, half.id).reused_tokens > 0
    mem.forget(texts[0])
    assert files(tmp_path / "store") == {}
    assert mem._parts.kv.names() == set()
    assert mem.check().problems == ()


def test_what_is_forgotten_while_it_is_answered_from_leaves_nothing(
    mem: MemOS, texts: list[str], kv: MemCube, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate = mem._parts.runtime.generate
    monkeypatch.setattr(
        mem._parts.runtime, "generate", lambda *a, **k: (mem.forget(texts), generate(*a, **k))[1]
    )
    ask(mem, kv.id)  # it began before
    assert files(tmp_path / "store") == {}
    assert mem.check().problems == ()


@pytest.mark.parametrize("lost", ["dropped", "deleted by hand", "evicted", "a bit flipped"])
def test_blocks_that_are_missing_or_damaged_are_made_anew(
    mem: MemOS, kv: MemCube, tmp_path: Path, lost: str
) -> None:
    before = ask(mem, kv.id)
    only_on_disk(mem, kv)
    there = files(tmp_path / "store")
    victim = there[kept(mem, kv)[1]]
    if lost == "dropped":
        assert mem.cool([kv.id]).dropped == len(there)
    elif lost == "evicted":
        mem._parts.kv.drop([victim.name])
    elif lost == "deleted by hand":
        victim.unlink()
    else:
        content = bytearray(victim.read_bytes())
        content[-9] ^= 1
        victim.write_bytes(content)
        assert [(one.name, one.cubes) for one in mem.verify_kv()] == [(victim.name, (kv.id,))]
    after = ask(mem, kv.id)
    assert (after.text, after.tokens) == (before.text, before.tokens)
    assert after.reused_tokens < before.reused_tokens
    assert place(mem, "disk").damaged >= (lost == "a bit flipped")
    again = ask(mem, kv.id)
    assert (again.text, again.reused_tokens) == (before.text, before.reused_tokens)
    assert set(files(tmp_path / "store")) == set(there)
    assert mem.verify_kv() == []
    assert mem.check().problems == ()


def test_an_encrypted_store_keeps_no_plain_block(
    tmp_path: Path, short: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from memos.config import EncryptionSettings
    from memos.ports.block_wire import body_of
    from memos.stores.keys import MasterKey

    monkeypatch.setenv("AGENT_MEMOS_KEY", MasterKey.fresh().text)
    sealed = short.model_copy(update={"encryption": EncryptionSettings(key_from="env")})
    with MemOS.open(tmp_path / "sealed", settings=sealed) as mem:
        ids = [cube.id for cube in mem.add([{"content": one} for one in SAID])]
        state = mem.transform(ids, to=Kind.ACTIVATION)
        shelf = mem._parts.kv._shelves["disk"]  # type: ignore[attr-defined]
        clear = [bytes(body_of(shelf.get(name), name)) for name in kept(mem, state)]
        found = b"".join(path.read_bytes() for path in files(tmp_path / "sealed").values())
        names = set(files(tmp_path / "sealed"))
        assert len(names) == len(clear) > 2
        assert not names & set(kept(mem, state))
        assert all(body[start : start + 64] not in found
                   for body in clear for start in range(0, len(body), 512))  # fmt: skip
        assert ask(mem, state.id).text == ask(mem, *ids).text


def test_a_disk_without_room_leaves_nothing_behind(tmp_path: Path, settings: Settings) -> None:
    tight = KvSettings.model_validate({"block_tokens": 32, "disk": 60_000})
    with MemOS.open(tmp_path / "s", settings=settings.model_copy(update={"kv": tight})) as mem:
        ids = [cube.id for cube in mem.add([{"content": one} for one in SAID])]
        before = mem.stats().held
        with pytest.raises(OutOfSpace):
            mem.transform(ids, to=Kind.ACTIVATION)
        assert files(tmp_path / "s") == {}
        assert mem._parts.kv.names() == set()
        assert mem.stats().held == before
        assert mem.check().problems == ()
        assert ask(mem, *ids).tokens > 0


KILLED = """
import os, sys
from memos import Kind, MemOS
from memos.config import Settings
mem = MemOS.open(sys.argv[1], settings=Settings.model_validate_json(sys.argv[2]))
call, ids, state, number = sys.argv[3], sys.argv[4].split(), sys.argv[5], int(sys.argv[6])
kv = mem._parts.kv
owner, name = (kv, "drop") if call == "forget" else (kv._shelves["disk"], "put")
act, left = getattr(owner, name), [number]
def dying(*given, **more):
    left[0] -= 1
    if left[0] < 0:
        os.kill(os.getpid(), 9)
    return act(*given, **more)
setattr(owner, name, dying)
if call == "transform":
    mem.transform(ids[::-1], to=Kind.ACTIVATION)
elif call == "warm":
    mem.cool([state])
    mem.warm([state])
else:
    mem.forget(ids[0])
"""


@pytest.mark.parametrize(("call", "number"), [("transform", 2), ("warm", 2), ("forget", 0)])
def test_kill_9_leaves_nothing_that_is_not_found_and_mended(
    mem: MemOS, texts: list[str], kv: MemCube, tmp_path: Path, short: Settings, call: str,
    number: int,
) -> None:  # fmt: skip
    before = ask(mem, kv.id)
    names = set(kept(mem, kv))
    mem.close()
    folder = tmp_path / "store"
    command = [sys.executable, "-c", KILLED, str(folder), short.model_dump_json(), call]
    done = subprocess.run([*command, " ".join(texts), kv.id, str(number)], check=False)
    assert done.returncode == -9
    if call == "transform":
        assert set(files(folder)) - names, "it was killed before anything was written"
    with MemOS.open(folder, settings=short) as again:
        assert again.check().problems == ()  # opening has swept what nobody is kept in
        if call == "forget":
            assert files(folder) == {}
            assert [cube.id for cube in again.get_all()] == texts[1:]
        else:
            assert set(files(folder)) <= names
            after = ask(again, kv.id)
            assert (after.text, after.tokens) == (before.text, before.tokens)
            assert len(again.get_all(kind=Kind.ACTIVATION)) == 1


# --- what came from elsewhere, or from before ----------------------------------------------------


def test_what_a_version_before_left_can_be_shown_forgotten_and_exported_but_is_not_read(
    mem: MemOS, texts: list[str], tmp_path: Path
) -> None:
    old = stored(mem, [mem.get(one) for one in texts], attention)
    (told,) = mem.kv_cubes()
    assert (told.blocks, told.standing) == (0, Standing.OTHER_MODEL)
    assert mem.where(old.id).place == "nowhere"
    assert mem.check().problems == ()
    mem.export_to(tmp_path / "old.zip")
    assert mem.cool([old.id]).dropped == 0
    assert old.id in mem.forget(texts[0]).ids
    assert list(mem._parts.blobs.digests()) == []


def test_the_blocks_that_chat_makes_of_a_cube_without_any_are_known_and_go_with_it(
    mem: MemOS, texts: list[str], kv: MemCube, tmp_path: Path
) -> None:
    names = kept(mem, kv)
    audit = Audit(mem._parts.clock.now(), "test", "test", Scope(), ())
    mem._parts.catalog.commit(Change(audit=audit, also=(Blocked(kv.id, ()),)))
    mem._index.drain()
    assert files(tmp_path / "store") == {}  # as after an import
    assert ask(mem, kv.id).reused_tokens == 0
    assert kept(mem, kv) == names
    assert mem.check().problems == ()
    mem.forget(texts[0])
    assert files(tmp_path / "store") == {}


def test_blocks_of_another_length_take_the_place_of_those_before(
    mem: MemOS, kv: MemCube, tmp_path: Path, settings: Settings
) -> None:
    names = set(kept(mem, kv))
    mem.close()
    longer = settings.model_copy(update={"kv": KvSettings(block_tokens=64)})
    with MemOS.open(tmp_path / "store", settings=longer) as again:
        ask(again, kv.id)
        again._index.drain()
        assert not names & set(kept(again, kv))
        assert set(files(tmp_path / "store")) == set(kept(again, kv))
        assert again.check().problems == ()


# --- the calls -----------------------------------------------------------------------------------


def test_what_there_is_tells_whether_and_where(mem: MemOS, texts: list[str], kv: MemCube) -> None:
    (told,) = mem.kv_cubes()
    assert isinstance(kv.payload, Activation)
    count = len(kept(mem, kv))
    assert (told.id, told.title, told.model) == (kv.id, kv.header.title, kv.payload.model.name)
    assert (told.tokens, told.size_bytes) == (kv.payload.tokens, kv.payload.size_bytes)
    assert (told.standing, told.blocks, told.nowhere) == (Standing.CURRENT, count, 0)
    assert told.places == {"ram": count, "disk": count}
    mem.cool([kv.id])
    (told,) = mem.kv_cubes()
    assert (told.places, told.nowhere) == ({}, count)
    assert mem.kv_cubes(user_id="bob") == []


def test_to_list_does_not_load_the_model(mem: MemOS, kv: MemCube, short: Settings) -> None:
    folder = str(mem._folder)
    mem.close()
    with MemOS.open(folder, settings=short) as again:
        assert again.kv_cubes()[0].standing is Standing.CURRENT
        assert "reader" not in vars(again._parts.runtime._lm)  # type: ignore[attr-defined]


def test_a_model_that_cannot_be_looked_at_keeps_nobody_from_listing(
    mem: MemOS, kv: MemCube, short: Settings, tmp_path: Path
) -> None:
    mem.close()
    absent = str(tmp_path / "no model")
    (tmp_path / "no model").mkdir()
    with MemOS.open(tmp_path / "store", settings=short, runtime=absent) as again:
        assert again.kv_cubes()[0].standing is Standing.UNKNOWN


def test_warming_makes_what_is_missing_and_tells_what_was_there(
    mem: MemOS, texts: list[str], kv: MemCube
) -> None:
    told: list[tuple[int, int]] = []
    mem.cool([kv.id])
    (first,) = mem.warm([kv.id], progress=lambda _, *counts: told.append(counts))
    (second,) = mem.warm([kv.id])
    assert isinstance(kv.payload, Activation)
    assert (first.id, first.tokens, first.reused_tokens) == (kv.id, kv.payload.tokens, 0)
    assert second.reused_tokens == second.tokens == first.tokens
    assert told
    for wrong in (mem.warm, mem.cool):
        with pytest.raises(WrongKind):
            wrong([texts[0]])
    mem.expire(kv.id)
    with pytest.raises(ExpiredCube):
        mem.warm([kv.id])


def test_cooling_drops_what_no_other_cube_is_kept_in(
    mem: MemOS, texts: list[str], kv: MemCube, tmp_path: Path
) -> None:
    half = mem.transform(texts[:1], to=Kind.ACTIVATION)
    shared = set(kept(mem, kv)) & set(kept(mem, half))
    mem.freeze(kv.id)
    mem.hold(kv.id)
    dry = mem.cool([kv.id], dry_run=True)
    assert len(files(tmp_path / "store")) == len(set(kept(mem, kv)) | set(kept(mem, half)))
    done = mem.cool([kv.id])
    assert (done.dropped, done.shared) == (dry.dropped, dry.shared)
    assert (done.dropped, done.shared) == (len(kept(mem, kv)) - len(shared), len(shared))
    assert set(files(tmp_path / "store")) == set(kept(mem, half))
    rows = [(row.call, row.outcome) for row in mem.audit(limit=1000) if row.call == "cool"]
    assert rows == [("cool", "dry run"), ("cool", "ok")]
    assert mem.cool([kv.id, half.id]).shared == 0
    assert files(tmp_path / "store") == {}
    assert ask(mem, kv.id).reused_tokens == 0


def test_whoever_may_only_read_warms_and_does_not_cool(mem: MemOS, kv: MemCube) -> None:
    mem.grant("agent:reader", Right.READ, id=kv.id)
    reader = mem.acting("agent:reader")
    assert [one.id for one in reader.kv_cubes()] == [kv.id]
    assert mem.acting("agent:nobody").kv_cubes() == []
    assert len(reader.warm([kv.id])) == 1
    for refused in (
        lambda: reader.cool([kv.id]),
        lambda: reader.move(kv.id, to="disk"),
        reader.kv_places,
        reader.verify_kv,
    ):
        with pytest.raises(Forbidden):
            refused()


def test_blocks_move_between_memory_and_disk(mem: MemOS, kv: MemCube) -> None:
    count = len(kept(mem, kv))
    assert mem.where(kv.id).place == "ram"
    assert mem.move(kv.id, to="disk").places == {"disk": count}
    assert mem.move(kv.id, to="ram").places == {"ram": count, "disk": count}
    mem.cool([kv.id])
    assert mem.where(kv.id).place == "nowhere"
    assert mem.move(kv.id, to="ram").places == {"ram": count, "disk": count}
    mem._parts.kv.drop([kept(mem, kv)[0]])
    assert mem.where(kv.id).place == "in part"
    with pytest.raises(BadInput, match="a KV cube lies in: gpu, ram, disk, shared"):
        mem.move(kv.id, to="archive")
    for absent in ("gpu", "shared"):
        with pytest.raises(BadInput, match="no place"):
            mem.move(kv.id, to=absent)


# --- a check -------------------------------------------------------------------------------------


def found(mem: MemOS, *, repair: bool = False) -> list[tuple[str, str, bool]]:
    problems = mem.check(repair=repair).problems
    return [(one.code, one.subject, one.repaired) for one in problems]


def test_a_check_finds_damaged_blocks_and_drops_them(
    mem: MemOS, kv: MemCube, tmp_path: Path
) -> None:
    before = ask(mem, kv.id)
    victim = files(tmp_path / "store")[kept(mem, kv)[0]]
    victim.write_bytes(victim.read_bytes()[:-1])
    assert found(mem) == [("damaged-block", victim.name, False)]
    assert victim.exists()
    assert found(mem, repair=True) == [("damaged-block", victim.name, True)]
    assert not victim.exists()
    assert found(mem) == []
    assert ask(mem, kv.id).text == before.text


def test_a_check_finds_blocks_that_no_cube_is_kept_in(
    mem: MemOS, kv: MemCube, tmp_path: Path
) -> None:
    made = mem._parts.runtime.prefill(range(1, 21), cuts=[20], salt="c" * 64)
    strays = [("stray-block", name, False) for name in sorted(made.blocks)]
    assert found(mem) == strays
    assert found(mem, repair=True) == [(code, name, True) for code, name, _ in strays]
    assert set(files(tmp_path / "store")) == set(kept(mem, kv))
    assert found(mem) == []


def test_a_check_finds_blocks_of_what_is_no_kv_cube(
    mem: MemOS, texts: list[str], kv: MemCube, tmp_path: Path
) -> None:
    gone = "01a20694-689b-7602-ad19-70f21d43272d"
    audit = Audit(mem._parts.clock.now(), "test", "test", Scope(), ())
    wrong = (Blocked(gone, (kept(mem, kv)[0],)), Blocked(texts[0], kept(mem, kv)[:2]))
    mem._parts.catalog.commit(Change(audit=audit, also=wrong))
    expected = sorted([gone, texts[0]])
    assert found(mem) == [("blocks-of-nothing", one, False) for one in expected]
    assert found(mem, repair=True) == [("blocks-of-nothing", one, True) for one in expected]
    assert found(mem) == []
    assert set(mem._parts.ledger.blocks()) == {kv.id}
    assert set(files(tmp_path / "store")) == set(kept(mem, kv))  # the true owner keeps them


# --- several put together ------------------------------------------------------------------------


def test_kv_cubes_are_put_one_behind_another_at_the_callers_price(
    mem: MemOS, texts: list[str]
) -> None:
    first = mem.transform(texts[:1], to=Kind.ACTIVATION)
    second = mem.transform(texts[1:], to=Kind.ACTIVATION)
    as_text = ask(mem, *texts[1:], texts[0])
    exact = mem.chat(ASKED, memories=[second.id, first.id], compose=1.0, max_tokens=8)
    assert exact.text == as_text.text
    assert [one.id for one in exact.memories] == [second.id, first.id]
    assert isinstance(second.payload, Activation)
    assert exact.reused_tokens == second.payload.tokens  # the first stands where it was made
    free = mem.chat(ASKED, memories=[second.id, first.id], compose=0, max_tokens=8)
    assert isinstance(first.payload, Activation)
    assert exact.reused_tokens < free.reused_tokens < exact.prompt_tokens


def test_what_cannot_be_put_together_is_refused(mem: MemOS, texts: list[str], kv: MemCube) -> None:
    other = mem.transform(texts[:2], to=Kind.ACTIVATION)
    both = [kv.id, other.id]
    with pytest.raises(BadInput, match="cannot be used at once") as caught:
        mem.chat(ASKED, memories=both)
    assert "compose" in caught.value.hint
    with pytest.raises(WrongKind):
        mem.chat(ASKED, memories=[*both, texts[2]], compose=0.5)
    for share in (-0.1, 1.1, float("nan"), "half", True):
        with pytest.raises(BadInput, match="compose"):
            mem.chat(ASKED, memories=both, compose=share)  # type: ignore[arg-type]
    mem.update(texts[2], "Alice has a cat.")
    with pytest.raises(StaleCube):
        mem.chat(ASKED, memories=both, compose=0.5)
    assert mem.chat(ASKED, memories=[other.id], compose=0.5, max_tokens=1).reused_tokens > 0
