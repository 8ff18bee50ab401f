"""Every call x everybody x every scope: who may, who may not, and what the journal says of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from memos import Kind, MemOS, Right
from memos.cube import Parent, Scope
from memos.errors import Forbidden, MemosError, NotFound, UnknownCube
from memos.kernel import Kernel
from memos.kernel.view import View
from memos.ports.catalog import Change, Selection
from memos.ports.journal import Audit
from memos.ports.ledger import Grant, Installed, Training

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from memos.config import Settings
    from memos.ports.journal import Sealed

READ, WRITE, SHARE, FORGET, ADMINISTER = Right
NO_CALLS = {"acting", "close", "inspect"}
"""What makes and ends a handle, or looks into a file, and touches no memory."""
LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)
BOUNDS = (None, "alice", "bob")
"""The user that a handle is bound to."""
ALICE = Scope(user_id="alice")


# --- who: what each of them holds, said once more, without the code that decides it -------------


@dataclass(frozen=True)
class Who:
    """Somebody, and what they hold of Alice's memories."""

    name: str
    rights: frozenset[Right] = frozenset()
    """That they hold on Alice's cube."""
    all_of_hers: bool = False
    """Whether they hold these rights in all of her scope, or only on some cubes."""
    whole_store: bool = False

    def may(self, right: Right, where: str, bound: str | None) -> bool:
        """Whether they may do it to ``where``, through a handle that is bound to a user."""
        if where == "store":
            return self.whole_store and bound is None
        if bound == "bob":
            return False
        held = right in self.rights or ADMINISTER in self.rights
        return held and (where == "cube" or self.all_of_hers)


GIVEN = [frozenset({right}) for right in Right] + [
    frozenset({READ, right}) for right in (WRITE, SHARE, FORGET)
]
WAYS = ("cube", "scope", "label")


def agent(way: str, rights: frozenset[Right]) -> str:
    return f"agent:{'-'.join(sorted(rights))}-on-{way}"


EVERYONE = [
    Who("service:application", frozenset(Right), all_of_hers=True, whole_store=True),
    Who("user:alice", frozenset(Right) - {ADMINISTER}, all_of_hers=True),
    Who("user:bob"),
    Who("agent:nobody"),
    Who("agent:expired"),
    Who("service:administrator", frozenset({ADMINISTER}), all_of_hers=True, whole_store=True),
    *(Who(agent(way, held), held, all_of_hers=way == "scope") for way in WAYS for held in GIVEN),
]
A_FEW = EVERYONE[:6] + [
    who
    for who in EVERYONE
    if who.name
    in {
        "agent:read-on-cube",
        "agent:write-on-cube",
        "agent:read-on-label",
        "agent:read-write-on-scope",
    }
]


# --- what: one line a call ----------------------------------------------------------------------


STATE = text(
    "SELECT (SELECT group_concat(body) FROM versions), (SELECT group_concat(number) FROM grants), "
    "(SELECT group_concat(source || target) FROM edges), (SELECT count(*) FROM outbox), "
    "(SELECT group_concat(id) FROM word_entries), (SELECT count(*) FROM receipts), "
    "(SELECT count(*) FROM tombstones), (SELECT count(*) FROM certificates), "
    "(SELECT count(*) FROM snapshots), (SELECT count(*) FROM installed), "
    "(SELECT group_concat(id || key) FROM trainings)"
)


def installed(namespace: str, cube_id: str) -> Installed:
    return Installed(
        namespace=namespace,
        owner="user:alice",
        scope=ALICE,
        bundle="0" * 64,
        name="a bundle",
        version="1",
        licence=None,
        signer=None,
        at=LONG_AGO,
        by="user:alice",
        cubes=((cube_id, cube_id),),
    )


class World:
    """A store, one cube of Alice's, and everything that a call may name."""

    def __init__(self, root: MemOS, folder: Path) -> None:
        self.root = root
        self.folder = folder
        self.bundle = folder / "bundle.memos"
        self._catalog, self._ledger = root._parts.catalog, root._parts.ledger
        self._engine = self._catalog._engine  # type: ignore[attr-defined]
        self._numbers = count()
        gone = root.add("forgotten", user_id="alice")[0].id
        self.certificate = str(root.forget(gone).certificate)
        self.give({"service:administrator": [ADMINISTER]})
        self.give({"agent:expired": Right}, scope=ALICE, expires_at=LONG_AGO)
        self.give({agent("scope", held): held for held in GIVEN}, scope=ALICE)
        self.give({agent("label", held): held for held in GIVEN}, scope=ALICE, label="work")
        self.renew()

    def give(self, whom: Mapping[str, Iterable[Right]], **target: Any) -> None:
        """Grants, written as the ledger has them: the calls that write them are being tested."""
        made = [
            Grant(who, right, "test", LONG_AGO, **target) for who in whom for right in whom[who]
        ]
        self.write(also=tuple(made))

    def write(self, **change: Any) -> None:
        """A change that no call has made."""
        audit = Audit(self.root._parts.clock.now(), "test", "test", Scope(), ())
        self._catalog.commit(Change(audit=audit, **change))

    def renew(self) -> None:
        """Alice's cube as no call has touched it."""
        self.write(forget=tuple(self._catalog.ids(Selection())))
        self.root._index.drain()
        said = f"Alice said {next(self._numbers)}."
        (self.cube,) = self.root.add(said, user_id="alice", labels=["work"])
        whom = {agent("cube", held): held for held in GIVEN} | {"agent:victim": frozenset({READ})}
        self.give(whom, cube_id=self.cube.id)
        self.grant = self._ledger.grants("agent:victim")[-1]
        self.write(also=(installed("acme", self.cube.id),))
        self.root.export_to(self.bundle)
        self.now = self.root._parts.clock.now()
        self.state = self.read()

    def name(self) -> str:
        """One that was not given before."""
        return f"name {next(self._numbers)}"

    def read(self) -> object:
        """All there is, less the journal."""
        with self._engine.connect() as connection:
            return connection.execute(STATE).one()

    @property
    def only(self) -> dict[str, Any]:
        """A filter that admits the cube alone."""
        return {"text": self.cube.text}

    @property
    def newest(self) -> Sealed:
        """The last row of the journal."""
        return self.root._parts.journal.newest(1)[0]


@dataclass(frozen=True)
class Row:
    """One way to use a call."""

    call: str
    needs: tuple[tuple[str, Right], ...]
    """Rights on ``cube``, ``scope`` (all of Alice's), or ``store``, in the order of asking;
    on ``found``: wherever the cube is found at all; on ``hidden``: what hangs on the cube; on
    ``record``: what was forgotten; on ``bundle``: all that a file may hold."""
    do: Callable[[MemOS, World], Any]
    finds: Right | None = None
    """The right without which the answer has no trace of the cube."""
    shows: Callable[[Any, World], bool] = lambda answer, world: world.cube.id in repr(answer)
    called: str = ""
    """Its name in the journal, where that is another."""
    ends: str = "ok"
    """In what it ends where it is allowed."""
    rows: int = 1
    """How many rows it leaves in the journal."""
    dear: bool = False
    """Whether it takes long: then only a few play it."""


CHANGES = (("cube", READ), ("cube", WRITE))
RULES = (("cube", READ), ("cube", ADMINISTER))
ROWS = [
    Row("add", (("scope", WRITE),), lambda mem, w: mem.add("new", user_id="alice")),
    Row(
        "ingest",
        (("scope", WRITE),),
        lambda mem, w: mem.ingest([{"role": "user", "content": w.name()}], user_id="alice"),
    ),
    Row("search", (), lambda mem, w: mem.search(w.cube.text), finds=READ),
    Row("context", (), lambda mem, w: mem.context(w.cube.text), finds=READ),
    Row("get", (("cube", READ),), lambda mem, w: mem.get(w.cube.id)),
    Row("get", (("cube", READ),), lambda mem, w: mem.get(w.cube.id, version=1)),
    Row("get_all", (), lambda mem, w: mem.get_all(), finds=READ),
    Row("history", (("cube", READ),), lambda mem, w: mem.history(w.cube.id)),
    Row("lineage", (("cube", READ),), lambda mem, w: mem.lineage(w.cube.id)),
    Row("links", (("cube", READ),), lambda mem, w: mem.links(w.cube.id)),
    Row(
        "supersede",
        (("cube", READ), ("cube", WRITE), ("scope", WRITE)),
        lambda mem, w: mem.supersede(w.cube.id, "new"),
    ),
    Row("update", (("cube", READ), ("cube", WRITE)), lambda mem, w: mem.update(w.cube.id, "new")),
    Row("delete", (("cube", READ), ("cube", FORGET)), lambda mem, w: mem.delete(w.cube.id)),
    Row("delete_all", (("found", FORGET),), lambda mem, w: mem.delete_all(filters=w.only), READ),
    Row("forget", (("cube", READ), ("cube", FORGET)), lambda mem, w: mem.forget(w.cube.id)),
    Row(
        "forget",
        (("cube", READ), ("cube", FORGET)),
        lambda mem, w: mem.forget(w.cube.id, dry_run=True),
    ),
    Row("forget", (("found", FORGET),), lambda mem, w: mem.forget(filters=w.only), finds=READ),
    Row(
        "search",
        (),
        lambda mem, w: mem.search(w.cube.text, rewrite="auto", rerank="none"),
        finds=READ,
    ),
    Row(
        "extract",
        (("cube", READ), ("scope", WRITE)),
        lambda mem, w: mem.extract([w.cube.id], by="rules"),
    ),
    Row(
        "transform",
        (("cube", READ), ("scope", WRITE)),
        lambda mem, w: mem.transform([w.cube.id], to=Kind.ACTIVATION),
        dear=True,
    ),
    Row(
        "transform",
        (("cube", READ), ("scope", WRITE)),
        lambda mem, w: mem.transform([w.cube.id], to=Kind.PLAINTEXT),
        ends="NotSupported",
    ),
    Row("chat", (), lambda mem, w: mem.chat(w.cube.text, max_tokens=1), finds=READ, dear=True),
    Row(
        "chat",
        (("cube", READ),),
        lambda mem, w: mem.chat("?", memories=[w.cube.id], weights="routed", max_tokens=1),
        dear=True,
    ),
    Row(
        "chat",
        (("cube", READ),),
        lambda mem, w: mem.chat("?", memories=[w.cube.id], max_tokens=1),
        dear=True,
    ),
    Row(
        "grant",
        (("cube", READ), ("cube", SHARE)),
        lambda mem, w: mem.grant("agent:new", READ, id=w.cube.id),
    ),
    Row(
        "grant",
        (("scope", SHARE), ("scope", FORGET)),
        lambda mem, w: mem.grant("agent:new", FORGET, user_id="alice"),
    ),
    Row(
        "grants",
        (),
        lambda mem, w: mem.grants("agent:victim"),
        finds=SHARE,
    ),
    Row("revoke", (("hidden", SHARE),), lambda mem, w: mem.revoke(w.grant.number)),
    Row(
        "export_to",
        (("found", SHARE), ("hidden", READ)),
        lambda mem, w: mem.export_to(w.folder / "out", filters=w.only),
        finds=READ,
        shows=lambda answer, world: answer == 1,
        called="export",
    ),
    Row(
        "import_from",
        (("bundle", WRITE),),
        lambda mem, w: mem.import_from(w.bundle),
        called="import",
    ),
    Row("certificate", (("record", ADMINISTER),), lambda mem, w: mem.certificate(w.certificate)),
    Row(
        "install",
        (("scope", WRITE), ("scope", READ)),
        lambda mem, w: mem.install(w.bundle, w.name()[5:], dry_run=True, user_id="alice"),
    ),
    Row(
        "installed",
        (),
        lambda mem, w: mem.installed(),
        finds=READ,
        shows=lambda answer, _: "acme" in repr(answer),
    ),
    Row(
        "uninstall",
        (("hidden", READ), ("cube", FORGET)),
        lambda mem, w: mem.uninstall(
            "acme", dry_run=True, user_id=mem._gate.bound.user_id or "alice"
        ),
    ),
    Row("fork", (("cube", READ), ("scope", WRITE)), lambda mem, w: mem.fork(w.cube.id)),
    Row("restore", CHANGES, lambda mem, w: mem.restore(w.cube.id, 1)),
    Row(
        "merge",
        (*CHANGES, ("scope", WRITE)),
        lambda mem, w: mem.merge([w.cube.id], "one of many"),
        ends="BadInput",
    ),
    Row("archive", CHANGES, lambda mem, w: mem.archive(w.cube.id)),
    Row("activate", CHANGES, lambda mem, w: mem.activate(w.cube.id), ends="IllegalTransition"),
    Row("freeze", CHANGES, lambda mem, w: mem.freeze(w.cube.id)),
    Row("thaw", CHANGES, lambda mem, w: mem.thaw(w.cube.id), ends="IllegalTransition"),
    Row("expire", CHANGES, lambda mem, w: mem.expire(w.cube.id)),
    Row("set_expiry", CHANGES, lambda mem, w: mem.set_expiry(w.cube.id, ttl_seconds=9999)),
    Row("classify", CHANGES, lambda mem, w: mem.classify(w.cube.id, "confidential")),
    Row("relabel", CHANGES, lambda mem, w: mem.relabel(w.cube.id, ["work", "new"])),
    Row("hold", RULES, lambda mem, w: mem.hold(w.cube.id)),
    Row("release", RULES, lambda mem, w: mem.release(w.cube.id)),
    Row("at", (), lambda mem, w: mem.at(w.now)),
    Row("at.search", (), lambda mem, w: mem.at(w.now).search(w.cube.text), finds=READ, rows=2),
    Row("at.get", (("cube", READ),), lambda mem, w: mem.at(w.now).get(w.cube.id), rows=2),
    Row("at.get_all", (), lambda mem, w: mem.at(w.now).get_all(), finds=READ, rows=2),
    Row("at.history", (("cube", READ),), lambda mem, w: mem.at(w.now).history(w.cube.id), rows=2),
    Row("snapshots", (), lambda mem, w: mem.snapshots()),
    *(
        Row(name, (("store", ADMINISTER),), do)
        for name, do in {
            "stats": lambda mem, w: mem.stats(),
            "check": lambda mem, w: mem.check(),
            "audit": lambda mem, w: mem.audit(),
            "verify_audit": lambda mem, w: mem.verify_audit(),
            "export_audit": lambda mem, w: mem.export_audit(w.folder / "audit"),
            "tombstones": lambda mem, w: mem.tombstones(),
            "certificates": lambda mem, w: mem.certificates(),
            "sweep": lambda mem, w: mem.sweep(),
            "snapshot": lambda mem, w: mem.snapshot(w.name()),
            "quarantined": lambda mem, w: mem.quarantined(),
            "reindex": lambda mem, w: mem.reindex(),
        }.items()
    ),
    Row(
        "backup",
        (("store", ADMINISTER),),
        lambda mem, w: mem.backup(w.folder / w.name()),
        ends="NotSupported",
    ),
    Row(
        "discard",
        (("store", ADMINISTER),),
        lambda mem, w: mem.discard(w.cube.id),
        ends="NotFound",
    ),
    Row("owed_trainings", (), lambda mem, w: mem.owed_trainings()),
    Row("retrain", (), lambda mem, w: mem.retrain()),
    Row("kv_cubes", (), lambda mem, w: mem.kv_cubes()),
    Row("kv_places", (("store", ADMINISTER),), lambda mem, w: mem.kv_places()),
    Row("verify_kv", (("store", ADMINISTER),), lambda mem, w: mem.verify_kv()),
    Row("warm", (("cube", READ),), lambda mem, w: mem.warm([w.cube.id]), ends="WrongKind"),
    Row("cool", CHANGES, lambda mem, w: mem.cool([w.cube.id]), ends="WrongKind"),
    Row("lora_cubes", (), lambda mem, w: mem.lora_cubes()),
    Row("route", (), lambda mem, w: mem.route(w.cube.text)),
    Row("chat_many", (), lambda mem, w: mem.chat_many([w.cube.text], max_tokens=1), dear=True),
    Row("evaluate", CHANGES, lambda mem, w: mem.evaluate(w.cube.id), ends="WrongKind"),
    Row("recite", (("cube", READ),), lambda mem, w: mem.recite(w.cube.id), ends="WrongKind"),
    Row(
        "merge_weights",
        (("cube", READ),),
        lambda mem, w: mem.merge_weights(w.cube.id, w.folder / w.name()),
        ends="WrongKind",
    ),
    Row("where", (("cube", READ),), lambda mem, w: mem.where(w.cube.id)),
    Row("move", CHANGES, lambda mem, w: mem.move(w.cube.id, to="disk"), ends="WrongKind"),
    Row(
        "drop_snapshot",
        (("store", ADMINISTER),),
        lambda mem, w: mem.drop_snapshot("none of this name"),
        ends="NotFound",
    ),
]


def expected(row: Row, who: Who, bound: str | None) -> type[MemosError] | None:
    """The error that the call must end in; None where it is allowed."""
    for where, right in row.needs:
        error = lacking(where, right, who, bound)
        if error is not None:
            return error
    return None


def lacking(where: str, right: Right, who: Who, bound: str | None) -> type[MemosError] | None:
    held = who.may(right, "cube" if where in {"hidden", "found"} else where, bound)
    if where == "record":  # the application has made it
        held = who.name == EVERYONE[0].name or who.may(right, "store", bound)
    if where == "bundle":  # it holds Alice's
        held = who.may(right, "scope", bound)
    if where == "found":  # what one may not read is not found, and so not missed
        held = held or not who.may(READ, "cube", bound)
    if held:
        return None
    if where in {"hidden", "record"}:
        return NotFound
    unseen = where == "cube" and (right is READ or bound == "bob")
    return UnknownCube if unseen else Forbidden


def test_the_matrix_knows_every_call() -> None:
    public = {name for name in dir(Kernel) if not name.startswith("_")}
    past = {f"at.{name}" for name in dir(View) if not name.startswith("_")}
    assert {row.call for row in ROWS} == public - NO_CALLS | past


@pytest.fixture(scope="module")
def world(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with MemOS.open(None, settings=settings) as root:
        yield World(root, tmp_path_factory.mktemp("matrix"))


@pytest.mark.parametrize("row", ROWS, ids=[f"{row.call}-{at}" for at, row in enumerate(ROWS)])
def test_a_call_does_what_the_rights_allow_and_no_more(world: World, row: Row) -> None:
    for who in A_FEW if row.dear else EVERYONE:
        for bound in BOUNDS:
            played(world, row, who, bound)


def played(world: World, row: Row, who: Who, bound: str | None) -> None:
    """One call, by one principal, in one scope: its outcome, its traces, and its row."""
    case = f"{row.call} by {who.name} bound to {bound}"
    error = expected(row, who, bound)
    told = row.finds is not None and error is None and who.may(row.finds, "cube", bound)
    before = world.newest.number
    outcome, answer = outcome_of(row, world.root.acting(who.name, user_id=bound), world)
    done = world.newest
    assert outcome == (row.ends if error is None else error.__name__), case
    if row.finds is not None and error is None:
        assert row.shows(answer, world) == told, case
    assert done.number == before + row.rows, case
    recorded(row, who, done.audit, outcome, case)
    if row.finds is not None and error is None and row.call not in {"grants", "installed"}:
        assert (world.cube.id in done.audit.subjects) == told, case
    elif error is not NotFound and any(where == "cube" for where, _ in row.needs):
        assert world.cube.id in done.audit.subjects, case
    state = world.read()
    if error is not None or (row.finds is not None and not told):
        assert state == world.state, f"{case}: refused, and yet something changed"
    if state != world.state:
        world.renew()


def outcome_of(row: Row, mem: MemOS, world: World) -> tuple[str, Any]:
    try:
        return "ok", row.do(mem, world)
    except MemosError as error:
        return error.code, None


def recorded(row: Row, who: Who, done: Audit, outcome: str, case: str) -> None:
    """The call's row tells the truth."""
    assert (done.actor, done.call) == (who.name, row.called or row.call), case
    quiet = {"ok": {"ok", "dry run", "nothing to forget"}}
    assert done.outcome in quiet.get(outcome, {outcome}), case
    assert bool(done.basis) == (outcome == "ok"), case


def test_a_training_is_owed_to_whoever_may_write_there_and_read_what_it_is_of(
    world: World,
) -> None:
    parents = (Parent(id=world.cube.id, version=1),)
    world.write(also=(Training(world.name(), "", ALICE, "user:alice", parents, LONG_AGO),))
    for who in EVERYONE:
        for bound in BOUNDS:
            owed = world.root.acting(who.name, user_id=bound).owed_trainings()
            may = who.may(WRITE, "scope", bound) and who.may(READ, "cube", bound)
            told = [one.sources for one in owed]
            assert told == ([(world.cube.id,)] if may else []), (who.name, bound)
            assert (world.cube.id in world.newest.audit.subjects) == may
    world.renew()
    assert world.root.owed_trainings() == ()
