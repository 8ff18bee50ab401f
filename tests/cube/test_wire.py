"""A cube survives the way to bytes and back, and nothing else passes for one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memos.cube.wire import FORMAT, from_json, to_json
from memos.errors import BadInput, CorruptionError, MemosError
from memos.testing.catalog import activation, plaintext
from memos.testing.derived import adapter

TEXTS = st.text(min_size=1).filter(lambda text: text.isprintable())


@given(TEXTS, st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.text()))
def test_a_cube_comes_back_as_it_was(text: str, metadata: dict[str, Any]) -> None:
    cube = plaintext(text, metadata=metadata)
    assert from_json(to_json(cube)) == cube


def test_a_derived_cube_comes_back_as_it_was() -> None:
    cube = activation([plaintext("a source")], b"content")
    assert from_json(to_json(cube).encode()) == cube


def test_weights_come_back_as_they_were() -> None:
    source = plaintext("a source")
    cube, _ = adapter([source], at=source.created_at)
    assert from_json(to_json(cube)) == cube


def test_the_format_number_is_on_the_wire() -> None:
    assert json.loads(to_json(plaintext("one")))["format"] == FORMAT


def test_another_format_is_refused_by_its_number() -> None:
    line = json.dumps({**json.loads(to_json(plaintext("one"))), "format": 99})
    with pytest.raises(BadInput, match="99"):
        from_json(line)


def test_a_changed_text_is_corruption() -> None:
    line = to_json(plaintext("the truth")).replace("the truth", "a lie")
    with pytest.raises(CorruptionError):
        from_json(line)


@pytest.mark.parametrize("line", ["", "{}", "[]", "null", "{", '{"format": 1}', b"\xff\xfe", "7"])
def test_what_is_no_cube_is_refused(line: str | bytes) -> None:
    with pytest.raises(BadInput):
        from_json(line)


@given(st.text() | st.binary())
def test_no_bytes_at_all_raise_anything_but_our_errors(line: str | bytes) -> None:
    with pytest.raises(MemosError):
        from_json(line)


def test_fields_that_we_do_not_know_are_refused_rather_than_dropped() -> None:
    content = json.loads(to_json(plaintext("one")))
    content["cube"]["header"]["colour"] = "red"
    with pytest.raises(BadInput, match="colour"):
        from_json(json.dumps(content))
