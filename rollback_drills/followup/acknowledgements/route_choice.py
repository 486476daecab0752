"""Finds the routes that a person acknowledges, by cycle, plan or schedule; unknown names list what exists."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from operator import attrgetter

from sqlalchemy import select

from rollback_drills.database.alarm_path_rows import is_alarm_path
from rollback_drills.database.tables import LEDGER, OUTBOX
from rollback_drills.documents.quotation import show
from rollback_drills.errors import Field, UsageError
from rollback_drills.evidence.index import EvidenceFilter, EvidenceIndex
from rollback_drills.evidence.record_kinds import DECISION_KIND, PLAN_KIND
from rollback_drills.evidence.recorded_plan import RecordedPlan
from rollback_drills.followup.acknowledgements.acknowledgement import NotifiedRoute
from rollback_drills.names import ids
from rollback_drills.names.keys import is_same, name_key
from rollback_drills.names.spellings import match
from rollback_drills.outbox.rows import find_notification
from rollback_drills.rendering.long_lists import name_some

_MOST_ROUTES = 1000
_MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class RouteChoice:
    """Which routes are meant; None matches every one of the cycle."""

    cycle_id: str | None = None
    plan_id: str | None = None
    schedule_id: str | None = None
    provider: str | None = None
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class ChosenRoutes:
    """The routes of one cycle that were chosen."""

    routes: Sequence[NotifiedRoute]
    due_at: datetime | None


class _DecidedRoute(NotifiedRoute, frozen=True, gc=False, kw_only=True):
    leaf_index: int


def choose_routes(index: EvidenceIndex, wanted: RouteChoice) -> ChosenRoutes:
    """Find the routes that are meant, of the cycle, the plan's cycle, or the newest cycle of the schedule.

    Raises:
        UsageError: One of the names is unknown; the message lists the known ones.
    """
    cycle_id, due_at = _find_alarm_path(index, wanted), None
    if cycle_id is None:
        found = _find_plan(index, wanted)
        cycle_id, due = found.cycle_id, found.plan.next_due_at
        due_at = datetime.fromisoformat(due) if due else None
    known = _find_routes(index, cycle_id)
    chosen = [
        route
        for route in known
        if wanted.provider is None or is_same(wanted.provider, route.provider)
        if wanted.owner is None or is_same(wanted.owner, route.owner)
    ]
    if not chosen:
        names = sorted({f"{route.provider}/{route.owner}" for route in known})
        given = (("provider", wanted.provider), ("owner", wanted.owner))
        asked = " and ".join(f"{what} {show(name)}" for what, name in given if name is not None)
        wanted_one = f"no route of {asked}" if asked else "no route"
        it_has = f"; it has {name_some(names, _MOST_NAMED)}" if names else ""
        raise UsageError(f"cycle {cycle_id} has {wanted_one}{it_has}")
    return ChosenRoutes(chosen, due_at)


def keep_open(index: EvidenceIndex, routes: Sequence[NotifiedRoute]) -> list[NotifiedRoute]:
    """Return the routes of a cycle that can still be acknowledged.

    A route is closed when its cycle has ended, or when its owner has left the cycle. A cycle in which nobody
    was notified has ended as soon as its schedule has a newer cycle. The drill of an alarm path can be
    acknowledged late.

    Raises:
        UsageError: None can.
    """
    cycle_id, schedule_id = routes[0].cycle_id, routes[0].schedule_id
    if schedule_id.startswith(ids.ALARM_PATH_PREFIX):
        return list(routes)
    of_cycle = select(OUTBOX.c.route_key, OUTBOX.c.is_closed).where(OUTBOX.c.cycle_id == cycle_id)
    with index.database.read() as connection:
        rows = connection.execute(of_cycle).all()
    is_open = {row.route_key for row in rows if not row.is_closed}
    closed = {row.route_key for row in rows} - is_open
    kept = [each for each in routes if each.route_key not in closed]
    has_ended = not is_open and (rows or _is_replaced(index, schedule_id, cycle_id))
    if has_ended or not kept:
        which = f"{cycle_id} of {show(schedule_id)}"
        for_whom = "" if has_ended else f" for {routes[0].owner}"
        raise UsageError(f"cycle {which} has ended{for_whom}; there is nothing to acknowledge any more")
    return kept


def _is_replaced(index: EvidenceIndex, schedule_id: str, cycle_id: str) -> bool:
    """Return whether the newest plan of a schedule is of another cycle."""
    newest = EvidenceFilter(metadata_kind=PLAN_KIND, schedule_id=schedule_id)
    return any(plan.cycle_id != cycle_id for plan in index.read(newest, RecordedPlan, limit=1))


def _find_alarm_path(index: EvidenceIndex, wanted: RouteChoice) -> str | None:
    """Return the cycle if the drill of an alarm path is meant, which has no plan; None if not."""
    if wanted.plan_id is not None or (wanted.cycle_id is None and wanted.schedule_id is None):
        return None
    if wanted.schedule_id is not None and not name_key(wanted.schedule_id).startswith(ids.ALARM_PATH_PREFIX):
        return None
    given = [("cycle_id", wanted.cycle_id), ("schedule_id", wanted.schedule_id)]
    with index.database.read() as connection:
        conditions = match(
            connection,
            OUTBOX,
            [(name, value) for name, value in given if value is not None],
            is_alarm_path(OUTBOX.c.schedule_id),
        )
        newest = select(OUTBOX.c.cycle_id).where(*conditions).order_by(OUTBOX.c.sequence.desc())
        found: str | None = connection.scalar(newest.limit(1))
    return found


def _find_plan(index: EvidenceIndex, wanted: RouteChoice) -> RecordedPlan:
    if wanted.cycle_id is None and wanted.plan_id is None and wanted.schedule_id is None:
        raise UsageError(
            "say which one: ", Field("cycle_id"), ", ", Field("plan_id"), " or ", Field("schedule_id")
        )
    conditions = EvidenceFilter(
        metadata_kind=PLAN_KIND, cycle_id=wanted.cycle_id, schedule_id=wanted.schedule_id
    )
    if wanted.plan_id and wanted.schedule_id:
        session_id = ids.delivery_session_id(wanted.schedule_id, wanted.plan_id)
        conditions = replace(conditions, session_id=session_id)
    elif wanted.plan_id is not None:
        conditions = EvidenceFilter(metadata_kind=PLAN_KIND, cycle_id=_cycle_of_plan(index, wanted.plan_id))
    plans = index.read(conditions, RecordedPlan, limit=1)
    if plans:
        if wanted.cycle_id not in (None, plans[0].cycle_id):
            problem = f"{show(wanted.plan_id)} is of cycle {plans[0].cycle_id}; leave one out"
            raise UsageError(problem, field="plan_id")
        return plans[0]
    _refuse_other_schedule(index, wanted)
    named = ("cycle_id", wanted.cycle_id), ("plan_id", wanted.plan_id), ("schedule_id", wanted.schedule_id)
    field, given = next(each for each in named if each[1] is not None)
    raise UsageError(f"{show(given)} is not in the evidence; {_list_known(index, field)}", field=field)


def _refuse_other_schedule(index: EvidenceIndex, wanted: RouteChoice) -> None:
    """Refuse a cycle or plan that exists, and is one of another schedule than the one that is named."""
    if wanted.schedule_id is None:
        return
    field, given = ("plan_id", wanted.plan_id) if wanted.plan_id else ("cycle_id", wanted.cycle_id)
    cycle_id = _cycle_of_plan(index, wanted.plan_id) if wanted.plan_id else wanted.cycle_id
    found = cycle_id and index.read(
        EvidenceFilter(metadata_kind=PLAN_KIND, cycle_id=cycle_id), RecordedPlan, limit=1
    )
    if found:
        problem = f"{show(given)} is of the schedule {show(found[0].schedule_id)}; leave one out"
        raise UsageError(problem, field=field)


def _cycle_of_plan(index: EvidenceIndex, plan_id: str) -> str:
    """Return the cycle of a plan; the session of all its records ends in a digest of the plan."""
    digest = ids.delivery_session_id("", plan_id).rpartition("-")[2]
    statement = select(LEDGER.c.cycle_id).where(LEDGER.c.session_id.endswith(f"-{digest}"))
    with index.database.read() as connection:
        return connection.scalar(statement.limit(1)) or ""


def _list_known(index: EvidenceIndex, field: str) -> str:
    plans = index.read(EvidenceFilter(metadata_kind=PLAN_KIND), RecordedPlan, limit=_MOST_ROUTES)
    names = list(dict.fromkeys(map(attrgetter(field), plans)))
    return f"the newest are {name_some(names, _MOST_NAMED)}" if names else "it has no plan at all yet"


def _find_routes(index: EvidenceIndex, cycle_id: str) -> list[NotifiedRoute]:
    """Return the routes of a cycle: those that plans decided on, and those of whom it was escalated to."""
    routes: dict[str, NotifiedRoute] = {}
    of_cycle = EvidenceFilter(cycle_id=cycle_id, metadata_kind=DECISION_KIND)
    for decision in index.read(of_cycle, _DecidedRoute, limit=_MOST_ROUTES):
        routes.setdefault(decision.route_key, decision)
    with index.database.read() as connection:
        rows = connection.execute(select(OUTBOX).where(OUTBOX.c.cycle_id == cycle_id)).all()
    for row in rows:
        if row.route_key not in routes and (notification := find_notification(row)):
            routes[row.route_key] = NotifiedRoute(
                notification.event.get("session_id", ""),
                row.schedule_id,
                cycle_id,
                notification.plan_id,
                row.provider,
                row.owner,
                row.route_key,
            )
    return list(routes.values())
