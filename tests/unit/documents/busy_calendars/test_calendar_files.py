"""Calendars of people: what keeps them busy, and nothing else of it."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from time import process_time
from typing import Any

import pytest
import recurring_ical_events
from hypothesis import given, settings
from hypothesis import strategies as st

from rollback_drills.documents.busy_calendars.busy_calendar import BusyCalendar, read_busy_times
from rollback_drills.documents.busy_calendars.calendar_checks import MOST_EVENTS
from rollback_drills.documents.busy_calendars.calendar_files import LARGEST_CALENDAR_BYTES
from rollback_drills.documents.fleets.fleet import load_fleet
from rollback_drills.documents.policy_file import read_policy
from rollback_drills.documents.reading.reader import read_document
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.subject import Subject
from rollback_drills.documents.written_policy import write_calendars
from rollback_drills.errors import UsageError
from rollback_drills.linting.files import lint_files
from rollback_drills.planning.routes import Route
from rollback_drills.planning.windows_and_absences import Suppressions
from tests.samples.builders import NOW, SCHEDULE, plan_of
from tests.samples.examples import examples
from tests.samples.recurrences import MOMENTS, is_busy

DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
QUARTER = timedelta(minutes=15)
SECRET = "Redundancy talk with Maria"
MEETING = ("DTSTART:20261201T080000Z", "DTEND:20261201T100000Z")


def ics(*events: tuple[str, ...]) -> bytes:
    """Write an iCalendar file."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN"]
    for number, event in enumerate(events):
        lines += ["BEGIN:VEVENT", f"UID:{number}", "DTSTAMP:20260101T000000Z", f"SUMMARY:{SECRET}"]
        lines += [*event, "END:VEVENT"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()


def write(folder: Path, calendar: bytes | None, ics: str = "payments.ics", **rules: Any) -> Path:
    """Write a schedule beside a calendar."""
    document = {**SCHEDULE, "owner_calendars": {"team-a": {"ics": ics, **rules}}}
    (folder / "payments-schedule.json").write_text(json.dumps(document))
    if calendar is not None:
        (folder / "payments.ics").write_bytes(calendar)
    return folder / "payments-schedule.json"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def spans(calendar: BusyCalendar, year: int = 2026) -> Iterator[tuple[str, str]]:
    for span in calendar.find_spans_of_year(year):
        yield f"{span.start_at:%m-%d %H:%M}", f"{span.end_at:%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        pytest.param(MEETING, [("12-01 08:00", "12-01 10:00")], id="in UTC"),
        pytest.param(
            ("DTSTART;TZID=America/New_York:20261201T080000", "DURATION:PT2H"),
            [("12-01 13:00", "12-01 15:00")],
            id="in a zone, with a duration",
        ),
        pytest.param(
            ("DTSTART;TZID=W. Europe Standard Time:20261201T080000", "DURATION:PT1H"),
            [("12-01 07:00", "12-01 08:00")],
            id="in a zone of Windows",
        ),
        pytest.param(
            ("DTSTART:20261201T080000", "DTEND:20261201T100000"),
            [("12-01 07:00", "12-01 09:00")],
            id="by the wall of the owner",
        ),
        pytest.param(
            ("DTSTART;VALUE=DATE:20261224", "DTEND;VALUE=DATE:20261227"),
            [("12-23 23:00", "12-26 23:00")],
            id="three days",
        ),
        pytest.param(
            ("DTSTART;VALUE=DATE:20260329",), [("03-28 23:00", "03-29 22:00")], id="a day of 23 hours"
        ),
        pytest.param(
            (
                "DTSTART;TZID=Europe/Berlin:20261201T100000",
                "DTEND;TZID=Europe/Berlin:20261201T110000",
                "RRULE:FREQ=WEEKLY;COUNT=3",
                "EXDATE;TZID=Europe/Berlin:20261208T100000",
                "RDATE;TZID=Europe/Berlin:20261203T100000",
            ),
            [("12-01 09:00", "12-01 10:00"), ("12-03 09:00", "12-03 10:00"), ("12-15 09:00", "12-15 10:00")],
            id="a rule, with an exception and a further date",
        ),
        pytest.param(
            ("DTSTART;VALUE=DATE:20261230", "DTEND;VALUE=DATE:20270105"),
            [("12-29 23:00", "01-04 23:00")],
            id="beyond the year",
        ),
        pytest.param((*MEETING, "TRANSP:TRANSPARENT"), [], id="marked as free"),
        pytest.param((*MEETING, "STATUS:CANCELLED"), [], id="cancelled"),
        pytest.param((*MEETING, "STATUS:TENTATIVE"), [("12-01 08:00", "12-01 10:00")], id="tentative"),
        pytest.param(("DTSTART:20261201T080000Z",), [], id="a moment"),
    ],
)
def test_an_event_keeps_its_owner_busy(event: tuple[str, ...], expected: list[tuple[str, str]]) -> None:
    assert list(spans(read_busy_times(ics(event), "Europe/Berlin"))) == expected


NIGHT = ("DTSTART;TZID=Europe/Berlin:20260101T220000",)
DAILY = "RRULE:FREQ=DAILY"


@pytest.mark.parametrize(
    ("event", "spring", "autumn"),
    [
        pytest.param(
            (*NIGHT, "DTEND;TZID=Europe/Berlin:20260102T060000", DAILY),
            ("03-28 21:00", "03-29 05:00"),
            ("10-24 20:00", "10-25 04:00"),
            id="with an end: eight hours",
        ),
        pytest.param(
            (*NIGHT, "DURATION:PT8H", DAILY),
            ("03-28 21:00", "03-29 05:00"),
            ("10-24 20:00", "10-25 04:00"),
            id="with hours: eight hours",
        ),
        pytest.param(
            (*NIGHT, "DURATION:P1D", DAILY),
            ("03-28 21:00", "03-29 20:00"),
            ("10-24 20:00", "10-25 21:00"),
            id="with a day: to the same time on the wall",
        ),
        pytest.param(
            (*NIGHT, "DURATION:P1DT6H", DAILY),
            ("03-28 21:00", "03-30 02:00"),
            ("10-24 20:00", "10-26 03:00"),
            id="with a day and hours: first the day",
        ),
        pytest.param(
            (*NIGHT, "DTEND;TZID=America/New_York:20260102T000000", DAILY),
            ("03-28 21:00", "03-29 05:00"),
            ("10-24 20:00", "10-25 04:00"),
            id="with an end in another zone",
        ),
        pytest.param(
            (*NIGHT, "DURATION:PT8H", "RDATE;TZID=Europe/Berlin:20260328T220000,20261024T220000"),
            ("03-28 21:00", "03-29 05:00"),
            ("10-24 20:00", "10-25 04:00"),
            id="at further dates",
        ),
        pytest.param(
            (
                *NIGHT,
                "DURATION:PT8H",
                "RDATE;TZID=Europe/Berlin;VALUE=PERIOD:20260328T220000/PT9H,20261024T220000/PT3H",
            ),
            ("03-28 21:00", "03-29 05:00"),
            ("10-24 20:00", "10-24 23:00"),
            id="a further date with an end of its own, on the wall",
        ),
        pytest.param(
            ("DTSTART;VALUE=DATE:20260101", "DTEND;VALUE=DATE:20260102", DAILY),
            ("03-28 23:00", "03-29 22:00"),
            ("10-24 22:00", "10-25 23:00"),
            id="a whole day",
        ),
        pytest.param(
            ("DTSTART:20260101T220000", "DTEND:20260102T060000", DAILY),
            ("03-28 21:00", "03-29 05:00"),
            ("10-24 20:00", "10-25 04:00"),
            id="by the wall of the owner",
        ),
        pytest.param(
            ("DTSTART:20260101T210000Z", "DTEND:20260102T050000Z", DAILY),
            ("03-28 21:00", "03-29 05:00"),
            ("10-24 21:00", "10-25 05:00"),
            id="in UTC",
        ),
    ],
)
def test_an_occurrence_lasts_as_the_rfc_says_when_the_clocks_change(
    event: tuple[str, ...], spring: tuple[str, str], autumn: tuple[str, str]
) -> None:
    found = list(spans(read_busy_times(ics(event), "Europe/Berlin")))

    assert spring in found
    assert autumn in found


def test_an_event_at_the_turn_of_the_year_is_found_in_both_and_yielded_once() -> None:
    event = ("DTSTART;VALUE=DATE:20261230", "DTEND;VALUE=DATE:20270105")
    calendar = read_busy_times(ics(event), "UTC")
    early = read_busy_times(ics(("DTSTART:20270101T000000", "DURATION:PT4H")), "Pacific/Kiritimati")

    assert list(calendar.find_spans(at("2026-06-01"))) == [(at("2026-12-30"), at("2027-01-05"))]
    assert list(calendar.find_spans(at("2027-01-02"))) == [(at("2026-12-30"), at("2027-01-05"))]
    assert early.find_span(at("2026-12-31T12:00")) == (at("2026-12-31T10:00"), at("2026-12-31T14:00"))


def test_nothing_but_times_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[str] = []
    follow = recurring_ical_events.of

    def keep(calendar: Any, **options: Any) -> Any:
        kept.append(calendar.to_ical().decode())
        return follow(calendar, **options)

    monkeypatch.setattr(recurring_ical_events, "of", keep)
    read_busy_times(ics((*MEETING, "LOCATION:Room 7", "ATTENDEE:mailto:maria@acme.example")), "Etc/UTC")

    assert "DTSTART" in kept[0]
    for text in (SECRET, "Room", "maria"):
        assert text not in kept[0]


def test_one_occurrence_that_was_moved_or_cancelled_is_not_where_the_rule_has_it() -> None:
    series = ("UID:a", "DTSTART:20261201T080000Z", "DTEND:20261201T090000Z", "RRULE:FREQ=DAILY;COUNT=4")
    moved = ("UID:a", "RECURRENCE-ID:20261202T080000Z", "DTSTART:20261202T120000Z", "DTEND:20261202T130000Z")
    gone = ("UID:a", "RECURRENCE-ID:20261203T080000Z", "DTSTART:20261203T080000Z", "DTEND:20261203T090000Z")
    data = ics(series, moved, (*gone, "STATUS:CANCELLED"))
    for number in (0, 1, 2):
        data = data.replace(f"UID:{number}\r\n".encode(), b"")

    assert [start for start, _ in spans(read_busy_times(data, "UTC"))] == [
        "12-01 08:00",
        "12-02 12:00",
        "12-04 08:00",
    ]


@pytest.mark.slow
@settings(max_examples=examples(150))
@given(
    st.sampled_from(MOMENTS),
    st.sets(st.integers(0, 6), min_size=1, max_size=5),
    st.integers(0, 95),
    st.integers(1, 90),
    st.sets(st.integers(-3, 3), max_size=2),
)
def test_a_calendar_is_busy_when_the_walls_of_its_zone_say_so(
    moment: tuple[str, datetime], days: set[int], start: int, quarters: int, without: set[int]
) -> None:
    zone, middle = moment
    begins, length = time(start // 4, start % 4 * 15), quarters * QUARTER
    first = datetime.combine(date(2025, 11, 30), begins)
    first += timedelta(days=min((day - first.weekday()) % 7 for day in days))
    left_out = {middle.date() + timedelta(days=each) for each in without}
    exceptions = ",".join(f"{datetime.combine(each, begins):%Y%m%dT%H%M%S}" for each in left_out)
    event = (
        f"DTSTART;TZID={zone}:{first:%Y%m%dT%H%M%S}",
        f"DTEND;TZID={zone}:{first + length:%Y%m%dT%H%M%S}",
        f"RRULE:FREQ=WEEKLY;BYDAY={','.join(DAYS[each] for each in sorted(days))}",
        *([f"EXDATE;TZID={zone}:{exceptions}"] if exceptions else []),
    )
    calendar = read_busy_times(ics(event), "UTC")

    for step in range(-4 * 30, 4 * 30):
        instant = middle + step * QUARTER
        span = calendar.find_span(instant)
        assert (span is not None) == is_busy(instant, zone, days, begins, length, left_out), instant


def absences(path: Path) -> Suppressions:
    loaded = read_document(Schedule, str(path))
    assert loaded.document is not None, loaded.problem
    return Suppressions("x", loaded.document)


def test_an_owner_is_absent_by_the_calendar_and_nothing_else_of_it_is_said(tmp_path: Path) -> None:
    path = write(tmp_path, ics(MEETING, ("DTSTART:20261201T100000Z", "DURATION:PT3H")))
    loaded = read_document(Schedule, str(path))
    assert loaded.document is not None

    plan = plan_of(Subject(loaded, None))

    decisions = [each for each in plan["route_decisions"] if each["owner"] == "team-a"]
    assert {each["category"] for each in decisions} == {"owner_calendar"}
    assert {each["reason"] for each in decisions} == {"team-a cannot be notified: absent by the calendar"}
    assert {each["deferred_until"] for each in decisions} == {"2026-12-01T13:00:00+00:00"}
    assert decisions[0]["owner_availability"] == {
        "available": False,
        "reason": "absent by the calendar",
        "start_at": "2026-12-01T08:00:00+00:00",
        "end_at": "2026-12-01T10:00:00+00:00",
    }
    assert "Maria" not in json.dumps(plan)
    written = write_calendars(loaded.document)["team-a"]
    assert (written.ics, written.unavailable_windows) == ("payments.ics", ())
    assert "Maria" not in repr(loaded)


def test_windows_of_the_document_and_of_the_calendar_both_count(tmp_path: Path) -> None:
    window = {"start_at": "2026-12-01T10:00:00Z", "end_at": "2026-12-01T11:00:00Z", "reason": "training"}
    found = absences(write(tmp_path, ics(MEETING), unavailable_windows=[window]))

    assert found.defer(Route("team-a", "slack", 60, "a"), at("2026-12-01T09:00")).until == at(
        "2026-12-01T11:00"
    )
    assert found.find_change("team-a", at("2026-12-01T09:00")) == at("2026-12-01T10:00")
    assert found.find_absence("team-a", at("2026-12-01T07:59")) is None
    absence = found.find_absence("team-a", at("2026-12-01T10:30"))
    assert absence is not None
    assert absence.reason == "training"


@pytest.mark.slow
def test_a_calendar_that_is_always_busy_ends_the_search(tmp_path: Path) -> None:
    found = absences(
        write(tmp_path, ics(("DTSTART:20260101T000000Z", "DTEND:20260102T000000Z", "RRULE:FREQ=DAILY")))
    )

    deferral = found.defer(Route("team-a", "slack", 60, "a"), at("2026-12-01"))

    assert (deferral.until, deferral.note) == (None, "; no end within 10 years")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("calendar", "problem"),
    [
        pytest.param(None, "which does not exist; create the file, or fix the path", id="missing"),
        pytest.param(b"", "which is no iCalendar file (RFC 5545); export the calendar again", id="empty"),
        pytest.param(f"{SECRET}\r\n".encode(), "which is no iCalendar file", id="no calendar"),
        pytest.param(b"\xff\xfe", "which is no iCalendar file", id="bytes"),
        pytest.param(ics(MEETING)[:-20], "which is no iCalendar file", id="cut off"),
        pytest.param(
            b"x" * (LARGEST_CALENDAR_BYTES + 1), "of which at most 1,048,576 are read", id="too large"
        ),
        pytest.param(
            ics(*[()] * (MOST_EVENTS + 1)), "which has 5,001 events, of at most 5,000", id="too many"
        ),
        pytest.param(ics(MEETING, ()), "cannot be read: event 2 has no DTSTART", id="no start"),
        pytest.param(ics(("DTSTART:20261301T080000Z",)), "event 1 has an unreadable DTSTART", id="bad start"),
        pytest.param(ics((*MEETING, *MEETING)), "event 1 has an unreadable DTEND", id="two starts"),
        pytest.param(ics((*MEETING, "RRULE:FREQ=X")), "event 1 has an unreadable RRULE", id="bad rule"),
        pytest.param(
            ics((*MEETING, "RRULE:FREQ=HOURLY")), "event 1 rrule has the FREQ HOURLY", id="too often"
        ),
        pytest.param(
            ics((*MEETING, "RRULE:FREQ=SECONDLY")), "event 1 rrule has the FREQ SECONDLY", id="every second"
        ),
        pytest.param(
            ics((*MEETING, "RRULE:FREQ=DAILY;BYSECOND=0,1,2;BYMINUTE=0,1,2;BYHOUR=0,1,2")),
            "event 1 rrule occurs 27 times a day; at most 24",
            id="too often a day",
        ),
        pytest.param(
            ics(*[(*MEETING, "RRULE:FREQ=DAILY")] * 28),
            "which repeats events 10,220 times a year, of at most 10,000; export fewer of them",
            id="too many repeats",
        ),
        pytest.param(
            ics((*MEETING, "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30")), "does not occur within", id="never"
        ),
        pytest.param(ics((*MEETING, "RRULE:FREQ=DAILY;BYWEEKNO=1")), "event 1 rrule has BYWEEKNO", id="part"),
        pytest.param(
            ics(("DTSTART:20261201T080000Z", "DTEND:20261201T100000", "RRULE:FREQ=DAILY")),
            "which has events that do not fit together",
            id="an end without a zone",
        ),
        pytest.param(
            ics(("DTSTART:20261201T080000Z", "DTEND;VALUE=DATE:20261202", "RRULE:FREQ=DAILY")),
            "which has events that do not fit together",
            id="a day as the end",
        ),
        pytest.param(
            ics(("DTSTART;TZID=Mars/Crater:20261201T080000", "DURATION:PT1H")),
            "event 1 has a DTSTART in an unknown time zone; write a name such as Europe/Berlin",
            id="unknown zone",
        ),
        *(
            pytest.param(
                ics(MEETING, event),
                "cannot be read: event 2 ends before it starts; fix it, or export the calendar again",
                id=f"ends before it starts: {event}",
            )
            for event in (
                ("DTSTART:20261201T100000Z", "DTEND:20261201T095959Z"),
                ("DTSTART:20261201T100000", "DTEND:20261201T080000"),
                ("DTSTART;VALUE=DATE:20261202", "DTEND;VALUE=DATE:20261201"),
                ("DTSTART;TZID=Europe/Berlin:20261201T100000", "DTEND:20261201T085959Z"),
                ("DTSTART:20261201T100000Z", "DURATION:-PT1H"),
            )
        ),
    ],
)
def test_a_calendar_that_cannot_be_read_is_one_line_without_a_title(
    tmp_path: Path, calendar: bytes | None, problem: str
) -> None:
    path = write(tmp_path, calendar)

    loaded = read_document(Schedule, str(path))

    assert loaded.document is None
    assert loaded.problem.startswith(
        'payments-schedule.json: $.owner_calendars["team-a"].ics is "payments.ics"'
    )
    assert problem in loaded.problem
    assert "Maria" not in loaded.problem
    assert "\n" not in loaded.problem
    assert lint_files([str(path)], now=NOW).findings == [
        loaded.problem.replace("payments-schedule", f"{tmp_path}/payments-schedule")
    ]


@pytest.mark.parametrize(
    "event",
    [
        ("DTSTART:20261201T100000Z", "DTEND:20261201T100000Z"),
        ("DTSTART;TZID=Europe/Berlin:20261201T100000", "DTEND:20261201T090001Z"),
        ("DTSTART;TZID=Europe/Berlin:20261201T100000", "DTEND;TZID=America/New_York:20261201T080000"),
        ("DTSTART:20261201T100000Z", "DTEND:20261201T080000"),
    ],
    ids=["at once", "later on the clock of the world", "two zones", "a clock on the wall as the end"],
)
def test_an_end_that_may_be_later_is_read(event: tuple[str, str]) -> None:
    read_busy_times(ics(event), "America/New_York")


@pytest.mark.slow
def test_rules_that_follow_each_other_may_be_many() -> None:
    years = [
        (f"DTSTART:{year}0101T080000Z", "DURATION:PT1H", f"RRULE:FREQ=DAILY;{end}")
        for year in range(1990, 2026)
        for end in (f"UNTIL={year}1130T000000Z", "COUNT=300")
    ]
    always = ("DTSTART:00010101T080000Z", "DURATION:PT1H", "RRULE:FREQ=YEARLY")

    assert len(read_busy_times(ics(*years, always), "UTC").find_spans_of_year(2025)) == 333


def test_a_title_in_another_encoding_is_not_read_either() -> None:
    title = SECRET.replace("talk", "Gespr\xe4ch")
    data = ics(MEETING).replace(SECRET.encode(), title.encode("latin-1"))

    assert list(spans(read_busy_times(data, "UTC"))) == [("12-01 08:00", "12-01 10:00")]


def test_a_large_file_is_not_read_at_all(tmp_path: Path) -> None:
    path = write(tmp_path, b"")
    with (tmp_path / "payments.ics").open("wb") as file:
        file.truncate(50 * 1024 * 1024)
    began = process_time()

    loaded = read_document(Schedule, str(path))

    assert (
        "has 52,428,800 bytes, of which at most 1,048,576 are read; is it the right file?" in loaded.problem
    )
    assert process_time() - began < 0.1


def test_a_link_to_itself_and_a_pipe_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "circle.ics").symlink_to("circle.ics")
    os.mkfifo(tmp_path / "pipe.ics")

    for name, problem in (("circle.ics", "levels of symbolic links"), ("pipe.ics", "is not a file")):
        loaded = read_document(Schedule, str(write(tmp_path, None, name)))
        assert problem in loaded.problem
        assert "\n" not in loaded.problem


@pytest.mark.parametrize(
    ("place", "problem"),
    [
        ("/etc/calendar.ics", "private path"),
        ("../payments.ics", "path"),
        ("", '$.owner_calendars["team-a"].ics is ""; must be a text that is not empty'),
        ("calendars", "cannot be read: is a directory"),
        ("link.ics", "does not lie below the folder of the document; move it there"),
        ("calendars/../../payments.ics", ""),
    ],
)
def test_a_calendar_lies_below_the_folder_of_its_document(tmp_path: Path, place: str, problem: str) -> None:
    folder = tmp_path / "fleet"
    (folder / "calendars").mkdir(parents=True)
    (tmp_path / "payments.ics").write_bytes(ics(MEETING))
    (folder / "link.ics").symlink_to(tmp_path / "payments.ics")

    loaded = read_document(Schedule, str(write(folder, None, place)))

    assert loaded.document is None
    assert problem in loaded.problem


def test_links_inside_of_the_folder_are_followed(tmp_path: Path) -> None:
    """Volumes of Kubernetes are links into a folder of the same volume."""
    (tmp_path / "..data").mkdir()
    (tmp_path / "..data" / "payments.ics").write_bytes(ics(MEETING))
    (tmp_path / "payments.ics").symlink_to(os.path.join("..data", "payments.ics"))

    assert read_document(Schedule, str(write(tmp_path, None))).document is not None


def test_every_way_to_a_document_reads_its_calendar(tmp_path: Path) -> None:
    path = write(tmp_path, ics(MEETING))
    document = json.loads(path.read_text())
    rules = {"owner_calendars": document["owner_calendars"]}
    (tmp_path / "fleet.jsonl").write_text(
        "\n".join(
            [
                json.dumps({**document, "schedule_id": "bare"}),
                json.dumps({"schedule": {**document, "schedule_id": "whole"}}),
                json.dumps({"schedule": "payments-schedule.json"}),
            ]
        )
    )
    (tmp_path / "policy.json").write_text(json.dumps(rules))

    fleets = (load_fleet(str(each), None) for each in (path, tmp_path, tmp_path / "fleet.jsonl"))
    read = [each.schedule.document for fleet in fleets for each in fleet.subjects if each.schedule]

    assert len(read) == 5
    for fleet in (path, tmp_path / "fleet.jsonl"):
        sources = [each.schedule for each in load_fleet(str(fleet), None).subjects]
        assert {each.beside for each in sources if each} == {(str(tmp_path / "payments.ics"),)}
    for each in (*read, read_policy(str(tmp_path / "policy.json"))):
        assert each is not None
        assert Suppressions("x", each).find_absence("team-a", at("2026-12-01T09:00"))
    with pytest.raises(UsageError, match="which belongs to a document in a file"):
        read_policy(rules)
