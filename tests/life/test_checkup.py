"""A check finds what is wrong behind the kernel's back, mends what it can and isolates the rest."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from memos import Kind, MemOS
from memos.cube import EVERYBODY, Scope
from memos.cube.identity import digest_of
from memos.cube.wire import payload_digest, to_sealed_json
from memos.errors import Conflict, CorruptionError, NotFound, UnknownCube
from memos.ports.catalog import Change
from memos.ports.imprints import ImprintEntry
from memos.ports.journal import Audit
from memos.ports.ledger import Certificate, Installed, Placed, Snapshot, Tombstone
from memos.ports.vectors import VectorEntry
from memos.ports.words import WordEntry
from memos.testing.derived import stored

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memos.config import Settings
    from memos.ports.ledger import Entry

GHOST = "0190a5c8-0000-7000-8000-000000000000"
DIGEST = "ab" * 32
NOW = datetime(2026, 1, 1, tzinfo=UTC)

Damage = Callable[[MemOS], None]


@pytest.fixture
def mem(tmp_path: Path, quick: Settings) -> Iterator[MemOS]:
    with MemOS.open(tmp_path / "store", settings=quick) as opened:
        said = [{"content": f"Alice has memory number {number}"} for number in range(5)]
        opened.add(said, session_id="talk", labels=["numbers"], metadata={"a": 1})
        yield opened


def sql(mem: MemOS, *statements: str, file: str = "catalog.db", **values: object) -> None:
    """Change rows behind the kernel's back."""
    with closing(sqlite3.connect(f"{mem._folder}/{file}")) as database:
        for statement in statements:
            database.execute(statement, values)
        database.commit()


def first(mem: MemOS) -> str:
    return mem.get_all(limit=1)[0].id


def enter(mem: MemOS, *entries: Entry) -> None:
    audit = Audit(at=NOW, actor="service:test", call="enter", scope=EVERYBODY, subjects=())
    mem._parts.catalog.commit(Change(audit=audit, also=entries))


def codes(mem: MemOS, **how: Any) -> list[tuple[str, bool]]:
    report = mem.check(**how)
    return sorted({(problem.code, problem.repaired) for problem in report.problems})


def _lose_vectors(mem: MemOS) -> None:
    mem._index.vectors.drop([first(mem)])


def _bend_vectors(mem: MemOS) -> None:
    vector = np.full(mem._index.dimension, 0.5, dtype=np.float32)
    mem._index.vectors.put([VectorEntry(first(mem), vector, mem.get(first(mem)).scope)])


def _give_vectors_away(mem: MemOS) -> None:
    (entry,) = mem._index.vectors.fetch([first(mem)])
    mem._index.vectors.put([replace(entry, scope=Scope(user_id="mallory"))])


def _cut_vectors(mem: MemOS) -> None:
    cut = "UPDATE vectors SET vector = substr(vector, 1, 7) WHERE id = :id"
    sql(mem, cut, file="vectors/exact", id=first(mem))


def _lose_imprints(mem: MemOS) -> None:
    mem._index.imprints.drop([first(mem)])


def _bend_imprints(mem: MemOS) -> None:
    sql(mem, "UPDATE imprints SET signs = zeroblob(length(signs)) WHERE id = :id", id=first(mem))


def _narrow_imprints(mem: MemOS) -> None:
    mem._index.imprints.put([ImprintEntry(first(mem), np.ones((2, 1), np.uint8))])


def _haunt_imprints(mem: MemOS) -> None:
    mem._index.imprints.put([ImprintEntry(GHOST, np.ones((2, 32), np.uint8))])


def _lose_the_imprints_table(mem: MemOS) -> None:
    sql(mem, "DROP TABLE imprints")


def _lose_words(mem: MemOS) -> None:
    mem._index.words.drop([first(mem)])


def _change_words(mem: MemOS) -> None:
    mem._index.words.put([WordEntry(first(mem), "another text", mem.get(first(mem)).scope)])


def _haunt_words(mem: MemOS) -> None:
    mem._index.words.put([WordEntry(GHOST, "a ghost", Scope())])


def _break_words(mem: MemOS) -> None:
    sql(mem, "UPDATE word_entries SET terms = '{}' WHERE number = 2")


def _empty_words(mem: MemOS) -> None:
    sql(mem, "DELETE FROM word_postings")


def _lose_the_words_table(mem: MemOS) -> None:
    sql(mem, "DROP TABLE word_entries")


def _leave_blob(mem: MemOS) -> None:
    mem._parts.blobs.put(b"nobody's")


def _leave_work(mem: MemOS) -> None:
    sql(mem, "INSERT INTO outbox (errand, subject) VALUES ('index', :id)", id=first(mem))


def _bend_columns(mem: MemOS) -> None:
    bend = "UPDATE cubes SET user_id = 'mallory', content = 7 WHERE id = :id"
    sql(mem, bend, id=first(mem))


def _bend_metadata(mem: MemOS) -> None:
    sql(mem, "UPDATE cubes SET metadata = '{' WHERE id = :id", id=first(mem))


def _lose_labels(mem: MemOS) -> None:
    sql(mem, "DELETE FROM labels")


def _lose_the_row_of_a_cube(mem: MemOS) -> None:
    sql(mem, "DELETE FROM cubes WHERE id = :id", id=first(mem))


def _bend_edges(mem: MemOS) -> None:
    sql(mem, "UPDATE edges SET target = 'entity:nobody' WHERE relation = 'mentions'")


def _lead_edges_nowhere(mem: MemOS) -> None:
    ends = "VALUES (:source, 'next', :target, 1)"
    insert = f"INSERT INTO edges (source, relation, target, version) {ends}"
    sql(mem, insert, source=first(mem), target=GHOST)


def _name_unknown_relations(mem: MemOS) -> None:
    ends = "VALUES (:source, 'nfxt', :target, 1)"
    insert = f"INSERT INTO edges (source, relation, target, version) {ends}"
    sql(mem, insert, source=first(mem), target=first(mem))


def _bend_receipts(mem: MemOS) -> None:
    mem.add("once", idempotency_key="key")
    sql(mem, "UPDATE receipts SET answer = '[['")


def _grant_on_nothing(mem: MemOS) -> None:
    (grant,) = mem.grant("user:bob", "read", id=first(mem))
    move = "UPDATE grants SET cube_id = :id WHERE number = :number"
    sql(mem, move, id=GHOST, number=grant.number)


def _place_nothing(mem: MemOS) -> None:
    enter(mem, Placed(DIGEST, "archive"))


def _install_nothing(mem: MemOS) -> None:
    members = ((first(mem), GHOST), (GHOST, GHOST))
    enter(
        mem,
        Installed(
            "ns",
            "user:x",
            Scope(user_id="x"),
            DIGEST,
            "name",
            "1",
            None,
            None,
            NOW,
            "service:test",
            members,
        ),
    )


DERIVED = [
    (_lose_vectors, {"missing-vector"}),
    (_bend_vectors, {"wrong-vector"}),
    (_give_vectors_away, {"wrong-vector"}),
    (_cut_vectors, {"wrong-vector"}),
    (_lose_imprints, {"missing-imprint"}),
    (_bend_imprints, {"wrong-imprint"}),
    (_narrow_imprints, {"wrong-imprint"}),
    (_haunt_imprints, {"orphan-imprint"}),
    (_lose_the_imprints_table, {"damaged-imprints"}),
    (_lose_words, {"missing-word"}),
    (_change_words, {"wrong-word"}),
    (_haunt_words, {"orphan-word"}),
    (_break_words, {"damaged-words"}),
    (_empty_words, {"damaged-words"}),
    (_lose_the_words_table, {"damaged-words"}),
    (_leave_blob, {"orphan-blob"}),
    (_leave_work, {"unfinished"}),
    (_bend_columns, {"wrong-columns"}),
    (_bend_metadata, {"wrong-columns"}),
    (_lose_labels, {"wrong-columns"}),
    (_bend_edges, {"missing-edge", "wrong-edge"}),
    (_lead_edges_nowhere, {"wrong-edge"}),
    (_name_unknown_relations, {"wrong-edge"}),
    (_bend_receipts, {"damaged-receipt"}),
    (_place_nothing, {"place-of-nothing"}),
    (_install_nothing, {"installed-nothing"}),
]


@pytest.mark.parametrize(
    ("damage", "found"), DERIVED, ids=[damage.__name__ for damage, _ in DERIVED]
)
def test_what_is_derived_is_rebuilt(mem: MemOS, damage: Damage, found: set[str]) -> None:
    assert mem.check().problems == ()
    damage(mem)
    assert codes(mem) == sorted((code, False) for code in found)
    assert codes(mem, repair=True) == sorted((code, True) for code in found)
    assert mem.check().problems == ()
    assert len(mem.search("memory number", k=10)) >= 5
    assert len(mem.get_all(filters={"labels": {"contains": "numbers"}})) >= 5


@pytest.mark.parametrize("damage", [_lose_the_row_of_a_cube, _grant_on_nothing])
def test_what_sqlite_misses_is_found_and_mended_as_well(mem: MemOS, damage: Damage) -> None:
    damage(mem)
    assert {code for code, _ in codes(mem)} > {"damaged-database"}
    mem.check(repair=True)
    assert mem.check().problems == ()
    assert len(mem.search("memory number", k=10)) == 5


def test_a_wrong_vector_of_the_right_length_is_found_by_a_deep_check(mem: MemOS) -> None:
    vector = np.eye(1, mem._index.dimension, dtype=np.float32)[0]
    mem._index.vectors.put([VectorEntry(first(mem), vector, mem.get(first(mem)).scope)])
    assert codes(mem) == []
    assert codes(mem, deep=True, repair=True) == [("wrong-vector", True)]
    assert codes(mem, deep=True) == []


def test_a_database_index_is_made_anew_from_its_table(mem: MemOS) -> None:
    sql(
        mem,
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_master SET sql = replace(sql, 'kind, id', 'id, kind')"
        " WHERE name = 'ix_cubes_kind_id'",
    )
    mem._parts.catalog.close()  # the schema is read anew
    assert ("damaged-database", False) in codes(mem)
    assert ("damaged-database", True) in codes(mem, repair=True)
    assert codes(mem) == []


def _flip(mem: MemOS, cube_id: str, version: int) -> None:
    flip = "UPDATE versions SET body = replace(body, 'number', 'numbfr')"
    sql(mem, f"{flip} WHERE cube_id = :id AND version = :version", id=cube_id, version=version)


def test_a_damaged_cube_is_served_to_nobody_and_goes_into_quarantine(mem: MemOS) -> None:
    cube = mem.get_all()[2]
    _flip(mem, cube.id, 1)
    with pytest.raises(CorruptionError):
        mem.get(cube.id)
    assert codes(mem) == [("damaged-cube", False)]
    assert codes(mem, repair=True) == [("damaged-cube", True)]
    assert codes(mem) == []
    with pytest.raises(UnknownCube):
        mem.get(cube.id)
    (kept,) = mem.quarantined()
    assert (kept.cube_id, kept.version) == (cube.id, 1)
    assert "numbfr 2" in kept.body
    assert len(mem.search("memory number", k=10)) == 4


def test_a_flipped_bit_in_a_header_is_damage_too(mem: MemOS) -> None:
    cube = mem.get_all()[0]
    sql(mem, """UPDATE versions SET body = replace(body, '"session_id":"talk"',
        '"session_id":"tall"')""")  # fmt: skip
    with pytest.raises(CorruptionError):
        mem.get(cube.id)


def test_an_old_version_that_is_damaged_goes_alone(mem: MemOS) -> None:
    cube_id = first(mem)
    mem.update(cube_id, "revised")
    _flip(mem, cube_id, 1)
    assert codes(mem, repair=True) == [("damaged-cube", True)]
    assert codes(mem) == []
    assert [cube.version for cube in mem.history(cube_id)] == [2]
    assert mem.update(cube_id, "once more").version == 3


def test_where_the_newest_version_is_damaged_the_one_before_it_counts(mem: MemOS) -> None:
    cube_id = first(mem)
    mem.update(cube_id, "an even larger number")
    _flip(mem, cube_id, 2)
    assert codes(mem, repair=True) == [("damaged-cube", True)]
    assert codes(mem) == []
    assert (mem.get(cube_id).version, mem.get(cube_id).text) == (1, "Alice has memory number 0")
    assert mem.search("memory number 0", k=1)[0].cube.id == cube_id
    assert mem.update(cube_id, "written anew").version == 2


def test_forgetting_reaches_into_the_quarantine(mem: MemOS) -> None:
    cube_id = first(mem)
    mem.update(cube_id, "a larger number")
    _flip(mem, cube_id, 2)
    mem.check(repair=True)
    with pytest.raises(Conflict, match="sound"):
        mem.discard(cube_id)
    mem.delete(cube_id)
    assert mem.quarantined() == []


def test_what_is_in_quarantine_can_be_discarded(mem: MemOS) -> None:
    cube_id = first(mem)
    _flip(mem, cube_id, 1)
    mem.check(repair=True)
    assert [one.cube_id for one in mem.discard(cube_id)] == [cube_id]
    assert mem.quarantined() == []
    with pytest.raises(NotFound):
        mem.discard(cube_id)


def test_a_broken_journal_is_told_and_never_mended(mem: MemOS) -> None:
    sql(mem, "DROP TRIGGER audit_is_never_changed", "UPDATE audit SET actor = 'x' WHERE number = 1")
    assert codes(mem, repair=True) == [("broken-journal", False), ("unguarded-journal", True)]
    assert codes(mem, repair=True) == [("broken-journal", False)]
    sql(mem, "DROP TRIGGER audit_is_never_changed", "UPDATE audit SET scope = '{' WHERE number = 1")
    assert codes(mem) == [("broken-journal", False), ("unguarded-journal", False)]


def test_a_forgotten_cube_that_is_there_and_a_moment_to_come_are_told(mem: MemOS) -> None:
    later = datetime(2999, 1, 1, tzinfo=UTC)
    stone = Tombstone(first(mem), "plaintext", NOW, "user:x", GHOST)
    enter(mem, stone, Certificate(GHOST, NOW, {}), Snapshot("x", later, "y"))
    assert codes(mem) == [("forgotten-cube", False), ("snapshot-in-future", False)]


def test_an_index_of_vectors_that_cannot_be_opened_is_set_aside_and_made_anew(
    tmp_path: Path, quick: Settings
) -> None:
    store = tmp_path / "store"
    with MemOS.open(store, settings=quick) as mem:
        mem.add("a memory")
    (store / "vectors" / "exact").write_bytes(b"no database" * 1000)
    with MemOS.open(store, settings=quick) as mem:
        with pytest.raises(CorruptionError, match="check --repair"):
            mem.search("memory")
        assert codes(mem) == [("damaged-vectors", False)]
        assert codes(mem, repair=True) == [("damaged-vectors", True)]
        assert codes(mem) == []
        assert len(mem.search("memory")) == 1
    assert (store / "quarantine" / "vectors-1").read_bytes().startswith(b"no database")


def test_a_broken_note_and_a_broken_outbox_do_not_keep_anybody_from_a_check(
    mem: MemOS, tmp_path: Path, quick: Settings
) -> None:
    mem.close()
    sql(mem, "UPDATE notes SET value = '{' WHERE name = 'embedder'")
    with MemOS.open(tmp_path / "store", settings=quick) as again:
        assert codes(again, repair=True) == [("damaged-vectors", True)]
        assert codes(again) == []


def test_a_check_counts_what_it_looked_at(mem: MemOS) -> None:
    assert mem.check().checked == {
        "cubes": 5,
        "vectors": 5,
        "imprints": 5,
        "words": 5,
        "blobs": 0,
        "blocks": 0,
    }


def test_another_distribution_with_our_package_s_name_is_told_of(
    mem: MemOS, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "site" / "another_memos-1.0.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: another-memos\nVersion: 1.0\n")
    (other / "top_level.txt").write_text("memos\n")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    (problem,) = mem.check().problems
    assert (problem.code, problem.subject) == ("name-clash", "another-memos")


def _blob(mem: MemOS, digest: str) -> Path:
    return Path(str(mem._folder)) / "blobs" / digest[:2] / digest


@pytest.fixture
def state(mem: MemOS) -> tuple[str, str]:
    """The id of a LoRA cube, and the digest of its blob."""
    cube = stored(mem, mem.get_all()[:2])
    return cube.id, cube.blobs[0]


@pytest.mark.parametrize("code", ["missing-blob", "damaged-blob"])
def test_a_lora_cube_without_its_bytes_goes_into_quarantine(
    mem: MemOS, state: tuple[str, str], code: str
) -> None:
    cube_id, digest = state
    path = _blob(mem, digest)
    if code == "missing-blob":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1])
    assert codes(mem) == [(code, False)]
    assert codes(mem, repair=True) == [(code, True)]
    assert codes(mem) == []
    assert mem.get_all(kind=Kind.PARAMETRIC) == []
    assert [one.cube_id for one in mem.quarantined()] == [cube_id]
    aside = path.parent.parent.parent / "quarantine" / f"disk-{digest}"
    assert aside.exists() == (code == "damaged-blob")
    mem.delete(first(mem))
    assert mem.quarantined() == []
    assert not aside.exists()


def test_bytes_that_are_not_what_the_payload_says_are_found(
    mem: MemOS, state: tuple[str, str]
) -> None:
    cube_id, _ = state
    other = b"\x02\0\0\0\0\0\0\0{}"
    fake = digest_of(other)
    _blob(mem, fake).parent.mkdir(exist_ok=True)
    _blob(mem, fake).write_bytes(other)
    cube = mem.get(cube_id)
    payload = cube.payload.model_copy(update={"blob": fake})
    header = cube.header.model_copy(update={"digest": payload_digest(payload)})
    body = to_sealed_json(cube.model_copy(update={"header": header, "payload": payload}))
    with closing(sqlite3.connect(f"{mem._folder}/catalog.db")) as database:
        row = (body, fake, header.digest, cube_id)
        database.execute("UPDATE versions SET body=?, blob=?, digest=? WHERE cube_id=?", row)
        database.commit()
    assert ("unfit-blob", False) in codes(mem)
    assert ("unfit-blob", True) in codes(mem, repair=True)
    assert codes(mem) == []
    assert json.loads(mem.quarantined()[0].body)["cube"]["payload"]["blob"] == fake


def test_what_was_made_from_a_damaged_text_goes_with_it(mem: MemOS, state: tuple[str, str]) -> None:
    cube_id, digest = state
    _flip(mem, first(mem), 1)
    assert codes(mem, repair=True) == [("damaged-cube", True), ("orphan-derivation", True)]
    assert codes(mem) == []
    assert {one.cube_id for one in mem.quarantined()} == {cube_id, mem.quarantined()[0].cube_id}
    assert not _blob(mem, digest).exists()


def test_an_edge_of_provenance_is_made_anew(mem: MemOS, state: tuple[str, str]) -> None:
    sql(mem, "DELETE FROM edges WHERE relation = 'derived'")
    assert codes(mem, repair=True) == [("missing-edge", True)]
    assert codes(mem) == []
    assert len(mem.lineage(state[0]).ancestors) == 2
