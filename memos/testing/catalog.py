"""What every catalog must do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from memos.cube import (
    Activation,
    Fingerprint,
    Header,
    Kind,
    Life,
    MemCube,
    Parent,
    Payload,
    Plaintext,
    Provenance,
    Scope,
    Step,
)
from memos.cube.identity import Identities, digest_of
from memos.cube.wire import payload_digest
from memos.errors import BadInput, KeyReused, VersionConflict
from memos.ports.catalog import Catalog, Change, Errand, Receipt, Selection
from memos.ports.filters import Condition, Every, Not, Operator, Some
from memos.ports.graph import Edge, Relation
from memos.ports.journal import Audit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import JsonValue

    from memos.ports.filters import Filter

START = datetime(2024, 5, 1, 12, tzinfo=UTC)
ALICE = Scope(user_id="alice", session_id="s1")
BOB = Scope(user_id="bob")
_IDS = Identities()


def plaintext(
    text: str,
    scope: Scope = ALICE,
    *,
    at: datetime = START,
    metadata: dict[str, JsonValue] | None = None,
    labels: tuple[str, ...] = (),
    speaker: str | None = None,
) -> MemCube:
    """A plaintext cube for tests."""
    payload = Plaintext(text=text, speaker=speaker)
    return _cube(payload, Kind.PLAINTEXT, scope, at, metadata or {}, labels)


def activation(parents: Sequence[MemCube], content: bytes) -> MemCube:
    """An activation cube for tests; no model ever made it."""
    nothing = digest_of(b"")
    model = Fingerprint(
        name="none", architecture="none", weights=nothing, tokenizer=nothing, dtype="none", rope=""
    )
    payload = Activation(
        model=model,
        blob=digest_of(content),
        size_bytes=len(content),
        tokens=1,
        tokens_digest=nothing,
        layers=1,
        prefill_seconds=0,
    )
    cube = _cube(payload, Kind.ACTIVATION, parents[0].scope, START, {}, ())
    named = tuple(Parent(id=parent.id, version=parent.version) for parent in parents)
    provenance = cube.provenance.model_copy(update={"parents": named})
    return cube.model_copy(update={"provenance": provenance})


def revised(cube: MemCube, text: str) -> MemCube:
    """The next version of a plaintext cube, for tests."""
    payload = Plaintext(text=text)
    update = {
        "digest": payload_digest(payload),
        "title": text,
        "updated_at": cube.header.updated_at + timedelta(seconds=1),
        "life": Life(version=cube.version + 1, previous=cube.version),
    }
    header = cube.header.model_copy(update=update)
    return cube.model_copy(update={"header": header, "payload": payload})


def audit(call: str = "test") -> Audit:
    """An audit row for tests."""
    return Audit(at=START, actor="test", call=call, scope=Scope(), subjects=())


def put(*cubes: MemCube) -> Change:
    """A change that only puts cubes."""
    return Change(audit=audit("add"), put=cubes)


def _cube(
    payload: Payload,
    kind: Kind,
    scope: Scope,
    at: datetime,
    metadata: dict[str, JsonValue],
    labels: tuple[str, ...],
) -> MemCube:
    header = Header(
        id=_IDS.new(at),
        kind=kind,
        title="a cube",
        labels=labels,
        metadata=metadata,
        created_at=at,
        updated_at=at,
        digest=payload_digest(payload),
        scope=scope,
    )
    provenance = Provenance(actor="test", time=at, step=Step(operation="add", by="test"))
    return MemCube(header=header, payload=payload, provenance=provenance)


class CatalogSuite(ABC):
    """Subclass it, give a fixture ``catalog``, and say how it is opened again."""

    @pytest.fixture
    @abstractmethod
    def catalog(self) -> Catalog:
        """An empty catalog."""

    @abstractmethod
    def reopened(self, catalog: Catalog) -> Catalog:
        """The same catalog, as another process would find it."""

    def test_what_was_put_is_found_whole(self, catalog: Catalog) -> None:
        cube = plaintext("one", metadata={"a": [1, {"b": None}]}, labels=("x", "y"))
        catalog.commit(put(cube))
        assert catalog.find(cube.id) == cube
        assert self.reopened(catalog).find(cube.id) == cube

    def test_what_is_absent_is_none(self, catalog: Catalog) -> None:
        cube = plaintext("one")
        assert catalog.find(cube.id) is None
        catalog.commit(put(cube))
        assert catalog.find(cube.id, 2) is None
        assert catalog.history(plaintext("other").id) == []

    def test_a_revision_is_current_and_the_old_version_stays_readable(
        self, catalog: Catalog
    ) -> None:
        cube = plaintext("one")
        catalog.commit(put(cube))
        second = revised(cube, "two")
        catalog.commit(put(second))
        assert catalog.find(cube.id) == second
        assert catalog.find(cube.id, 1) == cube
        assert catalog.history(cube.id) == [cube, second]
        assert catalog.versions([cube.id]) == {cube.id: 2}

    def test_several_versions_can_arrive_at_once(self, catalog: Catalog) -> None:
        cube = plaintext("one", labels=("x",))
        second = revised(cube, "two")
        catalog.commit(put(cube, second))
        assert catalog.find(cube.id) == second
        assert catalog.history(cube.id) == [cube, second]

    def test_a_version_out_of_order_is_refused_and_nothing_changes(self, catalog: Catalog) -> None:
        cube, other = plaintext("one"), plaintext("other")
        catalog.commit(put(cube))
        third = revised(revised(cube, "two"), "three")
        for wrong in (put(other, third), put(other, cube)):
            with pytest.raises(VersionConflict, match=cube.id):
                catalog.commit(wrong)
        assert catalog.history(cube.id) == [cube]
        assert catalog.find(other.id) is None
        assert catalog.counts().audit_rows == 1
        assert [task.subject for task in catalog.pending(10)] == [cube.id]

    def test_expectations_are_checked(self, catalog: Catalog) -> None:
        cube, other = plaintext("one"), plaintext("other")
        catalog.commit(put(cube))
        for expects in ({cube.id: 2}, {cube.id: 0}, {other.id: 1}):
            change = Change(audit=audit(), put=(other,), expects=expects)
            if expects == {other.id: 1}:
                change = Change(audit=audit(), expects=expects)
            with pytest.raises(VersionConflict):
                catalog.commit(change)
        assert catalog.find(other.id) is None

    def test_many_are_found_in_the_order_asked_for(self, catalog: Catalog) -> None:
        cubes = [plaintext(str(number)) for number in range(1200)]
        catalog.commit(put(*cubes))
        asked = [cube.id for cube in reversed(cubes)]
        assert catalog.find_all([*asked, plaintext("absent").id]) == list(reversed(cubes))
        assert len(catalog.versions(asked)) == 1200

    def test_a_selection_is_ordered_limited_and_paged(self, catalog: Catalog) -> None:
        cubes = [plaintext(str(number)) for number in range(10)]
        catalog.commit(put(*cubes))
        first = catalog.select(Selection(limit=4))
        assert first == cubes[:4]
        assert catalog.select(Selection(after=first[-1].id, limit=4)) == cubes[4:8]
        assert catalog.select(Selection(newest_first=True, limit=3)) == cubes[:-4:-1]
        older = Selection(newest_first=True, after=cubes[7].id, limit=1)
        assert catalog.select(older) == [cubes[6]]
        assert catalog.ids(Selection()) == [cube.id for cube in cubes]

    def test_a_selection_may_be_ordered_by_when_things_began(self, catalog: Catalog) -> None:
        begun = [START, None, START + timedelta(days=1), None, START]
        cubes = [
            cube.model_copy(update={"header": cube.header.model_copy(update={"valid_from": at})})
            for at in begun
            for cube in [plaintext("a text")]
        ]
        catalog.commit(put(*cubes))
        latest = [cubes[place].id for place in (2, 4, 0, 3, 1)]
        assert catalog.ids(Selection(latest_first=True)) == latest
        assert catalog.ids(Selection(latest_first=True, limit=2)) == latest[:2]

    def test_a_scope_admits_only_its_own(self, catalog: Catalog) -> None:
        hers, his = plaintext("hers"), plaintext("his", BOB)
        catalog.commit(put(hers, his))
        assert catalog.select(Selection(scope=Scope(user_id="alice"))) == [hers]
        assert catalog.select(Selection(scope=BOB)) == [his]
        assert catalog.select(Selection(scope=Scope(user_id="alice", session_id="s2"))) == []
        assert catalog.select(Selection(scope=Scope())) == [hers, his]

    @pytest.mark.parametrize(
        ("where", "expected"),
        [
            (Condition("speaker", Operator.EQ, "Alice"), "a"),
            (Condition("speaker", Operator.NE, "Alice"), "bc"),
            (Condition("speaker", Operator.EQ, None), "c"),
            (Not(Condition("speaker", Operator.EQ, "Alice")), "bc"),
            (Condition("speaker", Operator.IN, ["Alice", "Bob"]), "ab"),
            (Condition("labels", Operator.CONTAINS, "x"), "ab"),
            (Not(Condition("labels", Operator.IN, ["x"])), "c"),
            (Condition("text", Operator.CONTAINS, "TWO%"), "b"),
            (Condition("metadata.n", Operator.GT, 1), "b"),
            (Condition("metadata.n", Operator.LTE, 2), "ab"),
            (Condition("metadata.flag", Operator.EQ, True), "a"),
            (Condition("metadata.deep.er", Operator.EQ, "yes"), "b"),
            (Condition("metadata.n", Operator.EQ, None), "c"),
            (Condition("created_at", Operator.GTE, "2024-05-02"), "bc"),
            (Condition("created_at", Operator.LT, "2024-05-02T00:00:00+00:00"), "a"),
            (Condition("kind", Operator.EQ, "plaintext"), "abc"),
            (Condition("version", Operator.EQ, 1), "abc"),
            (Every(()), "abc"),
            (Some(()), ""),
            (
                Some(
                    (
                        Condition("speaker", Operator.EQ, "Bob"),
                        Every((Condition("text", Operator.EQ, "c"),)),
                    )
                ),
                "bc",
            ),
        ],
    )
    def test_a_filter_admits_what_it_says(
        self, catalog: Catalog, where: Filter, expected: str
    ) -> None:
        day = timedelta(days=1)
        cubes = {
            "a": plaintext("a", labels=("x",), metadata={"n": 1, "flag": True}, speaker="Alice"),
            "b": plaintext(
                "b two% done",
                labels=("x", "y"),
                metadata={"n": 2, "deep": {"er": "yes"}},
                speaker="Bob",
                at=START + day,
            ),
            "c": plaintext("c", at=START + 2 * day),
        }
        catalog.commit(put(*cubes.values()))
        found = catalog.select(Selection(where=where))
        assert {cube.id for cube in found} == {cubes[name].id for name in expected}

    @pytest.mark.parametrize(
        "where",
        [
            Condition("shoe_size", Operator.EQ, 44),
            Condition("created_at", Operator.GT, "soon"),
            Condition("created_at", Operator.GT, 7),
            Condition("version", Operator.EQ, "one"),
            Condition("labels", Operator.GT, "x"),
            Condition("speaker", Operator.IN, []),
            Condition("speaker", Operator.GT, None),
            Condition("text", Operator.CONTAINS, ""),
        ],
    )
    def test_a_filter_that_makes_no_sense_is_refused(self, catalog: Catalog, where: Filter) -> None:
        with pytest.raises(BadInput):
            catalog.select(Selection(where=where))

    def test_what_is_forgotten_leaves_no_version_label_or_edge(self, catalog: Catalog) -> None:
        cube, other = plaintext("one", labels=("x",)), plaintext("other")
        edge = Edge(cube.id, Relation.NEXT, other.id)
        catalog.commit(Change(audit=audit(), put=(cube, other), edges=(edge,)))
        catalog.commit(put(revised(cube, "two")))
        catalog.commit(Change(audit=audit(), forget=(cube.id,)))
        again = self.reopened(catalog)
        assert again.find(cube.id) is None
        assert again.history(cube.id) == []
        assert again.edges_of([other.id]) == []
        with_label = Selection(where=Condition("labels", Operator.CONTAINS, "x"))
        assert again.select(with_label) == []
        assert again.select(Selection()) == [other]

    def test_edges_are_found_from_both_ends(self, catalog: Catalog) -> None:
        a, b, c = (plaintext(name) for name in "abc")
        edges = (
            Edge(a.id, Relation.NEXT, b.id),
            Edge(b.id, Relation.NEXT, c.id),
            Edge(a.id, Relation.MENTIONS, "entity:lisbon"),
        )
        catalog.commit(Change(audit=audit(), put=(a, b, c), edges=edges))
        assert set(catalog.edges_of([b.id])) == set(edges[:2])
        assert catalog.edges_of(["entity:lisbon"]) == [edges[2]]
        assert catalog.edges_of([a.id], [Relation.NEXT]) == [edges[0]]
        assert catalog.edges_of([]) == []

    def test_names_are_replaced_with_a_revision(self, catalog: Catalog) -> None:
        a, b = plaintext("a"), plaintext("b")
        turn = Edge(a.id, Relation.NEXT, b.id)
        old, new = (Edge(a.id, Relation.MENTIONS, f"entity:{name}") for name in ("old", "new"))
        catalog.commit(Change(audit=audit(), put=(a, b), edges=(turn, old)))
        catalog.commit(
            Change(audit=audit(), put=(revised(a, "z"),), replaces=(a.id,), edges=(new,))
        )
        assert set(catalog.edges_of([a.id])) == {turn, new}

    def test_the_outbox_owes_what_follows_from_a_change(self, catalog: Catalog) -> None:
        cube = plaintext("one")
        state = activation([cube], b"kv")
        catalog.commit(put(cube, state))
        tasks = self.reopened(catalog).pending(10)
        assert [(task.errand, task.subject) for task in tasks] == [(Errand.INDEX, cube.id)]
        catalog.settle(tasks)
        assert catalog.pending(10) == []
        catalog.commit(Change(audit=audit(), forget=(cube.id, state.id)))
        assert [(task.errand, task.subject) for task in catalog.pending(10)] == [
            (Errand.DROP, cube.id),
            (Errand.DROP, state.id),
            (Errand.SWEEP, digest_of(b"kv")),
            (Errand.PURGE, ""),
        ]

    def test_a_blob_that_is_still_referred_to_is_not_swept(self, catalog: Catalog) -> None:
        cube = plaintext("one")
        first, second = activation([cube], b"kv"), activation([cube], b"kv")
        catalog.commit(put(cube, first, second))
        assert catalog.blobs() == {digest_of(b"kv")}
        catalog.commit(Change(audit=audit(), forget=(first.id,)))
        assert Errand.SWEEP not in {task.errand for task in catalog.pending(10)}
        assert catalog.blobs() == {digest_of(b"kv")}

    def test_a_receipt_is_kept_for_its_scope(self, catalog: Catalog) -> None:
        receipt = Receipt("key", ALICE, digest_of(b"arguments"), [["id", 1]])
        catalog.commit(Change(audit=audit(), receipt=receipt))
        assert self.reopened(catalog).receipt("key", ALICE) == receipt
        assert catalog.receipt("key", BOB) is None
        cube = plaintext("one")
        with pytest.raises(KeyReused, match="key"):
            catalog.commit(Change(audit=audit(), put=(cube,), receipt=receipt))
        assert catalog.find(cube.id) is None

    def test_every_commit_leaves_one_audit_row(self, catalog: Catalog) -> None:
        for call in ("one", "two", "three"):
            catalog.commit(Change(audit=audit(call)))
        assert catalog.counts().audit_rows == 3

    def test_notes_are_kept(self, catalog: Catalog) -> None:
        assert catalog.note("name") is None
        assert catalog.note("name", "first") == "first"
        assert catalog.note("name", "second") == "second"
        assert self.reopened(catalog).note("name") == "second"

    def test_tasks_can_be_owed_for_repairs(self, catalog: Catalog) -> None:
        catalog.owe([(Errand.DROP, "x")])
        catalog.owe([])
        assert [(task.errand, task.subject) for task in catalog.pending(5)] == [(Errand.DROP, "x")]

    def test_counts_add_up(self, catalog: Catalog) -> None:
        cube = plaintext("one")
        catalog.commit(put(cube, plaintext("his", BOB), activation([cube], b"kv")))
        catalog.commit(put(revised(cube, "two")))
        counts = catalog.counts()
        assert counts.cubes == {"plaintext": 2, "activation": 1, "parametric": 0}
        assert (counts.versions, counts.users, counts.audit_rows) == (4, 2, 2)
        assert counts.pending == len(catalog.pending(100))

    def test_a_sound_database_has_no_problems(self, catalog: Catalog) -> None:
        catalog.commit(put(plaintext("one")))
        assert catalog.problems() == []
