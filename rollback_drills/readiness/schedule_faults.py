"""Finds what is wrong with a drill schedule whatever the time is: the requirements that need no clock."""

from typing import Any, Final

from rollback_drills.documents.cadences.interval_cadence import DuePolicy
from rollback_drills.documents.quotation import is_written, state
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.schema_versions import SCHEDULE_SCHEMAS, miss_schema
from rollback_drills.names.similar_names import find_similar
from rollback_drills.readiness.checklist import Requirement

ACTIVE: Final = "go_rollback_drill_schedule_active"
CADENCE: Final = "go_rollback_drill_schedule_cadence"
NEXT_DUE: Final = "go_rollback_drill_schedule_next_due"
FAR_START: Final = "go_rollback_drill_schedule_far_start"
"""The check that only a schedule has whose first due time is probably a mistake."""
ROUTES: Final = "go_rollback_drill_notification_routes"
IS_ACTIVE: Final = "active"
IS_RETIRED: Final = "retired"
RETIRED: Final = 'the schedule is retired: $.status is "retired"'
_STATUSES: Final = (IS_ACTIVE, IS_RETIRED)
_FIXED_SEQUENCE: Final = DuePolicy.FIXED_SEQUENCE  # Python 3.11 looks up members of enumerations slowly


def find_written_faults(schedule: Schedule) -> dict[str, str]:
    """Return path, value and remedy of every fault, the most basic first.

    The keys are the ids of the checks that fail; the key of the document where no check stands for it.
    """
    if _is_faultless(schedule):
        return {}
    return {each.id: missing for each in REQUIREMENTS if (missing := each.missing(schedule))}


def _is_faultless(schedule: Schedule) -> bool:
    """Whether no requirement is missed, in a fifth of the time that it takes to ask each."""
    return bool(
        schedule.schema_version in SCHEDULE_SCHEMAS
        and schedule.schedule_id
        and schedule.status == IS_ACTIVE
        and (
            (schedule.interval_days is not None and schedule.interval_days > 0)
            or schedule.written_cadence is not None
        )
        and schedule.owners
        and schedule.notification_providers
        and is_written(schedule.runbook_ref)
        and (schedule.next_due_at is not None or schedule.due_policy is not _FIXED_SEQUENCE)
    )


def _miss_active(schedule: Schedule) -> str:
    if schedule.status in _STATUSES:
        return ""
    similar = find_similar(schedule.status, _STATUSES)
    meant = f'; did you mean "{similar}"?' if similar == IS_RETIRED else ""
    return _fault("status", schedule.status, f'must be "{IS_ACTIVE}"{meant}')


def _miss_schema(schedule: Schedule) -> str:
    return miss_schema(schedule.schema_version, SCHEDULE_SCHEMAS)


def _miss_routes(schedule: Schedule) -> str:
    if schedule.owners:
        return _miss_providers(schedule)
    return _fault("owners", schedule.owners, "name at least one")


def _miss_providers(schedule: Schedule) -> str:
    if schedule.notification_providers:
        return ""
    return _fault("notification_providers", schedule.notification_providers, "name at least one")


def _miss_sequence(schedule: Schedule) -> str:
    if schedule.due_policy is _FIXED_SEQUENCE and schedule.next_due_at is None:
        return "$.next_due_at is missing, with which the fixed sequence begins; write it"
    return ""


def _fault(key: str, value: Any, demand: str) -> str:
    return f"$.{key} {state(value)}; {demand}"


REQUIREMENTS: Final = (
    Requirement[Schedule]("schema_version", _miss_schema),
    Requirement[Schedule](
        "schedule_id",
        lambda each: "" if each.schedule_id else _fault("schedule_id", "", "give the schedule a name"),
    ),
    Requirement[Schedule](ACTIVE, _miss_active, "the schedule is active"),
    Requirement[Schedule](CADENCE, lambda each: each.cadence.problem, "it is known how often drills are due"),
    Requirement[Schedule](ROUTES, _miss_routes, "owners and providers are named"),
    Requirement[Schedule](  # named after the owners, if both are missing
        "notification_providers", lambda each: "" if each.owners else _miss_providers(each)
    ),
    Requirement[Schedule](
        "runbook_ref",
        lambda each: (
            ""
            if is_written(each.runbook_ref)
            else _fault("runbook_ref", each.runbook_ref, "name the runbook to follow")
        ),
    ),
    Requirement[Schedule](NEXT_DUE, _miss_sequence, "it is known when the next drill is due"),
)
"""What a schedule must fulfil; the first that it misses is the problem of the report."""
