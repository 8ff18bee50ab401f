"""How Alembic reaches our database; the connection comes from memos.stores.schema."""

from alembic import context

from memos.stores.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
