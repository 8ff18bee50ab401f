"""The migrations make exactly the tables that the catalog uses, from every earlier revision."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from memos.cube import Scope
from memos.errors import OtherVersion
from memos.ports.catalog import Change
from memos.stores.catalog_sql import SqlCatalog
from memos.stores.engine_sqlite import open_engine
from memos.stores.journal_sql import SqlJournal
from memos.stores.ledger_sql import SqlLedger
from memos.stores.schema import revision, scripts, settings, upgrade
from memos.stores.tables import HEAD, metadata
from memos.testing.catalog import audit, plaintext, put

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


def test_the_journal_of_the_first_version_goes_on_without_a_gap() -> None:
    engine = open_engine(None)
    at(engine, "0001", "upgrade")
    row = """INSERT INTO audit (at, actor, call, scope, subjects, outcome)
             VALUES (:at, 'service:application', 'add', '{}', '[]', 'ok')"""
    with engine.execution_options(write=True).begin() as connection:
        connection.execute(text(row), [{"at": 1}, {"at": 2}])
    upgrade(engine)
    journal = SqlJournal(engine)
    assert journal.broken() == []
    journal.append(audit())
    assert [one.number for one in journal.rows()] == [1, 2, 3]
    assert journal.broken() == []


BUNDLE = """INSERT INTO installed (namespace, bundle, name, version, at, "by")
            VALUES ('kb', 'x', 'KB', '1', 1, 'service:application'),
                   ('ours', 'x', 'KB', '1', 1, 'service:application'),
                   ('empty', 'x', 'KB', '1', 1, 'user:bob')"""

ANSWERS = """INSERT INTO receipts (key, scope, fingerprint, answer)
             VALUES ('a', '{}', '', '{"ids": [], "hidden": 1}'), ('b', '{}', '', '["hidden"]'),
                    ('c', '{}', '', '{damaged')"""


def test_what_was_installed_before_namespaces_had_owners_is_its_cubes_owners() -> None:
    engine = open_engine(None)
    at(engine, "0002", "upgrade")
    hers, ours = plaintext("hers", Scope(user_id="alice", agent_id="a")), plaintext("ours", Scope())
    SqlCatalog(engine).commit(put(hers, ours))
    with engine.execution_options(write=True).begin() as connection:
        connection.execute(text(BUNDLE))
        members = "INSERT INTO installed_cubes (namespace, cube_id, origin) VALUES (:kb, :id, :id)"
        connection.execute(
            text(members), [{"kb": "kb", "id": hers.id}, {"kb": "ours", "id": ours.id}]
        )
        connection.execute(text("INSERT INTO snapshots (name, at, \"by\") VALUES ('s', 7, 'x:y')"))
        connection.execute(text(ANSWERS))
    before = rows_beside(engine)
    upgrade(engine)
    with engine.connect() as connection:
        answers = connection.execute(text("SELECT answer FROM receipts ORDER BY key")).scalars()
        assert list(answers) == ['{"ids":[]}', '["hidden"]', "{damaged"]
    found = SqlLedger(engine).installed()
    assert [(one.namespace, one.owner, one.scope, one.cubes) for one in found] == [
        ("empty", "user:bob", Scope(), ()),
        ("kb", "user:alice", hers.scope, ((hers.id, hers.id),)),
        ("ours", "service:application", Scope(), ((ours.id, ours.id),)),
    ]
    assert SqlLedger(engine).snapshot("s", "x:y") is not None
    second = replace(found[1], owner="user:zoe", scope=Scope(user_id="zoe"))
    SqlCatalog(engine).commit(Change(audit=audit(), also=(second,)))
    at(engine, "0002", "downgrade")
    assert rows_beside(engine) == before


def rows_beside(engine: Engine) -> list[object]:
    tables = ("installed", "installed_cubes", "snapshots")
    columns = ('namespace, name, version, "by"', "*", 'name, at, "by"')
    with engine.connect() as connection:
        return [
            connection.execute(text(f"SELECT {what} FROM {table} ORDER BY 1")).all()  # noqa: S608
            for table, what in zip(tables, columns, strict=True)
        ]


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
