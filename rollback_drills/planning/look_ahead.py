"""Looks ahead: which drills of each owner are due in the next 30 and 90 days, and what will go wrong."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from rollback_drills.connectors.types import ITEM_TYPES
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.utc import write_instant
from rollback_drills.names.keys import name_key
from rollback_drills.planning.escalation_chain import resolve_chains
from rollback_drills.planning.fleet_check import ScheduleCheck
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.planning.routes import Route, eligible_providers, resolve_routes
from rollback_drills.planning.troubles import Trouble, find_troubles
from rollback_drills.planning.upcoming import find_due_times
from rollback_drills.planning.windows_and_absences import Suppressions
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.readiness.states import Readiness
from rollback_drills.rendering.times import write_time

SOON: Final = timedelta(days=30)
AHEAD: Final = timedelta(days=90)


class ForeseenDrill(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A drill that is due, or overdue."""

    schedule_id: str
    environment: str
    due_at: str
    due: str
    """When it is due, for the owner to read."""
    overdue: bool
    planned: bool
    """Whether it is due only if those before it are performed when they are due."""
    troubles: tuple[Trouble, ...]


class OutlookRoute(msgspec.Struct, frozen=True, gc=False):
    """The provider through which an owner can be notified, and from when on."""

    provider: str
    not_before: str | None
    """None if no end of a window or an absence is known."""


class Outlook(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What one owner has to expect."""

    owner: str
    routes: tuple[OutlookRoute, ...]
    drills: tuple[ForeseenDrill, ...]
    """The earliest first."""
    due_in_30_days: int
    due_in_90_days: int
    """Those of the first 30 days included."""

    @property
    def troubled(self) -> list[ForeseenDrill]:
        """The drills with which something will go wrong."""
        return [drill for drill in self.drills if drill.troubles]


class UnclearSchedule(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A schedule that needs attention, and not because its drill is overdue: its due times may be wrong."""

    schedule_id: str
    owners: tuple[str, ...]
    """Empty if the document cannot be read."""
    message: str
    """What is wrong with it, and what to do."""


class _Owned(msgspec.Struct):
    """What is gathered for one owner."""

    owner: str
    drills: list[ForeseenDrill] = []
    free_at: dict[str, list[datetime | None]] = {}
    """By provider: from when on each schedule lets the owner be notified."""


def find_outlooks(
    checks: Sequence[ScheduleCheck], request: PlanRequest, criteria: Criteria, *, now: datetime
) -> list[Outlook]:
    """Return what each owner has to expect, in the order of their names.

    Args:
        checks: The judged schedules.
        request: The policy of the caller, what is known of exceptions and distrust, and through which
            providers owners are notified; all means those that open no ticket and no incident.
        criteria: With how long before it is due an owner is notified.
        now: The instant of the judgements.
    """
    found: dict[str, _Owned] = {}
    for check in checks:
        is_asked_for = check.judgement.readiness is not Readiness.NOT_REQUESTED
        if check.schedule and is_asked_for and check.schedule_id not in request.distrusted:
            _look_at(check, check.schedule, request, criteria, now, found)
    return [_make(owned, now) for _, owned in sorted(found.items()) if owned.drills]


def find_unclear(checks: Sequence[ScheduleCheck], request: PlanRequest) -> list[UnclearSchedule]:
    """Return the schedules whose outlook cannot be trusted, because something else is wrong with them.

    Args:
        checks: The judged schedules.
        request: What is known of exceptions and distrust.
    """
    return [
        UnclearSchedule(
            schedule_id=check.schedule_id,
            owners=check.schedule.owners if check.schedule else (),
            message=check.judgement.schedule.message,
        )
        for check in checks
        if not check.judgement.readiness.acceptable
        and not (check.judgement.schedule.stale and check.judgement.schedule.next_due_at)
        and check.schedule_id not in request.distrusted
        and check.judgement.cycle.cycle_id not in request.excepted
    ]


def _look_at(
    check: ScheduleCheck,
    schedule: Schedule,
    request: PlanRequest,
    criteria: Criteria,
    now: datetime,
    found: dict[str, _Owned],
) -> None:
    """Add what is due of a schedule to its owners."""
    dues = find_due_times(check.judgement, schedule, now + AHEAD)
    routes = resolve_routes(
        schedule, request.policy, eligible_providers(schedule, request.connectors, None), None
    )
    chains = resolve_chains(routes, schedule, request.policy)
    suppressions = Suppressions(check.schedule_id, schedule, request.policy)
    is_excepted = check.judgement.cycle.cycle_id in request.excepted
    for owner, of_owner in groupby(routes, key=lambda route: route.owner):
        own_routes = list(of_owner)
        owned = found.setdefault(name_key(owner), _Owned(owner))
        zone = ZoneInfo(suppressions.find_time_zone(owner))
        for number, due_at in enumerate(dues):
            if due_at < now and number > 0:
                continue
            is_certain = due_at < now or (is_excepted and number == 0)
            troubles = (
                ()
                if is_certain
                else tuple(
                    find_troubles(
                        own_routes,
                        chains[owner],
                        due_at,
                        suppressions,
                        due_soon=criteria.due_soon,
                        now=now,
                        write=partial(write_time, zone=zone),
                    )
                )
            )
            owned.drills.append(
                ForeseenDrill(
                    schedule_id=check.schedule_id,
                    environment=schedule.environment,
                    due_at=write_instant(due_at),
                    due=write_time(due_at, zone),
                    overdue=due_at < now,
                    planned=number > 0,
                    troubles=troubles,
                )
            )
        for route in own_routes:
            if _carries_messages(route, request):
                free_at = suppressions.defer(route, now).until
                owned.free_at.setdefault(route.provider, []).append(free_at)


def _carries_messages(route: Route, request: PlanRequest) -> bool:
    key = name_key(route.provider)
    return key not in ITEM_TYPES if request.requested is None else key in request.requested


def _make(owned: _Owned, now: datetime) -> Outlook:
    soon = write_instant(now + SOON)
    return Outlook(
        owner=owned.owner,
        routes=tuple(
            OutlookRoute(provider, write_instant(min(known)) if (known := [*filter(None, each)]) else None)
            for provider, each in sorted(owned.free_at.items())
        ),
        drills=tuple(sorted(owned.drills, key=lambda drill: (drill.due_at, drill.schedule_id))),
        due_in_30_days=sum(drill.due_at < soon for drill in owned.drills),
        due_in_90_days=len(owned.drills),
    )
