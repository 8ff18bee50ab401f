"""Conditions and metadata as they are written on a command line."""

from __future__ import annotations

import pytest

from memos.cli.where import condition, filters, pairs
from memos.errors import BadInput


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("speaker=Alice", {"speaker": {"eq": "Alice"}}),
        ("speaker != Alice", {"speaker": {"ne": "Alice"}}),
        ("text~tea=time", {"text": {"contains": "tea=time"}}),
        ("version>=2", {"version": {"gte": 2}}),
        ("metadata.year<2024", {"metadata.year": {"lt": 2024}}),
        ('metadata.year="2024"', {"metadata.year": {"eq": "2024"}}),
        ("metadata.a.b=true", {"metadata.a.b": {"eq": True}}),
        ("user_id=7", {"user_id": {"eq": "7"}}),
        ("created_at>2024-05-01", {"created_at": {"gt": "2024-05-01T00:00:00Z"}}),
        ("valid_to<=2024-05-01T10:00:00Z", {"valid_to": {"lte": "2024-05-01T10:00:00Z"}}),
        ("labels=work", {"labels": {"contains": "work"}}),
        ("labels!=work", {"not": {"labels": {"contains": "work"}}}),
    ],
)
def test_a_condition_is_read(text: str, expected: object) -> None:
    assert condition(text) == expected


def test_conditions_are_joined_by_and() -> None:
    assert filters(None, None) is None
    assert filters(["a=1"], None) == {"a": {"eq": "1"}}
    assert filters(["a=1", "b=2"], '{"c": 3}') == {
        "and": [{"a": {"eq": "1"}}, {"b": {"eq": "2"}}, {"c": 3}]
    }


@pytest.mark.parametrize("text", ["", "speaker", "=x", "speaker=", "a b"])
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="is not a condition"):
        condition(text)


@pytest.mark.parametrize("given", ["{", "[]", "3"])
def test_a_filter_must_be_an_object(given: str) -> None:
    with pytest.raises(BadInput, match="--filter"):
        filters(None, given)


def test_metadata_is_read_as_json_where_it_is_json() -> None:
    assert pairs(["a=1", "b=tea", "c=x=y", 'd="1"', "e="]) == {
        "a": 1,
        "b": "tea",
        "c": "x=y",
        "d": "1",
        "e": "",
    }
    with pytest.raises(BadInput, match="KEY=VALUE"):
        pairs(["a"])
