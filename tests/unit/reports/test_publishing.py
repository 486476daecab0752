"""Calendar and badge, read back by programs that did not write them, whatever the schedules are called."""

import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar
from msgspec.structs import replace
from typer.testing import CliRunner

from rollback_drills.documents.reading.reader import Loaded
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.subject import Subject
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.readiness.judgement import Judgement
from rollback_drills.readiness.states import Mode
from rollback_drills.reports.badge import COLOURS, LABEL_COLOUR, TEXT_COLOUR, build_badge
from rollback_drills.reports.calendar import build_calendar
from rollback_drills_cli.main import app, main
from tests.samples.builders import DRILL, NOW, SCHEDULE, called, judged, make_subject, written

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = [
    "quotes \" and ' and `",
    "line\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nSUMMARY:forged",
    "lone\rreturn\nfeed",
    "semi;colon,comma\\back\\n",
    "](javascript:x)",
    "<script>alert(1)</script>&amp;]]>",
    "🔥💾 Rückfall 復旧 " * 8,
    "x" * 200,
]
UNUSABLE = [f"{folder}\x1b[31m\x0b{name}" for folder, name in (("..", "/../etc/passwd"), ("a", "b\x7f\x00"))]


def of_path(path: str) -> Judgement:
    """Judge a document that has no id, and so is known by a path that may hold anything."""
    found = Loaded[Schedule](path, make_subject(schedule_id="").schedule.document)  # type: ignore[union-attr] # made by us
    return judged(Subject(found, None))


def events_of(*judgements: Judgement, now: datetime = NOW) -> list[Any]:
    """Write a calendar, check its lines, and give the events that a reader finds in it."""
    data = build_calendar(judgements, [None] * len(judgements), now=now)
    assert data.endswith(b"END:VCALENDAR\r\n")
    lines = data.split(b"\r\n")
    assert max(map(len, lines)) <= 75
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", data)
    assert not re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", data)
    for line in lines:
        line.decode()  # no character is torn apart by folding
    calendar = Calendar.from_ical(data)
    assert calendar["version"] == "2.0"
    assert calendar["prodid"]
    return list(calendar.walk("VEVENT"))


@pytest.mark.parametrize(
    ("next_due_at", "start"),
    [
        ("2026-12-10T09:00:00Z", datetime(2026, 12, 10, 9, tzinfo=UTC)),
        ("2026-03-29T01:59:59+01:00", datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC)),
        ("2026-03-29T03:00:00+02:00", datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),
        ("2026-10-25T02:30:00+02:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("2026-10-25T02:30:00+01:00", datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
        ("2028-02-29T23:59:59Z", datetime(2028, 2, 29, 23, 59, 59, tzinfo=UTC)),
        ("0999-01-01T00:00:00Z", datetime(999, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_an_event_starts_at_the_due_instant_in_utc(next_due_at: str, start: datetime) -> None:
    judgement = judged(make_subject([DRILL], next_due_at=next_due_at))

    (event,) = events_of(judgement)

    assert event.decoded("dtstart") == start
    assert event.decoded("dtstamp") == NOW
    assert b"DTSTART:" + start.strftime("%Y%m%dT%H%M%SZ").rjust(16, "0").encode() in build_calendar(
        [judgement], [None], now=NOW
    )


def test_an_event_says_state_and_owners() -> None:
    (event,) = events_of(judged(make_subject([DRILL])))

    assert event["summary"] == "Rollback drill due: payments (needs attention)"
    assert str(event["description"]).split("\n")[:4] == [
        "State: needs attention",
        "Owners: team-a, team-b",
        "Environment: production",
        "Runbook: docs/runbook.md",
    ]
    assert event["transp"] == "TRANSPARENT"


def later_of(*drills: Mapping[str, Any], now: datetime = NOW, **changes: Any) -> list[Any]:
    """Write a calendar with the document of a schedule, and give all events."""
    subject = make_subject(list(drills), **changes)
    data = build_calendar([judged(subject, now=now)], [subject.document], now=now)
    return list(Calendar.from_ical(data).walk("VEVENT"))


def test_the_next_four_due_times_are_planned_and_keep_their_event() -> None:
    events = later_of(DRILL)
    assert [each.decoded("dtstart").date().isoformat() for each in events] == [
        "2026-11-27",
        "2026-12-27",
        "2027-01-26",
        "2027-02-25",
    ]
    assert [str(each["summary"]) for each in events[1:]] == ["Rollback drill planned: payments"] * 3
    then = later_of(DRILL, next_due_at="2026-12-27T09:00:00Z")
    assert then[0]["uid"] == events[1]["uid"]

    quarterly = {"once_per": "quarter", "start": "2026-01-01", "time_zone": "UTC"}
    events = later_of(DRILL, interval_days=None, next_due_at=None, cadence=quarterly)
    assert [each.decoded("dtstart").date().isoformat() for each in events] == [
        "2027-04-01",
        "2027-07-01",
        "2027-10-01",
        "2028-01-01",
    ]
    ends = {"rrule": "FREQ=MONTHLY;COUNT=12", "start": "2026-01-01", "time_zone": "UTC"}
    assert len(later_of(DRILL, interval_days=None, next_due_at=None, cadence=ends)) == 1
    assert len(later_of(DRILL, next_due_at="9999-12-31T00:00:00Z")) == 1


def test_windows_that_are_not_over_are_transparent_events() -> None:
    past = {"window_id": "past", "start_at": "2026-11-01T00:00:00Z", "end_at": "2026-11-02T00:00:00Z"}
    freeze = {
        "window_id": "freeze",
        "start_at": "2026-12-20T00:00:00+01:00",
        "end_at": "2027-01-02T00:00:00Z",
    }
    (window,) = [
        each
        for each in later_of(DRILL, maintenance_windows=[past, {**freeze, "reason": "year's end"}])
        if "window" in each["uid"]
    ]
    assert window["summary"] == "Maintenance window of payments: freeze"
    assert window["description"] == "year's end"
    assert window["transp"] == "TRANSPARENT"
    assert window.decoded("dtstart") == datetime(2026, 12, 19, 23, tzinfo=UTC)
    assert window.decoded("dtend") == datetime(2027, 1, 2, tzinfo=UTC)


def test_the_next_four_occurrences_of_a_window_are_events() -> None:
    recurrence = {
        "rrule": "FREQ=WEEKLY;BYDAY=FR",
        "start": "2026-01-02T18:00",
        "end": "2026-01-05T08:00",
        "time_zone": "UTC",
    }
    window = {"window_id": "weekend", "recurrence": recurrence}
    saturday = datetime(2026, 12, 5, tzinfo=UTC)

    events = [
        each for each in later_of(now=saturday, maintenance_windows=[window]) if "window" in each["uid"]
    ]

    assert [each.decoded("dtstart").day for each in events] == [4, 11, 18, 25]
    assert events[0].decoded("dtend") == datetime(2026, 12, 7, 8, tzinfo=UTC)
    assert len({each["uid"] for each in events}) == 4


def test_the_same_cycle_is_the_same_event_and_another_is_not() -> None:
    first, again, next_one = (
        events_of(judged(make_subject([DRILL], **changes), now=at), now=at)[0]["uid"]
        for at, changes in (
            (NOW, {}),
            (NOW + timedelta(days=3), {"owners": ["others"]}),
            (NOW, {"next_due_at": "2026-12-27T09:00:00Z"}),
        )
    )

    assert first == again != next_one
    assert re.fullmatch(r"gordcycle-[0-9a-f]{16}@rollback-drills", first)


def test_a_fleet_has_an_event_for_each_schedule_whose_due_instant_is_known() -> None:
    known = [judged(make_subject([DRILL], schedule_id=name)) for name in ("a", "b")]
    unknown = [judged(make_subject(next_due_at=None)), judged(Subject(None, None))]

    events = events_of(*known, *unknown)

    assert [event["summary"].split()[3] for event in events] == ["a", "b"]
    assert len({event["uid"] for event in events}) == 2
    assert events_of(*unknown) == []


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_id_stays_text_in_the_calendar(name: str) -> None:
    (event,) = events_of(judged(called(make_subject([DRILL]), name)))

    shown = re.sub(r"[\r\n]+", " ", name).strip()
    assert event["summary"] == f"Rollback drill due: {shown} (needs attention)"


@pytest.mark.parametrize("path", UNUSABLE)
def test_a_hostile_path_stays_text_in_the_calendar(path: str) -> None:
    (event,) = events_of(of_path(path))

    assert event["summary"].startswith(f"Rollback drill due: {path.split(chr(27), maxsplit=1)[0]} [31m ")


@pytest.mark.slow
@given(owner=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=120))
def test_any_owner_reads_back_from_the_calendar(owner: str) -> None:
    judgement = judged(make_subject([DRILL]))
    facts = replace(judgement.schedule, owners=(owner,))
    judgement = replace(judgement, schedule_report=replace(judgement.schedule_report, schedule=facts))

    (event,) = events_of(judgement)

    shown = re.sub(r"[\x00-\x1f\x7f]+", " ", owner).strip()
    assert f"Owners: {shown or 'none'}" in str(event["description"]).split("\n") or not shown


def luminance(colour: str) -> float:
    """Return the relative luminance as WCAG 2.2 defines it."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colour", [LABEL_COLOUR, *COLOURS.values()])
def test_the_text_of_a_badge_has_the_contrast_that_wcag_aa_asks_for(colour: str) -> None:
    assert (luminance(TEXT_COLOUR) + 0.05) / (luminance(colour) + 0.05) >= 4.5


@pytest.mark.parametrize(
    ("judgement", "value"),
    [
        (judged(make_subject([DRILL], next_due_at="2027-01-05T09:00:00Z")), "ready · due 2027-01-05"),
        (judged(make_subject([DRILL], next_due_at="2026-12-02T09:00:00Z")), "due soon · due 2026-12-02"),
        (judged(make_subject([DRILL])), "needs attention"),
        (judged(make_subject(next_due_at=None)), "needs attention"),
        (judged(Subject(None, None)), "not requested"),
        (judged(Subject(None, None), criteria=Criteria(Mode.PROMOTED)), "needs attention"),
    ],
)
def test_a_badge_shows_the_state_in_its_colour(judgement: Judgement, value: str) -> None:
    root = ET.fromstring(build_badge(judgement))

    assert [each.text for each in root.iter(f"{SVG}text")] == ["rollback drill", value]
    assert [each.get("fill") for each in root.iter(f"{SVG}rect")] == [
        LABEL_COLOUR,
        COLOURS[judgement.readiness],
    ]


def test_a_badge_has_a_title_for_those_who_do_not_see_it() -> None:
    root = ET.fromstring(build_badge(judged(make_subject([DRILL]))))

    title = root.findtext(f"{SVG}title")
    assert title == "Rollback drill of payments: needs attention, due 2026-11-27T09:00:00+00:00"
    assert (root.get("role"), root.get("aria-label")) == ("img", title)


@pytest.mark.parametrize("judgement", [judged(called(make_subject([DRILL]), name)) for name in HOSTILE])
def test_a_hostile_id_stays_text_in_the_badge(judgement: Judgement) -> None:
    root = ET.fromstring(build_badge(judgement))

    title = root.findtext(f"{SVG}title") or ""
    assert " ".join(judgement.cycle.schedule_id.split()) in " ".join(title.split())
    assert {each.tag for each in root.iter()} == {
        f"{SVG}{tag}" for tag in ("svg", "title", "rect", "g", "text")
    }


@given(path=st.text(max_size=60))
def test_whatever_a_document_is_called_its_badge_can_be_read(path: str) -> None:
    assert ET.fromstring(build_badge(of_path(path))).tag == f"{SVG}svg"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Hold two schedules, one of them with a hostile id, and one document that cannot be read."""
    schedules: dict[str, Mapping[str, Any]] = {
        "a": SCHEDULE,
        "b": {**SCHEDULE, "schedule_id": "<b>,../x\r\n", "next_due_at": "2026-12-20T09:00:00Z"},
    }
    for name, schedule in schedules.items():
        (tmp_path / f"{name}-schedule.json").write_bytes(written(schedule))
    (tmp_path / "c-schedule.json").write_text("{")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Any:
    """Run a command in this process."""
    done = CliRunner().invoke(app, [*arguments, "--schedule", ".", "--now", "2026-12-01T09:00:00Z"])
    assert done.exception is None, done.exception
    return done


def test_the_calendar_of_a_folder_is_written_and_says_what_is_left_out(folder: Path) -> None:
    (folder / "a-schedule.json").write_bytes(written({**SCHEDULE, "schedule_id": "payments"}))
    window = {"start_at": "2026-12-05T00:00:00Z", "end_at": "2026-12-06T00:00:00Z", "window_id": "w"}
    retired = {**SCHEDULE, "schedule_id": "old", "status": "retired", "maintenance_windows": [window]}
    (folder / "o-schedule.json").write_bytes(written(retired))

    done = run("calendar", "--out", "drills.ics")

    calendar = Calendar.from_ical((folder / "drills.ics").read_bytes())
    assert len(calendar.walk("VEVENT")) == 2 * 4
    assert done.stdout == ""
    assert 'left out, because the due time is unknown: "c-schedule.json" (c-schedule.json: is ' in done.stderr
    assert 'left out, because it is retired: "old"' in done.stderr
    assert run("calendar").stdout_bytes == (folder / "drills.ics").read_bytes()


@pytest.mark.parametrize("name", ["payments", "<b>,../x\r\n", "c-schedule.json"])
def test_a_badge_is_drawn_by_the_id_and_goes_only_where_it_was_sent(name: str, folder: Path) -> None:
    before = set(folder.rglob("*"))

    run("badge", name, "--out", "badge.svg")

    assert set(folder.rglob("*")) - before == {folder / "badge.svg"}
    title = ET.parse(folder / "badge.svg").getroot().findtext(f"{SVG}title") or ""
    assert title.split(":")[0].split() == ["Rollback", "drill", "of", *name.split()]
    assert run("badge", name).stdout == (folder / "badge.svg").read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (
            ["badge", "payment"],
            'there is no schedule "payment"; there are ',
        ),
        (["badge", "zzz"], 'there is no schedule "zzz"; there are '),
        (["badge", "payments", "--out", "none/x.svg"], "--out none/x.svg cannot be written"),
        (["calendar", "--out", "none/x.ics"], "--out none/x.ics cannot be written"),
        (["calendar", "--mode", "on"], '--mode is "on"'),
    ],
)
def test_a_mistake_of_the_caller_is_one_message_and_exit_code_2(
    arguments: list[str],
    problem: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["drills", *arguments, "--schedule", "."])

    with pytest.raises(SystemExit) as ended:
        main()

    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (2, "")
    assert problem in said.err
    assert len(said.err.strip().splitlines()) == 1
