"""The time that a run judges by: that of the evidence, unless a person asks about another time."""

from datetime import datetime

from prefect.context import FlowRunContext

from rollback_drills.database.connections import Database
from rollback_drills.documents.utc import in_utc
from rollback_drills.errors import UsageError
from tasks.evidence import read_clock


def read_now(as_of: datetime | None, url: str, database: Database | None = None) -> datetime:
    """Return the time that was asked for, else that of the clock of the evidence.

    Args:
        as_of: What a person asked for; None: now.
        url: Of the database.
        database: The database, if it was there before.

    Raises:
        UsageError: The run is one of a schedule, whose parameters are those of every run: each would judge by
            the same time, and no drill would come due any more.
    """
    if as_of is None:
        return read_clock(url, database)
    if _is_recurring():
        raise UsageError(
            "is fixed, so every recurring run would judge by the same time, and no drill would come due;"
            " remove it from the parameters of the deployment",
            field="as_of",
        )
    return in_utc(as_of)


def _is_recurring() -> bool:
    context = FlowRunContext.get()
    return bool(context and context.flow_run and context.flow_run.auto_scheduled)
