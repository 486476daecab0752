"""What people do with the program on a day, from end to end, each by the path that they would take."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from flows.drill_check import drill_check
from tests.flows.test_flows import SCHEDULE
from tests.samples.commands import Done, drills

pytestmark = pytest.mark.usefixtures("prefect_server")
FREEZE = {
    "window_id": "autumn-sale",
    "reason": "no changes during the sale",
    "start_at": "2026-11-10T00:00:00Z",
    "end_at": "2026-11-24T00:00:00Z",
}


def write(folder: Path, **changes: Any) -> Path:
    """Write the schedule with changes."""
    path = folder / "schedule.json"
    path.write_text(json.dumps({**SCHEDULE, **changes}))
    return path


def check(path: Path, now: str) -> str:
    """Run the check as of a day, and return the state in which it ends."""
    state = drill_check(
        schedule=str(path),
        mode="promoted",
        as_of=datetime.fromisoformat(now).replace(tzinfo=UTC),
        return_state=True,
    )
    return state.name or ""


def test_a_release_manager_defines_a_cadence(tmp_path: Path) -> None:
    def call(*words: str) -> Done:
        return drills(*words, cwd=tmp_path, DRILLS_MODE="promoted")

    rule = {
        "rrule": "FREQ=MONTHLY;BYMONTH=1,4,7,10;BYDAY=1TU",
        "start": "2027-01-05T10:00",
        "time_zone": "Europe/Berlin",
    }
    without = {"next_due_at": None, "interval_days": None}
    write(tmp_path, **without, cadence={**rule, "rrule": "FREQ=MONTHLY;BYMONTH=1,4,7,10;BYDAY=1TUE"})
    refused = call("lint", "schedule.json")
    assert refused.returncode == 1
    assert "1TUE" in refused.stdout

    write(tmp_path, **without, cadence=rule)
    assert call("lint", "schedule.json").returncode == 0
    explained = call("explain", "--schedule", "schedule.json", "--at", "2026-11-29")
    assert "2027-01-05" in explained.stdout  # the first Tuesday of January
    ahead = call(
        "simulate",
        "--schedule",
        "schedule.json",
        "--from",
        "2026-11-29",
        "--to",
        "2027-11-29",
        "--format",
        "json",
    )
    assert ahead.returncode == 0, ahead.stderr
    dues = [each["due_at"] for each in json.loads(ahead.stdout)["items"] if each["kind"] == "due"]
    assert dues == [
        "2027-01-05T09:00:00+00:00",
        "2027-04-06T08:00:00+00:00",
        "2027-07-06T08:00:00+00:00",
        "2027-10-05T08:00:00+00:00",
    ]


def test_a_release_owner_freezes_a_fortnight_and_an_auditor_sees_who_was_notified_of_it(
    receiver: HTTPServer, url: str, tmp_path: Path
) -> None:
    late = {"next_due_at": "2026-11-12T09:00:00Z", "owners": ["payments-team", "search-team"]}
    absent = {
        "search-team": {
            "unavailable_windows": [
                {"start_at": "2026-11-20", "end_at": "2026-12-20", "reason": "parental leave"}
            ]
        }
    }
    path = write(tmp_path, **late, maintenance_windows=[FREEZE], owner_calendars=absent)

    check(path, "2026-11-13T09:00")
    assert receiver.log == []
    check(path, "2026-11-24T09:00")
    ((request, _),) = receiver.log
    assert request.get_json()["owners"] == ["payments-team"]

    done = drills(
        "evidence",
        "export",
        str(tmp_path / "out"),
        "--schedule-id",
        "payments",
        cwd=tmp_path,
        DRILLS_DATABASE_URL=url,
    )
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "out/report.html").read_text()
    part = page.partition("<h2>Who was notified, and who was not</h2>")[2].partition("<h2>")[0]
    lines = " ".join(re.sub(r"<[^>]+>", " ", part).split())
    assert (
        "payments-team webhook not notified maintenance window autumn-sale: no changes during the sale"
        in lines
    )
    assert "payments-team webhook notified deferred until a window or an absence ended" in lines
    assert "search-team webhook not notified search-team cannot be notified: parental leave" in lines
    assert drills("evidence", "verify", str(tmp_path / "out"), cwd=tmp_path).returncode == 0
