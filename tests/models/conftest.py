"""Language models to test with: a tiny one of random weights, and the real default."""

from __future__ import annotations

from typing import TYPE_CHECKING

import platformdirs
import pytest

from memos.models.runtime_torch import TorchRuntime
from memos.testing.tiny_model import write_tiny_model

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def model_cache() -> Path:
    """The cache that users have too: the default model is converted once a machine."""
    return platformdirs.user_cache_path("agent-memos") / "models"


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    write_tiny_model(folder)
    return folder


@pytest.fixture(scope="session")
def tiny(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> TorchRuntime:
    return TorchRuntime(str(tiny_folder), cache_folder=tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def smollm2(model_cache: Path) -> TorchRuntime:
    return TorchRuntime(cache_folder=model_cache)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Threads cost a tiny model more than they save."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
