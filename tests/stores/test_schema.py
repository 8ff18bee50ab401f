"""The migrations make exactly the tables that the catalog uses, from every earlier revision."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from memos.errors import OtherVersion
from memos.stores.catalog_sql import SqlCatalog
from memos.stores.engine_sqlite import open_engine
from memos.stores.schema import revision, scripts, settings, upgrade
from memos.stores.tables import HEAD, metadata
from memos.testing.catalog import plaintext, put

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

REVISIONS = sorted(path.name.split("_")[0] for path in (scripts() / "versions").glob("*.py"))


def at(engine: Engine, where: str, step: str) -> None:
    with engine.execution_options(write=True).begin() as connection:
        config = settings()
        config.attributes["connection"] = connection
        getattr(command, step)(config, where)


def test_revisions_are_numbered_without_gaps_and_end_in_one_head() -> None:
    numbers = [f"{number:04}" for number in range(1, len(REVISIONS) + 1)]
    assert numbers == REVISIONS
    heads = ScriptDirectory.from_config(settings()).get_heads()
    assert set(heads) == {HEAD, REVISIONS[-1]}


def test_the_newest_schema_is_what_the_catalog_declares() -> None:
    engine = open_engine(None)
    upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


@pytest.mark.parametrize("earlier", REVISIONS)
def test_a_store_of_every_earlier_revision_is_upgraded_with_its_rows(
    tmp_path: Path, earlier: str
) -> None:
    engine = open_engine(tmp_path / "catalog.db")
    at(engine, earlier, "upgrade")
    if earlier == HEAD:
        cube = plaintext("kept")
        SqlCatalog(engine).commit(put(cube))
        upgrade(engine)
        assert SqlCatalog(engine).find(cube.id) == cube
    upgrade(engine)
    with engine.connect() as connection:
        assert revision(connection) == HEAD
    engine.dispose()


def test_down_to_nothing_and_up_again() -> None:
    engine = open_engine(None)
    upgrade(engine)
    at(engine, "base", "downgrade")
    upgrade(engine)
    with engine.connect() as connection:
        assert revision(connection) == HEAD


def test_a_newer_store_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    engine = open_engine(path)
    upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(OtherVersion, match="9999"):
        upgrade(engine)
    with engine.connect() as connection:
        assert revision(connection) == "9999"
    engine.dispose()


def test_a_folder_with_percent_signs_in_its_name_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memos.stores.schema.scripts", lambda: tmp_path / "100%")
    assert re.search("100%$", str(settings().get_main_option("script_location")))
