"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("call", sa.String(length=32), nullable=False),
        sa.Column("scope", sa.JSON(), nullable=False),
        sa.Column("subjects", sa.JSON(), nullable=False),
        sa.Column("outcome", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_audit"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "cubes",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.String(length=512), nullable=True),
        sa.Column("agent_id", sa.String(length=512), nullable=True),
        sa.Column("session_id", sa.String(length=512), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("speaker", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("metadata", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=True),
        sa.Column("valid_to", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_cubes"),
    )
    op.create_index("ix_cubes_agent_id_id", "cubes", ["agent_id", "id"], unique=False)
    op.create_index("ix_cubes_kind_id", "cubes", ["kind", "id"], unique=False)
    op.create_index("ix_cubes_session_id_id", "cubes", ["session_id", "id"], unique=False)
    op.create_index(
        "ix_cubes_user_id_session_id_id", "cubes", ["user_id", "session_id", "id"], unique=False
    )
    op.create_table(
        "edges",
        sa.Column("source", sa.String(length=1100), nullable=False),
        sa.Column("relation", sa.String(length=16), nullable=False),
        sa.Column("target", sa.String(length=1100), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("source", "relation", "target", "version", name="pk_edges"),
    )
    op.create_index("ix_edges_target_relation", "edges", ["target", "relation"], unique=False)
    op.create_table(
        "notes",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_notes"),
    )
    op.create_table(
        "outbox",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("errand", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_outbox"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "receipts",
        sa.Column("key", sa.String(length=512), nullable=False),
        sa.Column("scope", sa.String(length=1700), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("key", "scope", name="pk_receipts"),
    )
    op.create_table(
        "labels",
        sa.Column("cube_id", sa.String(length=36), nullable=False),
        sa.Column("label", sa.String(length=512), nullable=False),
        sa.ForeignKeyConstraint(
            ["cube_id"], ["cubes.id"], name="fk_labels_cube_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("cube_id", "label", name="pk_labels"),
    )
    op.create_index("ix_labels_label", "labels", ["label"], unique=False)
    op.create_table(
        "versions",
        sa.Column("cube_id", sa.String(length=36), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("blob", sa.String(length=64), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["cube_id"], ["cubes.id"], name="fk_versions_cube_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("cube_id", "version", name="pk_versions"),
    )
    op.create_index("ix_versions_blob", "versions", ["blob"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_versions_blob", table_name="versions")
    op.drop_table("versions")
    op.drop_index("ix_labels_label", table_name="labels")
    op.drop_table("labels")
    op.drop_table("receipts")
    op.drop_table("outbox")
    op.drop_table("notes")
    op.drop_index("ix_edges_target_relation", table_name="edges")
    op.drop_table("edges")
    op.drop_index("ix_cubes_user_id_session_id_id", table_name="cubes")
    op.drop_index("ix_cubes_session_id_id", table_name="cubes")
    op.drop_index("ix_cubes_kind_id", table_name="cubes")
    op.drop_index("ix_cubes_agent_id_id", table_name="cubes")
    op.drop_table("cubes")
    op.drop_table("audit")
