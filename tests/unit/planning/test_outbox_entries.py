from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from rollback_drills.documents.reading.reader import parse_document
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.subject import Subject
from rollback_drills.names import ids
from rollback_drills.names.ids import SOURCE_ID
from rollback_drills.notifications.outbox_entry import Departure, Hold, OutboxEntry
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.sent_notification import SentNotification
from rollback_drills.notifications.states import WAITING, State
from rollback_drills.planning.outbox_entries import find_departures, find_entries, find_holds, known_names
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.readiness.states import Readiness
from tests.samples.builders import NOW, checked, judged, make_subject, make_told, planned

HOUR = timedelta(hours=1)
HEALTHY: Mapping[str, Any] = {"next_due_at": "2027-06-01T09:00:00+00:00"}
BROKEN = Subject(parse_document(Schedule, b"{", "fleet/ledger.json"), None)


def window(**matchers: Any) -> dict[str, Any]:
    """Make a window that holds now."""
    return {"start_at": NOW.isoformat(), "end_at": (NOW + HOUR).isoformat(), **matchers}


def entries_of(subject: Subject, request: PlanRequest | None = None) -> list[OutboxEntry]:
    """Return what the plan of a subject commits."""
    return list(find_entries(checked(subject, request), request or PlanRequest()))


def told_before(subject: Subject, **changes: Any) -> dict[str, list[SentNotification]]:
    """Return a history in which every route of a subject was told, by route key."""
    plan = planned(subject, PlanRequest(force=True))
    known = {"schedule_id": plan.schedule_id, "cycle_id": plan.cycle_id, "at": NOW - HOUR}
    return {
        each.route_key: [make_told(number, provider=each.provider, owner=each.owner, **{**known, **changes})]
        for number, each in enumerate(plan.route_decisions)
    }


def test_every_route_that_is_told_is_committed_as_its_plan_has_it() -> None:
    subject = make_subject()
    plan = planned(subject)

    entries = entries_of(subject)

    decisions = plan.route_decisions
    assert [entry.notification_id for entry in entries] == [each.notification_id for each in decisions]
    assert [entry.route_key for entry in entries] == [each.route_key for each in decisions]
    for entry in entries:
        notification = entry.notification
        assert (notification.notification_id, notification.reason) == (entry.notification_id, Reason.FIRST)
        assert (notification.provider, notification.owner) == (entry.provider, entry.owner)
        assert (entry.schedule_id, entry.cycle_id) == ("payments", plan.cycle_id)
        assert (entry.reason, entry.status) == (Reason.FIRST, Readiness.NEEDS_ATTENTION)
        assert (entry.cycle_due, entry.planned_at) == ("2026-11-27T09:00:00+00:00", NOW)
        assert not entry.closes


@pytest.mark.parametrize(
    "document",
    [
        pytest.param({"maintenance_windows": [window(owners=["team-a"])]}, id="a window"),
        pytest.param({"owner_calendars": {"team-a": {"available": False}}}, id="an absence"),
    ],
)
def test_the_place_of_what_is_kept_back_is_committed_with_what_others_are_told_of_it(
    document: dict[str, Any],
) -> None:
    entries = entries_of(make_subject(**document))

    silent = [entry for entry in entries if entry.owner == "team-a"]
    assert len(silent) == 2
    assert len(entries) == 4
    for entry in silent:
        assert (entry.is_kept_back, entry.reason) == (True, Reason.DEFERRED)
        assert entry.notification.event["escalation_chain"]["owner"] == "team-a"
        assert entry.notification_id == ids.notification_id(entry.route_key, Reason.DEFERRED, 1)


@pytest.mark.parametrize(
    ("state", "is_committed"),
    [
        (State.DELIVERED, False),
        (State.PENDING, False),
        (State.SENDING, False),
        (State.SUPPRESSED, True),
    ],
)
@pytest.mark.parametrize("windows", [[], [window()]])
def test_what_stays_quiet_is_not_committed_whether_in_a_window_or_not(
    windows: list[dict[str, Any]], state: State, is_committed: bool
) -> None:
    subject = make_subject(maintenance_windows=windows)
    request = PlanRequest(notified=told_before(subject, state=state, reason=Reason.DEFERRED))

    assert bool(entries_of(subject, request)) is is_committed


@pytest.mark.parametrize("windows", [[], [window()]])
def test_what_becomes_pointless_is_named_even_if_its_successor_is_kept_back(
    windows: list[dict[str, Any]],
) -> None:
    subject = make_subject(maintenance_windows=windows)
    told = told_before(subject, state=State.PENDING, status=Readiness.DUE_SOON)

    for entry in entries_of(subject, PlanRequest(notified=told)):
        assert list(entry.replaces) == [told[entry.route_key][0].notification_id]
        assert entry.is_kept_back is bool(windows)


def test_a_healthy_schedule_commits_nothing_unless_somebody_forces_it_and_then_opens_nothing() -> None:
    subject = make_subject(**HEALTHY)

    assert entries_of(subject) == []
    forced = entries_of(subject, PlanRequest(force=True))
    assert len(forced) == 4
    assert {entry.closes for entry in forced} == {True}


def test_a_schedule_without_a_due_instant_is_committed_with_none() -> None:
    assert {entry.cycle_due for entry in entries_of(make_subject(next_due_at=None))} == {""}


def test_a_schedule_is_known_by_its_id_and_by_its_path() -> None:
    subjects = [make_subject(), BROKEN, Subject(None, None)]

    names = known_names(subjects, [judged(each) for each in subjects])

    own = {"payments", "schedule.json", "fleet/ledger.json", "schedule-not-configured"}
    assert set(names) == {*own, SOURCE_ID}


def departures_of(
    subjects: list[Subject], told: dict[str, list[SentNotification]]
) -> tuple[list[OutboxEntry], list[Departure]]:
    """Return what closes the cycles of these schedules."""
    request = PlanRequest(notified=told)
    return find_departures([checked(each, request) for each in subjects], request, now=NOW, clock=NOW)


def test_the_message_that_closes_stands_in_the_cycle_that_it_closes() -> None:
    told = told_before(make_subject(), due_at="2026-11-27T09:00:00+00:00")

    entries, departures = departures_of([make_subject(**HEALTHY)], told)

    assert departures == []
    assert {entry.route_key for entry in entries} == told.keys()
    for entry in entries:
        (opened,) = told[entry.route_key]
        assert (entry.cycle_id, entry.schedule_id) == (opened.cycle_id, opened.schedule_id)
        assert (entry.provider, entry.owner) == (opened.provider, opened.owner)
        assert (entry.reason, entry.status, entry.closes) == (Reason.RESOLVED, opened.status, True)
        assert (entry.cycle_due, entry.planned_at) == ("2026-11-27T09:00:00+00:00", NOW)
        assert entry.notification.notification_id == entry.notification_id


def test_who_was_never_told_is_not_told_that_it_is_over() -> None:
    told = told_before(make_subject(), state=State.SUPPRESSED, reason=Reason.DEFERRED)

    entries, departures = departures_of([make_subject(**HEALTHY)], told)

    assert entries == []
    assert {each.route_key: list(each.replaces) for each in departures} == {
        key: [history[0].notification_id] for key, history in told.items()
    }


def test_a_schedule_closes_its_own_cycles_and_no_other() -> None:
    healthy, late = make_subject(**HEALTHY), make_subject(schedule_id="ledger")
    told = told_before(make_subject()) | told_before(late)

    entries, departures = departures_of([late, healthy], told)

    assert {entry.schedule_id for entry in entries} == {"payments"}
    assert len(entries) == 4
    assert departures == []


def test_a_document_that_was_mended_closes_what_was_told_under_its_path() -> None:
    mended = make_subject(**HEALTHY)
    path = mended.schedule.path if mended.schedule else ""
    told = told_before(Subject(parse_document(Schedule, b"{", path), None)) | told_before(make_subject())

    entries, _ = departures_of([mended], told)

    assert {entry.route_key for entry in entries} == told.keys()
    assert {entry.schedule_id for entry in entries} == {path, "payments"}


def test_nothing_was_told_and_nothing_is_closed() -> None:
    assert departures_of([make_subject(**HEALTHY), BROKEN, Subject(None, None)], {}) == ([], [])


@pytest.mark.parametrize("state", State)
def test_only_what_waits_for_an_attempt_is_held_until_the_window_ends(state: State) -> None:
    subject = make_subject(maintenance_windows=[window(owners=["team-a"])])
    told = told_before(make_subject(), state=state)
    request = PlanRequest(notified=told)

    holds = list(find_holds([planned(subject, request)], request, now=NOW))

    silent = [history[0].notification_id for history in told.values() if history[0].owner == "team-a"]
    assert holds == ([Hold(its_id, NOW + HOUR) for its_id in silent] if state in WAITING else [])


def test_what_waits_for_an_owner_who_is_away_without_an_end_is_held_for_a_day() -> None:
    subject = make_subject(owner_calendars={"team-a": {"available": False}})
    request = PlanRequest(notified=told_before(make_subject(), state=State.RETRY))

    holds = list(find_holds([planned(subject, request)], request, now=NOW))

    assert {hold.until for hold in holds} == {NOW + timedelta(days=1)}
