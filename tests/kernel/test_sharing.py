"""Memories of every kind that a real model made are used where they were installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from memos import Kind, MemOS
from memos.errors import BadInput

if TYPE_CHECKING:
    from pathlib import Path

    from memos.config import Settings


def test_what_a_model_made_elsewhere_answers_here(
    mem: MemOS, tmp_path: Path, settings: Settings
) -> None:
    turns = [{"content": "Alice moved to Lisbon."}, {"content": "Alice works as a baker."}]
    ids = [cube.id for cube in mem.add(turns, user_id="alice")]
    kv = mem.transform(ids, to=Kind.ACTIVATION)
    lora = mem.transform(ids, to=Kind.PARAMETRIC)
    assert mem.export_to(tmp_path / "alice.zip", name="Alice") == 4
    told = mem.chat("Where?", memories=[kv.id], max_tokens=4)
    with MemOS.open(None, settings=settings) as other:
        done = other.install(tmp_path / "alice.zip", "alice", user_id="bob")
        state, weights = (
            next(cube for cube in other.get_all(user_id="bob") if cube.kind is kind)
            for kind in (Kind.ACTIVATION, Kind.PARAMETRIC)
        )
        assert state.blobs == ()  # what a model made of texts elsewhere could say something else
        assert other.where(state.id).place == "nowhere"
        first, again = (other.chat("Where?", memories=[state.id], max_tokens=4) for _ in range(2))
        assert first.text == again.text == told.text
        assert (first.reused_tokens, again.reused_tokens) == (0, told.reused_tokens)
        assert again.reused_tokens > 0
        assert weights.payload == lora.payload
        other.chat("Where?", memories=[weights.id], max_tokens=1, allow_unfit=True)
        assert len(other.uninstall("alice", user_id="bob").cubes) == len(done.added) == 4
        assert other.check().problems == ()


@pytest.mark.parametrize("path", ["", "/", ".", "a\x00b", 7, None, b"x"])
def test_what_is_no_path_is_refused(mem: MemOS, path: str) -> None:
    before = mem.stats().held
    for call in (
        lambda: mem.export_to(path),
        lambda: mem.import_from(path),
        lambda: mem.install(path, "x"),
        lambda: mem.inspect(path),
        lambda: mem.export_to("x.zip", sign_with=path or "/"),
    ):
        with pytest.raises(BadInput):
            call()
    assert mem.stats().held == before
