"""What is coming in a period: due times, windows and absences, also where clocks change."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rollback_drills.documents.spans import Span
from rollback_drills.documents.subject import Subject
from rollback_drills.planning.routes import Route
from rollback_drills.planning.upcoming import Kind, Upcoming, find_upcoming
from rollback_drills.planning.windows_and_absences import Suppressions
from tests.samples.builders import DRILL, NOW, called, judged, make_subject

WEEKEND = {
    "window_id": "weekend",
    "recurrence": {
        "rrule": "FREQ=WEEKLY;BYDAY=SA",
        "start": "2026-01-03T00:00",
        "end": "2026-01-05T00:00",
        "time_zone": "Europe/Berlin",
    },
}
MONTHLY = {"rrule": "FREQ=MONTHLY;BYMONTHDAY=15", "start": "2026-01-15T10:00", "time_zone": "Europe/Berlin"}


def instant(text: str) -> datetime:
    """Read an instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def find(
    *subjects: Subject, since: str = "2026-12-01", until: str = "2027-01-01", owner: str = ""
) -> list[Upcoming]:
    """Return what is coming."""
    return find_upcoming(
        [judged(each) for each in subjects],
        [each.document for each in subjects],
        Span(instant(since), instant(until)),
        now=NOW,
        owner=owner,
    )


def spans(found: list[Upcoming]) -> list[tuple[str, str]]:
    """Return from when until when things last, without their zone."""
    return [
        (
            each.start_at.isoformat()[:16] if each.start_at else "",
            each.end_at.isoformat()[:16] if each.end_at else "",
        )
        for each in found
    ]


def test_an_overdue_drill_belongs_to_the_time_until_now_and_those_after_it_follow() -> None:
    overdue = make_subject([DRILL], next_due_at="2026-10-20T09:00:00Z")

    found = find(overdue)
    assert [(each.kind, each.start_at, each.status) for each in found] == [
        (Kind.DUE, instant("2026-10-20T09:00"), "needs_attention"),
        (Kind.DUE, instant("2026-12-19T09:00"), None),
    ]
    assert [each.start_at for each in find(overdue, since="2026-11-01", until="2026-12-01")] == [
        instant("2026-10-20T09:00")
    ]
    assert find(overdue, since="2026-09-01", until="2026-10-20T09:00") == []
    assert [each.start_at for each in find(overdue, since="2027-01-01", until="2027-02-01")] == [
        instant("2027-01-18T09:00")
    ]


def test_due_times_of_a_cadence_keep_their_hour_on_the_wall() -> None:
    subject = make_subject([DRILL], interval_days=None, next_due_at=None, cadence=MONTHLY)

    found = find(subject, since="2027-03-01", until="2027-04-30")

    assert spans(found) == [("2027-03-15T09:00", ""), ("2027-04-15T08:00", "")]


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        ("2027-03-26", "2027-03-30", [("2027-03-26T23:00", "2027-03-28T22:00")]),
        ("2026-10-23", "2026-10-28", [("2026-10-23T22:00", "2026-10-25T23:00")]),
        ("2026-12-06T22:59:59", "2026-12-07", [("2026-12-04T23:00", "2026-12-06T23:00")]),
        ("2026-12-06T23:00", "2026-12-11T23:00", []),
    ],
)
def test_a_window_is_found_where_it_touches_the_period(
    since: str, until: str, expected: list[tuple[str, str]]
) -> None:
    subject = make_subject([DRILL], next_due_at="2028-01-01T00:00:00Z", maintenance_windows=[WEEKEND])

    assert spans(find(subject, since=since, until=until)) == expected


def test_a_window_of_several_schedules_is_found_once_and_for_those_that_it_names() -> None:
    named = {**WEEKEND, "window_id": "named", "schedule_ids": ["SEARCH"]}
    late = {"next_due_at": "2028-01-01T00:00:00Z", "maintenance_windows": [WEEKEND, named]}
    subjects = [make_subject([DRILL], schedule_id=name, **late) for name in ("payments", "search")]

    found = find(*subjects, until="2026-12-08")

    assert [(each.window_id, each.schedule_ids) for each in found] == [
        ("weekend", ("payments", "search")),
        ("named", ("search",)),
    ]


def test_absences_are_found_with_their_reasons_and_without_an_end() -> None:
    calendars: dict[str, Any] = {
        "team-a": {
            "reason": "off",
            "unavailable_windows": [{"start_at": "2026-12-24T00:00:00Z", "end_at": "2027-01-02T00:00:00Z"}],
        },
        "team-b": {"available": False},
    }
    subject = make_subject([DRILL], next_due_at="2028-01-01T00:00:00Z", owner_calendars=calendars)

    found = find(subject)

    assert [(each.owners, each.reason) for each in found] == [
        (("team-b",), "not available"),
        (("team-a",), "off"),
    ]
    assert spans(found) == [("", ""), ("2026-12-24T00:00", "2027-01-02T00:00")]


def test_nothing_is_coming_for_a_retired_schedule() -> None:
    absence = {"start_at": "2026-12-09T08:00:00Z", "end_at": "2026-12-10T08:00:00Z"}
    calendars = {"team-a": {"unavailable_windows": [absence]}}
    window = {"start_at": "2026-12-01T00:00:00Z", "end_at": "2026-12-02T00:00:00Z", "window_id": "w"}
    facts = {"maintenance_windows": [window], "owner_calendars": calendars}

    assert len(find(make_subject([DRILL], **facts))) > 2
    assert find(make_subject([DRILL], **facts, status="retired")) == []


def test_an_owner_sees_what_concerns_this_owner() -> None:
    windows = [{**WEEKEND, "owners": ["team-b"]}]
    calendars = {"team-a": {"available": False}, "team-b": {"available": False}}
    subject = make_subject([DRILL], maintenance_windows=windows, owner_calendars=calendars)

    assert {each.kind for each in find(subject, owner="Team-A")} == {Kind.DUE, Kind.ABSENCE}
    assert {each.kind for each in find(subject, owner="team-b")} == {Kind.DUE, Kind.WINDOW, Kind.ABSENCE}
    assert find(subject, owner="team-c") == []


def test_a_cadence_of_moments_ends_and_the_end_of_the_calendar_too() -> None:
    moments = make_subject([DRILL], interval_days=0.00001, next_due_at="2026-12-01T09:00:00Z")
    assert len(find(moments)) == 10_001
    last = make_subject([DRILL], next_due_at="9999-12-31T00:00:00Z")
    assert find(last) == []


def test_a_document_that_cannot_be_read_has_its_due_time_alone() -> None:
    subject = make_subject([DRILL])
    found = find_upcoming([judged(subject)], [None], Span(NOW, NOW + timedelta(days=90)), now=NOW)
    assert [each.status for each in found] == ["needs_attention"]
    assert find(called(subject, "other"))[0].schedule_ids == ("other",)


@pytest.mark.parametrize("month", [datetime(2026, 10, 1, tzinfo=UTC), datetime(2027, 3, 1, tzinfo=UTC)])
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
def test_windows_and_absences_are_those_that_suppress_at_every_half_hour(month: datetime, zone: str) -> None:
    nights = {
        "rrule": "FREQ=WEEKLY;BYDAY=SA,SU",
        "start": "2026-01-03T01:30",
        "end": "2026-01-03T04:00",
        "time_zone": zone,
    }
    away = {"team-a": {"unavailable_windows": [{"recurrence": nights}]}}
    late = {"next_due_at": "2029-01-01T00:00:00Z", "owners": ["team-a"]}
    subject = make_subject(
        [DRILL], **late, maintenance_windows=[{"recurrence": nights}], owner_calendars=away
    )
    end = month + timedelta(days=31)
    found = find_upcoming([judged(subject)], [subject.document], Span(month, end), now=NOW)
    suppressions = Suppressions("payments", subject.document)
    route = Route("team-a", "slack", 60, "team-a")

    for number in range(2 * 24 * 31):
        at = month + number * timedelta(minutes=30)
        lasting = [
            each.kind for each in found if each.start_at and each.end_at and each.start_at <= at < each.end_at
        ]
        assert (Kind.WINDOW in lasting) is (suppressions.find_window(route, at) is not None), at
        assert (Kind.ABSENCE in lasting) is (suppressions.find_absence("team-a", at) is not None), at
    assert {each.kind for each in found} == {Kind.WINDOW, Kind.ABSENCE}
