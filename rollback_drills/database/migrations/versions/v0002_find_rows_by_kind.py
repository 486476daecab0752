"""Find rare records by an index of their kind."""

from typing import Final

from alembic import op
from sqlalchemy import inspect

revision: Final = "0002"
down_revision: Final = "0001"


def upgrade() -> None:
    """Add the index, unless a development version has added it to version 1."""
    indexes = {each["name"] for each in inspect(op.get_bind()).get_indexes("ledger")}
    if "ledger_by_kind" not in indexes:
        op.create_index("ledger_by_kind", "ledger", ["metadata_kind", "leaf_index"])
