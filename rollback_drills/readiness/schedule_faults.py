"""Finds what is wrong with a drill schedule whatever the time is: the judgement that needs no clock."""

from collections.abc import Iterator
from typing import Any, Final

from rollback_drills.documents.explaining import state
from rollback_drills.documents.schedule import SCHEDULE_SCHEMA, DuePolicy, Schedule
from rollback_drills.documents.suggesting import find_similar
from rollback_drills.readiness.terms import tidy

ACTIVE: Final = "go_rollback_drill_schedule_active"
CADENCE: Final = "go_rollback_drill_schedule_cadence"
NEXT_DUE: Final = "go_rollback_drill_schedule_next_due"
ROUTES: Final = "go_rollback_drill_notification_routes"
IS_ACTIVE: Final = "active"
_NO_SEQUENCE: Final = "$.next_due_at is missing, with which the fixed sequence begins; write it"


def find_written_faults(schedule: Schedule) -> dict[str, str]:
    """Return path, value and remedy of every fault, the most basic first.

    The keys are the ids of the checks that fail; the key of the document where no check stands for it.
    """
    return {} if _is_complete(schedule) else dict(_find(schedule))


def has_cadence(schedule: Schedule) -> bool:
    """Whether the interval says when the next drill is due."""
    return schedule.interval_days is not None and schedule.interval_days > 0


def _is_complete(schedule: Schedule) -> bool:
    """Whether there is no fault: of a fleet that is the answer nearly always, and so it is found first."""
    return bool(
        schedule.schema_version == SCHEDULE_SCHEMA
        and schedule.schedule_id
        and schedule.status == IS_ACTIVE
        and schedule.interval_days is not None
        and schedule.interval_days > 0
        and schedule.owners
        and schedule.notification_providers
        and schedule.runbook_ref
        and (schedule.next_due_at is not None or schedule.due_policy is not DuePolicy.FIXED_SEQUENCE)
    )


def _find(schedule: Schedule) -> Iterator[tuple[str, str]]:
    if schedule.schema_version != SCHEDULE_SCHEMA:
        yield _fault("schema_version", schedule.schema_version, f'must be "{SCHEDULE_SCHEMA}"')
    if not schedule.schedule_id:
        yield _fault("schedule_id", "", "give the schedule a name")
    if schedule.status != IS_ACTIVE:
        meant = f'; did you mean "{IS_ACTIVE}"?' if find_similar(schedule.status, (IS_ACTIVE,)) else ""
        yield ACTIVE, _fault("status", schedule.status, f'must be "{IS_ACTIVE}"{meant}')[1]
    if not has_cadence(schedule):
        days = tidy(schedule.interval_days)
        yield CADENCE, _fault("interval_days", days, "must be a number of days greater than 0")[1]
    missing = [key for key in ("owners", "notification_providers") if not getattr(schedule, key)]
    for check_id, key in zip((ROUTES, "notification_providers"), missing, strict=False):
        yield check_id, _fault(key, [], "name at least one")[1]
    if not schedule.runbook_ref:
        yield _fault("runbook_ref", "", "name the runbook to follow")
    if schedule.due_policy is DuePolicy.FIXED_SEQUENCE and schedule.next_due_at is None:
        yield NEXT_DUE, _NO_SEQUENCE


def _fault(key: str, value: Any, demand: str) -> tuple[str, str]:
    return key, f"$.{key} {state(value)}; {demand}"
