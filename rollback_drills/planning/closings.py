"""Ends cycles that are over: finds the routes that were notified, and words the message that closes each."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from rollback_drills.documents.plain_json import to_plain
from rollback_drills.names import ids
from rollback_drills.names.keys import name_key
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.sent_notification import SentNotification
from rollback_drills.planning.event import build_event
from rollback_drills.planning.fleet_check import ScheduleCheck
from rollback_drills.planning.latest_drill_text import describe_latest_drill
from rollback_drills.planning.notification_text import tidy_facts
from rollback_drills.planning.notification_title import write_title
from rollback_drills.planning.plan import Plan
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.planning.repeats import Ending, find_ending
from rollback_drills.planning.routes import Route, find_owners
from rollback_drills.planning.windows_and_absences import Suppressions
from rollback_drills.readiness.cycle import Cycle
from rollback_drills.readiness.judgement import Judgement
from rollback_drills.readiness.reports import ScheduleReport
from rollback_drills.readiness.states import AT_REST
from rollback_drills.rendering.long_lists import name_some
from rollback_drills.rendering.sentences import capitalize

_MOST_NAMED: Final = 10


@dataclass(frozen=True, slots=True)
class Closing:
    """One route that leaves its cycle."""

    route_key: str
    opened: SentNotification
    """The first notification of the route in this cycle."""
    ending: Ending
    notification: Notification | None
    """None: nobody was notified, so that nobody has to be notified that it is over."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """One route whose cycle is over."""

    route_key: str
    history: Sequence[SentNotification]
    ending: Ending

    @property
    def opened(self) -> SentNotification:
        """The notification that opened the cycle for the route, or opened it again."""
        return next(each for each in self.history if not each.is_closed)

    @property
    def route(self) -> Route:
        """The route, for windows and absences."""
        last = self.history[-1]
        return Route(last.owner, last.provider, 0, last.owner)

    def is_silent(self, suppressions: Suppressions, now: datetime) -> bool:
        """Whether a window or an absence keeps it silent."""
        route = self.route
        window = suppressions.find_window(route, now)
        return window is not None or suppressions.find_absence(route.owner, now) is not None


def find_closings(
    check: ScheduleCheck,
    request: PlanRequest,
    histories: Mapping[str, Sequence[SentNotification]],
    *,
    now: datetime,
    clock: datetime,
) -> Iterator[Closing]:
    """Yield the routes of this schedule whose cycle is over.

    A cycle is over when its schedule has a newer cycle or needs nothing any more. A route is also over when
    the schedule no longer has its owner, because others look after the cycle. A route that a window or an
    absence keeps silent, or whose provider was not requested, is left to a later run.

    Args:
        check: The schedule, judged and planned.
        request: What the caller asks for.
        histories: The routes of the schedule by key.
        now: As of when the schedule is judged.
        clock: The clock of the database. A judgement as of an earlier time closes nothing that was planned
            since then; what was planned for a time still to come was planned by mistake, and is closed.
    """
    judgement, plan = check.judgement, check.plan
    planned = {each.route_key for each in plan.route_decisions if each.is_delivered}
    suppressions = Suppressions(check.schedule_id, check.schedule, request.policy)
    owners = find_owners(check.schedule)
    for leaving in find_leaving(judgement.cycle, planned, request, histories, owners):
        if now < leaving.history[-1].at <= clock or leaving.is_silent(suppressions, now):
            continue
        notification = None
        if leaving.ending.may_know:
            zone = suppressions.find_time_zone(leaving.history[-1].owner)
            notification = _build(judgement, plan, leaving, zone)
        yield Closing(leaving.route_key, leaving.opened, leaving.ending, notification)


def is_over(cycle_id: str, current: Cycle) -> bool:
    """Whether a cycle is over: the schedule is in another one, or needs nothing any more.

    Args:
        cycle_id: Of the cycle that is meant.
        current: The cycle in which its schedule is now.
    """
    return cycle_id != current.cycle_id or current.status in AT_REST


def find_leaving(
    cycle: Cycle,
    planned: Collection[str],
    request: PlanRequest,
    histories: Mapping[str, Sequence[SentNotification]],
    owners: Collection[str] = (),
) -> Iterator[Leaving]:
    """Yield the routes whose cycle is over, and how each leaves it, as soon as nothing keeps it silent.

    Args:
        cycle: The cycle in which the schedule is now.
        planned: The keys of the routes that are notified now.
        request: Which providers are asked for.
        histories: By route key, what was sent.
        owners: The keys of the schedule's owners; empty if they are not known.
    """
    for route_key, history in histories.items():
        last = history[-1]
        is_asked_for = request.requested is None or name_key(last.provider) in request.requested
        has_left = is_over(last.cycle_id, cycle) or _is_former(history, owners)
        if not has_left or not is_asked_for or route_key in planned:
            continue
        ending = find_ending(history)
        if ending is not None:
            yield Leaving(route_key, history, ending)


def _is_former(history: Sequence[SentNotification], owners: Collection[str]) -> bool:
    """Return whether a route is that of an owner whom the schedule no longer has.

    Somebody to whom the cycle was escalated never was its owner, and stays on it.
    """
    if not owners or name_key(history[-1].owner) in owners:
        return False
    return all(each.reason is not Reason.ESCALATED for each in history if not each.is_closed)


def _build(judgement: Judgement, plan: Plan, leaving: Leaving, time_zone: str) -> Notification:
    route_key, opened, first = leaving.route_key, leaving.opened, leaving.history[0]
    report = judgement.schedule_report
    title = write_title(_what_happened(judgement, opened), plan.schedule_id, report.schedule.environment)
    event = msgspec.structs.replace(
        build_event(report, plan),
        alert_level="healthy",
        title=title,
        cycle_id=opened.cycle_id,
        owners=[opened.owner],
        notification_providers=[opened.provider],
        owner_routes=[],
        acknowledge="",
    )
    return Notification(
        notification_id=ids.notification_id(route_key, Reason.RESOLVED, leaving.ending.occurrence),
        provider=opened.provider,
        owner=opened.owner,
        alert_level="healthy",
        title=title,
        summary=_summary(judgement, opened),
        facts=tidy_facts(_facts(report, plan, opened)),
        acknowledge="",
        schedule_id=plan.schedule_id,
        cycle_id=opened.cycle_id,
        plan_id=plan.plan_id,
        event=to_plain(event),
        reason=Reason.RESOLVED,
        route_key=route_key,
        owner_key=ids.owner_reference(route_key, first.cycle_id, first.provider, first.owner),
        time_zone=time_zone,
    )


def _what_happened(judgement: Judgement, opened: SentNotification) -> str:
    if not is_over(opened.cycle_id, judgement.cycle):
        return "handed over"
    if _was_performed(judgement, opened):
        return "performed"
    return "no longer needed" if judgement.readiness in AT_REST else "due at another time"


def _was_performed(judgement: Judgement, opened: SentNotification) -> bool:
    """Whether an accepted drill came after the first notification of the cycle."""
    history = judgement.history
    executed_at = history.latest_executed_at
    return bool(history.valid and executed_at and datetime.fromisoformat(executed_at) >= opened.at)


def _summary(judgement: Judgement, opened: SentNotification) -> str:
    schedule, history = judgement.schedule, judgement.history
    due = f"the cycle that was due {opened.due_at}" if opened.due_at else "the cycle"
    next_due = schedule.next_due_at or "at an unknown time"
    if not is_over(opened.cycle_id, judgement.cycle):
        owners = name_some(schedule.owners, _MOST_NAMED)
        return f"{opened.owner} no longer owns this schedule. {capitalize(due)} is with {owners} now."
    if _was_performed(judgement, opened):
        drill = history.latest_drill_id
        return f"Drill {drill} was performed and accepted; {due} is closed. Next due {next_due}."
    if judgement.cycle.retired:
        return f"{capitalize(due)} is closed: {judgement.cycle.retired}."
    if judgement.readiness in AT_REST:
        return f"{capitalize(due)} is closed: the schedule needs nothing now. Next due {next_due}."
    closed = f"{capitalize(due)} is closed"
    return f"{closed}: the schedule is now due {next_due}, which has its own notification."


def _facts(report: ScheduleReport, plan: Plan, opened: SentNotification) -> Iterator[tuple[str, object]]:
    schedule = report.schedule
    yield "Schedule", plan.schedule_id
    yield "Environment", schedule.environment
    yield "State", plan.status.replace("_", " ")
    yield "Was due", opened.due_at or "unknown"
    yield "Due", schedule.next_due_at or "unknown"
    yield "Latest drill", describe_latest_drill(report.history)
    yield "Owner", opened.owner
