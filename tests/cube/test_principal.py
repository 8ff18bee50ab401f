"""A principal's name is what a person sees of it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from memos.cube import Party, Principal
from memos.errors import BadInput


@pytest.mark.parametrize("name", ["alice", "Ann Lee", "zoë", "a=b,c", "李雷", "a:b"])
def test_a_name_that_can_be_seen_is_taken(name: str) -> None:
    assert str(Principal.read(f"user:{name}")) == f"user:{name}"


@pytest.mark.parametrize(
    "name",
    ["", " ", " alice", "alice ", "al\u200bice", "a\nb", "a\x00", "a\u202eb", "\ufeffa", "a\xa0b"],
)
def test_what_cannot_be_seen_is_in_no_name(name: str) -> None:
    with pytest.raises(BadInput, match="names nobody"):
        Principal.read(f"user:{name}")
    with pytest.raises(ValidationError):
        Principal(party=Party.USER, name=name)


@pytest.mark.parametrize("name", ["*", "al*", "*:*"])
def test_there_are_no_wildcards(name: str) -> None:
    with pytest.raises(BadInput, match="grant to each"):
        Principal.read(f"user:{name}")
