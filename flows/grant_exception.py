"""The on-demand flow by which an exception is granted in the UI of Prefect, with a typed form."""

import os
from datetime import datetime
from typing import Any, Literal

from prefect import State, flow
from prefect.states import Completed

from flows.failing import refuse
from rollback_drills.documents.fields import in_utc
from rollback_drills.errors import DrillsError
from rollback_drills.followup.exceptions import ExceptionKind, Grant
from rollback_drills.settings import default_database_url, read_settings
from tasks.evidence import read_clock
from tasks.granting import write_exception_down
from tasks.logs import redacting


@flow(name="grant-exception")
@redacting
def grant_exception(
    exception: Literal["skip", "postpone", "waive"],
    until: datetime,
    reason: str,
    approver: str,
    schedule_id: str | None = None,
    schedule: str | None = None,
    history: str | None = None,
    generated_by: str = "grant-exception",
) -> State[dict[str, Any]]:
    """Skip, postpone or waive the current cycle of a schedule, for a time.

    Args:
        exception: skip: this cycle is not performed, the next one is; postpone: it is performed later;
            waive: nobody has to perform it.
        until: From this instant on the cycle counts again.
        reason: Why, for the evidence; no secret, address or private name.
        approver: Who approves it.
        schedule_id: Which of several schedules. Empty: there is only one.
        schedule: Path of the schedule: a file, folder, glob or .jsonl file. Empty: the worker's
            CAVRA_GO_ROLLBACK_DRILL_SCHEDULE.
        history: Path of the drill history. Empty: the worker's CAVRA_GO_ROLLBACK_DRILL_HISTORY.
        generated_by: Who asks, for the evidence.

    Returns:
        Ends as Skipped, Postponed or Waived; as Failed if it cannot be granted, and then nothing is written.
        The data is the record of the exception.
    """
    kind = ExceptionKind(exception)
    try:
        settings = read_settings(os.environ, schedule=schedule, history=history)
        given = Grant(kind, in_utc(until), reason, approver)
        now = read_clock(settings.database_url or default_database_url())
        record = write_exception_down(given, settings, schedule_id or None, now, generated_by)
    except DrillsError as error:
        return refuse(error)
    message = f"{record['schedule_id']} is {kind.past} until {record['expires_at']} by {approver}"
    return Completed(name=kind.past.capitalize(), message=message, data=record)
