"""Keep what a check has recorded until it is published."""

from typing import Final

from alembic import op
from sqlalchemy import Column, String, Text

revision: Final = "0005"
down_revision: Final = "0004"


def upgrade() -> None:
    """Add the table of the schedules; what earlier versions have recorded counts as published."""
    op.create_table(
        "unpublished",
        Column("population_id", String(40), primary_key=True),
        Column("schedule_id", Text, primary_key=True),
    )
