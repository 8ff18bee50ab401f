"""What ``memos`` offers is what it says it offers."""

from __future__ import annotations

import inspect

import pytest

import memos
from memos import MemOS


def test_all_is_sorted_and_every_name_is_there() -> None:
    assert memos.__all__ == sorted(memos.__all__, key=str)
    for name in memos.__all__:
        assert getattr(memos, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        memos.nonsense  # noqa: B018


def test_the_contract_s_calls_are_there_and_documented() -> None:
    calls = ("open", "add", "search", "context", "get", "get_all", "history", "update", "delete",
             "delete_all", "transform", "chat", "lineage", "stats", "check")  # fmt: skip
    for call in calls:
        assert inspect.getdoc(getattr(MemOS, call)), call
