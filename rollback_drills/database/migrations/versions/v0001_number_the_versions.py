"""Bring every format with a ledger to the one in which versions are numbered."""

from typing import Final

from alembic import op
from sqlalchemy import Column, String, Text, inspect

revision: Final = "0001"
down_revision: Final = None


def upgrade() -> None:
    """Add what the ledgers of November 2026 do not have."""
    found = inspect(op.get_bind())
    if not found.has_table("last_findings"):
        op.create_table(
            "last_findings",
            Column("population_id", String(40), primary_key=True),
            Column("schedule_id", Text, primary_key=True),
            Column("finding_digest", String(64), nullable=False),
        )
    indexes = {each["name"] for each in found.get_indexes("ledger")}
    if "ledger_by_schedule_and_kind" not in indexes:
        op.create_index(
            "ledger_by_schedule_and_kind", "ledger", ["schedule_id", "metadata_kind", "leaf_index"]
        )
    if "ix_ledger_schedule_id" in indexes:
        op.drop_index("ix_ledger_schedule_id", "ledger")
