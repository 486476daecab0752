import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rollback_drills.documents.calendars.recurrence import Recurrence
from rollback_drills.documents.calendars.recurring_period import RecurringPeriod
from rollback_drills.documents.calendars.wall_time import read_local, to_instant
from rollback_drills.documents.policy_file import read_policy
from rollback_drills.documents.reading.reader import parse_document
from rollback_drills.documents.routing_policy import RoutingPolicy
from rollback_drills.documents.spans import Span
from rollback_drills.documents.written_policy import write_calendars, write_windows
from tests.samples.examples import examples
from tests.samples.recurrences import recurrences

WEEKEND: dict[str, Any] = {
    "rrule": "FREQ=WEEKLY;BYDAY=FR",
    "start": "2026-01-02T18:00",
    "end": "2026-01-05T08:00",
    "time_zone": "America/New_York",
}


def period(**changes: Any) -> RecurringPeriod:
    return msgspec.convert(WEEKEND | changes, RecurringPeriod)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "start", "end", "spans"),
    [
        pytest.param(
            "Europe/Berlin",
            "02:30",
            "04:00",
            {
                "2026-03-28": ("01:30", "03:00"),
                "2026-03-29": ("01:30", "02:00"),
                "2026-03-30": ("00:30", "02:00"),
            },
            id="begins in the skipped hour: with the offset before it",
        ),
        pytest.param(
            "Europe/Berlin",
            "01:00",
            "02:30",
            {
                "2026-03-29": ("00:00", "01:30"),
                "2026-10-25": ("23:00", "00:30"),
                "2026-10-26": ("00:00", "01:30"),
            },
            id="ends in the hour that is skipped, or comes twice",
        ),
        pytest.param(
            "Europe/Berlin",
            "02:30",
            "03:00",
            {"2026-03-29": None, "2026-10-25": ("00:30", "02:00")},
            id="the skipped half hour is no window, the repeated one lasts longer",
        ),
        pytest.param(
            "Australia/Lord_Howe",
            "01:45",
            "02:45",
            {"2026-10-04": ("15:15", "15:45"), "2026-04-05": ("14:45", "16:15")},
            id="half an hour less, and more",
        ),
        pytest.param(
            "America/New_York",
            "00:00",
            "12:00",
            {"2026-03-08": ("05:00", "16:00"), "2026-11-01": ("04:00", "17:00")},
            id="half days of eleven and of thirteen hours",
        ),
    ],
)
def test_both_ends_are_on_the_wall(
    zone: str, start: str, end: str, spans: dict[str, tuple[str, str] | None]
) -> None:
    daily = period(rrule="FREQ=DAILY", start=f"2026-01-01T{start}", end=f"2026-01-01T{end}", time_zone=zone)
    for day, span in spans.items():
        noon = datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
        found = [
            each
            for each in islice(daily.find_spans(noon - timedelta(days=1)), 3)
            if each.start_at.astimezone(ZoneInfo(zone)).date().isoformat() == day
        ]
        clocks = [(f"{each.start_at:%H:%M}", f"{each.end_at:%H:%M}") for each in found]
        assert clocks == ([span] if span else []), day


@st.composite
def periods(draw: st.DrawFn) -> RecurringPeriod:
    rule = draw(recurrences())
    length = timedelta(minutes=draw(st.integers(1, 3 * 24 * 60)))
    try:
        return period(
            rrule=rule.rule,
            start=rule.start,
            end=(read_local(rule.start) + length).isoformat(),
            time_zone=rule.time_zone,
        )
    except ValueError:
        assume(False)
        raise


def iterate_plainly(window: RecurringPeriod) -> Iterator[Span]:
    """Yield every occurrence from the first one on."""
    for local in Recurrence(window.rrule, window.start, window.time_zone).local_occurrences():
        span = Span(*(to_instant(each, window.time_zone) for each in (local, local + window.length)))
        if span.start_at < span.end_at:
            yield span
        if local.year > 2030:
            return


@pytest.mark.slow
@settings(max_examples=examples(300))
@given(periods(), st.datetimes(datetime(2022, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - in UTC
def test_what_is_looked_up_is_what_plain_iteration_finds(window: RecurringPeriod, instant: datetime) -> None:
    spans = list(iterate_plainly(window))
    bounds = [bound for span in spans[:3] for bound in span if bound.year < 2030]

    for each in (instant, *bounds):
        containing = [span for span in spans if span.start_at <= each < span.end_at]
        assert window.find_span(each) == max(containing, default=None)
        changes = [bound for span in spans for bound in span if bound > each]
        if any(change.year < 2031 for change in changes):
            assert window.find_change(each) == min(changes)
        later = [span for span in window.find_spans(each) if span.start_at.year < 2030]
        assert later == sorted(
            span for span in spans if span.end_at > each and span.start_at.year < min(2030, each.year + 10)
        )


def test_an_occurrence_may_last_for_weeks_and_beyond_the_year() -> None:
    winter = period(rrule="FREQ=YEARLY", start="2020-12-20", end="2021-02-10", time_zone="UTC")

    for instant in ("2026-12-20", "2026-12-31T23:59", "2027-01-01", "2027-02-09T23:59"):
        assert winter.find_span(at(instant)) == (at("2026-12-20"), at("2027-02-10")), instant
    assert winter.find_span(at("2027-02-10")) is None
    assert winter.find_change(at("2027-01-01")) == at("2027-02-10")


def test_a_search_ends_after_some_years() -> None:
    rare = period(rrule="FREQ=YEARLY;INTERVAL=30")

    assert rare.find_span(at("2026-01-03")) is not None
    assert rare.find_change(at("2026-01-06")) is None
    assert rare.find_change(at("2050-01-06")) == at("2056-01-02T23:00")
    assert list(period().find_spans(at("9950-01-01"))) == []


@pytest.mark.parametrize("place", ["maintenance_windows", "owner_calendars"])
@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        pytest.param(
            {"time_zone": "Europe/Berlyn"}, 'recurrence.time_zone "Europe/Berlyn" is unknown', id="zone"
        ),
        pytest.param(
            {"rrule": "FREQ=WEEKLY;BYDAI=FR"}, "unknown part 'BYDAI'; did you mean BYDAY?", id="part"
        ),
        pytest.param(
            {"rrule": "FREQ=HOURLY"}, "must be one of DAILY, WEEKLY, MONTHLY, YEARLY", id="too often"
        ),
        pytest.param(
            {"rrule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"}, "does not occur within 10", id="never"
        ),
        pytest.param(
            {"rrule": "FREQ=DAILY"}, "never ends: for 10 years each occurrence lasts until", id="no gap"
        ),
        pytest.param({"end": "2026-01-09T18:00"}, "never ends", id="ends as the next one starts"),
        pytest.param({"rrule": "FREQ=DAILY;BYHOUR=0,6,12,18"}, "never ends", id="no gap, four times a day"),
        pytest.param({"end": "2046-01-01"}, "lasts more than 10 years; let end be earlier", id="too long"),
        pytest.param({"end": "2026-01-02T18:00"}, "end 2026-01-02T18:00 is not later than start", id="empty"),
        pytest.param(
            {"end": "2026-01-02"}, "end 2026-01-02 is not later than start", id="ends before it starts"
        ),
        pytest.param({"end": None}, "recurrence.end is missing; it is needed", id="no end"),
        pytest.param({"start": "2026-02-30T18:00"}, "2026-02-30T18:00 does not exist", id="no such day"),
        pytest.param({"start": "9999-01-01", "end": "9999-01-02"}, "start 9999-01-01 is not in", id="far"),
        pytest.param({"start": "2 January"}, '"2 January" is no local time', id="no time"),
        pytest.param(
            {"except": ["2026-02-30"]},
            'except[0] is "2026-02-30", which is no day of the calendar',
            id="no such exception",
        ),
        pytest.param(
            {"except": ["1 May"]}, 'except[0] is "1 May", which is no day of the calendar', id="no exception"
        ),
        pytest.param(
            {"except_days": []}, "recurrence.except_days is an unknown key; did you mean 'except'?", id="key"
        ),
    ],
)
def test_a_recurrence_that_cannot_be_is_one_line_that_names_the_place(
    place: str, changes: dict[str, Any], problem: str
) -> None:
    entry = {"recurrence": WEEKEND | changes}
    document = {place: [entry] if place == "maintenance_windows" else {"a": {"unavailable_windows": [entry]}}}

    loaded = parse_document(RoutingPolicy, json.dumps(document).encode(), "policy.json")

    assert loaded.document is None
    assert problem in loaded.problem
    assert loaded.problem.startswith(f"policy.json: $.{place}")
    assert "\n" not in loaded.problem


@pytest.mark.parametrize(
    ("rrule", "end"),
    [
        ("FREQ=WEEKLY;BYDAY=FR", "2026-01-09T17:59:59"),
        ("FREQ=DAILY;COUNT=30", "2026-01-05T08:00"),
        ("FREQ=DAILY;UNTIL=20261231", "2026-01-03T18:00"),
        ("FREQ=MONTHLY", "2026-01-31T18:00"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "2028-01-01T18:00"),
    ],
)
def test_a_window_that_ends_some_day_is_usable(rrule: str, end: str) -> None:
    assert period(rrule=rrule, end=end).length > timedelta(0)


@pytest.mark.parametrize(
    ("times", "problem"),
    [
        (
            {"start_at": "2026-01-01T00:00:00Z"},
            " has a recurrence, and start_at or end_at as well; keep one of them",
        ),
        (
            {"ends_at": "2026-01-01T00:00:00Z"},
            " has a recurrence, and start_at or end_at as well; keep one of them",
        ),
        ({"recurrence": None}, ".start_at and end_at are both needed, unless there is a recurrence"),
    ],
)
def test_a_window_has_times_or_recurs(times: dict[str, Any], problem: str) -> None:
    window = {"recurrence": WEEKEND, **times}

    loaded = parse_document(RoutingPolicy, json.dumps({"maintenance_windows": [window]}).encode(), "p.json")

    assert loaded.problem == f"p.json: $.maintenance_windows[0]{problem}"


def test_reports_have_the_recurrence_and_no_times() -> None:
    recurrence = {**WEEKEND, "except": ["2026-05-01"]}
    policy = read_policy(
        {
            "maintenance_windows": [
                {"window_id": "weekend", "recurrence": recurrence},
                {"start_at": "2026-01-01T00:00:00Z", "end_at": "2026-01-02T00:00:00Z"},
            ],
            "owner_calendars": {"a": {"unavailable_windows": [{"recurrence": WEEKEND}]}},
        }
    )
    assert policy is not None

    recurring, fixed = msgspec.to_builtins(write_windows(policy))
    (absence,) = msgspec.to_builtins(write_calendars(policy))["a"]["unavailable_windows"]

    assert (recurring["start_at"], recurring["end_at"]) == (None, None)
    assert {**recurring["recurrence"], "except": list(recurring["recurrence"]["except"])} == recurrence
    assert "recurrence" not in fixed
    assert absence["recurrence"] == {**WEEKEND, "except": ()}
