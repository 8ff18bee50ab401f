"""Stores for the tests of their life: real backends, with the quick embedder and a tiny model."""

from __future__ import annotations

import pytest

from memos.config import (
    EmbedderSettings,
    RuntimeSettings,
    Settings,
    TrainingSettings,
    VectorsSettings,
)
from memos.testing.tiny_model import write_tiny_model


@pytest.fixture(scope="session")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Quick models, exact vectors."""
    model = tmp_path_factory.mktemp("tiny-model")
    write_tiny_model(model)
    return Settings(
        cache=str(tmp_path_factory.mktemp("cache")),
        embedder=EmbedderSettings(backend="hash"),
        vectors=VectorsSettings(backend="exact"),
        runtime=RuntimeSettings(model=str(model), device="cpu"),
        training=TrainingSettings(steps=3),
    )
