"""``memos bench retrieval``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Memos

CASE = {
    "set": "locomo",
    "sid": "c",
    "memories": [
        {"id": "1", "text": "The violin hangs in the hall.", "speaker": "Mia", "session": 1},
        {"id": "2", "text": "Tulips are in the garden.", "speaker": "Tom", "session": 1},
    ],
    "queries": [
        {"id": "a", "q": "where does the violin hang?", "gold": ["1"], "cat": 4},
        {"id": "b", "q": "violin?", "gold": ["2"], "cat": 1},
        {"id": "c", "q": "a trick", "gold": ["2"], "cat": 5},
    ],
}


@pytest.fixture
def data(folder: Path) -> str:
    """A file of one case."""
    path = folder / "cases.jsonl"
    path.write_text(json.dumps(CASE))
    return str(path)


def test_a_run_is_one_object_with_every_finder(memos: Memos, data: str) -> None:
    answer = json.loads(memos("bench", "retrieval", "--data", data, "--json").stdout)
    assert answer["schema"] == "agent-memos/bench-retrieval/1"
    assert (answer["data"]["embedder"], answer["data"]["store"]) == ("hash-256", "folder")
    (one,) = answer["data"]["sets"]
    assert (one["set"], one["questions"], one["left_out"]) == ("locomo", 2, {"of category 5": 1})
    assert [each["finder"] for each in one["finders"]] == ["memos", "chroma", "bm25", "fusion"]
    assert one["finders"][0]["scores"]["recall@5"] == 1.0


def test_a_run_is_drawn_with_bars_beside_the_targets_and_what_was_missed(
    memos: Memos, data: str
) -> None:
    asked = ("-d", data, "-m", "recall@1", "-m", "recall@5", "--misses", "3", "--in-memory")
    shown = memos("bench", "retrieval", *asked, "-o", "table").stdout
    for part in ("recall@1", "bm25", "target", "28.0 above", "┃ 72", "category", "violin?"):
        assert part in shown
    assert "missed   Tom: Tulips are in the garden." in shown
    assert "instead  Mia: The violin hangs in the hall." in shown


def test_rivals_may_stay_away_and_questions_be_few(memos: Memos, data: str) -> None:
    told = memos("bench", "retrieval", "-d", data, "--no-rivals", "--limit", "1", "--in-memory")
    (one,) = told.rows[0]["sets"]
    assert one["questions"] == 1
    assert [each["finder"] for each in one["finders"]] == ["memos"]


def test_what_cannot_be_read_is_told_and_the_run_was_done_in_part(
    memos: Memos, folder: Path
) -> None:
    lost = CASE | {"queries": [{"q": "?", "gold": ["99"]}, *CASE["queries"]]}
    (folder / "cases.jsonl").write_text(f"{{\n{json.dumps(lost)}\n")
    told = memos("bench", "retrieval", "-d", "cases.jsonl", "--in-memory", code=7)
    assert "cases: line 1: not JSON" in told.stderr
    assert "line 2, query 1: gold '99' is no memory of this case" in told.stderr
    assert told.rows[0]["sets"][0]["questions"] == 2


def test_wrong_usage_is_told(memos: Memos, data: str, folder: Path) -> None:
    (folder / "empty.jsonl").write_text("")
    for words in (
        (),
        ("-d", "absent.jsonl"),
        ("-d", "empty.jsonl"),
        ("-d", data, "-m", "ndcg@5"),
        ("-d", data, "--limit", "0"),
        ("-d", data, "--store", "elsewhere"),
        ("-d", data, "--as", "user:mia"),
    ):
        memos("bench", "retrieval", *words, code=2)
    assert not (folder / "elsewhere").exists()
