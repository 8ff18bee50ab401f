"""What every ledger must do, together with the catalog that writes it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, get_args

import pytest

from memos.cube import Parent, Right, Scope
from memos.cube.identity import digest_of
from memos.errors import VersionConflict
from memos.ports.catalog import Change, Errand
from memos.ports.ledger import (
    Blocked,
    Certificate,
    Checkpointed,
    Entry,
    Grant,
    Installed,
    Ledger,
    Placed,
    Quarantined,
    Reason,
    Revocation,
    Snapshot,
    SnapshotDropped,
    Tombstone,
    Training,
    TrainingEnded,
    Uninstalled,
)
from memos.testing.catalog import START, audit, plaintext, put

if TYPE_CHECKING:
    from collections.abc import Callable

    from memos.ports.catalog import Catalog

DAY = timedelta(days=1)
BLOB = digest_of(b"a blob")
ID = "01a20694-689b-7602-ad19-70f21d43272d"
OTHER = "01a20694-689b-7602-ad19-70f21d43272e"

GRANT = Grant("agent:planner", Right.READ, "user:alice", START, scope=Scope(user_id="alice"))
TOMBSTONE = Tombstone(ID, "plaintext", START, "user:alice", OTHER)
CERTIFICATE = Certificate(OTHER, START, {"what": [{"id": ID}], "rows": {"words": 1}})
SNAPSHOT = Snapshot("before the move", START, "user:alice")
INSTALLED = Installed(
    namespace="recipes",
    owner="user:alice",
    scope=Scope(user_id="alice", session_id="s"),
    bundle=BLOB,
    name="Recipes",
    version="1.0",
    licence="CC-BY-4.0",
    signer=None,
    at=START,
    by="user:alice",
    cubes=((ID, OTHER), (OTHER, ID)),
)
QUARANTINED = Quarantined(ID, 2, START, "its digest is another", "{not JSON")
PLACED = Placed(BLOB, "archive")
KEY = "k" * 64
TRAINING = Training(
    id=ID,
    key=KEY,
    scope=Scope(user_id="alice"),
    asked_by="user:alice",
    parents=(Parent(id=OTHER, version=2), Parent(id=ID, version=1)),
    at=START,
    title="what she told",
    steps=70,
)

WRITTEN: dict[type, tuple[tuple[Entry, ...], Callable[[Ledger], object], object]] = {
    Grant: ((GRANT,), lambda there: there.grants(), [replace(GRANT, number=1)]),
    Revocation: ((GRANT, Revocation(1)), lambda there: there.grants(), []),
    Tombstone: ((TOMBSTONE,), lambda there: there.tombstones(), [TOMBSTONE]),
    Certificate: ((CERTIFICATE,), lambda there: there.certificates(), [CERTIFICATE]),
    Snapshot: ((SNAPSHOT,), lambda there: there.snapshots(), [SNAPSHOT]),
    SnapshotDropped: (
        (SNAPSHOT, SnapshotDropped(SNAPSHOT.name, SNAPSHOT.by)),
        lambda there: there.snapshots(),
        [],
    ),
    Installed: ((INSTALLED,), lambda there: there.installed(), [INSTALLED]),
    Uninstalled: (
        (INSTALLED, Uninstalled("recipes", INSTALLED.owner, INSTALLED.scope)),
        lambda there: there.installed(),
        [],
    ),
    Quarantined: ((QUARANTINED,), lambda there: there.quarantined(), [QUARANTINED]),
    Placed: ((PLACED,), lambda there: there.places(), {BLOB: "archive"}),
    Blocked: (
        (Blocked(ID, ("b" * 64,)), Blocked(ID, ("d" * 64, "c" * 64))),
        lambda there: there.blocks(),
        {ID: ("d" * 64, "c" * 64)},
    ),
    Training: ((TRAINING,), lambda there: there.trainings(), [TRAINING]),
    Checkpointed: (
        (TRAINING, Checkpointed(ID, KEY, BLOB, 20)),
        lambda there: there.trainings(),
        [replace(TRAINING, checkpoint=BLOB, step=20)],
    ),
    TrainingEnded: ((TRAINING, TrainingEnded(ID, KEY)), lambda there: there.trainings(), []),
}
"""For each kind of entry: what is written, how the ledger is asked, and its answer."""


def wrote(*entries: Entry) -> Change:
    """A change that only writes beside cubes."""
    return Change(audit=audit(), also=entries)


def swept(catalog: Catalog) -> list[str]:
    """The blobs that the outbox owes to sweep."""
    return [task.subject for task in catalog.pending(99) if task.errand is Errand.SWEEP]


class LedgerSuite(ABC):
    """Inherit from it and say how a catalog and the ledger beside it are opened again."""

    @pytest.fixture
    @abstractmethod
    def catalog(self) -> Catalog:
        """An empty catalog; the fixture closes it."""

    @abstractmethod
    def ledger(self, catalog: Catalog) -> Ledger:
        """The ledger beside the catalog; opened anew, where it is durable."""

    def test_an_empty_ledger_knows_nothing(self, catalog: Catalog) -> None:
        there = self.ledger(catalog)
        for found in (there.grants(), there.tombstones(), there.certificates(), there.snapshots()):
            assert found == []
        assert (there.installed(), there.quarantined(), there.places()) == ([], [], {})
        assert there.blocks() == {}
        assert there.trainings() == []
        assert there.tombstone(ID) is None
        assert there.certificate(ID) is None
        assert there.snapshot("none", SNAPSHOT.by) is None

    def test_every_kind_of_entry_is_proven_here(self) -> None:
        assert set(WRITTEN) == set(get_args(Entry))

    def test_the_blocks_of_some_cubes_are_told_alone(self, catalog: Catalog) -> None:
        other = ID[:-1] + ("0" if ID[-1] != "0" else "1")
        catalog.commit(wrote(Blocked(ID, ("b" * 64,)), Blocked(other, ("b" * 64, "a" * 64))))
        there = self.ledger(catalog)
        assert set(there.blocks()) == {ID, other}
        assert there.blocks([other]) == {other: ("b" * 64, "a" * 64)}
        assert there.blocks([]) == {}

    @pytest.mark.parametrize("kind", WRITTEN, ids=lambda kind: kind.__name__)
    def test_what_a_change_writes_is_read_back(self, catalog: Catalog, kind: type) -> None:
        entries, ask, answer = WRITTEN[kind]
        catalog.commit(wrote(*entries))
        assert ask(self.ledger(catalog)) == answer

    @pytest.mark.parametrize("kind", WRITTEN, ids=lambda kind: kind.__name__)
    def test_a_change_that_fails_writes_nothing(self, catalog: Catalog, kind: type) -> None:
        entries, ask, _ = WRITTEN[kind]
        before = ask(self.ledger(catalog))
        impossible = Change(audit=audit(), also=entries, expects={ID: 7})
        with pytest.raises(VersionConflict):
            catalog.commit(impossible)
        assert ask(self.ledger(catalog)) == before

    def test_an_entry_that_cannot_be_written_takes_the_cubes_with_it(
        self, catalog: Catalog
    ) -> None:
        cube = plaintext("one")
        on_nothing = replace(GRANT, cube_id=OTHER, scope=Scope())
        with pytest.raises(Exception, match=r"\S"):
            catalog.commit(Change(audit=audit(), put=(cube,), also=(on_nothing,)))
        assert catalog.find(cube.id) is None
        assert self.ledger(catalog).grants() == []

    def test_a_grant_keeps_every_field(self, catalog: Catalog) -> None:
        cube = plaintext("one")
        catalog.commit(put(cube))
        full = (
            replace(GRANT, cube_id=cube.id, scope=Scope(), right=Right.FORGET),
            replace(GRANT, label="work", expires_at=START + DAY),
            replace(GRANT, scope=Scope(user_id="bob", agent_id="a", session_id="s")),
        )
        catalog.commit(wrote(*full))
        found = self.ledger(catalog).grants()
        assert found == [replace(one, number=n) for n, one in enumerate(full, start=1)]

    def test_grants_are_those_of_one_principal_oldest_first(self, catalog: Catalog) -> None:
        his = replace(GRANT, principal="agent:other")
        catalog.commit(wrote(GRANT, his, replace(GRANT, right=Right.WRITE)))
        there = self.ledger(catalog)
        assert [one.number for one in there.grants()] == [1, 2, 3]
        assert [one.number for one in there.grants("agent:planner")] == [1, 3]
        assert there.grants("agent:plan") == []

    def test_the_number_of_a_grant_is_never_given_again(self, catalog: Catalog) -> None:
        catalog.commit(wrote(GRANT, GRANT))
        catalog.commit(wrote(Revocation(2)))
        catalog.commit(wrote(GRANT))
        assert [one.number for one in self.ledger(catalog).grants()] == [1, 3]

    def test_revoking_what_is_not_there_changes_nothing(self, catalog: Catalog) -> None:
        catalog.commit(wrote(GRANT))
        catalog.commit(wrote(Revocation(9)))
        assert len(self.ledger(catalog).grants()) == 1

    def test_forgetting_a_cube_takes_its_grants_along(self, catalog: Catalog) -> None:
        cube, kept = plaintext("one"), plaintext("two")
        catalog.commit(put(cube, kept))
        on_each = [replace(GRANT, cube_id=one.id, scope=Scope()) for one in (cube, kept)]
        catalog.commit(wrote(GRANT, *on_each))
        catalog.commit(Change(audit=audit("forget"), forget=(cube.id,)))
        assert [one.cube_id for one in self.ledger(catalog).grants()] == [None, kept.id]

    def test_tombstones_come_oldest_first_and_are_found_by_id(self, catalog: Catalog) -> None:
        later = replace(TOMBSTONE, cube_id=OTHER, at=START + DAY)
        catalog.commit(wrote(later, TOMBSTONE))
        there = self.ledger(catalog)
        assert there.tombstones() == [TOMBSTONE, later]
        assert there.tombstone(ID) == TOMBSTONE

    def test_a_cube_that_comes_back_has_no_tombstone(self, catalog: Catalog) -> None:
        cube = plaintext("one")
        catalog.commit(put(cube))
        grave = replace(TOMBSTONE, cube_id=cube.id)
        catalog.commit(Change(audit=audit(), forget=(cube.id,), also=(grave, TOMBSTONE)))
        catalog.commit(put(cube))
        assert self.ledger(catalog).tombstones() == [TOMBSTONE]

    def test_a_certificate_written_again_takes_the_place_of_the_first(
        self, catalog: Catalog
    ) -> None:
        verified = replace(CERTIFICATE, body={"verified": "by search"})
        catalog.commit(wrote(CERTIFICATE, replace(CERTIFICATE, id=ID)))
        catalog.commit(wrote(verified))
        there = self.ledger(catalog)
        assert there.certificate(OTHER) == verified
        assert len(there.certificates()) == 2

    def test_snapshots_come_by_their_moment(self, catalog: Catalog) -> None:
        older = Snapshot("a", START - DAY, "user:bob")
        catalog.commit(wrote(SNAPSHOT, older))
        there = self.ledger(catalog)
        assert there.snapshots() == [older, SNAPSHOT]
        assert there.snapshot("a", "user:bob") == older

    def test_a_name_for_a_moment_is_one_for_each_who_gives_it(self, catalog: Catalog) -> None:
        his = replace(SNAPSHOT, by="user:bob", at=START + DAY)
        catalog.commit(wrote(SNAPSHOT, his))
        there = self.ledger(catalog)
        assert there.snapshots() == [SNAPSHOT, his]
        assert there.snapshot(his.name, his.by) == his
        catalog.commit(wrote(SnapshotDropped(his.name, his.by)))
        assert self.ledger(catalog).snapshots() == [SNAPSHOT]

    def test_a_bundle_that_is_installed_again_replaces_the_first(self, catalog: Catalog) -> None:
        other = replace(INSTALLED, namespace="maps", cubes=(), signer="ab" * 32, licence=None)
        newer = replace(INSTALLED, version="2.0", cubes=((ID, ID),))
        catalog.commit(wrote(INSTALLED, other))
        catalog.commit(wrote(newer))
        there = self.ledger(catalog)
        assert there.installed() == [other, newer]
        assert there.installed("recipes") == [newer]
        assert there.installed("none") == []

    def test_a_namespace_is_one_for_each_owner_and_scope(self, catalog: Catalog) -> None:
        theirs = [
            replace(INSTALLED, owner="service:application", scope=Scope(), cubes=((ID, ID),)),
            replace(INSTALLED, scope=Scope(user_id="alice"), cubes=((OTHER, OTHER),)),
            replace(INSTALLED, owner="user:bob", scope=Scope(user_id="bob"), cubes=()),
        ]
        catalog.commit(wrote(INSTALLED, *theirs))
        there = self.ledger(catalog)
        assert there.installed("recipes") == [theirs[0], INSTALLED, *theirs[1:]]
        catalog.commit(wrote(*(Uninstalled("recipes", one.owner, one.scope) for one in theirs)))
        assert self.ledger(catalog).installed() == [INSTALLED]

    def test_a_blob_taken_back_to_the_usual_place_is_not_listed(self, catalog: Catalog) -> None:
        catalog.commit(wrote(PLACED))
        catalog.commit(wrote(Placed(BLOB, "ram")))
        assert self.ledger(catalog).places() == {BLOB: "ram"}
        catalog.commit(wrote(Placed(BLOB, "disk")))
        assert self.ledger(catalog).places() == {}

    def test_a_training_that_is_another_by_now_takes_no_checkpoint_and_goes_on(
        self, catalog: Catalog
    ) -> None:
        catalog.commit(wrote(TRAINING))
        catalog.commit(wrote(Checkpointed(ID, "another", BLOB, 20), TrainingEnded(ID, "another")))
        assert self.ledger(catalog).trainings() == [TRAINING]
        assert swept(catalog) == [BLOB]

    def test_a_blob_is_owed_when_it_is_no_trainings_checkpoint_any_more(
        self, catalog: Catalog
    ) -> None:
        later = digest_of(b"later")
        catalog.commit(wrote(TRAINING, Checkpointed(ID, KEY, BLOB, 20)))
        assert (swept(catalog), catalog.blobs()) == ([], {BLOB})
        catalog.commit(wrote(Checkpointed(ID, KEY, BLOB, 21)))
        assert (swept(catalog), catalog.blobs()) == ([], {BLOB})
        catalog.commit(wrote(Checkpointed(ID, KEY, later, 40)))
        assert (swept(catalog), catalog.blobs()) == ([BLOB], {later})
        catalog.commit(wrote(replace(TRAINING, key="another")))
        assert swept(catalog) == [BLOB, later]
        catalog.commit(wrote(Checkpointed(ID, "another", BLOB, 1)))
        catalog.commit(wrote(TrainingEnded(ID, "another")))
        assert (swept(catalog), catalog.blobs()) == ([BLOB, later, BLOB], set())

    def test_forgetting_a_parent_takes_it_out_with_all_that_was_reached(
        self, catalog: Catalog
    ) -> None:
        one, two, made = plaintext("one"), plaintext("two"), plaintext("made from both")
        catalog.commit(put(one, two, made))
        parents = (Parent(id=one.id, version=1), Parent(id=two.id, version=1))
        rebuilt = replace(TRAINING, id=made.id, parents=parents, replaces=made.id)
        asked = replace(TRAINING, parents=parents, checkpoint=BLOB, step=20, at=START + DAY)
        catalog.commit(wrote(rebuilt, asked))
        catalog.commit(Change(audit=audit("forget"), forget=(one.id, made.id)))
        left = replace(
            asked,
            key="",
            parents=parents[1:],
            reason=Reason.FORGOTTEN,
            title=None,
            checkpoint=None,
            step=0,
        )
        assert self.ledger(catalog).trainings() == [left]
        assert swept(catalog) == [BLOB]
        catalog.commit(Change(audit=audit("forget"), forget=(two.id,)))
        assert self.ledger(catalog).trainings() == []

    def test_trainings_come_oldest_first(self, catalog: Catalog) -> None:
        older = replace(TRAINING, id=OTHER, at=START - DAY, title=None, steps=None)
        catalog.commit(wrote(TRAINING, older))
        assert self.ledger(catalog).trainings() == [older, TRAINING]

    def test_times_are_exact(self, catalog: Catalog) -> None:
        exact = START.replace(microsecond=999_999)
        catalog.commit(wrote(replace(SNAPSHOT, at=exact), replace(GRANT, at=exact)))
        there = self.ledger(catalog)
        assert there.snapshots()[0].at == there.grants()[0].at == exact
