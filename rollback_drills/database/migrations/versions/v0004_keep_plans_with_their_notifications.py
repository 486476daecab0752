"""Keep the plans of committed notifications until the evidence has them."""

from typing import Final

from alembic import op
from sqlalchemy import Boolean, Column, Float, String, Text

revision: Final = "0004"
down_revision: Final = "0003"


def upgrade() -> None:
    """Add the table of the plans; what earlier versions have committed has none."""
    op.create_table(
        "outbox_plans",
        Column("plan_id", String(40), primary_key=True),
        Column("queued_at", Float, nullable=False),
        Column("is_recorded", Boolean, nullable=False),
        Column("records", Text, nullable=False),
    )
