"""Alembic's entry: runs on the connection that `migrate.upgrade` hands over."""

from alembic import context

from lowdiff.catalog import label_tables  # noqa: F401  (its tables belong to the metadata)
from lowdiff.catalog.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
)
context.run_migrations()
