"""Trainings survive a kill, and adapters are trained anew when what they were made from changes."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from memos import Kind, MemCube, MemOS, Right, State
from memos.config import TrainingSettings
from memos.errors import BadInput, StaleCube, VersionConflict
from memos.ports.catalog import Change
from memos.ports.journal import Audit
from memos.ports.ledger import Checkpointed, Reason
from memos.testing.derived import adapter, stored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from memos.config import Settings
    from memos.ports.ledger import Training
    from memos.ports.runtime import Saved
    from memos.testing.clock import HandClock

SAID = (
    "Orla Venn lives in Tartu.",
    "Piet Marrow lives in Utrecht.",
    "Ines Quill lives in Braga.",
)
STATE = b"all that going on needs"


@pytest.fixture(scope="module")
def lenient(settings: Settings) -> Settings:
    """An adapter of the tiny model, which knows nothing, passes."""
    training = TrainingSettings(steps=3, required_recall=0, allowed_drift=1e9)
    return settings.model_copy(update={"training": training})


@pytest.fixture
def mem(tmp_path: Path, lenient: Settings) -> Iterator[MemOS]:
    """A store in a folder."""
    with MemOS.open(tmp_path / "store", settings=lenient) as opened:
        yield opened


@pytest.fixture
def texts(mem: MemOS) -> list[MemCube]:
    """Three memories of Alice's."""
    return [mem.add(said, user_id="alice")[0] for said in SAID]


def ids(cubes: list[MemCube]) -> list[str]:
    return [cube.id for cube in cubes]


def trained(mem: MemOS, cubes: list[MemCube], **more: Any) -> MemCube:
    return mem.transform(ids(cubes), to=Kind.PARAMETRIC, **more)


def rows(mem: MemOS) -> list[Training]:
    return mem._parts.ledger.trainings()


def blobs(mem: MemOS) -> set[str]:
    return set(mem._parts.blobs.digests())


def outcomes(mem: MemOS, call: str) -> list[str]:
    """How the rows of a call in the journal end, oldest first."""
    newest = mem._parts.journal.newest(50)
    return [row.audit.outcome for row in newest if row.audit.call == call][::-1]


def meanwhile(mem: MemOS, act: Callable[[Saved], object]) -> None:
    """Let something happen in the midst of the next trainings."""
    runtime: Any = mem._parts.runtime
    train = runtime.train

    def training(*given: Any, saved: Saved, **more: Any) -> Any:
        act(saved)
        return train(*given, saved=None, **more)  # what a test saves is nothing to go on from

    runtime.train = training


def undisturbed(mem: MemOS) -> None:
    """Nothing happens in the midst of trainings any more."""
    runtime: Any = mem._parts.runtime
    del runtime.train


# --- a training that is interrupted -------------------------------------------------------------

KILLED = """
import os, sys
from memos import Kind, MemOS
from memos.config import Settings
from memos.ports.ledger import Checkpointed
mem = MemOS.open(sys.argv[1], settings=Settings.model_validate_json(sys.argv[2]))
where, ids = sys.argv[3], sys.argv[4:]
catalog, runtime = mem._parts.catalog, mem._parts.runtime
commit = catalog.commit
def die():
    os.kill(os.getpid(), 9)
def committing(change):
    if any(isinstance(one, Checkpointed) and one.step == 20 for one in change.also):
        die()
    commit(change)
def training(*given, saved, **more):
    assert saved.load() is None
    saved.save(b"after 10", 10)
    if where == "between":
        catalog.commit = committing
    saved.save(b"after 20", 20)
    assert saved.load() == b"after 20"
    die()
runtime.train = training
mem.transform(ids, to=Kind.PARAMETRIC, title="where they live")
"""


@pytest.mark.parametrize(("where", "step"), [("training", 20), ("between", 10)])
def test_after_kill_9_the_same_call_goes_on_from_what_was_reached(
    mem: MemOS, texts: list[MemCube], tmp_path: Path, lenient: Settings, where: str, step: int
) -> None:
    mem.close()
    folder = tmp_path / "store"
    command = [sys.executable, "-c", KILLED, str(folder), lenient.model_dump_json(), where]
    done = subprocess.run([*command, *ids(texts)], check=False)
    assert done.returncode == -9
    there = [path.name for path in (folder / "blobs").rglob("*") if path.is_file()]
    assert len(there) == (1 if where == "training" else 2)
    with MemOS.open(folder, settings=lenient) as again:
        (owed,) = again.owed_trainings()
        assert (owed.reason, owed.step, owed.steps) == (Reason.ASKED, step, 3)
        assert list(owed.sources) == ids(texts)
        assert blobs(again) == {rows(again)[0].checkpoint}
        assert again.check().problems == ()
        loaded: list[bytes | None] = []
        meanwhile(again, lambda saved: loaded.append(saved.load()))
        lora = trained(again, texts)
        assert loaded == [f"after {step}".encode()]
        assert lora.header.title == "where they live"
        assert again.owed_trainings() == ()
        assert blobs(again) == set(lora.blobs)
        assert again.check().problems == ()
        assert outcomes(again, "transform")[-1] == "ok"


KILLED_AT_WORK = """
import os, sys
from datetime import timedelta
from memos import Kind, MemOS
from memos.config import Settings
from memos.life import training
training._EVERY = timedelta(0)
mem = MemOS.open(sys.argv[1], settings=Settings.model_validate_json(sys.argv[2]))
def progress(what, done, total):
    if (what, done) == ("training", 2):
        os.kill(os.getpid(), 9)
mem.transform(sys.argv[3:], to=Kind.PARAMETRIC, progress=progress)
"""


def test_weights_are_the_same_whether_a_training_was_killed_or_not(
    mem: MemOS, texts: list[MemCube], tmp_path: Path, lenient: Settings
) -> None:
    whole = trained(mem, texts)
    mem.close()
    folder = tmp_path / "store"
    command = [sys.executable, "-c", KILLED_AT_WORK, str(folder), lenient.model_dump_json()]
    assert subprocess.run([*command, *ids(texts)], check=False).returncode == -9
    with MemOS.open(folder, settings=lenient) as again:
        assert again.owed_trainings()[0].step == 2
        steps: list[int] = []

        def told(what: str, done: int, _total: int) -> None:
            steps.extend([done] if what == "training" else [])

        lora = trained(again, texts, progress=told)
        assert steps[0] == 2
        assert lora.id != whole.id
        assert lora.blobs == whole.blobs
        assert again.check().problems == ()


def test_what_cannot_be_gone_on_from_is_dropped_and_the_training_begins_anew(
    mem: MemOS, texts: list[MemCube]
) -> None:
    interrupt(mem, texts)  # its state is none that the runtime has written
    lora = trained(mem, texts)
    assert blobs(mem) == set(lora.blobs)
    assert outcomes(mem, "transform")[-2:] == ["begun anew", "ok"]


def test_what_is_reached_is_kept_when_a_kill_would_cost_much(
    timed: MemOS, clock: HandClock
) -> None:
    (text,) = timed.add(SAID[0], user_id="alice")
    due: list[bool] = []

    def wait(saved: Saved) -> None:
        for seconds in (1, 60, 1):
            clock.advance(seconds)
            due.append(saved.due())
            if saved.due():
                saved.save(STATE, 1)
        raise Interrupted

    meanwhile(timed, wait)
    with pytest.raises(Interrupted):
        trained(timed, [text])
    assert due == [False, True, False]


def test_retrain_goes_on_as_well(mem: MemOS, texts: list[MemCube]) -> None:
    interrupt(mem, texts, title="towns")
    loaded: list[bytes | None] = []
    meanwhile(mem, lambda saved: loaded.append(saved.load()))
    (lora,) = mem.retrain(user_id="alice")
    assert loaded == [STATE]
    assert (lora.header.title, lora.state) == ("towns", State.ACTIVATED)
    assert [parent.id for parent in lora.provenance.parents] == ids(texts)
    assert rows(mem) == []
    assert blobs(mem) == set(lora.blobs)
    assert mem.retrain() == ()


class Interrupted(BaseException):
    """As Ctrl-C ends a training."""


def interrupt(mem: MemOS, cubes: list[MemCube], **more: Any) -> Training:
    """Begin to train, and stop after something was saved."""

    def stop(saved: Saved) -> None:
        saved.save(STATE, 30)
        raise Interrupted

    meanwhile(mem, stop)
    with pytest.raises(Interrupted):
        trained(mem, cubes, **more)
    undisturbed(mem)
    (training,) = [one for one in rows(mem) if one.checkpoint]
    return training


def test_a_checkpoint_takes_the_place_of_the_one_before(mem: MemOS, texts: list[MemCube]) -> None:
    seen: list[set[str]] = []

    def save(saved: Saved) -> None:
        for step in range(1, 4):
            saved.save(STATE, step)  # the same state, and yet another blob
            seen.append(blobs(mem))

    meanwhile(mem, save)
    lora = trained(mem, texts)
    assert [len(each) for each in seen] == [1, 1, 1]
    assert len(set.union(*seen)) == 3
    assert blobs(mem) == set(lora.blobs)
    assert mem.stats().pending == 0
    expected = ["begun", "checkpoint", "checkpoint", "checkpoint", "ok"]
    assert outcomes(mem, "transform") == expected


def test_what_is_to_be_learnt_otherwise_begins_anew(mem: MemOS, texts: list[MemCube]) -> None:
    before = interrupt(mem, texts)
    loaded: list[bytes | None] = []
    meanwhile(mem, lambda saved: loaded.append(saved.load()))
    trained(mem, texts[:2])  # of other cubes: the first is owed further
    assert [one.id for one in rows(mem)] == [before.id]
    mem.update(texts[0].id, "Orla Venn lives in Narva.")
    lora = trained(mem, texts)
    assert loaded == [None, None]
    assert rows(mem) == []
    assert blobs(mem) == {digest for cube in mem.get_all() for digest in cube.blobs}
    assert lora.provenance.parents[0].version == 2


def test_a_training_that_its_caller_is_told_has_failed_is_not_owed(
    mem: MemOS, texts: list[MemCube]
) -> None:
    meanwhile(mem, lambda _: mem.update(texts[0].id, "Orla Venn lives in Narva."))
    with pytest.raises(VersionConflict):
        trained(mem, texts)
    (idle,) = mem.add("Hm.", user_id="alice")
    with pytest.raises(BadInput, match="nothing can be learned"):
        trained(mem, [idle])
    assert rows(mem) == []
    assert mem.check(repair=True).ok
    assert blobs(mem) == set()


def test_a_training_ends_when_it_would_save_what_it_was_not_to_learn(
    mem: MemOS, texts: list[MemCube]
) -> None:
    tried = []

    def forgotten(saved: Saved) -> None:
        saved.save(STATE, 1)
        mem.forget(texts[0].id)
        assert blobs(mem) == set()
        assert saved.load() is None
        tried.append(saved)
        saved.save(b"of what is forgotten", 2)
        raise AssertionError("it was saved")

    meanwhile(mem, forgotten)
    with pytest.raises(VersionConflict):
        trained(mem, texts, title="Orla and others")
    assert tried
    assert blobs(mem) == set()
    (owed,) = mem.owed_trainings()
    assert (owed.reason, owed.step, owed.title) == (Reason.FORGOTTEN, None, None)
    assert list(owed.sources) == ids(texts[1:])
    undisturbed(mem)
    (lora,) = mem.retrain()
    assert [parent.id for parent in lora.provenance.parents] == ids(texts[1:])
    assert mem.check().problems == ()


def test_a_damaged_checkpoint_costs_time_alone(mem: MemOS, texts: list[MemCube]) -> None:
    training = interrupt(mem, texts)
    (path,) = [one for one in (mem._parts.grounds[0] / "blobs").rglob("*") if one.is_file()]
    path.chmod(0o600)
    path.write_bytes(b"something else")
    (problem,) = mem.check().problems
    assert (problem.code, problem.subject) == ("damaged-checkpoint", training.checkpoint)
    loaded: list[bytes | None] = []
    meanwhile(mem, lambda saved: loaded.append(saved.load()))
    assert mem.check(repair=True).ok
    assert mem.check().problems == ()
    assert mem.owed_trainings()[0].step is None
    assert len(mem.retrain()) == 1
    assert loaded == [None]


def test_a_blob_that_no_training_names_and_one_of_nothing_are_found(
    mem: MemOS, texts: list[MemCube]
) -> None:
    training = interrupt(mem, texts)
    mem._parts.blobs.put(b"a checkpoint whose row was not written")
    entry = Checkpointed(training.id, training.key, training.checkpoint, 31)
    audit = Audit(mem._parts.clock.now(), "test", "test", texts[0].scope, ())
    mem._parts.catalog.commit(Change(audit=audit, also=(entry,)))
    assert [one.code for one in mem.check(repair=True).problems] == ["orphan-blob"]
    engine = mem._parts.catalog._engine  # type: ignore[attr-defined]
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE trainings SET parents = replace(parents, ?, ?)", (texts[0].id, "0" * 36)
        )
    assert [one.code for one in mem.check(repair=True).problems] == ["training-of-nothing"]
    assert mem.check().problems == ()
    assert list(mem.owed_trainings()[0].sources) == ids(texts[1:])
    assert blobs(mem) == set()


# --- sources that change ------------------------------------------------------------------------


def test_a_revised_source_is_learnt_anew_and_the_old_adapter_put_away(
    mem: MemOS, texts: list[MemCube]
) -> None:
    old = trained(mem, texts)
    assert mem.owed_trainings() == ()
    mem.update(texts[0].id, "Orla Venn lives in Narva.")
    with pytest.raises(StaleCube):
        mem.chat("Where?", memories=[old.id])
    (owed,) = mem.owed_trainings()
    assert (owed.id, owed.replaces, owed.reason) == (old.id, old.id, Reason.REVISED)
    assert list(owed.sources) == ids(texts)
    (new,) = mem.retrain()
    assert [(one.id, one.version) for one in new.provenance.parents] == [
        (texts[0].id, 2),
        (texts[1].id, 1),
        (texts[2].id, 1),
    ]
    assert (new.state, mem.get(old.id).state) == (State.ACTIVATED, State.ARCHIVED)
    assert mem.chat("Where?", memories=[new.id], max_tokens=2).tokens > 0
    assert (mem.owed_trainings(), mem.retrain()) == ((), ())
    assert mem.check().problems == ()


def test_one_that_was_put_away_or_learnt_anew_by_hand_is_not_owed(
    mem: MemOS, texts: list[MemCube]
) -> None:
    away, again = stored(mem, texts[:2]), stored(mem, texts[1:])
    mem.update(texts[1].id, "Piet Marrow lives in Delft.")
    assert {one.id for one in mem.owed_trainings()} == {away.id, again.id}
    mem.archive(away.id)
    trained(mem, [mem.get(one.id) for one in texts[1:]])
    assert mem.owed_trainings() == ()


def test_an_interrupted_rebuilding_is_owed_once_and_goes_on(
    mem: MemOS, texts: list[MemCube]
) -> None:
    old = stored(mem, texts)
    mem.update(texts[0].id, "Orla Venn lives in Narva.")

    def stop(saved: Saved) -> None:
        saved.save(STATE, 30)
        raise Interrupted

    meanwhile(mem, stop)
    with pytest.raises(Interrupted):
        mem.retrain()
    undisturbed(mem)
    (owed,) = mem.owed_trainings()
    assert (owed.id, owed.step) == (old.id, 30)
    loaded: list[bytes | None] = []
    meanwhile(mem, lambda saved: loaded.append(saved.load()))
    assert len(mem.retrain()) == 1
    assert loaded == [STATE]
    assert mem.get(old.id).state is State.ARCHIVED
    assert mem.owed_trainings() == ()


def test_a_source_that_changes_while_it_is_learnt_anew_is_owed_further(
    mem: MemOS, texts: list[MemCube]
) -> None:
    first, second = stored(mem, texts[:1]), stored(mem, texts[1:])
    for cube in texts[:2]:
        mem.update(cube.id, f"{cube.text[:-1]} now.")
    times = iter(range(9))

    def revise(_: Saved) -> None:
        if next(times) == 0:
            mem.update(texts[0].id, "Orla Venn lives in Narva.")

    meanwhile(mem, revise)
    (made,) = mem.retrain()
    assert [parent.id for parent in made.provenance.parents] == ids(texts[1:])
    assert mem.get(second.id).state is State.ARCHIVED
    assert [one.id for one in mem.owed_trainings()] == [first.id]
    assert "VersionConflict" in outcomes(mem, "retrain")
    assert len(mem.retrain()) == 1
    assert mem.owed_trainings() == ()


def test_the_oldest_come_first_and_at_most_so_many(mem: MemOS, texts: list[MemCube]) -> None:
    made = [stored(mem, [cube]) for cube in texts]
    for place in (2, 0):
        mem.update(texts[place].id, f"{texts[place].text[:-1]} now.")
    assert [one.id for one in mem.owed_trainings()] == [made[2].id, made[0].id]
    (new,) = mem.retrain(limit=1)
    assert new.provenance.parents[0].id == texts[2].id
    assert [one.id for one in mem.owed_trainings()] == [made[0].id]
    for limit in (0, -1, True, "1"):
        with pytest.raises(BadInput, match="limit"):
            mem.retrain(limit=limit)  # type: ignore[arg-type]


def test_what_has_expired_is_left_out_and_where_nothing_is_left_nothing_is_owed(
    mem: MemOS, texts: list[MemCube]
) -> None:
    some, all_gone, dull = stored(mem, texts[:2]), stored(mem, texts[:1]), stored(mem, texts[2:])
    mem.update(texts[0].id, "Orla Venn lives in Narva.")
    mem.update(texts[2].id, "Hm.")
    mem.expire(texts[0].id)
    owed = {one.id: list(one.sources) for one in mem.owed_trainings()}
    assert owed == {some.id: ids(texts[1:2]), all_gone.id: [], dull.id: ids(texts[2:])}
    (new,) = mem.retrain()
    assert [parent.id for parent in new.provenance.parents] == ids(texts[1:2])
    assert {mem.get(one.id).state for one in (some, all_gone, dull)} == {State.ARCHIVED}
    assert mem.owed_trainings() == ()
    assert outcomes(mem, "retrain").count("nothing to learn") == 2


def test_an_adapter_that_a_source_took_along_is_owed_without_it(
    mem: MemOS, texts: list[MemCube]
) -> None:
    old = stored(mem, texts)
    stored(mem, texts[:1])  # nothing is left of it
    mem.archive(stored(mem, texts).id)
    mem.forget(texts[0].id, verify=True)
    (owed,) = mem.owed_trainings()
    assert (owed.id, owed.replaces, owed.reason) == (old.id, None, Reason.FORGOTTEN)
    assert list(owed.sources) == ids(texts[1:])
    (new,) = mem.retrain()
    assert [parent.id for parent in new.provenance.parents] == ids(texts[1:])
    assert mem.owed_trainings() == ()
    assert mem.check().problems == ()


def test_an_adapter_that_is_forgotten_itself_is_not_owed(mem: MemOS, texts: list[MemCube]) -> None:
    mem.forget(stored(mem, texts).id)
    assert rows(mem) == []
    old = stored(mem, texts)
    mem.forget([old.id, texts[0].id])
    assert rows(mem) == []
    stale = stored(mem, texts[1:])
    mem.update(texts[1].id, "Piet Marrow lives in Delft.")
    meanwhile(mem, lambda saved: (_ for _ in ()).throw(Interrupted))
    with pytest.raises(Interrupted):
        mem.retrain()
    assert [one.replaces for one in rows(mem)] == [stale.id]
    mem.forget(stale.id)
    assert rows(mem) == []


def test_a_failed_adapter_is_not_owed_anew_when_a_source_is_revised(
    mem: MemOS, texts: list[MemCube]
) -> None:
    def unfit(*given: Any, **more: Any) -> tuple[MemCube, bytes]:
        cube, content = adapter(*given, **more, passed=False)
        life = cube.header.life.model_copy(update={"state": State.GENERATED})
        return cube.model_copy(
            update={"header": cube.header.model_copy(update={"life": life})}
        ), content

    stored(mem, texts, unfit)
    mem.update(texts[0].id, "Orla Venn lives in Narva.")
    assert mem.owed_trainings() == ()


# --- who may ------------------------------------------------------------------------------------


def test_a_rebuilding_takes_the_right_to_all_of_it(mem: MemOS, texts: list[MemCube]) -> None:
    old = stored(mem, texts)
    mem.update(texts[0].id, "Orla Venn lives in Narva.")
    mem.grant("agent:writer", Right.WRITE, user_id="alice")
    mem.grant("agent:partly", Right.WRITE, user_id="alice")
    mem.grant("agent:partly", Right.READ, id=texts[0].id)
    for who in ("agent:writer", "agent:partly", "agent:nobody", "user:bob"):
        me = mem.acting(who)
        assert (me.owed_trainings(), me.retrain()) == ((), ())
    assert mem.get(old.id) == old
    mem.classify(texts[1].id, "secret")
    mem.grant("agent:planner", [Right.READ, Right.WRITE], user_id="alice")
    assert mem.acting("agent:planner").owed_trainings() == ()  # it would see one redacted
    (new,) = mem.acting("user:alice").retrain()
    assert new.provenance.actor == "user:alice"
    assert new.header.governance.sensitivity == "secret"


def test_what_somebody_asked_for_is_made_only_of_what_they_may_still_read(
    mem: MemOS, texts: list[MemCube]
) -> None:
    mem.grant("agent:planner", Right.WRITE, user_id="alice")
    for cube in texts:
        mem.grant("agent:planner", Right.READ, id=cube.id)
    planner: Any = mem.acting("agent:planner")
    interrupt(planner, texts)
    number = next(one.number for one in mem.grants("agent:planner") if one.cube_id == texts[0].id)
    mem.revoke(number)
    (owed,) = mem.owed_trainings()
    assert list(owed.sources) == ids(texts[1:])
    (new,) = mem.retrain()
    assert [parent.id for parent in new.provenance.parents] == ids(texts[1:])


# --- copies of a store --------------------------------------------------------------------------


def test_a_backup_brings_what_is_owed_and_not_what_was_reached(
    mem: MemOS, texts: list[MemCube], tmp_path: Path, lenient: Settings
) -> None:
    interrupt(mem, texts)
    assert mem.backup(tmp_path / "copy").blobs == 0
    assert rows(mem)[0].step == 30
    MemOS.restore_backup(tmp_path / "copy", tmp_path / "again", settings=lenient)
    with MemOS.open(tmp_path / "again", settings=lenient) as again:
        (owed,) = again.owed_trainings()
        assert (list(owed.sources), owed.step) == (ids(texts), None)
        assert again.check().problems == ()
        assert len(again.retrain()) == 1
