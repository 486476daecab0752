"""Keep what the shards of a check have found until the check is recorded."""

from typing import Final

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String

revision: Final = "0003"
down_revision: Final = "0002"


def upgrade() -> None:
    """Add the table of the shards; no check is recorded in it."""
    op.create_table(
        "check_shards",
        Column("population_id", String(40), primary_key=True),
        Column("shard", String(10), primary_key=True),
        Column("check_id", String(80), nullable=False),
        Column("leaf_index", BigInteger().with_variant(Integer, "sqlite"), nullable=False),
        Column("result", LargeBinary, nullable=False),
    )
