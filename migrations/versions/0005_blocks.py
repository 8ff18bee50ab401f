"""Which blocks of attention state each KV cube is kept in.

KV cubes of earlier versions keep the one blob that they have; it is not read any more, and their
blocks are made when the cube is first used or warmed.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

EXPECTED = {
    ("blocks", "sqlite_autoindex_blocks_1"): "1000000 10 1",
    ("blocks", "ix_blocks_name"): "1000000 2",
}


def upgrade() -> None:
    op.create_table(
        "blocks",
        sa.Column("cube_id", sa.String(36), primary_key=True),
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
    )
    op.create_index("ix_blocks_name", "blocks", ["name"])
    for (table, index), rows in EXPECTED.items():
        op.execute(
            sa.text(
                "INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (:table, :index, :rows)"
            ).bindparams(table=table, index=index, rows=rows)
        )
    op.execute("ANALYZE sqlite_schema")  # reads it


def downgrade() -> None:
    op.execute("DELETE FROM sqlite_stat1 WHERE tbl = 'blocks'")
    op.execute("ANALYZE sqlite_schema")
    op.drop_table("blocks")
    op.execute("DELETE FROM outbox WHERE errand = 'block'")
