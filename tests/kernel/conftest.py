"""Stores for the kernel's tests: real backends, with the quick embedder and a tiny model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from memos import MemOS
from memos.boot import _in_memory
from memos.config import (
    EmbedderSettings,
    RuntimeSettings,
    Settings,
    TrainingSettings,
    VectorsSettings,
)
from memos.ports.progress import silent
from memos.testing.clock import HandClock
from memos.testing.tiny_model import write_tiny_model

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A language model that is real in all but its knowledge."""
    folder = tmp_path_factory.mktemp("tiny-model")
    write_tiny_model(folder)
    return folder


@pytest.fixture(scope="session")
def settings(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Quick models, exact vectors."""
    return Settings(
        cache=str(tmp_path_factory.mktemp("cache")),
        embedder=EmbedderSettings(backend="hash"),
        vectors=VectorsSettings(backend="exact"),
        runtime=RuntimeSettings(model=str(tiny_model), device="cpu"),
        training=TrainingSettings(steps=3),
    )


@pytest.fixture
def mem(tmp_path: Path, settings: Settings) -> Iterator[MemOS]:
    """A store in a folder."""
    with MemOS.open(tmp_path / "store", settings=settings) as opened:
        yield opened


@pytest.fixture
def clock() -> HandClock:
    """A clock that the test sets on."""
    return HandClock()


@pytest.fixture
def timed(settings: Settings, clock: HandClock) -> Iterator[MemOS]:
    """A store in memory, on that clock."""
    with MemOS(replace(_in_memory(settings, silent), clock=clock)) as opened:
        yield opened
