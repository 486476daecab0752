"""Schedules to be simulated, as anybody could write them, and what their people do."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from hypothesis import strategies as st

from rollback_drills.documents.subject import Subject
from rollback_drills.names.keys import name_key
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.simulation.assumptions import Assumptions
from rollback_drills.simulation.performed_drills import PerformedDrill
from rollback_drills.simulation.scenario import Scenario
from tests.samples.builders import DRILL, make_subject
from tests.samples.recurrences import ZONES

START: Final = datetime(2026, 2, 20, tzinfo=UTC)
"""A month before clocks change in most zones."""
OWNERS: Final = ("team-a", "Team-B", "lead")
PROVIDERS: Final = ("slack", "jira")
_ESCALATED_TO: Final = st.sampled_from(("lead", "director", "team-a"))
_MINUTES: Final = st.integers(0, 365 * 24 * 60)


def _instant(minutes: int) -> str:
    return (START - timedelta(days=20) + timedelta(minutes=minutes)).isoformat()


_INSTANTS: Final = _MINUTES.map(_instant)


@st.composite
def _recurring(draw: st.DrawFn) -> dict[str, Any]:
    days = draw(st.sampled_from(("FR", "SA,SU", "MO,WE", "MO,TU,WE,TH,FR,SA,SU")))
    hour, length = draw(st.integers(0, 23)), draw(st.integers(1, 60))
    start = datetime(2026, 1, 1, hour)  # noqa: DTZ001 - on the wall
    if len(days) > 5:
        length = min(length, 20)
    end = start + timedelta(hours=length, minutes=draw(st.sampled_from((0, 30))))
    rule = f"FREQ=WEEKLY;BYDAY={days}"
    return {
        "rrule": rule,
        "start": start.isoformat(),
        "end": end.isoformat(),
        "time_zone": draw(st.sampled_from(ZONES)),
    }


@st.composite
def _periods(draw: st.DrawFn) -> dict[str, Any]:
    if draw(st.booleans()):
        return {"recurrence": draw(_recurring()), "reason": "again and again"}
    start = draw(_MINUTES)
    end = start + draw(st.sampled_from((90, 60 * 24, 60 * 24 * 20)))
    return {"start_at": _instant(start), "end_at": _instant(end), "reason": "once"}


@st.composite
def _windows(draw: st.DrawFn) -> dict[str, Any]:
    matchers = {
        "owners": draw(st.sampled_from(([], ["team-b"], ["lead", "director"]))),
        "providers": draw(st.sampled_from(([], [], ["jira"]))),
    }
    return {**draw(_periods()), "window_id": "freeze", **matchers}


@st.composite
def _calendars(draw: st.DrawFn) -> dict[str, Any]:
    calendar: dict[str, Any] = {"unavailable_windows": draw(st.lists(_periods(), max_size=2))}
    if draw(st.integers(0, 9)) == 0:
        calendar["available"] = False
    if draw(st.booleans()):
        calendar["time_zone"] = draw(st.sampled_from(ZONES))
        calendar["business_hours"] = draw(
            st.sampled_from(
                (
                    {"start": "09:00", "end": "17:30"},
                    {"start": "22:00", "end": "06:00", "days": ["mon", "fri", "sun"]},
                    {"start": "00:00", "end": "24:00"},
                )
            )
        )
    return calendar


@st.composite
def _steps(draw: st.DrawFn) -> dict[str, Any]:
    wait = draw(st.sampled_from(("after_minutes", "after_business_hours")))
    return {"owner": draw(_ESCALATED_TO), wait: draw(st.sampled_from((0, 1, 2.5, 45, 60)))}


@st.composite
def _rules(draw: st.DrawFn) -> dict[str, Any]:
    rule: dict[str, Any] = {"escalation_steps": draw(st.lists(_steps(), max_size=2))}
    if draw(st.booleans()):
        rule["escalation_owner"] = draw(_ESCALATED_TO)
    if draw(st.booleans()):
        rule["acknowledgement_minutes"] = draw(st.sampled_from((0, 15, 60, 24 * 60)))
    if draw(st.integers(0, 2)) == 0:
        rule["providers"] = [draw(st.sampled_from(PROVIDERS))]
    return rule


@st.composite
def _cadences(draw: st.DrawFn) -> dict[str, Any]:
    zone = draw(st.sampled_from(ZONES))
    kind = draw(st.sampled_from(("interval", "interval", "rule", "period")))
    if kind == "interval":
        policy = draw(st.sampled_from(("explicit", "after_completion", "fixed_sequence")))
        due = draw(_INSTANTS) if policy == "fixed_sequence" else draw(st.none() | _INSTANTS)
        days = draw(st.sampled_from((0.75, 7, 30, 45.5, 90)))
        return {"interval_days": days, "due_policy": policy, "next_due_at": due}
    cadence: dict[str, Any] = {"start": "2026-01-06", "time_zone": zone}
    if kind == "rule":
        cadence["rrule"] = draw(
            st.sampled_from(("FREQ=MONTHLY;BYDAY=1TU", "FREQ=WEEKLY;INTERVAL=2", "FREQ=MONTHLY;COUNT=4"))
        )
        cadence["start"] = draw(st.sampled_from(("2026-01-06T02:30", "2026-03-01T10:00")))
    else:
        cadence["once_per"] = draw(st.sampled_from(("month", "quarter")))
    if draw(st.booleans()):
        to = draw(st.sampled_from(("next_business_day", "previous_business_day")))
        cadence["shift"] = {"to": to, "calendar": "work"}
    calendars = {"work": {"closed": ["2026-04-06", "2026-12-24"]}}
    return {"cadence": cadence, "calendars": calendars, "interval_days": None, "next_due_at": None}


@st.composite
def _drills(draw: st.DrawFn, number: int) -> dict[str, Any]:
    return {
        **DRILL,
        "drill_id": f"drill-{number}",
        "executed_at": draw(_INSTANTS),
        "status": draw(st.sampled_from(("pass", "pass", "fail"))),
    }


@st.composite
def subjects(draw: st.DrawFn, number: int, repeat_after_days: float) -> Subject:
    """Draw a schedule with its history; some drills of it are dated later."""
    owners = draw(st.lists(st.sampled_from(OWNERS), min_size=1, max_size=2, unique=True))
    of_owners = [*owners, "lead", "director"]
    document = {
        "schedule_id": f"Service-{number}",
        "owners": owners,
        "notification_providers": draw(
            st.lists(st.sampled_from(PROVIDERS), min_size=1, max_size=2, unique=True)
        ),
        "owner_routes": draw(st.dictionaries(st.sampled_from(of_owners), _rules(), max_size=2)),
        "maintenance_windows": draw(st.lists(_windows(), max_size=2)),
        "owner_calendars": draw(st.dictionaries(st.sampled_from(of_owners), _calendars(), max_size=2)),
        "repeat_after_days": {
            "due_soon": draw(st.sampled_from((1, 7))),
            "needs_attention": draw(st.sampled_from((repeat_after_days, 3))),
        },
        "status": draw(st.sampled_from(("active", "active", "active", "paused"))),
        **draw(_cadences()),
    }
    drills = [draw(_drills(each)) for each in range(draw(st.integers(0, 2)))]
    return make_subject(draw(st.sampled_from((drills, drills, None))), **document)


def fleets(most: int, repeat_after_days: float) -> st.SearchStrategy[list[Subject]]:
    """Draw a fleet of up to so many schedules, with repeats as often as that."""
    return st.integers(1, most).flatmap(
        lambda count: st.tuples(*(subjects(number, repeat_after_days) for number in range(count))).map(list)
    )


@st.composite
def scenarios(draw: st.DrawFn, days: int, every: timedelta) -> Scenario:
    """Draw what people do in so many days."""
    since = START + timedelta(minutes=draw(st.integers(0, 60)))
    times = sorted(draw(st.lists(_MINUTES, max_size=3)))
    listed = [
        PerformedDrill("Service-0", since + timedelta(minutes=each), accepted=draw(st.booleans()))
        for each in times
    ]
    late_by = draw(
        st.none()
        | st.sampled_from((timedelta(0), timedelta(minutes=95), timedelta(days=3), timedelta(days=40)))
    )
    acknowledged_after = draw(st.none() | st.sampled_from((timedelta(minutes=30), timedelta(days=2))))
    return Scenario(
        since,
        since + timedelta(days=days),
        every,
        Criteria(due_soon_days=draw(st.sampled_from((14.0, 3.0, 0.0)))),
        Assumptions(late_by, {name_key("Service-0"): listed}, acknowledged_after),
        requested=draw(st.sampled_from((None, None, frozenset({"slack"})))),
    )
