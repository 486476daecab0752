"""`drills simulate`, as people call it: every format, one line for bad input, and a quick start."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from icalendar import Calendar

from rollback_drills_cli.main import main
from tests.checkout import ROOT
from tests.samples.builders import SCHEDULE

HEAVY = ("prefect", "pydantic", "httpx", "sqlalchemy", "icalendar", "cryptography", "rich", "dateutil")
Simulate = Callable[..., tuple[int, str, str]]
PERIOD = ("--schedule", f"{ROOT}/examples/fleet", "--from", "2026-12-01", "--to", "2027-02-01")


@pytest.fixture
def simulate(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Simulate:
    monkeypatch.setenv("COLUMNS", "200")

    def call(*words: str, period: tuple[str, ...] = PERIOD) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["drills", "simulate", *period, *words])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), *capsys.readouterr()

    return call


def document(simulate: Simulate, *words: str) -> dict[str, Any]:
    code, out, err = simulate("--format", "json", *words)
    assert (code, err) == (0, "")
    found: dict[str, Any] = json.loads(out)
    return found


def test_the_table_has_every_part(simulate: Simulate) -> None:
    code, out, _ = simulate("--limit", "3")

    assert code == 0
    assert "4 schedules from 1 Dec 2026, 00:00 UTC to 1 Feb 2027, 00:00 UTC; drills performed: on-time" in out
    for title in (
        "Notifications by owner and week",
        "Drills due in a maintenance window: none.",
        "Owners absent when their drill is due: none.",
        "Routes that reach nobody for more than 7 days: none.",
        "Escalation chains that end nowhere",
        "Owners with more than 2 drills due in a week: none.",
    ):
        assert title in out
    assert "more; --limit shows more, --format json or csv all." in out


def test_every_format_has_the_same_notifications(simulate: Simulate) -> None:
    found = document(simulate)
    notified = [each for each in found["items"] if each["kind"] == "notified"]
    _, table, _ = simulate("--format", "csv")
    _, calendar, _ = simulate("--format", "ics")

    rows = [
        each
        for each in csv.DictReader(io.StringIO(table.removeprefix("\ufeff")))
        if each["kind"] == "notified"
    ]
    events = [str(each["summary"]) for each in Calendar.from_ical(calendar).walk("VEVENT")]
    assert found["summary"]["notification_count"] == len(notified) == len(rows) > 50
    assert sum(" is notified through " in each for each in events) == len(notified)
    assert len({str(each["uid"]) for each in Calendar.from_ical(calendar).walk("VEVENT")}) == len(events)
    assert [(each["at"], each["owner"], each["reason"]) for each in rows] == [
        (each["at"], each["owner"], each["reason"]) for each in notified
    ]
    assert sorted(each["at"] for each in found["items"]) == [each["at"] for each in found["items"]]


def test_the_document_says_what_was_assumed(simulate: Simulate) -> None:
    found = document(simulate, "--perform", "late:3d", "--acknowledge", "after:30m", "--every", "60")

    assert found["schema_version"] == "rollback-drills.simulation.v1"
    assert (found["perform"], found["acknowledge"], found["every_minutes"]) == ("late:3d", "after:30m", 60)
    assert (found["from"], found["to"]) == ("2026-12-01T00:00:00+00:00", "2027-02-01T00:00:00+00:00")
    assert (found["cut_off"], found["only_here"]) == ([], None)
    assert {each["at"][14:16] for each in found["items"] if each["kind"] == "notified"} == {"00"}


def test_a_file_says_which_drills_are_performed(simulate: Simulate, tmp_path: Path) -> None:
    path = tmp_path / "drills.yaml"
    path.write_text(
        "schema_version: rollback-drills.performed-drills.v1\n"
        "drills:\n- {schedule_id: payments_rollback_drills_monthly, performed_at: 2026-12-15T10:00:00Z}\n"
    )
    performed = [
        each for each in document(simulate, "--perform", str(path))["items"] if each["kind"] == "performed"
    ]

    assert [(each["at"], each["accepted"]) for each in performed] == [("2026-12-15T10:00:00+00:00", True)]


@pytest.mark.slow
def test_a_comparison_shows_what_only_one_fleet_has(simulate: Simulate, tmp_path: Path) -> None:
    for each in (ROOT / "examples/fleet").iterdir():
        (tmp_path / each.name).write_text(
            each.read_text().replace("2026-12-02T00:00:00Z", "2026-12-03T00:00:00Z")
        )

    same = document(simulate, "--perform", "never", "--against", f"{ROOT}/examples/fleet")
    moved = document(simulate, "--perform", "never", "--against", str(tmp_path))

    assert (same["only_here"], same["only_there"]) == ([], [])
    assert {(each["at"][:10], each["reason"]) for each in moved["only_here"]} >= {("2026-12-02", "deferred")}
    assert {(each["at"][:10], each["reason"]) for each in moved["only_there"]} >= {("2026-12-03", "deferred")}
    code, out, _ = simulate("--perform", "never", "--against", str(tmp_path), "--show", "difference")
    assert code == 0
    assert "Only with these schedules" in out


def test_a_spreadsheet_takes_no_name_for_a_formula(simulate: Simulate, tmp_path: Path) -> None:
    text = (ROOT / "examples/fleet/billing-schedule.json").read_text()
    (tmp_path / "billing-schedule.json").write_text(text.replace("billing-team", "=cmd()"))

    _, table, _ = simulate("--format", "csv", period=("--schedule", str(tmp_path), *PERIOD[2:]))

    owners = {each["owner"] for each in csv.DictReader(io.StringIO(table.removeprefix("\ufeff")))}
    assert "'=cmd()" in owners
    assert "=cmd()" not in owners


def test_a_file_is_written_whole(simulate: Simulate, tmp_path: Path) -> None:
    code, out, _ = simulate("--format", "ics", "--out", str(tmp_path / "year.ics"))

    assert (code, out) == (0, "")
    assert (tmp_path / "year.ics").read_bytes().startswith(b"BEGIN:VCALENDAR")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--perform", "soon"), '--perform is "soon"; write never, on-time, late:3d or a file'),
        (("--perform", "gone.yaml"), "gone.yaml"),
        (("--acknowledge", "30m"), '--acknowledge is "30m"; write never or after:30m'),
        (("--every", "0"), "--every must be from 1 minute to 7 days"),
        (("--every", "1e300"), "--every must be from 1 minute to 7 days"),
        (("--to", "2026-11-30"), "--from 2026-12-01 is not before --to 2026-11-30"),
        (("--to", "2033-01-01"), "more than five years"),
        (("--to", "soon"), '--to is "soon"; write a day'),
        (("--format", "pdf"), "--format pdf is unknown; write one of table, json, csv, ics"),
        (("--show", "everything"), "--show everything is unknown; write one of all"),
        (("--show", "weeks", "--format", "csv"), "--show goes with --format table"),
        (("--show", "difference"), "--show difference needs --against"),
        (("--out", "x"), "--out goes with --format json, csv or ics"),
        (("--silent-days", "-1"), "--silent-days must be from 0"),
        (("--drills-per-week", "-1"), "--drills-per-week must be from 0"),
        (("--provider", "pigeon"), "--provider pigeon is unknown"),
        (("--against", "nowhere"), "nowhere"),
    ],
)
def test_bad_input_is_refused_in_one_line(simulate: Simulate, words: tuple[str, ...], message: str) -> None:
    code, out, err = simulate(*words)

    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("after", [-1.0, 60.0])
def test_people_see_how_far_it_is_if_it_takes_longer_than_a_moment(
    simulate: Simulate, monkeypatch: pytest.MonkeyPatch, after: float
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr("rollback_drills_cli.terminal.progress._PATIENCE_SECONDS", after)

    code, _, err = simulate("--format", "csv")

    assert code == 0
    assert ("4/4" in err) == (after < 0)


def test_without_a_schedule_it_says_so(simulate: Simulate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DRILLS_SCHEDULE", raising=False)
    code, _, err = simulate(period=())
    assert code == 2
    assert "there is nothing to watch" in err


@pytest.mark.slow
def test_it_starts_without_the_heavy_libraries() -> None:
    program = (
        "import sys, rollback_drills_cli.main as main\n"
        f"sys.argv = ['drills', 'simulate', *{PERIOD!r}, '--format', 'csv']\n"
        "try:\n    main.main()\nexcept SystemExit:\n    pass\n"
        f"heavy = set({HEAVY!r})\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )

    assert done.stderr == "[]\n"


def test_a_retired_schedule_is_called_retired(simulate: Simulate, tmp_path: Path) -> None:
    retired = {**SCHEDULE, "schedule_id": "old", "status": "retired"}
    lines = [json.dumps(each) for each in (retired, {**SCHEDULE, "schedule_id": "new"})]
    (tmp_path / "fleet.jsonl").write_text("\n".join(lines))
    period = ("--schedule", str(tmp_path / "fleet.jsonl"), "--from", "2026-12-01", "--to", "2027-01-01")

    code, out, err = simulate(period=period)
    assert (code, err) == (0, "")
    assert 'Retired, so that nothing happens to them: "old".' in out
    found = json.loads(simulate("--format", "json", period=period)[1])
    assert (found["schedule_count"], found["retired"]) == (2, ["old"])
    assert {each["schedule_id"] for each in found["items"]} == {"new"}
    assert "Retired" not in simulate()[1]
