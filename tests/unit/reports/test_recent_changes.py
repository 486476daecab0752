"""What changed in the fleet in a period: what came, what went, and what changed its state."""

from collections.abc import Iterable, Mapping
from datetime import timedelta

import pytest

from rollback_drills.database.connections import Database
from rollback_drills.evidence.checks.population import Concluded, Population
from rollback_drills.evidence.outbox_transfer import index_run
from rollback_drills.evidence.plan_records import record_plan
from rollback_drills.evidence.record import Record
from rollback_drills.reports import recent_changes
from rollback_drills.reports.recent_changes import FleetChange, Kind, find_recent_changes
from tests.samples.builders import NOW, judged, make_subject, open_key, planned
from tests.samples.populations import DAY, POPULATION
from tests.samples.world import FLOW_RUN

READY, SOON, OVERDUE = 40, 3, -1
"""Days until the drill is due."""


def check(database: Database, due_in: Mapping[str, int], *, at: timedelta) -> None:
    """Record a check that saw these schedules, each with the days until it is due."""

    def conclude(name: str, days: int) -> Concluded:
        subject = make_subject(schedule_id=name, next_due_at=(NOW + days * DAY).isoformat())
        judgement, plan = judged(subject), planned(subject)

        def record() -> Iterable[Record]:
            return record_plan(plan, judgement.schedule, f"rcd-{name}", created_at=NOW + at, signer="me")

        return Concluded(name, f"{name} {days}", judgement.cycle.status, plan.plan_id, False, record)

    population = Population(
        POPULATION, "fleet/*.json", NOW + at, [conclude(name, days) for name, days in due_in.items()]
    )
    index_run(
        database,
        [],
        created_at=NOW + at,
        signer="me",
        redact=lambda record: record,
        open_key=open_key,
        looked=population,
        flow_run_id=FLOW_RUN,
    )


def changes(database: Database) -> list[tuple[Kind, str, str, str]]:
    """Return what changed from an hour ago on."""
    found = find_recent_changes(database, since=NOW - timedelta(hours=1))
    return [(each.kind, each.schedule_id, each.before, each.after) for each in found.changes]


def test_what_came_went_or_changed_its_state_is_listed(database: Database) -> None:
    check(database, {"a": READY, "b": READY, "gone": SOON, "same": OVERDUE}, at=-DAY)
    check(database, {"a": SOON, "b": READY, "gone": SOON, "same": OVERDUE - 1}, at=timedelta())
    check(database, {"a": OVERDUE, "b": READY, "same": OVERDUE - 1, "new": SOON}, at=timedelta(minutes=5))

    assert sorted(changes(database)) == [
        (Kind.WENT, "gone", "due_soon", ""),
        (Kind.CAME, "new", "", "due_soon"),
        (Kind.CHANGED, "a", "ready", "needs_attention"),
    ]


def test_a_change_says_when_why_and_which_run(database: Database) -> None:
    check(database, {"a": READY}, at=-DAY)
    check(database, {"a": OVERDUE}, at=timedelta())

    (change,) = find_recent_changes(database, since=NOW - timedelta(hours=1)).changes
    assert isinstance(change, FleetChange)
    assert (change.at, change.flow_run_id) == (NOW, FLOW_RUN)
    assert change.why


def test_what_changed_before_the_period_is_not_listed(database: Database) -> None:
    check(database, {"a": READY}, at=-3 * DAY)
    check(database, {"a": OVERDUE}, at=-DAY)
    check(database, {"a": OVERDUE}, at=timedelta())

    assert changes(database) == []


def test_a_state_that_changed_back_is_not_listed(database: Database) -> None:
    check(database, {"a": READY}, at=-DAY)
    check(database, {"a": OVERDUE}, at=timedelta())
    check(database, {"a": READY}, at=timedelta(minutes=5))

    assert changes(database) == []


@pytest.mark.parametrize(
    ("then", "finally_", "expected"),
    [
        ({"a": READY}, {"a": READY, "b": SOON}, []),
        ({"a": READY, "b": SOON, "c": SOON}, {"a": READY, "b": SOON}, []),
    ],
    ids=["it went and came back", "it came and went again"],
)
def test_what_is_as_it_was_is_not_listed(
    database: Database, then: dict[str, int], finally_: dict[str, int], expected: list[object]
) -> None:
    check(database, {"a": READY, "b": SOON}, at=-DAY)
    check(database, then, at=timedelta())
    check(database, finally_, at=timedelta(minutes=5))

    assert changes(database) == expected


def test_without_an_earlier_check_there_is_nothing_to_compare_with(database: Database) -> None:
    check(database, {"a": OVERDUE}, at=timedelta())

    found = find_recent_changes(database, since=NOW - timedelta(hours=1))
    assert (found.changes, found.is_comparable) == ((), False)


def test_without_rows_in_the_period_nothing_changed(database: Database) -> None:
    check(database, {"a": OVERDUE}, at=-DAY)

    found = find_recent_changes(database, since=NOW)
    assert (found.changes, found.is_comparable) == ((), True)


def test_more_schedules_than_are_compared_are_counted(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_changes, "MOST_COMPARED", 2)
    check(database, dict.fromkeys("abc", READY), at=-DAY)
    check(database, dict.fromkeys("abc", OVERDUE), at=timedelta())

    found = find_recent_changes(database, since=NOW - timedelta(hours=1))
    assert (len(found.changes), found.left_out) == (2, 1)
