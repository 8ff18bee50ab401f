"""A database to start from: upgrading an empty one takes longer than most tests."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from memos.stores.engine_sqlite import open_engine
from memos.stores.schema import upgrade


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database with all tables."""
    path = tmp_path_factory.mktemp("template") / "catalog.db"
    engine = open_engine(path)
    upgrade(engine)
    engine.dispose()
    return path


@pytest.fixture
def upgraded(template: Path, tmp_path: Path) -> Path:
    """A database of this test's own."""
    return Path(shutil.copy(template, tmp_path / "catalog.db"))
