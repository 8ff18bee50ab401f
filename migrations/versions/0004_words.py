"""Words: an index of our own in the place of SQLite's; every text is owed to it.

And what SQLite should expect of its indexes: rows in all, then rows for each value of the first
column, of the first two, and so on. A typical store is as good as a measured one, gives the same
plans everywhere, and holds nothing of what anybody said (https://sqlite.org/fileformat.html#stat1tab).
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

EXPECTED = {
    ("cubes", "sqlite_autoindex_cubes_1"): "1000000 1",
    ("cubes", "ix_cubes_user_id_session_id_id"): "1000000 2000 20 1",
    ("cubes", "ix_cubes_session_id_id"): "1000000 20 1",
    ("cubes", "ix_cubes_agent_id_id"): "1000000 5000 1",
    ("cubes", "ix_cubes_kind_id"): "1000000 300000 1",
    ("cubes", "ix_cubes_owner_id"): "1000000 100 1",
    ("cubes", "ix_cubes_source_id"): "1000000 100 1",
    ("cubes", "ix_cubes_expires_at_id"): "1000000 100 1",
    ("labels", "sqlite_autoindex_labels_1"): "1000000 2 1",
    ("labels", "ix_labels_label"): "1000000 1000",
    ("versions", "sqlite_autoindex_versions_1"): "2000000 2 1",
    ("versions", "ix_versions_blob"): "2000000 2",
    ("versions", "ix_versions_digest"): "2000000 2",
    ("edges", "sqlite_autoindex_edges_1"): "3000000 3 2 1 1",
    ("edges", "ix_edges_target_relation"): "3000000 3 2",
}


def upgrade() -> None:
    op.execute("DROP TABLE IF EXISTS words")
    op.execute("DROP TABLE IF EXISTS words_entries")
    op.execute(
        "INSERT INTO outbox (errand, subject)"
        " SELECT 'words', id FROM cubes WHERE kind = 'plaintext' ORDER BY id"
    )
    op.execute("ANALYZE sqlite_schema")  # makes the table, and measures nothing
    for (table, index), rows in EXPECTED.items():
        op.execute(
            sa.text(
                "INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (:table, :index, :rows)"
            ).bindparams(table=table, index=index, rows=rows)
        )
    op.execute("ANALYZE sqlite_schema")  # reads it


def downgrade() -> None:
    op.execute("DELETE FROM sqlite_stat1")
    op.execute("ANALYZE sqlite_schema")
    for table in ("word_postings", "word_entries", "word_scopes"):
        op.execute(f"DROP TABLE IF EXISTS {table}")
    op.execute("DELETE FROM outbox WHERE errand = 'words'")
    op.execute(
        "INSERT INTO outbox (errand, subject)"
        " SELECT 'index', id FROM cubes WHERE kind = 'plaintext' ORDER BY id"
    )
