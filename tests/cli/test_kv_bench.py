"""``kv bench``, on a model that is real in all but its knowledge."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from memos.testing.redis_server import running, server_programs
from tests.servers import wanted

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Memos

pytestmark = pytest.mark.usefixtures("tiny_runtime")
SHORT = ("--tokens", "96", "--rounds", "2", "--set", "kv.block_tokens=32")


def measured(memos: Memos, *words: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(memos("kv", "bench", *SHORT, *words, "--json").stdout)["data"]
    return data


def test_every_place_is_measured_and_nothing_is_left(memos: Memos, folder: Path) -> None:
    before = sorted(folder.iterdir())
    told = measured(memos)
    assert (told["tokens"], told["blocks"], told["block_tokens"]) == (96, 3, 32)
    assert (told["rounds"], told["question_tokens"], told["absent"]) == (2, 32, {})
    assert told["block_bytes"] == 2 * 2 * 2 * 16 * 4 * 32  # K and V, layers, heads, width, bytes
    assert told["block_seconds"] == pytest.approx(32 * told["seconds_per_token"])
    ram, disk = told["places"]
    assert (ram["place"], disk["place"]) == ("ram", "disk")
    assert ram["loaded_tokens"] == 96
    assert ram["read_bytes_per_second"] is None  # the model reads them where they lie
    speed = disk["read_bytes_per_second"]
    assert speed > 0
    assert disk["written_bytes_per_second"] > 0
    assert disk["block_seconds"] == pytest.approx(told["block_bytes"] / speed)
    assert all(one["first_token_seconds"] > 0 for one in (told, ram, disk))
    assert sorted(folder.iterdir()) == before


def test_a_table_says_what_loading_and_computing_a_block_cost(memos: Memos) -> None:
    told = memos("kv", "bench", *SHORT, "-o", "table").stdout
    assert "96 tokens in 3 blocks, then 32 of a question; medians of 2 rounds" in told
    assert "to load a block" in told
    assert "to compute it" in told
    rows = {line.split()[0] for line in told.splitlines() if line.strip()}
    assert {"computed", "ram", "disk"} <= rows


def test_a_server_is_measured_and_left_as_it_was(memos: Memos, folder: Path) -> None:
    program = wanted(next(iter(server_programs()), None))
    (folder / "server").mkdir()
    with running(program, folder / "server") as server:
        told = measured(memos, "--set", f"kv.shared={server.url()}")
        shared = told["places"][-1]
        assert shared["place"] == "shared"
        assert shared["read_bytes_per_second"] > 0
        client = pytest.importorskip("redis").Redis.from_url(server.url())
        assert client.dbsize() == 0
        client.close()


def test_a_server_that_does_not_answer_is_said_to_be_absent(memos: Memos, folder: Path) -> None:
    told = measured(memos, "--set", "kv.shared=redis://127.0.0.1:1/0")
    assert [one["place"] for one in told["places"]] == ["ram", "disk"]
    assert "127.0.0.1:1" in told["absent"]["shared"]


def test_what_cannot_be_measured_is_an_error(memos: Memos) -> None:
    memos("kv", "bench", "--tokens", "5000", code=2)
    memos("kv", "bench", "--as", "user:alice", code=2)
    memos("kv", "bench", "--tokens", "0", code=2)
    tight = ("--set", "kv.disk=4096")
    assert "OutOfSpace" in memos("kv", "bench", *SHORT, *tight, "--json", code=1).stderr
