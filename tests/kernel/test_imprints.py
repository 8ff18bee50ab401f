"""Imprints follow the texts they are of, and a search works with them and without."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from memos import MemOS
from memos.models.embedder_hash import HashEmbedder
from memos.ports.embedder import TokenEmbedder
from memos.ports.imprints import ImprintEntry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from memos.config import Settings
    from memos.ports.progress import Progress

TEXTS = ["Alice moved to Lisbon in May.", "Bob drinks tea with milk.", "The tram leaves at nine."]


class Plain:
    """An embedder that tells nothing of tokens."""

    name = "hash-256"
    dimension = 256

    def embed(
        self, texts: Sequence[str], *, progress: Progress | None = None
    ) -> NDArray[np.float32]:
        del progress
        return HashEmbedder().embed(texts)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        return HashEmbedder().embed_query(text)


@pytest.fixture
def mem(tmp_path: Path, settings: Settings) -> Iterator[MemOS]:
    with MemOS.open(tmp_path / "store", settings=settings) as opened:
        opened.add([{"content": text} for text in TEXTS], user_id="alice")
        yield opened


def held(mem: MemOS) -> set[str]:
    return mem._index.imprints.ids()


def test_every_text_that_can_be_found_has_an_imprint(mem: MemOS) -> None:
    ids = [cube.id for cube in mem.get_all()]
    assert held(mem) == set(ids)
    mem.archive(ids[0])
    assert held(mem) == set(ids[1:])
    mem.activate(ids[0])
    assert held(mem) == set(ids)
    mem.forget(ids[1])
    assert held(mem) == {ids[0], ids[2]}


def test_an_imprint_is_that_of_the_current_text(mem: MemOS) -> None:
    first = mem.get_all(limit=1)[0]
    mem.update(first.id, "Alice moved on to Porto, and took the early train there.")
    (reading,) = HashEmbedder().read(["Alice moved on to Porto, and took the early train there."])
    assert reading.imprint is not None
    assert np.array_equal(mem._index.imprints.of([first.id])[first.id], reading.imprint)


def test_a_hit_says_what_its_tokens_add(mem: MemOS) -> None:
    hits = mem.search("Who drinks tea?", user_id="alice")
    assert hits[0].cube.text == TEXTS[1]
    assert hits[0].parts["tokens"] > 0


def test_the_past_is_asked_token_by_token_too(mem: MemOS) -> None:
    first = mem.get_all(limit=1)[0]
    then = first.header.created_at
    mem.update(first.id, "Nothing of that sort.")
    hits = mem.at(then).search("Where did Alice move to?", user_id="alice")
    assert hits[0].cube.text == TEXTS[0]
    assert "tokens" in hits[0].parts


def test_a_store_from_before_works_and_a_repair_gives_it_its_imprints(mem: MemOS) -> None:
    mem._index.imprints.clear()
    hits = mem.search("Who drinks tea?", user_id="alice")
    assert hits[0].cube.text == TEXTS[1]
    assert "tokens" not in hits[0].parts
    found = {problem.code for problem in mem.check().problems}
    assert found == {"missing-imprint"}
    mem.check(repair=True)
    assert mem.check().problems == ()
    assert "tokens" in mem.search("Who drinks tea?", user_id="alice")[0].parts


def test_an_embedder_that_tells_of_no_tokens_needs_none(tmp_path: Path, settings: Settings) -> None:
    assert not isinstance(Plain(), TokenEmbedder)
    with MemOS.open(tmp_path / "plain", settings=settings, embedder=Plain()) as plain:
        plain.add([{"content": text} for text in TEXTS], user_id="alice")
        assert held(plain) == set()
        assert plain.search("Who drinks tea?", user_id="alice")[0].cube.text == TEXTS[1]
        assert plain.check().problems == ()
    with MemOS.open(tmp_path / "plain", settings=settings, embedder=HashEmbedder()) as opened:
        assert {one.code for one in opened.check(repair=True).problems} == {"missing-imprint"}
        assert len(held(opened)) == len(TEXTS)
    with MemOS.open(tmp_path / "plain", settings=settings, embedder=Plain()) as plain:
        plain.update(plain.get_all(limit=1)[0].id, "another text")
        assert len(held(plain)) == len(TEXTS) - 1  # rather none than that of the former text
        assert plain.check().problems == ()


def test_of_two_users_none_meets_the_others_tokens(mem: MemOS) -> None:
    bobs = mem.add("Bob drinks tea with sugar.", user_id="bob")
    asked: list[str] = []
    inside = mem._finder._imprints

    class Listening:
        def of(self, ids: Sequence[str]) -> object:
            asked.extend(ids)
            return inside.of(ids)

    mem._finder._imprints = Listening()  # type: ignore[assignment]
    mem.search("Who drinks tea?", user_id="alice")
    assert asked
    assert not {cube.id for cube in bobs} & set(asked)


def test_a_deep_check_finds_the_imprint_of_another_text(mem: MemOS) -> None:
    first, second = (cube.id for cube in mem.get_all(limit=2))
    imprints = mem._index.imprints
    imprints.put([ImprintEntry(first, imprints.of([second])[second])])
    assert mem.check().problems == ()
    (problem,) = mem.check(deep=True, repair=True).problems
    assert (problem.code, problem.subject) == ("wrong-vector", first)
    assert mem.check(deep=True).problems == ()
