"""Two tenants with the same texts, the same model and the same names: neither leaves a trace.

The strongest of these tests plays one tenant's day twice, once alone in the store and once beside
another; whatever it is answered must be the same.
"""

from __future__ import annotations

import re
import zipfile
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from memos import Kind, MemOS, Right
from memos.cube import Activation, Parametric
from memos.errors import (
    BadInput,
    Forbidden,
    ForgottenCube,
    MemosError,
    NotFound,
    StaleCube,
    UnknownCube,
)
from memos.life.report import Tie
from memos.testing.derived import stored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from memos.config import Settings

VALUES = re.compile(r"'(?:[^']|'')*'|\b\d+\b")
ABSENT = "01a20694-689b-7602-ad19-70f21d43272d"
TEXTS = (
    "Alice moved to Lisbon in May.",
    "The cat sleeps on the red sofa.",
    "Lisbon has yellow trams.",
    "Coffee is served at nine.",
)
MORE = ("Lisbon, Lisbon, trams and trams.", "A cat on a tram.", "A yellow submarine in May.")
TURNS: list[dict[str, Any]] = [
    {"role": "user", "content": "My cat is called Tuna."},
    {"role": "assistant", "content": "What a good name for a cat."},
]


def settled(mem: MemOS, user: str, more: tuple[str, ...] = ()) -> MemOS:
    """A tenant moves in: the same texts, sessions, labels and keys as any other."""
    theirs = mem.acting(f"user:{user}")
    for number, text in enumerate((*TEXTS, *more)):
        theirs.add(text, labels=["work"], source="file:///notes", idempotency_key=f"key {number}")
    theirs.add(TURNS, session_id="s")
    theirs.add(TEXTS[0], agent_id="planner")
    theirs.transform([cube.id for cube in theirs.get_all()[:2]], to=Kind.ACTIVATION)
    theirs.grant("agent:planner", Right.READ, label="work", user_id=user)
    return theirs


@pytest.fixture
def mem(settings: Settings) -> Iterator[MemOS]:
    """A store in memory."""
    with MemOS.open(None, settings=settings) as opened:
        yield opened


@pytest.fixture
def alice(mem: MemOS) -> MemOS:
    """One tenant."""
    return settled(mem, "alice")


@pytest.fixture
def bob(mem: MemOS, alice: MemOS) -> MemOS:
    """The other, who says more."""
    return settled(mem, "bob", MORE)


# --- a day of one tenant's, alone and beside another --------------------------------------------

ASKED: dict[str, Callable[[MemOS], Any]] = {
    "get_all": lambda me: me.get_all(),
    "filtered": lambda me: me.get_all(filters={"labels": "work", "source": "file:///notes"}),
    "session": lambda me: me.get_all(session_id="s"),
    "agent": lambda me: me.get_all(agent_id="planner"),
    "newest": lambda me: me.get_all(newest_first=True, limit=3),
    "history": lambda me: [me.history(cube.id) for cube in me.get_all()],
    "lineage": lambda me: [me.lineage(cube.id) for cube in me.get_all()],
    "found": lambda me: [
        sorted(hit.cube.text for hit in me.search(query, k=50)) for query in (*TEXTS, *MORE)
    ],
    "few found": lambda me: [len(me.search(query, k=3)) for query in (*TEXTS, *MORE)],
    "why": lambda me: [
        sorted((hit.cube.text, list(hit.why.items())) for hit in me.search(query, k=50))
        for query in (*TEXTS, *MORE)
    ],
    "by meaning": lambda me: [
        [(hit.cube.text, hit.parts.get("vectors")) for hit in me.search(query, k=3)][:1]
        for query in TEXTS
    ],
    "chat": lambda me: me.chat(TEXTS[2], memories=[me.get_all()[0].id], max_tokens=2),
    "chat with KV": lambda me: me.chat(
        TEXTS[2], memories=[me.get_all(kind=Kind.ACTIVATION)[0].id], max_tokens=2
    ),
    "KV cubes": lambda me: me.kv_cubes(),
    "where KV lies": lambda me: me.where(me.get_all(kind=Kind.ACTIVATION)[0].id),
    "KV cools": lambda me: me.cool([me.get_all(kind=Kind.ACTIVATION)[0].id]),
    "KV warms": lambda me: me.warm([me.get_all(kind=Kind.ACTIVATION)[0].id]),
    "LoRA cubes": lambda me: me.lora_cubes(),
    "routes": lambda me: [me.route(query) for query in (*TEXTS, *MORE)],
    "chat with what serves": lambda me: me.chat(TEXTS[0], weights="routed", max_tokens=2),
    "chat with what serves each": lambda me: me.chat_many(TEXTS, max_tokens=2),
    "would forget": lambda me: [me.forget(one.id, dry_run=True) for one in me.get_all()],
    "would forget all": lambda me: me.delete_all(everything=True, dry_run=True),
    "grants": lambda me: me.grants(),
    "installed": lambda me: me.installed(),
    "then": lambda me: me.at(me.get_all()[-1].header.updated_at).get_all(),
    "again": lambda me: me.add(
        TEXTS[0], labels=["work"], source="file:///notes", idempotency_key="key 0"
    ),
    "next turn": lambda me: me.add(TURNS[:1], session_id="s"),
    "update": lambda me: me.update(me.get_all()[0].id, "Alice moved on.", idempotency_key="u"),
    "stale": lambda me: me.lineage(me.get_all(kind=Kind.ACTIVATION)[0].id).stale,
    "owed": lambda me: me.owed_trainings(),
    "forgets": lambda me: me.forget(filters={"text": {"contains": "cat"}}),
    "is left": lambda me: me.get_all(),
}


def told(me: MemOS, ask: Callable[[MemOS], Any]) -> str:
    """An answer without what no two stores have in common: ids, digests, times, grant numbers."""
    names: dict[str, str] = {}
    said = repr(ask(me))
    said = re.sub(r"datetime\.datetime\([^)]*\)|\w*seconds=[\d.e-]+|number=\d+", "", said)
    return re.sub(
        r"[0-9a-f]{64}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        lambda found: names.setdefault(found[0], f"#{len(names)}"),
        said.replace("TzInfo(UTC)", ""),
    )


def test_a_tenant_is_answered_as_if_there_were_no_other(settings: Settings, tmp_path: Path) -> None:
    with MemOS.open(None, settings=settings) as lonely, MemOS.open(None, settings=settings) as full:
        settled(full, "bob", MORE)
        alone, beside = settled(lonely, "alice"), settled(full, "alice")
        settled(full, "carol", MORE)
        for name, ask in ASKED.items():
            assert told(alone, ask) == told(beside, ask), name
        assert alone.export_to(tmp_path / "one") == beside.export_to(tmp_path / "other")


def test_scores_do_not_tell_how_often_another_uses_a_word(settings: Settings) -> None:
    def scores(me: MemOS) -> list[object]:
        return [[(hit.cube.text, hit.parts) for hit in me.search(query)] for query in TEXTS]

    with MemOS.open(None, settings=settings) as lonely, MemOS.open(None, settings=settings) as full:
        for number in range(30):
            full.add(f"Lisbon, Lisbon, trams {number}.", user_id="bob")
        assert scores(settled(lonely, "alice")) == scores(settled(full, "alice"))


# --- what is not there and what is not one's own are the same error -----------------------------

BY_ID: dict[str, Callable[[MemOS, str], Any]] = {
    "get": lambda me, one: me.get(one),
    "get an old version": lambda me, one: me.get(one, version=1),
    "history": lambda me, one: me.history(one),
    "lineage": lambda me, one: me.lineage(one),
    "update": lambda me, one: me.update(one, "mine now"),
    "update once": lambda me, one: me.update(one, "mine now", idempotency_key="once"),
    "delete": lambda me, one: me.delete(one),
    "delete a version": lambda me, one: me.delete(one, if_version=7),
    "forget": lambda me, one: me.forget(one),
    "forget two": lambda me, one: me.forget([me.get_all(limit=1)[0].id, one]),
    "would forget": lambda me, one: me.forget(one, dry_run=True),
    "transform": lambda me, one: me.transform([one], to=Kind.ACTIVATION),
    "transform to text": lambda me, one: me.transform([one], to=Kind.PLAINTEXT),
    "chat": lambda me, one: me.chat("?", memories=[one]),
    "chat with what serves": lambda me, one: me.chat("?", memories=[one], weights="routed"),
    "evaluate": lambda me, one: me.evaluate(one),
    "recite": lambda me, one: me.recite(one),
    "merge_weights": lambda me, one: me.merge_weights(one, "/nowhere/model"),
    "warm": lambda me, one: me.warm([one]),
    "cool": lambda me, one: me.cool([one]),
    "where": lambda me, one: me.where(one),
    "move": lambda me, one: me.move(one, to="disk"),
    "grant": lambda me, one: me.grant("agent:spy", Right.READ, id=one),
    "restore": lambda me, one: me.restore(one, 1),
    "fork": lambda me, one: me.fork(one),
    "merge": lambda me, one: me.merge([one, me.get_all(limit=1)[0].id], "both"),
    "archive": lambda me, one: me.archive(one),
    "activate": lambda me, one: me.activate(one),
    "freeze": lambda me, one: me.freeze(one),
    "thaw": lambda me, one: me.thaw(one),
    "expire": lambda me, one: me.expire(one),
    "set_expiry": lambda me, one: me.set_expiry(one, ttl_seconds=9),
    "hold": lambda me, one: me.hold(one),
    "release": lambda me, one: me.release(one),
    "classify": lambda me, one: me.classify(one, "secret"),
    "relabel": lambda me, one: me.relabel(one, ["mine"]),
    "then": lambda me, one: me.at(me.get_all()[-1].created_at).get(one),
    "history then": lambda me, one: me.at(me.get_all()[-1].created_at).history(one),
    "add": lambda me, one: me.add("under this id", id=one),
}


@contextmanager
def counted(mem: MemOS) -> Iterator[list[str]]:
    """The statements that the database itself says it ran, without the values in them.

    SQLAlchemy's own events do not see what is asked on the driver: grants, and the journal.
    """
    seen: list[str] = []
    engine = mem._parts.catalog._engine  # type: ignore[attr-defined]
    with closing(engine.raw_connection()) as only:  # in memory there is one
        watched = only.driver_connection
    watched.set_trace_callback(lambda statement: seen.append(VALUES.sub("?", statement)))
    yield seen
    watched.set_trace_callback(None)


def refusal(mem: MemOS, act: Callable[[], Any]) -> tuple[str, str, list[str]]:
    """What one is told, and the work that it took."""
    with counted(mem) as seen, pytest.raises(MemosError) as caught:
        act()
    return caught.value.code, str(caught.value), seen


@pytest.mark.parametrize("who", ["user:alice", "agent:planner", "agent:nobody", "bound"])
@pytest.mark.parametrize("call", BY_ID)
def test_a_foreign_id_and_an_absent_one_cannot_be_told_apart(
    shared: tuple[MemOS, str], who: str, call: str
) -> None:
    mem, his = shared
    if who == "bound" and call == "add":
        pytest.skip("the application itself may choose ids, and is told that one is taken")
    me = mem.acting("service:application", user_id="alice") if who == "bound" else mem.acting(who)
    if who == "agent:nobody" and call in {"forget two", "merge", "then", "history then"}:
        pytest.skip("it has nothing of its own to name")
    before = mem.stats().held
    act = BY_ID[call]
    absent = refusal(mem, lambda: act(me, ABSENT))
    foreign = refusal(mem, lambda: act(me, his))
    assert foreign[:2] == (absent[0], absent[1].replace(ABSENT, his))
    assert foreign[2] == absent[2]
    assert any("INTO audit" in each for each in foreign[2]), "the journal is seen as well"
    assert mem.stats().held == before


@pytest.fixture(scope="module")
def shared(settings: Settings) -> Iterator[tuple[MemOS, str]]:
    """A store of both, and the id of a memory of Bob's that nobody else has a right to."""
    with MemOS.open(None, settings=settings) as mem:
        settled(mem, "alice")
        settled(mem, "bob", MORE)
        yield mem, mem.acting("user:bob").add("Bob's own", session_id="hidden")[0].id


def test_a_page_begins_after_any_id_without_telling_whose_it_is(alice: MemOS, bob: MemOS) -> None:
    hers = [cube.id for cube in alice.get_all()]
    for cube in bob.get_all():
        assert [one.id for one in alice.get_all(after=cube.id)] == [
            one for one in hers if one > cube.id
        ]


def test_filters_reach_nothing_of_the_other(alice: MemOS, bob: MemOS) -> None:
    his = bob.get_all()
    for filters in (
        {"owner": "user:bob"},
        {"user_id": "bob"},
        {"not": {"user_id": "alice"}},
        {"or": [{"user_id": "bob"}, {"id": {"in": [cube.id for cube in his]}}]},
        {"text": MORE[0]},
        {"source": "file:///notes", "user_id": {"ne": "alice"}},
    ):
        try:
            assert alice.get_all(filters=filters) == []
        except BadInput:
            continue
        assert alice.search(MORE[0], filters=filters) == []
        assert alice.delete_all(filters=filters, dry_run=True).ids == ()
        assert alice.forget(filters=filters, dry_run=True).rows["versions"] == 0


# --- same texts, same names ---------------------------------------------------------------------


def test_a_duplicate_of_the_other_is_neither_listed_nor_erased(alice: MemOS, bob: MemOS) -> None:
    mine = next(cube for cube in alice.get_all() if cube.text == TEXTS[0])
    his = [cube.id for cube in bob.get_all()]
    would = alice.forget(mine.id, dry_run=True)
    done = alice.forget(mine.id)
    assert {one.tie for one in done.cubes} == {Tie.ASKED, Tie.DUPLICATE, Tie.DERIVED}
    assert would.ids == done.ids
    assert not set(done.ids) & set(his)
    assert [cube.id for cube in bob.get_all()] == his


def test_forgetting_a_source_spares_what_the_other_read_from_it(alice: MemOS, bob: MemOS) -> None:
    his = bob.get_all()
    alice.forget(source="file:///notes")
    assert bob.get_all() == his


@pytest.mark.parametrize("bound", [False, True])
def test_one_key_of_two_principals_is_two_keys(mem: MemOS, bound: bool) -> None:
    def tenant(user: str) -> MemOS:
        name = "service:application" if bound else f"user:{user}"
        return mem.acting(name, user_id=user)

    (hers,) = tenant("alice").add("hers", idempotency_key="k")
    (his,) = tenant("bob").add("his", idempotency_key="k")
    assert (hers.text, his.text) == ("hers", "his")
    assert tenant("alice").add("hers", idempotency_key="k") == [hers]
    assert tenant("bob").add("his", idempotency_key="k") == [his]


def test_a_key_of_the_application_does_not_name_a_users(mem: MemOS) -> None:
    (his,) = mem.acting("user:bob").add("his", idempotency_key="k")
    (free,) = mem.add("free", idempotency_key="k")
    assert free != his


def test_kv_of_the_same_text_lies_in_other_blocks(mem: MemOS, alice: MemOS, bob: MemOS) -> None:
    (hers,), (his,) = (one.get_all(kind=Kind.ACTIVATION) for one in (alice, bob))
    assert isinstance(hers.payload, Activation)
    assert isinstance(his.payload, Activation)
    assert hers.payload.tokens_digest == his.payload.tokens_digest
    kept = mem._parts.ledger.blocks()
    assert kept[hers.id]
    assert not set(kept[hers.id]) & set(kept[his.id])
    assert mem.stats().blocks == len(kept[hers.id]) + len(kept[his.id])


def test_weights_of_the_same_text_are_another_blob(mem: MemOS, alice: MemOS, bob: MemOS) -> None:
    made = [
        one.transform([one.add("Carol lives in Rome.")[0].id], to=Kind.PARAMETRIC)
        for one in (alice, bob)
    ]
    mem.grant("agent:spy", Right.READ, id=made[1].id)
    for me, mine in ((alice, [made[0].id]), (bob, [made[1].id]), (mem.acting("agent:spy"), [])):
        assert [one.cube_id for one in me.route("Where does Carol live?")] == mine
    for me, cube in ((alice, made[0]), (bob, made[1])):
        assert [one.id for one in me.lora_cubes()] == [cube.id]
    hers, his = (cube.payload for cube in made)
    assert isinstance(hers, Parametric)
    assert isinstance(his, Parametric)
    assert hers.training.examples_digest == his.training.examples_digest
    assert hers.blob != his.blob


def test_what_one_is_to_train_is_nothing_to_the_other(mem: MemOS, alice: MemOS, bob: MemOS) -> None:
    made = {}
    for me in (alice, bob):
        sources = [cube for cube in me.get_all() if cube.kind is Kind.PLAINTEXT][:2]
        made[me] = stored(mem, sources)
        me.update(sources[0].id, "Alice lives in Porto.")
        assert [(one.id, one.replaces) for one in me.owed_trainings()] == [(made[me].id,) * 2]
    (new,) = bob.retrain()
    assert bob.owed_trainings() == ()
    assert [one.id for one in alice.owed_trainings()] == [made[alice].id]
    assert alice.get(made[alice].id) == made[alice]
    assert new.scope.user_id == "bob"
    seen = [row.subjects for row in mem.audit(actor="user:bob", call="retrain")]
    hers = {cube.id for cube in alice.get_all()}
    assert not hers & {one for subjects in seen for one in subjects}
    with pytest.raises(Forbidden):
        mem.acting("service:application", user_id="bob").retrain(user_id="alice")


def test_a_session_of_one_name_is_two_sessions(alice: MemOS, bob: MemOS) -> None:
    turns = [cube for cube in alice.get_all(session_id="s") if cube.kind is Kind.PLAINTEXT]
    assert [getattr(cube.payload, "position", None) for cube in turns] == [0, 1]
    (third,) = alice.add(TURNS[:1], session_id="s")
    assert getattr(third.payload, "position", None) == 2
    edges = alice._parts.catalog.edges_of([cube.id for cube in (*turns, third)])
    his = {cube.id for cube in bob.get_all()}
    assert not his & {end for edge in edges for end in (edge.source, edge.target)}


def test_a_neighbour_in_a_session_of_nobodys_is_not_shown(mem: MemOS) -> None:
    mem.grant("agent:a", [Right.READ, Right.WRITE], session_id="s")
    mem.grant("agent:b", Right.WRITE, session_id="s")
    mem.acting("agent:a").add(TURNS, session_id="s")
    scribe = mem.acting("agent:b")
    made = scribe.add(TURNS[:1], session_id="s")
    assert [getattr(cube.payload, "position", None) for cube in made] == [0]
    assert [cube.id for cube in scribe.get_all()] == [made[0].id]
    assert [hit.cube.id for hit in scribe.search("a good name for a cat", k=9)] == [made[0].id]
    whole = [cube for cube in mem.get_all(session_id="s") if cube.kind is Kind.PLAINTEXT]
    assert [getattr(cube.payload, "position", None) for cube in whole] == [0, 1, 0]


# --- grants, and what hangs on them -------------------------------------------------------------


def test_grants_of_another_are_not_listed_and_not_to_be_revoked(
    mem: MemOS, alice: MemOS, bob: MemOS
) -> None:
    hers = mem.grant("agent:x", Right.READ, user_id="alice")
    (his,) = mem.grant("agent:x", Right.READ, user_id="bob")
    for me in (bob, mem.acting("service:application", user_id="bob")):
        assert {grant.scope.user_id for grant in me.grants()} == {"bob"}
        absent = refusal(mem, lambda me=me: me.revoke(10**6))  # type: ignore[misc]
        foreign = refusal(mem, lambda me=me: me.revoke(hers[0].number))  # type: ignore[misc]
        assert foreign[1] == absent[1].replace(str(10**6), str(hers[0].number))
    assert {grant.number for grant in mem.acting("agent:x").grants()} == {
        hers[0].number,
        his.number,
    }


def test_a_certificate_of_another_is_as_absent(alice: MemOS, bob: MemOS) -> None:
    number = str(bob.forget(bob.get_all()[0].id).certificate)
    assert bob.certificate(number).id == number
    with pytest.raises(NotFound) as caught:
        alice.certificate(number)
    with pytest.raises(NotFound) as absent:
        alice.certificate(ABSENT)
    assert str(caught.value) == str(absent.value).replace(ABSENT, number)


def test_who_is_granted_a_derived_cube_learns_no_id_of_its_sources(
    mem: MemOS, alice: MemOS
) -> None:
    source = alice.get_all()[0]
    (kv,) = alice.get_all(kind=Kind.ACTIVATION)
    alice.grant("agent:reader", Right.READ, id=kv.id)
    reader = mem.acting("agent:reader")
    assert source.id not in repr(reader.lineage(kv.id))
    assert source.id not in repr(reader.get_all())
    alice.update(source.id, "Alice moved on.")
    with pytest.raises(StaleCube) as caught:
        reader.chat("?", memories=[kv.id], max_tokens=1)
    assert source.id not in str(caught.value)


def test_whoever_may_share_a_derived_cube_does_not_carry_off_its_sources(
    mem: MemOS, alice: MemOS, tmp_path: Path
) -> None:
    (kv,) = alice.get_all(kind=Kind.ACTIVATION)
    alice.grant("agent:reader", [Right.READ, Right.SHARE], id=kv.id)
    with pytest.raises(Forbidden):
        mem.acting("agent:reader").export_to(tmp_path / "out.memos")


def test_the_right_to_share_what_one_may_not_read_carries_nothing_off(
    mem: MemOS, alice: MemOS, tmp_path: Path
) -> None:
    (kv,) = alice.get_all(kind=Kind.ACTIVATION)
    alice.grant("agent:blind", Right.SHARE, user_id="alice")
    alice.grant("agent:blind", Right.READ, id=kv.id)
    with pytest.raises(Forbidden):
        mem.acting("agent:blind").export_to(tmp_path / "out.memos")


def test_a_parent_that_is_hidden_is_hidden_in_an_export(
    mem: MemOS, alice: MemOS, bob: MemOS, settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "hers.memos"
    his = bob.get_all()[0]
    fork = mem.fork(his.id, into={"user_id": "alice"})
    again = alice.fork(fork.id)
    assert alice.lineage(fork.id).ancestors == ()
    count = alice.export_to(path)
    assert count == len(alice.get_all())
    with zipfile.ZipFile(path) as bundle:
        assert his.id.encode() not in bundle.read("cubes.jsonl")
    assert alice.import_from(path).cubes == ()
    with MemOS.open(None, settings=settings) as elsewhere:
        assert len(elsewhere.import_from(path).cubes) == count
        assert elsewhere.get(fork.id).provenance.parents == ()
        assert [one.cube.id for one in elsewhere.lineage(again.id).ancestors] == [fork.id]
        assert elsewhere.check().problems == ()
    assert [one.cube.id for one in mem.lineage(fork.id).ancestors] == [his.id]


def test_a_parent_that_one_may_read_and_not_share_stays_where_it_is(
    mem: MemOS, alice: MemOS, bob: MemOS, tmp_path: Path
) -> None:
    his = bob.get_all()[0]
    bob.grant("user:alice", Right.READ, id=his.id)
    alice.fork(his.id, into={"user_id": "alice"})
    with pytest.raises(Forbidden, match="may not share"):
        alice.export_to(tmp_path / "hers.memos")


def test_everybody_imports_where_they_may_write_and_nowhere_else(
    mem: MemOS, alice: MemOS, bob: MemOS, settings: Settings, tmp_path: Path
) -> None:
    hers, his, free = (tmp_path / f"{name}.memos" for name in ("hers", "his", "free"))
    alice.export_to(hers)
    bob.export_to(his)
    mem.add("Everybody knows that.")
    mem.export_to(free, filters={"text": "Everybody knows that."})
    with MemOS.open(None, settings=settings) as elsewhere:
        elsewhere.grant("agent:mover", Right.WRITE, user_id="alice")
        elsewhere.grant("agent:labeller", Right.WRITE, user_id="alice", label="work")
        for name in ("user:alice", "agent:mover"):
            there = elsewhere.acting(name)
            for path in (his, free):
                before = elsewhere.stats().held
                with pytest.raises(Forbidden, match=f"where {name} may not write"):
                    there.import_from(path)
                assert elsewhere.stats().held == before
        with pytest.raises(Forbidden, match="may not write"):
            elsewhere.acting("agent:labeller").import_from(hers)
        texts = [cube.text for cube in alice.get_all()]
        done = elsewhere.acting("agent:mover").import_from(hers, user_id="alice")
        assert [cube.text for cube in done.cubes] == texts
        with pytest.raises(Forbidden, match="outside of"):
            elsewhere.acting("user:alice").import_from(hers, session_id="s")
        with pytest.raises(Forbidden, match="outside of"):
            elsewhere.import_from(hers, user_id="bob")
        assert elsewhere.acting("user:alice").import_from(hers).cubes


def test_a_bundle_puts_nothing_in_anothers_name(
    mem: MemOS, alice: MemOS, bob: MemOS, tmp_path: Path
) -> None:
    before = bob.get_all()
    bob.export_to(tmp_path / "his.memos")
    hers = mem.acting("user:alice", user_id="alice")
    for user in ("alice", "bob"):
        with pytest.raises(MemosError):
            mem.acting("user:alice", user_id=user).import_from(tmp_path / "his.memos")
    with pytest.raises(Forbidden):
        alice.import_from(tmp_path / "his.memos")
    hers.install(tmp_path / "his.memos", "stolen")
    assert bob.get_all() == before
    assert bob.installed() == []
    assert not {cube.id for cube in before} & {cube.id for cube in alice.get_all()}


def test_an_import_tells_nothing_of_ids_that_another_has_or_has_forgotten(
    mem: MemOS, settings: Settings, tmp_path: Path
) -> None:
    alice = mem.acting("user:alice", user_id="alice")
    with MemOS.open(None, settings=settings) as elsewhere:
        ids = [elsewhere.add(text, user_id="alice")[0].id for text in MORE]
        elsewhere.export_to(tmp_path / "hers.memos")
    mem.add("Bob's own", user_id="bob", id=ids[0])
    mem.add("Bob's own, too", user_id="bob", id=ids[1])
    mem.acting("user:bob").forget(ids[1])
    done = alice.import_from(tmp_path / "hers.memos")
    assert [cube.text for cube in done.cubes] == list(MORE)
    new = [cube.id for cube in done.cubes]
    assert not set(new) & set(ids)
    assert mem.get(ids[0]).text == "Bob's own"
    assert alice.import_from(tmp_path / "hers.memos").skipped == tuple(sorted(new))
    with MemOS.open(None, settings=settings) as lonely:
        alone = lonely.acting("user:alice", user_id="alice").import_from(tmp_path / "hers.memos")
        assert [cube.id for cube in alone.cubes] == new
    alice.forget(new[0])
    with pytest.raises(ForgottenCube):
        alice.import_from(tmp_path / "hers.memos")
    assert len(alice.import_from(tmp_path / "hers.memos", revive=True).cubes) == 1
    assert mem.check().problems == ()


def test_what_one_has_exported_is_known_again(mem: MemOS, bob: MemOS, tmp_path: Path) -> None:
    alice = mem.acting("user:alice", user_id="alice")
    before = alice.get_all()
    alice.export_to(tmp_path / "hers.memos")
    assert alice.import_from(tmp_path / "hers.memos").cubes == ()
    gone = alice.forget(before[0].id).ids
    with pytest.raises(ForgottenCube):
        alice.import_from(tmp_path / "hers.memos")
    back = alice.import_from(tmp_path / "hers.memos", revive=True)
    assert {cube.id for cube in back.cubes} == set(gone)
    assert alice.get_all() == before


def test_what_was_made_from_a_cube_with_a_new_id_has_one_too(
    alice: MemOS, settings: Settings, tmp_path: Path
) -> None:
    alice.export_to(tmp_path / "hers.memos")
    with MemOS.open(None, settings=settings) as elsewhere:
        there = elsewhere.acting("user:alice", user_id="alice")
        there.import_from(tmp_path / "hers.memos")
        (kv,) = there.get_all(kind=Kind.ACTIVATION)
        (was,) = alice.get_all(kind=Kind.ACTIVATION)
        assert kv.id != was.id
        texts = [one.cube.text for one in there.lineage(kv.id).ancestors]
        assert texts == [one.cube.text for one in alice.lineage(was.id).ancestors]
        assert [cube.text for cube in there.get_all()] == [cube.text for cube in alice.get_all()]
        assert elsewhere.check().problems == ()


@pytest.mark.parametrize("bound", [False, True])
def test_a_namespace_that_another_has_taken_is_free(
    mem: MemOS, bob: MemOS, tmp_path: Path, bound: bool
) -> None:
    def tenant(user: str) -> MemOS:
        name = "service:application" if bound else f"user:{user}"
        return mem.acting(name, user_id=user)

    path = tmp_path / "his.memos"
    bob.export_to(path)
    for me in (mem, tenant("alice"), tenant("bob")):
        with pytest.raises(NotFound):
            me.uninstall("recipes")
        assert me.install(path, "recipes").kept == ()
    assert tenant("alice").install(path, "recipes").added == ()
    hers, his = tenant("alice").installed(), tenant("bob").installed()
    assert {one.owner for one in hers} == {"user:alice"}
    assert len(tenant("bob").uninstall("recipes").cubes) == len(his[0].cubes)
    assert tenant("bob").installed() == []
    assert tenant("alice").installed() == hers
    assert [one.owner for one in mem.installed()] == ["service:application", "user:alice"]


def test_an_administrator_tells_equal_namespaces_apart_and_removes_one(
    mem: MemOS, alice: MemOS, bob: MemOS, tmp_path: Path
) -> None:
    bob.export_to(tmp_path / "his.memos")
    for me in (alice, bob, mem):
        me.install(tmp_path / "his.memos", "recipes")
    whose = [(one.namespace, one.owner, one.scope.user_id) for one in mem.installed()]
    assert whose == [
        ("recipes", "service:application", None),
        ("recipes", "user:alice", "alice"),
        ("recipes", "user:bob", "bob"),
    ]
    mem.uninstall("recipes", user_id="bob")
    mem.acting("user:alice").uninstall("recipes")
    assert [one.owner for one in mem.installed()] == ["service:application"]


def test_a_part_of_a_users_memory_is_not_told_what_the_rest_has_installed(
    mem: MemOS, bob: MemOS, tmp_path: Path
) -> None:
    bob.export_to(tmp_path / "his.memos")
    bob.install(tmp_path / "his.memos", "recipes")
    mem.grant("agent:scribe", [Right.WRITE, Right.READ], user_id="bob", session_id="s")
    mem.grant("agent:blind", Right.WRITE, user_id="bob")
    scribe, blind = mem.acting("agent:scribe"), mem.acting("agent:blind")
    assert scribe.installed() == []
    scribe.install(tmp_path / "his.memos", "recipes", user_id="bob", session_id="s")
    for name in ("recipes", "free"):
        with pytest.raises(Forbidden, match="may not read"):
            blind.install(tmp_path / "his.memos", name, user_id="bob")


def test_the_name_of_a_moment_is_its_makers(mem: MemOS) -> None:
    mem.grant("service:keeper", Right.ADMINISTER, everything=True)
    mem.grant("service:other", Right.ADMINISTER, everything=True)
    mine = mem.snapshot("before the move")
    keeper, other = mem.acting("service:keeper"), mem.acting("service:other")
    his = keeper.snapshot("before the move")
    assert mem.snapshots() == other.snapshots() == [mine, his]
    assert (mem.at(mine.name).at, keeper.at(mine.name).at) == (mine.at, his.at)
    for me in (other, mem.acting("user:alice"), mem.acting("service:application", user_id="bob")):
        for name in ("before the move", "no such name"):
            with pytest.raises(NotFound, match="neither a time nor the name"):
                me.at(name)
    assert mem.acting("user:alice").snapshots() == []
    assert mem.acting("service:application", user_id="bob").snapshots() == []
    with pytest.raises(NotFound):
        other.drop_snapshot("before the move")
    keeper.drop_snapshot("before the move")
    assert mem.snapshots() == [mine]


def test_whoever_may_write_without_reading_is_not_told_what_is_there(
    mem: MemOS, alice: MemOS
) -> None:
    mem.grant("agent:scribe", Right.WRITE, user_id="alice")
    scribe = mem.acting("agent:scribe")
    (made,) = scribe.add(TURNS[:1], user_id="alice", session_id="s")
    assert getattr(made.payload, "position", "none") is None
    assert getattr(alice.get(made.id).payload, "position", None) == 2
    assert scribe.get_all() == []
    with pytest.raises(UnknownCube):
        scribe.get(made.id)


def test_in_how_many_memories_a_name_is_tells_nothing_of_those_one_may_not_read(
    settings: Settings,
) -> None:
    def told(mem: MemOS) -> list[tuple[str, float]]:
        hits = mem.acting("agent:reader").search("Who built the bridge of Zorba?", k=9)
        return [(hit.cube.text, hit.score) for hit in hits]

    with closing(MemOS.open(settings=settings)) as mem:
        shared = [
            {"title": "Zorba", "text": "Zorba is a town with a bridge."},
            {"title": "Bridges", "text": "The bridge in Zorba was built by Ann Dee."},
            {"title": "Ann Dee", "text": "Ann Dee was an engineer."},
        ]
        mem.add(shared, user_id="alice", labels=["shared"])
        mem.grant("agent:reader", Right.READ, label="shared", user_id="alice")
        before = told(mem)
        hidden = [{"title": f"Diary {day}", "text": f"In Zorba, day {day}."} for day in range(70)]
        mem.add(hidden, user_id="alice", supersede="never")
        assert len(before) == 3
        assert told(mem) == before


def test_no_reason_names_what_one_may_not_read(mem: MemOS) -> None:
    private = mem.acting("user:alice")
    question = {"content": "Which cat is it, Mr Xerxes?", "name": "Quentin"}
    asked = private.add(question, session_id="s")
    answer = {"content": "It is the cat Tuna.", "name": "Ann"}
    mem.add(answer, session_id="s", user_id="alice", labels=["shared"])
    private.add({"title": "Xerxes", "text": "Xerxes feeds the cat of Yolanda."})
    she = {"title": "Yolanda", "text": "She lives in Lisbon."}
    mem.add(she, user_id="alice", labels=["shared"])
    mem.acting("user:bob").add({"title": "Yolanda", "text": "Yolanda, Xerxes and a cat."})
    mem.grant("agent:reader", Right.READ, label="shared", user_id="alice")

    def told(me: MemOS) -> str:
        questions = ("Which cat does Ann feed?", "Who feeds the cat of Xerxes?", "Where is it?")
        hits = [hit for query in questions for hit in me.search(query, k=9)]
        return repr([hit.why for hit in hits])

    whole = told(private)
    for hidden in (asked[0].id, "Xerxes"):
        assert hidden in whole
    readable = {cube.id for cube in mem.get_all(filters={"labels": "shared"})}
    seen = told(mem.acting("agent:reader"))
    assert "Ann speaks" in seen
    assert set(re.findall(r"[0-9a-f-]{36}", seen)) <= readable
    for hidden in ("Xerxes", "Quentin", "bob", "alice", "entity"):
        assert hidden not in seen
