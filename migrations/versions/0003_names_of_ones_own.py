"""Names of one's own: a snapshot is its maker's, and an installed bundle its owner's."""

import json
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_OWNED = ["owner", "scope", "namespace"]
_SCOPE = ("user_id", "agent_id", "session_id")


def upgrade() -> None:
    # Forgettings no longer count what the caller may not see, and answers are kept for retries.
    op.execute(
        "UPDATE receipts SET answer = json_remove(answer, '$.hidden')"
        " WHERE CASE WHEN json_valid(answer) THEN json_type(answer, '$.hidden') END IS NOT NULL"
    )
    snapshots = _taken("snapshots")
    _make_snapshots(["by", "name"], snapshots)
    members, installed = _taken("installed_cubes"), _taken("installed")
    whose = {row["namespace"]: _whose(row, members) for row in installed}
    _make_installed(
        _OWNED,
        [{**row, **whose[row["namespace"]]} for row in installed],
        [{**row, **whose[row["namespace"]]} for row in members],
    )


def downgrade() -> None:
    # There is room for one of each name: the oldest moment, and whose is first by name.
    snapshots = _taken("snapshots", "at")
    _make_snapshots(["name"], {row["name"]: row for row in reversed(snapshots)}.values())
    members, installed = _taken("installed_cubes"), _taken("installed", "owner, scope")
    kept = {row["namespace"]: row for row in reversed(installed)}
    _make_installed(
        ["namespace"],
        [_without(row, "owner", "scope") for row in kept.values()],
        [
            _without(row, "owner", "scope")
            for row in members
            if all(kept[row["namespace"]][name] == row[name] for name in _OWNED)
        ],
    )


def _taken(table: str, order: str = "1") -> list[dict[str, Any]]:
    """All rows of a table, which is dropped."""
    query = sa.text(f"SELECT * FROM {table} ORDER BY {order}")  # noqa: S608 - our own names
    rows = [dict(row) for row in op.get_bind().execute(query).mappings()]
    op.drop_table(table)
    return rows


def _whose(row: dict[str, Any], members: list[dict[str, Any]]) -> dict[str, str]:
    """Owner and scope of what was installed, as its cubes tell; of nothing, who installed it."""
    ids = [one["cube_id"] for one in members if one["namespace"] == row["namespace"]]
    query = sa.text("SELECT user_id, agent_id, session_id, owner FROM cubes WHERE id = :id")
    found = (op.get_bind().execute(query, {"id": one}).mappings().first() for one in ids)
    cube = next((one for one in found if one is not None), None)
    if cube is None:
        return {"owner": row["by"], "scope": "{}"}
    owner = f"user:{cube['user_id']}" if cube["user_id"] else cube["owner"]
    scope = {name: cube[name] for name in _SCOPE if cube[name] is not None}
    text = json.dumps(scope, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return {"owner": owner or "service:application", "scope": text}


def _without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


def _make_snapshots(key: list[str], rows: Iterable[dict[str, Any]]) -> None:
    table = op.create_table(
        "snapshots",
        sa.Column("by", sa.String(520), nullable=False),
        sa.Column("name", sa.String(256), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(*key, name="pk_snapshots"),
    )
    op.bulk_insert(table, list(rows))


def _make_installed(
    key: list[str], rows: list[dict[str, Any]], members: list[dict[str, Any]]
) -> None:
    bundles = op.create_table(
        "installed",
        *_key_columns(key),
        sa.Column("bundle", sa.String(64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("licence", sa.Text()),
        sa.Column("signer", sa.String(64)),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(520), nullable=False),
        sa.PrimaryKeyConstraint(*key, name="pk_installed"),
    )
    cubes = op.create_table(
        "installed_cubes",
        *_key_columns(key),
        sa.Column("cube_id", sa.String(36), nullable=False),
        sa.Column("origin", sa.String(36), nullable=False),
        sa.ForeignKeyConstraint(
            key,
            [f"installed.{name}" for name in key],
            name=f"fk_installed_cubes_{'_'.join(key)}",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(*key, "cube_id", name="pk_installed_cubes"),
    )
    op.create_index("ix_installed_cubes_cube_id", "installed_cubes", ["cube_id"])
    op.bulk_insert(bundles, rows)
    op.bulk_insert(cubes, members)


def _key_columns(key: list[str]) -> list[sa.Column]:
    lengths = {"owner": 520, "scope": 1700, "namespace": 256}
    return [sa.Column(name, sa.String(lengths[name]), nullable=False) for name in key]
