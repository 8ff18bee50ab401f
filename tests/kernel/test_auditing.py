"""The journal, as the system calls tell of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from memos import MemOS, Principal
from memos.errors import BadInput, MemosError

if TYPE_CHECKING:
    from pathlib import Path

    from memos.config import Settings


def test_rows_are_chosen_by_number_call_and_principal(mem: MemOS) -> None:
    alice = mem.acting("user:alice", reason="her own")
    mem.add("tea", user_id="alice")
    for query in ("tea", "milk"):
        alice.search(query)
    mem.search("tea")
    assert [row.number for row in mem.audit(limit=2, after=1)] == [2, 3]
    assert [row.number for row in mem.audit(limit=2, call="search")] == [3, 4]
    assert [row.number for row in mem.audit(call="search", actor="user:alice")] == [2, 3]
    assert [row.number for row in mem.audit(limit=1, after=0, actor="user:alice")] == [2]
    assert {row.reason for row in mem.audit(actor=Principal.read("user:alice"))} == {"her own"}


def test_grants_are_listed_for_a_principal_or_its_name(mem: MemOS) -> None:
    given = mem.grant(Principal.read("agent:planner"), "read", user_id="alice")
    for named in ("agent:planner", Principal.read("agent:planner")):
        assert mem.grants(named) == given


@pytest.mark.parametrize(
    "wanted",
    [{"limit": 0}, {"limit": 10**30}, {"after": -1}, {"after": 10**30}, {"actor": "alice"}],
)
def test_what_cannot_be_chosen_is_refused(mem: MemOS, wanted: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        mem.audit(**wanted)


@pytest.mark.parametrize("reason", [7, " ", "half \ud800", "a\0b", "a" * 1_000_001])
def test_a_reason_that_cannot_be_written_is_refused(
    tmp_path: Path, settings: Settings, mem: MemOS, reason: Any
) -> None:
    with pytest.raises(BadInput, match="the reason"):
        MemOS.open(tmp_path / "new", settings=settings, reason=reason)
    assert not (tmp_path / "new").exists()
    with pytest.raises(BadInput, match="the reason"):
        mem.acting("user:alice", reason=reason)
    kept = mem.add("tea")
    with pytest.raises(BadInput, match="the reason"):
        mem.forget(kept[0].id, reason=reason)
    assert mem.get(kept[0].id) == kept[0]


def test_a_grant_is_on_a_cube_or_on_a_label(mem: MemOS) -> None:
    cube = mem.add("tea", labels=["home"])[0]
    with pytest.raises(MemosError, match="not on both"):
        mem.grant("user:bob", "read", id=cube.id, label="home")
    assert mem.grants() == []
