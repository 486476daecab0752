"""What the evidence and the outbox have of one schedule, the newest of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, func, select

from rollback_drills.console.drills import RecordedDrill
from rollback_drills.database.connections import Database
from rollback_drills.database.tables import LEDGER, OUTBOX
from rollback_drills.evidence.index import P, iterate_records
from rollback_drills.evidence.record_kinds import (
    ACKNOWLEDGEMENT_KIND,
    DRILL_KIND,
    EXCEPTION_KIND,
    PLAN_KIND,
)
from rollback_drills.evidence.recorded_plan import RecordedPlan
from rollback_drills.followup.acknowledgements.acknowledgement import AcknowledgementRecord
from rollback_drills.followup.exceptions.exception import ExceptionRecord
from rollback_drills.names.spellings import find_spellings_by_index
from rollback_drills.outbox.rows import OutboxRow, decode_rows
from rollback_drills.reports.audit.audit_document import AcknowledgementRow
from rollback_drills.reports.audit.audit_reading import imported_acknowledgements
from rollback_drills.reports.filters import NotificationFilter, PackageFilter
from rollback_drills.reports.notifications import NotificationRow, imported_notifications
from rollback_drills.reports.notifying_runs import find_notifying_runs
from rollback_drills.reports.period import Period

MOST_CYCLES: Final = 60
MOST_ROWS: Final = 300

Imported = tuple[datetime, NotificationRow | AcknowledgementRow]
"""When it was written there, and its row of the notification history or of an audit package."""


@dataclass(frozen=True, slots=True)
class ScheduleRecords:
    """Everything stands with the newest first."""

    plans: Sequence[RecordedPlan] = ()
    """The last plan of each cycle."""
    acknowledgements: Sequence[AcknowledgementRecord] = ()
    exceptions: Sequence[ExceptionRecord] = ()
    drills: Sequence[RecordedDrill] = ()
    notifications: Sequence[OutboxRow] = ()
    runs: Mapping[str, str] = field(default_factory=dict)
    """By notification id the flow run that wrote its newest outcome."""
    imported: Sequence[Imported] = ()
    """What another index had of it."""


def read_records(database: Database, schedule_id: str) -> ScheduleRecords:
    """Read what the timeline and the tables of a schedule show, as it is at one instant.

    Raises:
        DatabaseError: The database cannot be read.
    """
    with database.snapshot() as connection:
        of_outbox = find_spellings_by_index(connection, OUTBOX.c.schedule_id, [schedule_id])
        ids = find_spellings_by_index(connection, LEDGER.c.schedule_id, [schedule_id])
        sent = select(OUTBOX).where(OUTBOX.c.schedule_id.in_(of_outbox))
        sent = sent.order_by(OUTBOX.c.sequence.desc()).limit(MOST_ROWS)
        notifications = [*decode_rows(connection.execute(sent))]
        return ScheduleRecords(
            _read_plans(connection, ids),
            _read_kind(connection, ids, ACKNOWLEDGEMENT_KIND, AcknowledgementRecord),
            _read_kind(connection, ids, EXCEPTION_KIND, ExceptionRecord),
            _read_kind(connection, ids, DRILL_KIND, RecordedDrill),
            notifications,
            find_notifying_runs(connection, {each.cycle_id for each in notifications}),
            _read_imported(connection, schedule_id),
        )


def _read_imported(connection: Connection, schedule_id: str) -> list[Imported]:
    notified = imported_notifications(connection, NotificationFilter(schedule_id=schedule_id), Period())
    said = imported_acknowledgements(connection, PackageFilter(schedule_id=schedule_id), Period())
    found: list[Imported] = [*notified, *said]
    return sorted(found, key=lambda each: each[0], reverse=True)[:MOST_ROWS]


def _read_plans(connection: Connection, ids: Sequence[str]) -> list[RecordedPlan]:
    """Return the last plan of each cycle: a year of hourly checks has thousands of plans, and few cycles."""
    last = func.max(LEDGER.c.leaf_index)
    of_cycles = (
        select(last)
        .where(LEDGER.c.schedule_id.in_(ids), LEDGER.c.metadata_kind == PLAN_KIND)
        .group_by(LEDGER.c.cycle_id)
        .order_by(last.desc())
        .limit(MOST_CYCLES)
    )
    places = list(connection.scalars(of_cycles))
    some = LEDGER.c.leaf_index.in_(places)
    return [*iterate_records(connection, RecordedPlan, some, newest_first=True)]


def _read_kind(connection: Connection, ids: Sequence[str], kind: str, of: type[P]) -> list[P]:
    wanted = LEDGER.c.schedule_id.in_(ids), LEDGER.c.metadata_kind == kind
    return [*iterate_records(connection, of, *wanted, newest_first=True, limit=MOST_ROWS)]
