"""The schema versions of schedules and histories: our names, and those of CAVRA for the same formats."""

from typing import Final

from rollback_drills.documents.quotation import state
from rollback_drills.names.similar_names import find_similar

SCHEDULE_SCHEMA: Final = "rollback-drills.schedule.v1"
HISTORY_SCHEMA: Final = "rollback-drills.history.v1"
SCHEDULE_SCHEMA_OF_CAVRA: Final = "cavra.go-backend-rollback-drill-schedule.v1"
HISTORY_SCHEMA_OF_CAVRA: Final = "cavra.go-backend-rollback-drill-history.v1"
SCHEDULE_SCHEMAS: Final = (SCHEDULE_SCHEMA, SCHEDULE_SCHEMA_OF_CAVRA)
HISTORY_SCHEMAS: Final = (HISTORY_SCHEMA, HISTORY_SCHEMA_OF_CAVRA)


def miss_schema(found: str, known: tuple[str, ...]) -> str:
    """Return path, value and remedy of an unknown schema version; empty if it is a known one.

    Args:
        found: As the document has it.
        known: The names of the format, ours first.
    """
    if found in known:
        return ""
    ours, *others = known
    similar = find_similar(found, known)
    meant = f'; did you mean "{similar}"?' if similar in others else ""
    return f'$.schema_version {state(found)}; must be "{ours}"{meant}'


def history_schema_for(schedule_schema: str) -> str:
    """Return the schema version of a new history: that of CAVRA beside a schedule that CAVRA can read."""
    return HISTORY_SCHEMA_OF_CAVRA if schedule_schema == SCHEDULE_SCHEMA_OF_CAVRA else HISTORY_SCHEMA
