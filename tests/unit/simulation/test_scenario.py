"""The bounds of a simulation: what is refused, and what is broken off and said."""

from datetime import UTC, datetime, timedelta

import pytest

from rollback_drills.errors import UsageError
from rollback_drills.simulation import people, schedule_walk
from rollback_drills.simulation.assumptions import Assumptions
from rollback_drills.simulation.happenings import Performed
from rollback_drills.simulation.scenario import Scenario
from rollback_drills.simulation.simulate import simulate
from tests.samples.builders import make_subject

SINCE = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("until", "every", "message"),
    [
        (SINCE, DAY, "to is .*; must be later than the beginning"),
        (SINCE - DAY, DAY, "to is .*; must be later than the beginning"),
        (SINCE + 1831 * DAY, DAY, "to is .*, more than five years"),
        (SINCE + DAY, timedelta(seconds=59), "every must be from 1 minute to 7 days"),
        (SINCE + DAY, 8 * DAY, "every must be from 1 minute to 7 days"),
    ],
)
def test_a_period_or_an_interval_that_makes_no_sense_is_refused(
    until: datetime, every: timedelta, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        Scenario(SINCE, until, every)


@pytest.mark.parametrize(
    ("minutes", "at", "first"),
    [
        (60, "2026-01-01T00:00:00", "00:00"),
        (60, "2026-01-01T00:00:01", "01:00"),
        (7, "2026-01-01T00:01:00", "00:07"),
    ],
)
def test_runs_are_at_multiples_of_the_interval(minutes: int, at: str, first: str) -> None:
    scenario = Scenario(SINCE, SINCE + DAY, timedelta(minutes=minutes))
    assert f"{scenario.first_run(datetime.fromisoformat(at).replace(tzinfo=UTC)):%H:%M}" == first


def test_drills_that_are_due_all_the_time_are_cut_off_and_the_others_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(people, "MOST_DRILLS", 40)
    busy = make_subject([], schedule_id="busy", next_due_at="2026-01-01T00:01:00Z", interval_days=0.0007)
    usual = make_subject([], schedule_id="usual", next_due_at="2026-02-01T00:00:00Z")

    found = simulate([busy, usual], Scenario(SINCE, SINCE + 40 * DAY, DAY))

    (cut_off,) = found.cut_off
    assert cut_off[0] == "busy"
    performed = [each.schedule_id for each in found.happenings if isinstance(each, Performed)]
    assert performed.count("busy") == 40
    assert performed.count("usual") == 1


def test_too_many_runs_are_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule_walk, "MOST_RUNS", 10)
    overdue = make_subject([], next_due_at="2025-12-01T00:00:00Z")

    found = simulate([overdue], Scenario(SINCE, SINCE + 365 * DAY, assumptions=Assumptions(None)))

    assert [name for name, _ in found.cut_off] == ["payments"]
    assert found.cut_off[0][1] < SINCE + 20 * DAY


def test_progress_is_told_schedule_by_schedule() -> None:
    seen: list[int] = []
    subjects = [make_subject(schedule_id=str(number)) for number in range(3)]

    simulate(subjects, Scenario(SINCE, SINCE + DAY), seen.append)

    assert seen == [1, 2, 3]
