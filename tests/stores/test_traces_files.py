"""The search for traces finds what lies in files however it is written, and says where."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import numpy as np
import pytest

from memos.errors import BackendError
from memos.models.embedder_hash import HashEmbedder
from memos.ports.traces import Search, Spelling, Trace
from memos.stores.traces_files import FileTraces
from memos.stores.traces_memory import MemoryTraces

if TYPE_CHECKING:
    from pathlib import Path

QUOTED = 'The "password" of Zoë\nis correct-horse-battery-staple.'
PLAIN = "The password of Zoe is correct-horse-battery-staple."
SHORT = "xyzzy-7q"
NOISE = np.random.default_rng(3).bytes(700_000)


def found(folder: Path, *texts: str) -> list[Trace]:
    return list(FileTraces(folder).find(texts).traces)


@pytest.mark.parametrize(
    ("spelling", "content"),
    [
        (Spelling.UTF8, QUOTED.encode()),
        (Spelling.JSON, json.dumps({"text": QUOTED}, ensure_ascii=False).encode()),
        (Spelling.ASCII_JSON, json.dumps({"text": QUOTED}).encode()),
        (Spelling.UTF16, QUOTED.encode("utf-16-le")),
    ],
)
def test_a_text_is_found_in_every_spelling(
    tmp_path: Path, spelling: Spelling, content: bytes
) -> None:
    (tmp_path / "file").write_bytes(b"before" + content + b"after")
    spellings = {trace.spelling for trace in found(tmp_path, "something quite different", QUOTED)}
    assert spelling in spellings
    assert {trace.sought for trace in found(tmp_path, "something quite different", QUOTED)} == {1}


@pytest.mark.parametrize("text", [SHORT, "twelve bytes", "a text of twenty-two b", PLAIN])
@pytest.mark.parametrize("at", [0, 1, 7, (1 << 18) - 30, (1 << 18) - 5, 1 << 18, 600_001])
def test_it_is_found_wherever_it_stands_with_its_offset(tmp_path: Path, text: str, at: int) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_bytes(NOISE[:at] + text.encode() + NOISE[at:])
    (tmp_path / "other").write_bytes(NOISE)
    assert found(tmp_path, text) == [Trace(0, Spelling.UTF8, "folder/file", at)]


def test_a_text_that_a_database_has_torn_apart_is_found(tmp_path: Path) -> None:
    piece = PLAIN.encode()[11:42]
    assert len(piece) == 31
    (tmp_path / "file").write_bytes(NOISE[:999] + piece + NOISE[999:])
    (trace,) = found(tmp_path, PLAIN)
    assert 999 <= trace.offset < 999 + 8


def test_many_texts_are_told_apart(tmp_path: Path) -> None:
    texts = [f"It is remark number {number} of a great many." for number in range(500)]
    texts += [f"remark {number}" for number in range(100, 600)]
    there = [3, 77, 499, 501, 888]
    (tmp_path / "file").write_bytes(b"\0".join(texts[number].encode() for number in there))
    living = [f"It is remark number {number} of a great many." for number in range(500, 510)]
    search = FileTraces(tmp_path).find(texts, living=living)
    assert sorted(trace.sought for trace in search.traces) == there
    assert search.still_said == ()


def test_what_living_texts_say_too_is_no_trace(tmp_path: Path) -> None:
    thanks = "Thank you very much for your kind help."
    ours = f"{thanks} My number is 0171 4711 0815, call me any time."
    (tmp_path / "file").write_text(f"{thanks} It was a pleasure.")
    assert len(found(tmp_path, ours)) == 1
    search = FileTraces(tmp_path).find([ours, thanks], living=[f"{thanks} It was a pleasure."])
    assert search.traces == ()
    assert search.still_said == (1,)
    assert not search.clean
    (tmp_path / "more").write_text("My number is 0171 4711 0815, call me")
    search = FileTraces(tmp_path).find([ours], living=[f"{thanks} It was a pleasure."])
    assert [(trace.sought, trace.file) for trace in search.traces] == [(0, "more")]


@pytest.mark.parametrize("common", ["", "yes", "a" * 500, "-+" * 40, "        \n"])
def test_what_stands_everywhere_is_not_searched_for_and_said_to_be_so(
    tmp_path: Path, common: str
) -> None:
    (tmp_path / "file").write_text(common * 100)
    search = FileTraces(tmp_path).find([common, PLAIN])
    assert search.traces == ()
    assert search.too_common == (0,)
    assert not search.clean


def test_a_vector_is_found_also_when_it_was_normalised_once_more(tmp_path: Path) -> None:
    vectors = np.random.default_rng(1).standard_normal((3, 384)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    again = vectors[1] * np.float32(1 + 3e-7)
    assert again.tobytes() != vectors[1].tobytes()
    (tmp_path / "file").write_bytes(NOISE[:333] + again.tobytes() + NOISE[333:])
    search = FileTraces(tmp_path).find([], vectors=list(vectors))
    assert [(trace.sought, trace.spelling) for trace in search.traces] == [(1, Spelling.FLOAT32)]
    assert search.plain_vectors == ()


def test_a_sparse_vector_is_found_and_one_of_zeros_said_not_to_be_searched_for(
    tmp_path: Path,
) -> None:
    chance = np.random.default_rng(2)
    sparse = np.where(chance.random(256) < 0.25, chance.standard_normal(256), 0).astype("<f4")
    zeros = np.eye(256, dtype=np.float32)[0]
    (tmp_path / "file").write_bytes(bytes(5000) + sparse.tobytes() + zeros.tobytes())
    search = FileTraces(tmp_path).find([], vectors=[sparse, zeros])
    assert [trace.sought for trace in search.traces] == [0]
    assert search.plain_vectors == (1,)


def test_a_sparse_vector_is_not_taken_for_another_that_is_like_it(tmp_path: Path) -> None:
    embedder = HashEmbedder(384)
    said = "Alice wrote about Kyoto because the rent was lower, and told Elena so on day"
    sought, other = embedder.embed([f"{said} 36500.", f"{said} 36600."])
    (tmp_path / "file").write_bytes(other.tobytes())
    assert FileTraces(tmp_path).find([], vectors=[sought]).clean
    assert not FileTraces(tmp_path).find([], vectors=[other]).clean


def test_links_are_not_followed_but_told_of(tmp_path: Path) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    inside.mkdir()
    (outside / "file").write_text(PLAIN)
    (inside / "folder").symlink_to(outside)
    (inside / "file").symlink_to(outside / "file")
    search = FileTraces(inside).find([PLAIN])
    assert search == Search(passed_over=("file", "folder"))
    assert not search.clean


def test_a_folder_that_is_none_is_an_error_and_not_a_clean_search(tmp_path: Path) -> None:
    (tmp_path / "file").write_text(PLAIN)
    for folder in (tmp_path / "absent", tmp_path / "file"):
        with pytest.raises(BackendError, match=folder.name):
            FileTraces(folder).find([PLAIN])


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text(PLAIN)
    (tmp_path / "file").chmod(0)
    if os.access(tmp_path / "file", os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(BackendError, match="file"):
        FileTraces(tmp_path).find([PLAIN])


def test_progress_tells_of_bytes_up_to_all_of_them(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    (tmp_path / "a").write_bytes(NOISE)
    (tmp_path / "b").write_bytes(NOISE[:10])
    search = FileTraces(tmp_path).find([PLAIN], progress=lambda _, *step: told.append(step))
    assert told == sorted(told)
    assert told[-1] == (700_010, 700_010)
    assert (search.files, search.size_bytes, search.clean) == (2, 700_010, True)


def test_a_store_in_memory_has_no_traces() -> None:
    assert MemoryTraces().find([PLAIN, ""]) == Search()
