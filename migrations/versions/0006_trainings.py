"""Trainings that have begun and not ended, or are owed: few rows, which are read together."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "trainings",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("scope", sa.JSON, nullable=False),
        sa.Column("asked_by", sa.String(520), nullable=False),
        sa.Column("parents", sa.JSON, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.String(16), nullable=False),
        sa.Column("method", sa.String(32), nullable=False),
        sa.Column("title", sa.Text),
        sa.Column("steps", sa.Integer),
        sa.Column("replaces", sa.String(36)),
        sa.Column("checkpoint", sa.String(64)),
        sa.Column("step", sa.Integer, nullable=False),
    )


def downgrade() -> None:
    op.execute(
        "INSERT INTO outbox (errand, subject)"
        " SELECT 'sweep', checkpoint FROM trainings WHERE checkpoint IS NOT NULL"
    )
    op.drop_table("trainings")
