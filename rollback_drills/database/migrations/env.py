"""Runs the migrations in the transaction of the caller, for Alembic."""

from alembic import context

from rollback_drills.database.tables import METADATA, SCHEMA_VERSION

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=SCHEMA_VERSION.name,
)
context.run_migrations()
