"""What a check concluded about one schedule, without what changes by itself from run to run."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

import msgspec

from rollback_drills.planning.category import Category
from rollback_drills.planning.decisions import RouteDecision
from rollback_drills.planning.fleet_check import ScheduleCheck
from rollback_drills.readiness.due_faults import NOT_STALE
from rollback_drills.readiness.history_report import FRESHNESS
from rollback_drills.readiness.reports import Check

_AGEING: Final = (NOT_STALE, FRESHNESS)
"""Checks whose messages contain an age."""
_NOTIFIED: Final = (Category.DELIVER, Category.ALREADY_NOTIFIED)
"""A notification that is delivered now is one that was delivered already in the next run: nothing changed."""

_encoder: Final = msgspec.json.Encoder()


class RouteFinding(msgspec.Struct, frozen=True, gc=False):
    """What was concluded about one route."""

    provider: str
    owner: str
    acknowledgement_minutes: float | int
    escalation_owner: str
    category: Category
    reason: str
    deferred_until: str | None


class Finding(msgspec.Struct, frozen=True, gc=False):
    """What was concluded about one schedule: the same as long as nothing about it changed."""

    schedule_id: str
    cycle_id: str
    status: str
    mode: str
    next_due_at: str
    environment: str
    interval_days: float | int | None
    runbook_ref: str
    latest_drill_id: str
    latest_executed_at: str
    message: str
    warnings: tuple[str, ...]
    checks: tuple[tuple[str, str, str], ...]
    """Id, status and message of each."""
    routes: tuple[RouteFinding, ...]

    def digest(self) -> str:
        """Return the SHA-256 of its JSON as hex digits."""
        return sha256(_encoder.encode(self)).hexdigest()


def find_finding(check: ScheduleCheck) -> Finding:
    """Return what a check concluded. Run, instant, ages and days until due are not part of it."""
    report = check.judgement.schedule_report
    schedule, history = report.schedule, report.history
    return Finding(
        check.schedule_id,
        check.judgement.cycle.cycle_id,
        check.judgement.readiness,
        report.mode,
        schedule.next_due_at,
        schedule.environment,
        schedule.interval_days,
        schedule.runbook_ref,
        history.latest_drill_id,
        history.latest_executed_at,
        schedule.message,
        report.warnings,
        _shorten((*report.checks, *check.judgement.history_report.checks)),
        tuple(map(_find_route, check.decisions)),
    )


def _shorten(checks: Sequence[Check]) -> tuple[tuple[str, str, str], ...]:
    return tuple([(each.id, each.status, "" if each.id in _AGEING else each.message) for each in checks])


def _find_route(decision: RouteDecision) -> RouteFinding:
    is_notified = decision.category in _NOTIFIED
    return RouteFinding(
        decision.provider,
        decision.owner,
        decision.acknowledgement_minutes,
        decision.escalation_owner,
        Category.DELIVER if is_notified else decision.category,
        "" if is_notified else decision.reason,
        None if is_notified else decision.deferred_until,
    )
