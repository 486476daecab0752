"""What people are assumed to do, how it is written, and its bounds."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rollback_drills.errors import UsageError
from rollback_drills.simulation.assumptions import Assumptions, read_acknowledgement, read_delay
from rollback_drills.simulation.happenings import Acknowledged, Due, HeldBack, Notified, Performed
from rollback_drills.simulation.performed_drills import perform, read_performed_drills
from rollback_drills.simulation.scenario import Scenario
from rollback_drills.simulation.simulate import Simulation, simulate
from tests.samples.builders import DRILL, make_subject

SINCE = datetime(2026, 1, 1, tzinfo=UTC)
YEAR = timedelta(days=365)
USUAL = {"schedule_id": "payments", "performed_at": "2026-03-01T10:00:00Z"}


def year_of(assumptions: Assumptions | None = None, **changes: Any) -> Simulation:
    """Simulate a year of one schedule."""
    scenario = Scenario(SINCE, SINCE + YEAR, assumptions=assumptions or Assumptions())
    return simulate([make_subject([], **changes)], scenario)


def times(simulation: Simulation, kind: type) -> list[str]:
    """Return when something of a kind happens."""
    return [each.at[:16] for each in simulation.happenings if isinstance(each, kind)]


@pytest.mark.parametrize(
    ("text", "delay"),
    [
        ("never", None),
        ("on-time", timedelta(0)),
        ("late:90m", timedelta(minutes=90)),
        ("late:366d", timedelta(366)),
    ],
)
def test_delays_are_read(text: str, delay: timedelta | None) -> None:
    assert read_delay(text) == delay


@pytest.mark.parametrize(
    "text", ["", "late", "late:", "late:3", "late:0d", "late:-1d", "late:3w", "late:1.5d", "soon"]
)
def test_other_delays_are_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(UsageError, match=r"^perform is .*; write never, on-time, late:3d or a file"):
        read_delay(text)


def test_delays_and_acknowledgements_are_bounded() -> None:
    assert read_acknowledgement("never") is None
    assert read_acknowledgement("after:2h") == timedelta(hours=2)
    with pytest.raises(UsageError, match=r"^perform is .*; at most 366 days"):
        read_delay("late:367d")
    with pytest.raises(UsageError, match=r"^acknowledge is .*; write never or after:30m"):
        read_acknowledgement("late:3d")


@pytest.mark.parametrize("policy", ["explicit", "after_completion", "fixed_sequence"])
def test_a_drill_on_time_moves_the_due_time_whatever_the_policy(policy: str) -> None:
    found = year_of(next_due_at="2026-03-01T09:00:00Z", interval_days=90, due_policy=policy)

    expected = ["2026-03-01T09:00", "2026-05-30T09:00", "2026-08-28T09:00", "2026-11-26T09:00"]
    assert times(found, Due) == times(found, Performed) == expected


def test_a_drill_of_a_period_is_performed_within_its_period() -> None:
    cadence = {"once_per": "quarter", "start": "2026-01-01", "time_zone": "Europe/Berlin"}

    found = year_of(interval_days=None, next_due_at=None, cadence=cadence)

    assert times(found, Performed)[:2] == ["2026-03-31T21:59", "2026-06-30T21:59"]
    assert times(found, Due) == [
        "2026-03-31T22:00",
        "2026-06-30T22:00",
        "2026-09-30T22:00",
        "2026-12-31T23:00",
    ]


def test_an_overdue_drill_is_performed_in_the_beginning_and_nobody_is_told() -> None:
    found = year_of(next_due_at="2025-12-01T09:00:00Z", interval_days=300)

    assert times(found, Performed)[0] == "2026-01-01T00:00"
    assert times(found, Notified)[0] > "2026-10"


def test_late_drills_are_notified_as_worse_and_end_with_a_message() -> None:
    assumptions = Assumptions(timedelta(days=3))

    found = year_of(assumptions, next_due_at="2026-03-01T09:00:00Z", interval_days=365)

    reasons = [
        (each.at[:16], str(each.reason))
        for each in found.happenings
        if isinstance(each, Notified) and (each.owner, each.provider) == ("team-a", "slack")
    ]
    assert ("2026-03-01T09:01", "worse") in reasons
    assert reasons[-1] == ("2026-03-04T09:00", "resolved")


def test_an_acknowledgement_puts_the_escalation_off() -> None:
    answered = Assumptions(None, acknowledged_after=timedelta(minutes=30))
    rule = {"team-a": {"escalation_owner": "lead"}}
    schedule = {"next_due_at": "2026-06-01T09:00:00Z", "owners": ["team-a"], "owner_routes": rule}

    def escalated(assumptions: Assumptions) -> str:
        found = year_of(assumptions, **schedule)
        return next(each.at[:16] for each in found.happenings if isinstance(each, Notified) and each.step)

    assert escalated(Assumptions(None)) == "2026-05-18T10:00"
    assert escalated(answered) == "2026-05-21T09:30"  # three days after it was acknowledged
    assert times(year_of(answered, **schedule), Acknowledged)[0] == "2026-05-18T09:30"


def test_a_weekend_by_the_wall_is_an_hour_earlier_in_utc_after_the_clocks_change() -> None:
    weekend = {
        "rrule": "FREQ=WEEKLY;BYDAY=SA",
        "start": "2026-01-03T00:00",
        "end": "2026-01-05T08:00",
        "time_zone": "Europe/Berlin",
    }
    found = year_of(
        Assumptions(None),
        next_due_at="2026-03-20T09:00:00Z",
        owners=["team-a"],
        notification_providers=["slack"],
        maintenance_windows=[{"window_id": "weekend", "recurrence": weekend}],
    )

    ends = [each.until for each in found.happenings if isinstance(each, HeldBack)]
    assert "2026-03-23T07:00:00+00:00" in ends
    assert "2026-03-30T06:00:00+00:00" in ends
    assert "2026-10-26T07:00:00+00:00" in ends


def write(path: Path, *drills: dict[str, Any], **changes: Any) -> Path:
    """Write a file of drills."""
    path.write_text(
        json.dumps({"schema_version": "rollback-drills.performed-drills.v1", "drills": drills} | changes)
    )
    return path


def test_drills_of_a_file_are_performed_and_no_others(tmp_path: Path) -> None:
    early = {"schedule_id": "PAYMENTS", "performed_at": "2026-02-20T10:00:00Z"}
    failed = {**early, "performed_at": "2026-02-10T10:00:00Z", "accepted": False}
    listed = read_performed_drills(write(tmp_path / "drills.json", early, failed), [make_subject([])], SINCE)

    found = year_of(
        Assumptions(None, listed), next_due_at="2026-03-01T09:00:00Z", due_policy="after_completion"
    )

    performed = [(each.at[:10], each.accepted) for each in found.happenings if isinstance(each, Performed)]
    assert performed == [("2026-02-10", False), ("2026-02-20", True)]
    assert times(found, Due) == ["2026-03-01T09:00", "2026-03-22T10:00"]


@pytest.mark.parametrize(
    ("drill", "message"),
    [
        ({"schedule_id": "payment"}, 'schedule_id "payment" is no usable schedule; did you mean "payments"?'),
        ({"performed_at": "2025-12-31T10:00:00Z"}, "is before the beginning, 2026-01-01T00:00:00"),
        ({"performed_at": "yesterday"}, r"\$.drills\[0\].performed_at"),
        ({"when": "2026-03-01"}, "when"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_one_line(
    tmp_path: Path, drill: dict[str, Any], message: str
) -> None:
    path = write(tmp_path / "drills.json", {**USUAL, **drill})

    with pytest.raises(UsageError, match=message) as refused:
        read_performed_drills(path, [make_subject([])], SINCE)

    assert "\n" not in str(refused.value)
    assert "drills.json" in str(refused.value)


def test_a_file_of_another_version_or_without_drills_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="schema_version is 'v2'"):
        read_performed_drills(write(tmp_path / "a.json", USUAL, schema_version="v2"), [], SINCE)
    with pytest.raises(UsageError, match="drills"):
        read_performed_drills(write(tmp_path / "b.json"), [], SINCE)


def test_performing_without_a_history_begins_one() -> None:
    subject = perform(make_subject(next_due_at="2026-03-01T09:00:00Z"), SINCE + timedelta(days=10))

    assert subject.history
    assert subject.history.document
    assert len(subject.history.document.drills) == 1
    assert subject.document
    assert subject.document.next_due_at == datetime(2026, 3, 1, 9, tzinfo=UTC)  # never back


def test_a_drill_that_is_not_accepted_moves_nothing() -> None:
    before = make_subject([DRILL], next_due_at="2026-03-01T09:00:00Z")
    assert perform(before, SINCE + timedelta(days=90), accepted=False).document == before.document


def test_a_file_may_begin_with_the_mark_of_its_encoding(tmp_path: Path) -> None:
    listed = {"schema_version": "rollback-drills.performed-drills.v1", "drills": [USUAL]}
    (tmp_path / "drills.json").write_text(json.dumps(listed), encoding="utf-8-sig")

    found = read_performed_drills(tmp_path / "drills.json", [make_subject([], schedule_id="payments")], SINCE)

    assert list(found) == ["payments"]
