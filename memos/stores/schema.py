"""Brings a database to the newest schema, by the Alembic revisions in migrations/."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from memos.errors import BackendError, OtherVersion
from memos.stores.tables import HEAD

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection, Engine


def upgrade(engine: Engine) -> None:
    """Create or upgrade the tables; nothing is done when they are as they should be.

    Raises:
        OtherVersion: a newer version of this library wrote the database.
    """
    with engine.connect() as connection:
        there = revision(connection)
    if there == HEAD:
        return
    _refuse_unknown(there)
    from alembic import command

    with engine.execution_options(write=True).begin() as connection:
        config = settings()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def require_current(engine: Engine) -> None:
    """Refuse a database that is not as this version makes it, and leave it as it is.

    Raises:
        OtherVersion: it has another schema.
    """
    with engine.connect() as connection:
        there = revision(connection)
    if there != HEAD:
        message = f"the store has schema {there}, this version works with {HEAD}"
        raise OtherVersion(message, hint="open it once with this version: memos init")


def revision(connection: Connection) -> str | None:
    """The revision a database is at; None before the first."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def settings() -> Config:
    """Alembic's configuration, without a file."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(scripts()).replace("%", "%%"))
    return config


def scripts() -> Path:
    """The folder of the revisions: beside the package in a checkout, inside it when installed.

    Raises:
        BackendError: it is in neither place.
    """
    package = Path(__file__).parent.parent
    for folder in (package.parent / "migrations", package / "migrations"):
        if (folder / "env.py").is_file():
            return folder
    message = f"the database migrations are missing beside {package}"
    raise BackendError(message, hint="reinstall agent-memos")


def _refuse_unknown(there: str | None) -> None:
    if there is None:
        return
    known = {path.name.split("_")[0] for path in (scripts() / "versions").glob("*.py")}
    if there not in known:
        message = f"the store has schema {there}, this version knows up to {HEAD}"
        raise OtherVersion(message, hint="upgrade agent-memos; nothing was changed")
