"""A model is found, or made once and whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from memos.errors import UnknownBackend
from memos.models.weights import DEFAULT, locate

if TYPE_CHECKING:
    from pathlib import Path


def test_a_folder_is_itself(tiny_folder: Path, tmp_path: Path) -> None:
    assert locate(str(tiny_folder), cache_folder=tmp_path) == tiny_folder
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_no_model_can_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownBackend, match="no/such/model") as caught:
        locate("no/such/model", cache_folder=tmp_path)
    assert DEFAULT in caught.value.hint


@pytest.mark.weights
def test_the_default_is_converted_once(model_cache: Path) -> None:
    told: list[str] = []
    folder = locate(DEFAULT, cache_folder=model_cache)
    again = locate(DEFAULT, cache_folder=model_cache, progress=lambda what, *_: told.append(what))
    assert folder == again
    assert told == []
    names = {file.name for file in folder.iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja"} <= names
