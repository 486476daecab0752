"""The tables of the pages about the whole fleet, for CSV. The fleet has all its rows, not those of a page."""

from collections.abc import Callable, Mapping
from typing import Final

from rollback_drills.console.acknowledgements import read_acknowledgements
from rollback_drills.console.changes import read_changes
from rollback_drills.console.charts import Chart
from rollback_drills.console.csv_table import CsvTable
from rollback_drills.console.fleet import read_rows
from rollback_drills.console.outages import read_outages
from rollback_drills.console.query import FleetQuery, select_schedules
from rollback_drills.console.source import Console
from rollback_drills.console.trends import read_trends
from rollback_drills.console.undelivered import UndeliveredNotification, read_undelivered

_UNDELIVERED: Final = ("schedule_id", "cycle_id", "provider", "owner", "reason", "state", "detail")


def list_fleet(console: Console, query: FleetQuery) -> CsvTable:
    """Return every schedule that a query finds, on all its pages.

    Raises:
        DatabaseError: The evidence cannot be read.
    """
    columns = ("schedule_id", "environment", "state", "next_due_at", "last_accepted_at", "owners", "to_do")
    rows, problem = read_rows(console, select_schedules(console.judgements, query))
    return CsvTable(
        (*columns, "warnings", "cycle_state", "next_action", "next_action_at", "evidence_problem"),
        [
            (
                *(each.schedule_id, each.environment, each.state, each.due_at, each.last_accepted_at),
                *(each.owners, each.todo, each.warnings, each.cycle.state if each.cycle else None),
                *(each.next_action, each.next_action_at, problem),
            )
            for each in rows
        ],
    )


def list_changes(console: Console) -> CsvTable:
    """Return what changed in the last 24 hours.

    Raises:
        DatabaseError: The evidence cannot be read.
    """
    columns = ("at", "kind", "schedule_id", "before", "after", "why", "flow_run_id")
    changes = read_changes(console).recent.changes
    return CsvTable.of(changes, columns)


def list_outstanding(console: Console) -> CsvTable:
    """Return who still has to acknowledge.

    Raises:
        DatabaseError: The evidence cannot be read.
    """
    columns = ("schedule_id", "cycle_id", "owner", "providers", "unreached", "is_breached", "age_minutes")
    more = ("acknowledgement_minutes", "next_step_owner", "next_step_at")
    outstanding = read_acknowledgements(console).outstanding
    return CsvTable.of(outstanding, (*columns, *more))


def list_waiting(console: Console) -> CsvTable:
    """Return what waits for delivery.

    Raises:
        DatabaseError: The outbox cannot be read.
    """
    rows = [(*_describe(each), each.next_attempt_at) for each in read_undelivered(console).waiting]
    return CsvTable((*_OF_NOTIFICATION, "next_attempt_at"), rows)


def list_dead(console: Console) -> CsvTable:
    """Return the dead letters.

    Raises:
        DatabaseError: The outbox cannot be read.
    """
    rows = [(*_describe(each), each.is_pressing) for each in read_undelivered(console).dead]
    return CsvTable((*_OF_NOTIFICATION, "owner_not_notified"), rows)


_OF_NOTIFICATION: Final = (
    *("notification_id", *_UNDELIVERED),
    *("committed_at", "tried_at", "attempt_count", "flow_run_id"),
)


def _describe(each: UndeliveredNotification) -> list[object]:
    row = each.row
    return [
        *(row.notification_id, *(getattr(row, name) for name in _UNDELIVERED)),
        *(each.since, each.tried_at, row.attempt_count, each.flow_run_id),
    ]


def list_deliveries(console: Console) -> CsvTable:
    """Return what was delivered, by week.

    Raises:
        DatabaseError: The evidence cannot be read.
    """
    return _list_weeks(read_trends(console).deliveries)


def list_suppressions(console: Console) -> CsvTable:
    """Return what was suppressed, by week and reason.

    Raises:
        DatabaseError: The evidence cannot be read.
    """
    return _list_weeks(read_trends(console).suppressions)


def _list_weeks(chart: Chart) -> CsvTable:
    columns = ("week", *(each.name for each in chart.series), "all")
    rows = [
        (week, *(each.values[number] for each in chart.series), chart.totals[number])
        for number, week in enumerate(chart.weeks)
    ]
    return CsvTable(columns, rows)


def list_suppressed_owners(console: Console) -> CsvTable:
    """Return the owners with most suppressed notifications.

    Raises:
        DatabaseError: The evidence cannot be read.
    """
    return CsvTable(("owner", "suppressed"), read_trends(console).owners)


def list_connectors(console: Console) -> CsvTable:
    """Return whether each connector works.

    Raises:
        DatabaseError: The outbox cannot be read.
    """
    columns = ("provider", "failing", "last_success_at", "last_failure_at", "waiting_count")
    more = ("dead_letter_count", "disabled_at", "disabled_because")
    reports = [each.report() for each in read_trends(console).connectors]
    return CsvTable.of(reports, (*columns, *more))


def list_outages(console: Console) -> CsvTable:
    """Return the outages of connectors, the open ones first.

    Raises:
        DatabaseError: The evidence cannot be read.
    """
    columns = ("outage_id", "provider", "is_open", "opened_at", "closed_at", "duration_seconds", "cause")
    counts = ("waited_count", "delivered_count", "waiting_count", "dead_letter_count", "discarded_count")
    names = (*columns, "detail", *counts, "closed_by", "closed_because")
    return CsvTable.of(read_outages(console).outages, names)


def list_replay_requests(console: Console) -> CsvTable:
    """Return the requests for replays, the newest first.

    Raises:
        DatabaseError: The evidence cannot be read.
    """
    names = ("replay_id", "state", "requested_at", "requested_by", "approved_by", "providers", "reason")
    return CsvTable.of(read_outages(console).replays, names)


FLEET_TABLES: Final[Mapping[str, Callable[[Console], CsvTable]]] = {
    "changes": list_changes,
    "acknowledgements": list_outstanding,
    "waiting": list_waiting,
    "dead-letters": list_dead,
    "outages": list_outages,
    "replays": list_replay_requests,
    "deliveries": list_deliveries,
    "suppressions": list_suppressions,
    "suppressed-owners": list_suppressed_owners,
    "connectors": list_connectors,
}
"""By name, the tables that need the evidence and take no parameter."""
