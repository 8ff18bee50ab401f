"""The torch runtime keeps the port's promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from memos.models.runtime_torch import TorchRuntime
from memos.ports.runtime import Recipe
from memos.testing.runtime import UNRELATED, RuntimeSuite
from memos.testing.tiny_model import write_tiny_model

if TYPE_CHECKING:
    from pathlib import Path

    from memos.ports.runtime import Runtime


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    write_tiny_model(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_runtime(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Runtime:
    return TorchRuntime(str(tiny), cache_folder=tmp_path_factory.mktemp("cache"))


class TestTorchRuntime(RuntimeSuite):
    @pytest.fixture
    def runtime(self, tiny_runtime: Runtime) -> Runtime:
        return tiny_runtime

    def recipe(self) -> Recipe:
        return Recipe(steps=40, batch=2, learning_rate=1e-2, locality=0.1, unrelated=UNRELATED)
