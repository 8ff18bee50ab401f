"""Trust: who may do what, sealed audit rows, what was forgotten, named moments."""

import json
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

from memos.cube import Scope
from memos.ports.journal import FIRST, Audit, seal_of

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _cubes()
    _versions()
    _audit()
    _ledger()


def downgrade() -> None:
    for guard in ("audit_is_never_changed", "audit_is_never_cut"):
        op.execute(f"DROP TRIGGER {guard}")
    for table in (
        "places",
        "quarantine",
        "installed_cubes",
        "installed",
        "snapshots",
        "certificates",
        "tombstones",
        "grants",
    ):
        op.drop_table(table)
    with op.batch_alter_table("audit") as audit:
        for column in ("seal", "basis", "reason"):
            audit.drop_column(column)
    op.drop_index("ix_versions_digest", "versions")
    for name in ("owner", "expires_at", "source"):
        op.drop_index(f"ix_cubes_{name}_id", "cubes")
    for column in ("source", "legal_hold", "expires_at", "sensitivity", "owner", "content"):
        op.drop_column("cubes", column)


def _cubes() -> None:
    # Not in batch mode, which would drop the old table and, by the foreign keys, every version.
    for column in (
        sa.Column("content", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("owner", sa.String(520)),
        sa.Column("sensitivity", sa.String(32), nullable=False, server_default="normal"),
        sa.Column("expires_at", sa.BigInteger()),
        sa.Column("legal_hold", sa.Boolean(), nullable=False, server_default="0"),
        sa.Column("source", sa.Text()),
    ):
        op.add_column("cubes", column)
    for name in ("owner", "expires_at", "source"):
        op.create_index(f"ix_cubes_{name}_id", "cubes", [name, "id"])
    op.execute("UPDATE cubes SET content = version")
    op.execute(
        "UPDATE cubes SET source = (SELECT json_extract(body, '$.cube.provenance.source.uri')"
        " FROM versions WHERE cube_id = cubes.id AND versions.version = cubes.version)"
    )


def _versions() -> None:
    op.create_index("ix_versions_digest", "versions", ["digest"])


def _audit() -> None:
    for column in (
        sa.Column("reason", sa.Text(), nullable=False, server_default=""),
        sa.Column("basis", sa.String(64), nullable=False, server_default=""),
        sa.Column("seal", sa.String(64), nullable=False, server_default=""),
    ):
        op.add_column("audit", column)
    connection = op.get_bind()
    rows = connection.execute(sa.text("SELECT * FROM audit ORDER BY number")).all()
    seal = FIRST
    for row in rows:
        done = Audit(
            at=datetime.fromtimestamp(0, UTC) + timedelta(microseconds=row.at),
            actor=row.actor,
            call=row.call,
            scope=Scope.model_validate(json.loads(row.scope)),
            subjects=tuple(json.loads(row.subjects)),
            outcome=row.outcome,
        )
        seal = seal_of(seal, row.number, done)
        connection.execute(
            sa.text("UPDATE audit SET seal = :seal WHERE number = :number"),
            {"seal": seal, "number": row.number},
        )
    if rows:
        # What the journal knows of its newest row: without it, rows might have been cut off.
        connection.execute(
            sa.text("INSERT OR REPLACE INTO notes (name, value) VALUES ('audit-head', :head)"),
            {"head": f"{rows[-1].number} {seal}"},
        )
    # SQLite's own guard; where somebody goes round it, the chain of seals tells.
    for event, what in (("UPDATE", "changed"), ("DELETE", "cut")):
        op.execute(
            f"CREATE TRIGGER audit_is_never_{what} BEFORE {event} ON audit"
            f" BEGIN SELECT RAISE(ABORT, 'the audit is never {what}'); END"
        )


def _ledger() -> None:
    op.create_table(
        "grants",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("principal", sa.String(520), nullable=False),
        sa.Column("right", sa.String(16), nullable=False),
        sa.Column("cube_id", sa.String(36)),
        sa.Column("scope", sa.JSON(), nullable=False),
        sa.Column("label", sa.String(512)),
        sa.Column("granted_by", sa.String(520), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger()),
        sa.ForeignKeyConstraint(
            ["cube_id"], ["cubes.id"], name="fk_grants_cube_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("number", name="pk_grants"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_grants_principal", "grants", ["principal"])
    op.create_index("ix_grants_cube_id", "grants", ["cube_id"])
    op.create_table(
        "tombstones",
        sa.Column("cube_id", sa.String(36), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(520), nullable=False),
        sa.Column("certificate", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint("cube_id", name="pk_tombstones"),
    )
    op.create_table(
        "certificates",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_certificates"),
    )
    op.create_table(
        "snapshots",
        sa.Column("name", sa.String(256), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(520), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_snapshots"),
    )
    op.create_table(
        "installed",
        sa.Column("namespace", sa.String(256), nullable=False),
        sa.Column("bundle", sa.String(64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("licence", sa.Text()),
        sa.Column("signer", sa.String(64)),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(520), nullable=False),
        sa.PrimaryKeyConstraint("namespace", name="pk_installed"),
    )
    op.create_table(
        "installed_cubes",
        sa.Column("namespace", sa.String(256), nullable=False),
        sa.Column("cube_id", sa.String(36), nullable=False),
        sa.Column("origin", sa.String(36), nullable=False),
        sa.ForeignKeyConstraint(
            ["namespace"],
            ["installed.namespace"],
            name="fk_installed_cubes_namespace",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("namespace", "cube_id", name="pk_installed_cubes"),
    )
    op.create_index("ix_installed_cubes_cube_id", "installed_cubes", ["cube_id"])
    op.create_table(
        "quarantine",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("cube_id", sa.String(36), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_quarantine"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_quarantine_cube_id", "quarantine", ["cube_id"])
    op.create_table(
        "places",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("place", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_places"),
    )
