"""Every table of the program. Instants of the outbox are seconds since 1970, so that SQL can compare them."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

METADATA: Final = MetaData()
"""All tables below; `triggers` has what guards them."""

# SQLite takes only INTEGER for its row number.
_LEAF_INDEX: Final = BigInteger().with_variant(Integer, "sqlite")
# What PostgreSQL makes of FLOAT, so that it can be compared.
_SECONDS: Final = Float().with_variant(Double(), "postgresql")
_SINCE: Final = "since"
"""Marks what migrations have added, with the schema version of the first one that has it."""

LEDGER: Final = Table(
    "ledger",
    METADATA,
    Column("leaf_index", _LEAF_INDEX, primary_key=True, autoincrement=False),  # from 0, without a gap
    Column("created_at", String(40), nullable=False, index=True),
    Column("metadata_kind", String(80), nullable=False),
    Column("session_id", Text, nullable=False),
    Column("schedule_id", Text, nullable=False),
    Column("cycle_id", String(40), nullable=False, index=True),
    Column("provider", String(200), nullable=False),
    Column("owner", String(200), nullable=False),
    Column("action", String(20), nullable=False),
    Column("category", String(40), nullable=False),
    Column("success", Boolean, nullable=True),
    Column("once_key", String(64), nullable=True),  # of what is written once; the record has it too
    Column("hashes", LargeBinary, nullable=False),  # of the leaf, and of every subtree that it completes
    Column("record", Text, nullable=False),  # canonical JSON: the content of the leaf
)
# The newest plan and the drills of a schedule, among all that the runs of years have written about it.
Index(
    *("ledger_by_schedule_and_kind", LEDGER.c.schedule_id, LEDGER.c.metadata_kind, LEDGER.c.leaf_index),
    info={_SINCE: 1},
)
# What is rare among millions of plans and decisions: imported records, histories that are not trusted.
Index(  # whose new rows stand last: cheap to add
    *("ledger_by_kind", LEDGER.c.metadata_kind, LEDGER.c.leaf_index), info={_SINCE: 2}
)
Index(
    "ledger_by_once_key",
    LEDGER.c.once_key,
    unique=True,
    sqlite_where=LEDGER.c.once_key.is_not(None),
    postgresql_where=LEDGER.c.once_key.is_not(None),
)

PRUNED: Final = Table(
    "ledger_pruned",
    METADATA,
    Column("leaf_index", _LEAF_INDEX, primary_key=True, autoincrement=False),
    Column("hashes", LargeBinary, nullable=False),
    Column("once_key", String(64), nullable=True, index=True),
)
"""What is left of rows whose time of retention is over: their hashes, so that the rest still verifies."""

HEADS: Final = Table(
    "ledger_heads",
    METADATA,
    Column("tree_size", _LEAF_INDEX, primary_key=True, autoincrement=False),
    Column("created_at", String(40), nullable=False),
    Column("public_key", Text, nullable=False),  # the key that signs from here on
    Column("note", Text, nullable=False),
)
"""The signed head after every transaction that added rows."""

LAST_FINDINGS: Final = Table(
    "last_findings",
    METADATA,
    Column("population_id", String(40), primary_key=True),
    Column("schedule_id", Text, primary_key=True),
    Column("finding_digest", String(64), nullable=False),
    info={_SINCE: 1},
)
"""The last finding of each schedule, for speed: it follows from the ledger, and no trigger guards it."""

CHECK_SHARDS: Final = Table(
    "check_shards",
    METADATA,
    Column("population_id", String(40), primary_key=True),
    Column("shard", String(10), primary_key=True),  # such as 3/8; empty for the check itself
    Column("check_id", String(80), nullable=False),
    Column("leaf_index", _LEAF_INDEX, nullable=False),  # of the first row that its shards can have written
    Column("result", LargeBinary, nullable=False),
    info={_SINCE: 3},
)
"""What the shards of a check have found, until the check is recorded: an empty table between checks."""

UNPUBLISHED: Final = Table(
    "unpublished",
    METADATA,
    Column("population_id", String(40), primary_key=True),
    Column("schedule_id", Text, primary_key=True),
    info={_SINCE: 5},
)
"""Changed schedules that a check has recorded and not published yet: an empty table between checks."""

OUTBOX: Final = Table(
    "outbox",
    METADATA,
    Column("sequence", Integer, primary_key=True, autoincrement=True),
    Column("notification_id", String(40), nullable=False, unique=True),
    Column("message_id", String(40), nullable=False, index=True),  # of a digest: that of its first row
    Column("route_key", String(40), nullable=False, index=True),
    Column("cycle_id", String(40), nullable=False, index=True),
    Column("schedule_id", Text, nullable=False, index=True),
    Column("provider", String(200), nullable=False),
    Column("owner", String(200), nullable=False),
    Column("reason", String(20), nullable=False),
    Column("status", String(20), nullable=False),
    Column("cycle_due", String(40), nullable=False),
    Column("planned_at", _SECONDS, nullable=False),
    Column("queued_at", _SECONDS, nullable=False),
    Column("state", String(20), nullable=False),
    Column("is_closed", Boolean, nullable=False, default=False),
    # when it wants attention: the next attempt, or the end of a lease; null: never
    Column("due_at", _SECONDS),
    Column("claim", String(40), nullable=False, default=""),
    Column("attempt_count", Integer, nullable=False, default=0),
    Column("unanswered_count", Integer, nullable=False, default=0),
    Column("may_repeat", Boolean, nullable=False, default=False),
    Column("started_at", _SECONDS),  # when the present streak of attempts began
    Column("completed_at", _SECONDS),
    Column("status_code", Integer),
    Column("detail", Text, nullable=False, default=""),
    Column("external_ref", Text, nullable=False, default=""),
    Column("request", Text, nullable=False, default=""),
    Column("is_indexed", Boolean, nullable=False, default=True),  # whether the evidence has the last outcome
    Column("notification", Text, nullable=False, default=""),
    Index("outbox_by_provider_and_due", "provider", "due_at"),
    Index("outbox_by_open", "is_closed", "schedule_id"),
    Index("outbox_by_indexed", "is_indexed", "sequence"),
)

OUTBOX_PLANS: Final = Table(
    "outbox_plans",
    METADATA,
    Column("plan_id", String(40), primary_key=True),
    Column("queued_at", _SECONDS, nullable=False),
    Column("is_recorded", Boolean, nullable=False, default=False),  # by another run than the one it is from
    Column("records", Text, nullable=False),  # a JSON array: the plan and its decisions, redacted
    info={_SINCE: 4},
)
"""The plans of committed notifications, until the evidence has them: an empty table between runs."""

DESTINATIONS: Final = Table(
    "destinations",
    METADATA,
    Column("provider", String(200), primary_key=True),
    Column("cool_until", _SECONDS, nullable=False, default=0.0),  # nothing is sent there before
    Column("disabled_at", _SECONDS),
    Column("disabled_because", Text, nullable=False, default=""),
)

SCHEMA_VERSION: Final = Table(
    "drills_schema_version",
    METADATA,
    Column("version_num", String(32), primary_key=True),
    info={_SINCE: 1},
)
"""One row: the number of the last migration. Alembic keeps it."""

SINCE: Final[Mapping[str, int]] = {
    name: info.get(_SINCE, 0)
    for table in METADATA.tables.values()
    for name, info in (
        (table.name, table.info),
        *((str(each.name), {**table.info, **each.info}) for each in table.indexes),
    )
}
"""The first schema version of each table and index; 0 is before versions were numbered."""
