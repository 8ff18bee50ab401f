"""A check finds what is wrong behind the kernel's back, and mends what can be rebuilt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from memos import MemOS
from memos.cube import Scope
from memos.ports.words import WordEntry
from memos.stores.engine_sqlite import open_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

GHOST = "0190a5c8-0000-7000-8000-000000000000"


@pytest.fixture
def mem(tmp_path: Path) -> Iterator[MemOS]:
    with MemOS.open(tmp_path / "store", embedder="hash") as opened:
        opened.add([{"content": f"memory number {number}"} for number in range(5)])
        yield opened


def _lose_vectors(mem: MemOS) -> None:
    mem._index.vectors.drop([mem.get_all()[0].id])


def _lose_words(mem: MemOS) -> None:
    mem._index.words.drop([mem.get_all()[0].id])


def _haunt_words(mem: MemOS) -> None:
    mem._index.words.put([WordEntry(GHOST, "a ghost", Scope())])


def _leave_blob(mem: MemOS) -> None:
    mem._parts.blobs.put(b"nobody's")


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (_lose_vectors, "missing-vector"),
        (_lose_words, "missing-word"),
        (_haunt_words, "orphan-word"),
        (_leave_blob, "orphan-blob"),
    ],
)
def test_what_is_derived_is_rebuilt(mem: MemOS, damage: Callable[[MemOS], None], code: str) -> None:
    assert mem.check().problems == ()
    damage(mem)
    report = mem.check()
    assert [problem.code for problem in report.problems] == [code]
    assert not report.ok
    repaired = mem.check(repair=True)
    assert [(problem.code, problem.repaired) for problem in repaired.problems] == [(code, True)]
    assert repaired.ok
    assert mem.check().problems == ()
    assert len(mem.search("memory number", k=10)) == 5


def test_a_cube_that_was_tampered_with_is_named(mem: MemOS, tmp_path: Path) -> None:
    cube = mem.get_all()[2]
    engine = open_engine(tmp_path / "store" / "catalog.db")
    with engine.begin() as connection:
        statement = "UPDATE versions SET body = replace(body, 'number 2', 'number 9')"
        connection.execute(text(statement))
    engine.dispose()
    (problem,) = mem.check(repair=True).problems
    assert (problem.code, problem.subject, problem.repaired) == ("damaged-cube", cube.id, False)


def test_a_check_counts_what_it_looked_at(mem: MemOS) -> None:
    assert mem.check().checked == {"cubes": 5, "vectors": 5, "words": 5, "blobs": 0}


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
