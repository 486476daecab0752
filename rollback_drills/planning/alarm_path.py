"""The drill of the alarm paths: along every route of every owner a message that is acknowledged, monthly."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from rollback_drills.documents.utc import write_instant
from rollback_drills.names import ids
from rollback_drills.names.keys import name_key
from rollback_drills.notifications.notice import Notice
from rollback_drills.notifications.notification import UTC_ZONE, write_acknowledge
from rollback_drills.notifications.outbox_entry import Hold, OutboxEntry
from rollback_drills.planning.fleet_check import ScheduleCheck
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.planning.routes import eligible_providers, resolve_routes
from rollback_drills.planning.windows_and_absences import Suppressions
from rollback_drills.readiness.states import Readiness
from rollback_drills.rendering.counts import write_count
from rollback_drills.rendering.sentences import one_line

EVENT_TYPE: Final = "cavra.go_backend.rollback_drill.alarm_path"


class AlarmPath(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One owner through one provider, as planning would notify them."""

    owner: str
    provider: str
    schedule_count: int
    """How many schedules use the route."""
    not_before: str | None
    """From when on no window and no absence silences it; None if no end of them is known."""
    time_zone: str = UTC_ZONE


class _Used(msgspec.Struct):
    """What is gathered about one route."""

    owner: str
    provider: str
    schedule_count: int = 0
    free_at: datetime | None = None
    time_zone: str = UTC_ZONE


def find_alarm_paths(
    checks: Sequence[ScheduleCheck], request: PlanRequest, *, now: datetime
) -> list[AlarmPath]:
    """Return every route that a notification would take, once, by owner and provider.

    A route is drilled as soon as one of its schedules lets its owner be notified. Schedules that are not
    followed name no route; one whose document cannot be read has the routes of a schedule without a document.

    Args:
        checks: The judged schedules.
        request: The policy of the caller, the requested providers and the configured connectors.
        now: The instant of the judgements.
    """
    found: dict[tuple[str, str], _Used] = {}
    for check in checks:
        if check.judgement.readiness is Readiness.NOT_REQUESTED:
            continue
        suppressions = Suppressions(check.schedule_id, check.schedule, request.policy)
        eligible = eligible_providers(check.schedule, request.connectors, request.requested)
        for route in resolve_routes(check.schedule, request.policy, eligible, request.requested):
            key = name_key(route.owner), name_key(route.provider)
            used = found.setdefault(key, _Used(route.owner, route.provider))
            used.schedule_count += 1
            if used.time_zone == UTC_ZONE:
                used.time_zone = suppressions.find_time_zone(route.owner)
            free_at = suppressions.defer(route, now).until
            if free_at is not None:
                used.free_at = min(free_at, used.free_at or free_at)
    return [
        AlarmPath(
            owner=used.owner,
            provider=used.provider,
            schedule_count=used.schedule_count,
            not_before=write_instant(used.free_at) if used.free_at else None,
            time_zone=used.time_zone,
        )
        for _, used in sorted(found.items())
    ]


def name_cycle(owner: str, now: datetime) -> str:
    """Name the drill of an owner's alarm paths in the month of a time, in UTC."""
    return ids.cycle_id(f"{ids.ALARM_PATH_PREFIX}{name_key(owner)}", f"{now.astimezone(UTC):%Y-%m}")


def build_entries(
    paths: Sequence[AlarmPath], *, within: timedelta, now: datetime
) -> tuple[list[OutboxEntry], list[Hold]]:
    """Return one message for each route and month, and until when each waits for a window or an absence.

    An owner who is absent without a known end is not asked: nobody would acknowledge, and the look-ahead
    names the absence.

    Args:
        paths: The routes.
        within: How long an owner has to acknowledge.
        now: The instant of the drill.
    """
    entries, holds = [], []
    for path in paths:
        if path.not_before is None:
            continue
        free_at = max(datetime.fromisoformat(path.not_before), now)
        cycle_id = name_cycle(path.owner, now)
        route_key = ids.route_key(cycle_id, path.provider, path.owner)
        notice = _word(path, cycle_id, free_at + within, now)
        entry = notice.address(route_key, provider=path.provider, owner=path.owner, closes=True)
        entries.append(entry)
        if free_at > now:
            holds.append(Hold(entry.notification_id, free_at))
    return entries, holds


def _word(path: AlarmPath, cycle_id: str, until: datetime, now: datetime) -> Notice:
    return Notice(
        subject_id=f"{ids.ALARM_PATH_PREFIX}{path.owner}",
        subject_name=f"alarm-path-{path.owner}",
        cycle_id=cycle_id,
        event_type=EVENT_TYPE,
        at=now,
        title=one_line(f"This is a drill: does this reach {path.owner}?"),
        summary=one_line(
            f"Nothing is wrong. This message tests that {path.owner} is reached through {path.provider} when"
            " a rollback drill is overdue. Please acknowledge it, so that we know."
        ),
        facts=tuple(_list_facts(path, until)),
        alert_level="warning",
        acknowledge=f"Acknowledge: {write_acknowledge(cycle_id, path.owner)}",
        time_zone=path.time_zone,
        more={"owner": path.owner, "is_drill": True, "acknowledge_by": write_instant(until)},
    )


def _list_facts(path: AlarmPath, until: datetime) -> Iterator[tuple[str, str]]:
    yield "Owner", path.owner
    yield "Reached through", path.provider
    yield "Used by", write_count(path.schedule_count, "schedule")
    yield "Acknowledge by", write_instant(until)
    yield "Otherwise", "the route is listed as one that reaches nobody, and the platform owner is notified"
