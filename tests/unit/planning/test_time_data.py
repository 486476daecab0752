"""Which data from outside a plan depended on: it is in the plan, and with it in the evidence."""

import json
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from rollback_drills.documents.fleets.fleet import load_fleet
from rollback_drills.documents.plain_json import to_plain
from rollback_drills.documents.policy_file import read_policy
from rollback_drills.documents.subject import Subject
from rollback_drills.documents.time_data import find_time_zone_version
from rollback_drills.evidence.plan_records import record_plan
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.reports.explained import explain_subject
from tests.samples.builders import NOW, SCHEDULE, checked, make_subject, plan_of

WEEKEND = {
    "rrule": "FREQ=WEEKLY;BYDAY=FR",
    "start": "2026-01-02T18:00",
    "end": "2026-01-05T08:00",
    "time_zone": "Europe/Berlin",
}
FREEZE = {"start_at": "2026-12-01T00:00:00Z", "end_at": "2026-12-02T00:00:00Z", "reason": "freeze"}
SECRET = "Redundancy talk with Maria"
CALENDAR = "\r\n".join(
    [
        *("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", "X-WR-CALNAME:Maria", "BEGIN:VEVENT"),
        *("UID:maria@acme.example", "DTSTAMP:20260101T000000Z", f"SUMMARY:{SECRET}", "LOCATION:Room Maria"),
        *("DTSTART:20261201T080000Z", "DTEND:20261201T100000Z", "END:VEVENT", "END:VCALENDAR", ""),
    ]
).encode()


def load(folder: Path, **further: Any) -> Subject:
    (folder / "calendars").mkdir(exist_ok=True)
    (folder / "calendars" / "team-a.ics").write_bytes(CALENDAR)
    calendars = {"team-a": {"ics": "calendars/team-a.ics"}, "team-b": {"ics": "calendars/team-a.ics"}}
    document = {**SCHEDULE, "owner_calendars": calendars, **further}
    (folder / "payments-schedule.json").write_text(json.dumps(document))
    (subject,) = load_fleet(str(folder), None).subjects
    return subject


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"maintenance_windows": [FREEZE]},
        {"maintenance_windows": [{"recurrence": WEEKEND, "schedule_ids": ["other"]}]},
        {"owner_calendars": {"team-a": {"unavailable_windows": [FREEZE], "time_zone": "Europe/Berlin"}}},
    ],
)
def test_a_plan_without_anything_that_recurs_depends_on_no_data(document: dict[str, Any]) -> None:
    assert "time_data" not in plan_of(make_subject(**document))


@pytest.mark.parametrize(
    "document",
    [
        {"maintenance_windows": [{"recurrence": WEEKEND, "schedule_ids": ["payments"]}]},
        {"owner_calendars": {"team-a": {"unavailable_windows": [{"recurrence": WEEKEND}]}}},
    ],
)
def test_a_plan_names_the_version_of_the_zones_that_it_depended_on(document: dict[str, Any]) -> None:
    expected = {"time_zone_data": find_time_zone_version(), "calendars": []}

    assert find_time_zone_version()
    assert plan_of(make_subject(**document))["time_data"] == expected
    assert plan_of(make_subject(), PlanRequest(policy=read_policy(document)))["time_data"] == expected


def test_the_evidence_names_the_calendars_that_were_read(tmp_path: Path) -> None:
    check = checked(load(tmp_path))

    plan, *_ = record_plan(check.plan, check.judgement.schedule, "rcd-x", created_at=NOW, signer="me")

    calendar = {"path": "calendars/team-a.ics", "sha256": sha256(CALENDAR).hexdigest()}
    assert plan.to_wire()["plan"]["time_data"] == {
        "time_zone_data": find_time_zone_version(),
        "calendars": (calendar,),
    }


def test_an_explanation_names_the_calendars_beside_the_documents(tmp_path: Path) -> None:
    written = to_plain(explain_subject(load(tmp_path), None, Criteria(), now=NOW))

    _, calendar = written["documents"]
    assert calendar == {"path": "calendars/team-a.ics", "sha256": sha256(CALENDAR).hexdigest()}
    assert written["time_data"]["time_zone_data"] == find_time_zone_version()


def test_nothing_but_times_leaves_a_calendar(tmp_path: Path) -> None:
    subject = load(tmp_path)
    check = checked(subject)
    written = record_plan(check.plan, check.judgement.schedule, "rcd-x", created_at=NOW, signer="me")
    records = [each.to_wire() for each in written]
    explained = to_plain(explain_subject(subject, None, Criteria(), now=NOW + timedelta(minutes=1)))

    assert {each["category"] for each in to_plain(check.plan)["route_decisions"]} == {"owner_calendar"}
    assert "2026-12-01T10:00:00" in json.dumps(records)
    for text in (json.dumps(records), json.dumps(explained), repr(subject), repr(check.judgement)):
        assert "maria" not in text.lower()
