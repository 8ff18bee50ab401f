"""Forgetting reaches what repairs have put into quarantine, and a legal hold outlives damage."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from memos import Kind, MemOS, Right
from memos.errors import BadInput, LegalHold, UnknownCube
from memos.life.report import Tie
from memos.testing.derived import stored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from memos.config import Settings

SAID = "Zoe keeps her spare key under the third flowerpot."
FLIPPED = "replace(body, 'flowerpot', 'flowerpop')"
UNFIT = "replace(body, '\"position\":', '\"positiom\":')"
CUT = "substr(body, 1, instr(body, '\"time\":'))"
NOISE = "'nothing to be read'"


@pytest.fixture
def mem(tmp_path: Path, quick: Settings) -> Iterator[MemOS]:
    with MemOS.open(tmp_path / "store", settings=quick) as opened:
        yield opened


def lost(mem: MemOS, body: str = FLIPPED, **given: Any) -> str:
    """A memory whose bytes were damaged, and which a repair has put into quarantine."""
    (cube,) = mem.add(SAID, **{"user_id": "z", "source": "file:///z.txt", **given})
    damage(mem, cube.id, body)
    return cube.id


def break_(mem: MemOS, cube_id: str, body: str, version: int | None = None) -> None:
    change = f"UPDATE versions SET body = {body}"  # noqa: S608 - our own words
    with closing(sqlite3.connect(f"{mem._folder}/catalog.db")) as database:
        named = "WHERE cube_id = ? AND version = ifnull(?, version)"
        database.execute(f"{change} {named}", (cube_id, version))
        database.commit()


def damage(mem: MemOS, cube_id: str, body: str, version: int | None = None) -> None:
    break_(mem, cube_id, body, version)
    assert mem.check(repair=True).ok


def left_on_disk(mem: MemOS) -> list[str]:
    """The files in which something of the text can be found."""
    files = [path for path in Path(str(mem._folder)).rglob("*") if path.is_file()]
    return [path.name for path in files if b"spare key under" in path.read_bytes()]


TARGETS: dict[str, Callable[[str], dict[str, Any]]] = {
    "id": lambda cube_id: {"ids": cube_id},
    "user": lambda _: {"user_id": "z"},
    "source": lambda _: {"source": "file:///z.txt"},
    "text": lambda _: {"filters": {"text": {"contains": "spare key"}}},
    "everything": lambda _: {"everything": True},
}


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
@pytest.mark.parametrize("body", [FLIPPED, UNFIT], ids=["flipped", "unfit"])
def test_what_is_in_quarantine_is_forgotten_by_what_can_be_read_of_it(
    mem: MemOS, target: Callable[[str], dict[str, Any]], body: str
) -> None:
    cube_id = lost(mem, body)
    (other,) = mem.add("Bob likes tea.", user_id="bob", source="file:///b.txt")
    if "everything" in target(cube_id):
        mem.forget(other.id)
    assert left_on_disk(mem)
    dry = mem.forget(**target(cube_id), dry_run=True)
    assert [(one.id, one.kind, one.tie) for one in dry.cubes] == [
        (cube_id, Kind.PLAINTEXT, Tie.QUARANTINED)
    ]
    done = mem.forget(**target(cube_id), verify=True)
    assert (done.ids, done.rows["quarantined"]) == ((cube_id,), 1)
    assert done.verified is not None
    assert done.verified.gone
    assert mem.quarantined() == []
    assert left_on_disk(mem) == []
    assert mem.tombstones()[-1].cube_id == cube_id
    assert '"quarantined"' in json.dumps(mem.certificate(str(done.certificate)).body)


@pytest.mark.parametrize("forget", ["delete", "delete_all"])
def test_deleting_reaches_the_quarantine_as_well(mem: MemOS, forget: str) -> None:
    cube_id = lost(mem)
    target = {"id": cube_id} if forget == "delete" else {"user_id": "z"}
    assert getattr(mem, forget)(**target).ids == (cube_id,)
    assert mem.quarantined() == []


def test_it_is_searched_for_what_was_in_quarantine(mem: MemOS) -> None:
    cube_id = lost(mem, CUT)
    Path(f"{mem._folder}/somebody's copy").write_text(SAID, encoding="utf-8")
    done = mem.forget(cube_id, verify=True)
    assert done.verified is not None
    assert "somebody's copy" in done.verified.traces[0]


def test_what_cannot_be_read_is_counted_for_administrators_and_goes_with_everything(
    mem: MemOS,
) -> None:
    cube_id = lost(mem, NOISE)
    assert mem.forget(user_id="z") == mem.forget(user_id="z", dry_run=True).model_copy(
        update={"dry_run": False}
    )
    assert mem.forget(user_id="z").unread == 1
    assert mem.acting("user:z").forget(user_id="z").unread == 0
    assert mem.acting("user:z").forget(everything=True).ids == ()
    with pytest.raises(UnknownCube):
        mem.acting("user:z").forget(cube_id)
    done = mem.forget(everything=True)
    assert [(one.id, one.kind) for one in done.cubes] == [(cube_id, None)]
    assert mem.tombstones()[0].kind == "unknown"
    assert mem.quarantined() == []


def test_in_quarantine_too_one_forgets_only_what_one_may(mem: MemOS) -> None:
    cube_id = lost(mem)
    assert mem.acting("user:bob").forget(everything=True).ids == ()
    with pytest.raises(UnknownCube):
        mem.acting("user:bob").forget(cube_id)
    mem.grant("agent:reader", Right.READ, user_id="z")
    with pytest.raises(UnknownCube):
        mem.acting("agent:reader").forget(cube_id)
    assert mem.acting("user:z").forget(user_id="z").ids == (cube_id,)


def test_what_was_made_from_it_goes_along(mem: MemOS) -> None:
    (cube,) = mem.add(SAID, user_id="z")
    fork = mem.fork(cube.id, into={"user_id": "bob"})
    lora = stored(mem, [cube])
    damage(mem, cube.id, FLIPPED)
    dry = mem.forget(cube.id, dry_run=True)
    assert {(one.id, one.tie, one.because) for one in dry.cubes} == {
        (cube.id, Tie.QUARANTINED, None),
        (lora.id, Tie.QUARANTINED, cube.id),
        (fork.id, Tie.DERIVED, cube.id),
    }
    assert dry.blobs == lora.blobs
    aside = Path(f"{mem._folder}/quarantine/disk-{lora.blobs[0]}")
    assert aside.exists()
    assert set(mem.forget(cube.id).ids) == set(dry.ids)
    assert (mem.get_all(), mem.quarantined()) == ([], [])
    assert not aside.exists()


def test_a_derivation_in_quarantine_goes_with_its_living_source(mem: MemOS) -> None:
    (cube,) = mem.add(SAID, user_id="z")
    kv = mem.transform([cube.id], to=Kind.ACTIVATION)
    damage(mem, kv.id, "replace(body, '\"tokens\":', '\"tokenz\":')")
    dry = mem.forget(cube.id, dry_run=True)
    assert [(one.id, one.tie) for one in dry.cubes] == [
        (cube.id, Tie.ASKED),
        (kv.id, Tie.QUARANTINED),
    ]
    assert mem.forget(cube.id).ids == dry.ids
    assert mem.quarantined() == []


def test_with_everything_go_blobs_whose_row_names_them_no_more(mem: MemOS) -> None:
    (cube,) = mem.add(SAID, user_id="z")
    lora = stored(mem, [cube])
    damage(mem, cube.id, FLIPPED)
    with closing(sqlite3.connect(f"{mem._folder}/catalog.db")) as database:
        database.execute("UPDATE quarantine SET body = 'x' WHERE cube_id = ?", (lora.id,))
        database.commit()
    assert mem.forget(user_id="z").unread == 1
    aside = Path(f"{mem._folder}/quarantine/disk-{lora.blobs[0]}")
    assert aside.exists()
    assert mem.forget(everything=True).ids == (lora.id,)
    assert not aside.exists()


@pytest.mark.parametrize("body", [FLIPPED, UNFIT], ids=["flipped", "unfit"])
def test_a_legal_hold_outlives_the_damage(mem: MemOS, body: str) -> None:
    (cube,) = mem.add(SAID, user_id="z")
    mem.hold(cube.id)
    damage(mem, cube.id, body)
    attempts: list[Callable[[], object]] = [
        lambda: mem.discard(cube.id),
        lambda: mem.forget(cube.id),
        lambda: mem.forget(user_id="z", dry_run=True),
        lambda: mem.forget(everything=True),
    ]
    for attempt in attempts:
        with pytest.raises(LegalHold, match=cube.id):
            attempt()
    assert len(mem.quarantined()) == 2
    with pytest.raises(BadInput):
        mem.discard(cube.id, even_held="no")  # type: ignore[arg-type]
    assert len(mem.discard(cube.id, even_held=True)) == 2
    assert mem.quarantined() == []
    row = [row for row in mem.audit() if row.call == "discard"][-1]
    assert (row.outcome, row.subjects[0]) == ("even held", cube.id)


def test_where_only_the_held_version_is_damaged_the_hold_stands(mem: MemOS) -> None:
    (cube,) = mem.add(SAID, user_id="z")
    mem.hold(cube.id)
    damage(mem, cube.id, FLIPPED, version=2)
    mem.update(cube.id, "Zoe keeps it elsewhere.")
    with pytest.raises(LegalHold, match=cube.id):
        mem.forget(cube.id)
    mem.hold(cube.id)
    mem.release(cube.id)
    assert mem.forget(cube.id).ids == (cube.id,)
    assert mem.quarantined() == []


def test_a_hold_that_was_released_before_the_damage_is_none(mem: MemOS) -> None:
    (cube,) = mem.add(SAID, user_id="z")
    mem.hold(cube.id)
    mem.release(cube.id)
    damage(mem, cube.id, FLIPPED)
    assert len(mem.discard(cube.id)) == 3


def test_to_discard_is_to_forget(mem: MemOS) -> None:
    cube_id = lost(mem)
    mem.discard(cube_id)
    (stone,) = mem.tombstones()
    assert (stone.cube_id, stone.kind) == (cube_id, "plaintext")
    body = mem.certificate(stone.certificate).body
    assert isinstance(body, dict)
    assert body["call"] == "discard"
    assert left_on_disk(mem) == []


def test_a_repair_says_what_it_could_not_mend(mem: MemOS) -> None:
    (cube,) = mem.add(SAID, user_id="z")
    (word,) = mem.add("Bob likes tea.")
    mem._parts.words.drop([word.id])
    break_(mem, cube.id, FLIPPED)
    assert {one.quarantined for one in mem.check().problems} == {False}
    report = mem.check(repair=True)
    assert report.ok
    assert {(one.code, one.repaired, one.quarantined) for one in report.problems} == {
        ("damaged-cube", True, True),
        ("missing-word", True, False),
    }
