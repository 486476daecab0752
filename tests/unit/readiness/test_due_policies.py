"""When the next drill is due under each policy."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollback_drills.documents.reading.reader import parse_document
from rollback_drills.documents.schedule import Schedule
from rollback_drills.readiness.judgement import find_due
from tests.samples.builders import DRILL, NOW, SCHEDULE, check_of, judged, make_subject, written

DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
FIRST = datetime(2026, 6, 1, 9, tzinfo=UTC)
NAMES = ("explicit", "after_completion", "fixed_sequence")


def drill_at(instant: datetime, **changes: Any) -> dict[str, Any]:
    return {**DRILL, "drill_id": instant.isoformat(), "executed_at": instant.isoformat(), **changes}


def due(policy: str, *executed_at: datetime, **schedule: Any) -> datetime | None:
    """Return the due instant after accepted drills."""
    schedule = {"next_due_at": FIRST.isoformat(), "interval_days": 10, **schedule, "due_policy": policy}
    return find_due(make_subject([drill_at(each) for each in executed_at], **schedule), now=NOW)


def test_a_schedule_without_a_policy_is_explicit() -> None:
    assert judged(make_subject()).schedule.due_policy == "explicit"
    assert judged(make_subject(due_policy="explicit")) == judged(make_subject())


def test_an_unknown_policy_names_its_place_and_those_that_exist() -> None:
    found = parse_document(Schedule, written({**SCHEDULE, "due_policy": "fixed"}), "schedule.json")

    assert found.problem == (
        'schedule.json: $.due_policy is "fixed"; must be one of explicit, after_completion, fixed_sequence'
    )


@pytest.mark.parametrize("policy", NAMES)
def test_before_the_first_drill_the_due_instant_is_the_one_that_is_written(policy: str) -> None:
    assert due(policy) == FIRST
    assert find_due(make_subject(due_policy=policy, next_due_at=FIRST.isoformat()), now=NOW) == FIRST


@pytest.mark.parametrize("policy", NAMES)
def test_a_drill_that_is_not_accepted_moves_nothing(policy: str) -> None:
    failed = drill_at(FIRST, status="fail")
    subject = make_subject([failed], due_policy=policy, next_due_at=FIRST.isoformat())

    assert find_due(subject, now=NOW) == FIRST


def test_an_explicit_due_instant_holds_whatever_was_performed() -> None:
    assert due("explicit", FIRST + DAY, FIRST + 3 * DAY) == FIRST


@pytest.mark.parametrize(
    ("executed_at", "expected"),
    [
        pytest.param([FIRST - 5 * DAY], FIRST + 5 * DAY, id="early"),
        pytest.param(
            [FIRST - 20 * DAY], FIRST - 10 * DAY, id="so early that the next is due before the first"
        ),
        pytest.param([FIRST + 25 * DAY], FIRST + 35 * DAY, id="late"),
        pytest.param([FIRST + 25 * DAY, FIRST], FIRST + 35 * DAY, id="the latest counts, wherever it stands"),
    ],
)
def test_after_completion_the_next_is_due_an_interval_later(
    executed_at: list[datetime], expected: datetime
) -> None:
    assert due("after_completion", *executed_at) == expected


@pytest.mark.parametrize(
    ("offsets", "expected"),
    [
        pytest.param([-10 * DAY], 0, id="a whole interval early counts for nothing"),
        pytest.param([-10 * DAY + TICK], 1, id="less than an interval early counts"),
        pytest.param([timedelta(0)], 1, id="at the due instant"),
        pytest.param([10 * DAY - TICK], 1, id="late, just before the second instant"),
        pytest.param([10 * DAY], 2, id="late, at the second instant, which is over with it"),
        pytest.param([35 * DAY], 4, id="one late drill meets all that it is late for"),
        pytest.param([-DAY, -DAY / 2], 1, id="a second one for the same instant counts for nothing"),
        pytest.param([-DAY, DAY], 2, id="the next one may come at once after the due instant"),
        pytest.param([-DAY, 9 * DAY, 19 * DAY], 3, id="one for each instant"),
        pytest.param([DAY, -DAY], 2, id="the order in the file does not matter"),
    ],
)
def test_a_fixed_sequence_keeps_to_its_instants(offsets: list[timedelta], expected: int) -> None:
    assert due("fixed_sequence", *(FIRST + each for each in offsets)) == FIRST + expected * 10 * DAY


def test_a_sequence_counts_days_of_24_hours_through_both_changes_of_the_clock() -> None:
    drills = [datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 10, 24, 12, tzinfo=UTC)]
    schedule = {"next_due_at": "2026-03-28T12:00:00+01:00", "interval_days": 1}

    assert due("fixed_sequence", drills[0], **schedule) == datetime(2026, 3, 29, 11, tzinfo=UTC)
    assert due("fixed_sequence", *drills, **schedule) == datetime(2026, 10, 25, 11, tzinfo=UTC)
    assert due("after_completion", *drills, **schedule) == datetime(2026, 10, 25, 12, tzinfo=UTC)


@pytest.mark.parametrize("policy", ["after_completion", "fixed_sequence"])
@pytest.mark.parametrize("interval", [None, 0, -3, 1e-12], ids=str)
def test_without_a_usable_interval_the_due_instant_stays_and_the_cadence_is_the_finding(
    policy: str, interval: float | None
) -> None:
    assert due(policy, FIRST + DAY, interval_days=interval) == FIRST

    subject = make_subject([drill_at(FIRST)], due_policy=policy, interval_days=interval)
    report = judged(subject).schedule_report
    assert report.status == "needs_attention"
    if interval != 1e-12:
        assert check_of(report, "schedule_cadence").status == "warn"


def test_a_sequence_without_a_beginning_says_what_to_write() -> None:
    report = judged(make_subject([DRILL], due_policy="fixed_sequence", next_due_at=None)).schedule_report

    assert report.status == "needs_attention"
    assert report.schedule.message == (
        "schedule.json: $.next_due_at is missing, with which the fixed sequence begins; write it"
    )


def test_after_completion_needs_no_first_instant_once_a_drill_is_accepted() -> None:
    assert due("after_completion", FIRST, next_due_at=None) == FIRST + 10 * DAY
    assert due("after_completion", next_due_at=None) is None


@pytest.mark.parametrize(
    ("first", "executed_at"),
    [("0001-01-03T00:00:00Z", "2026-06-01T00:00:00Z"), ("9999-12-30T00:00:00Z", "9999-12-30T00:00:00Z")],
    ids=["year 1", "year 9999"],
)
@pytest.mark.parametrize("policy", NAMES)
def test_the_ends_of_the_calendar_break_nothing(policy: str, first: str, executed_at: str) -> None:
    drill = {**DRILL, "executed_at": executed_at}
    subject = make_subject([drill], due_policy=policy, next_due_at=first, interval_days=36_525)

    judged(subject, now=datetime(9999, 12, 31, tzinfo=UTC))


instants = st.integers(-40 * 4, 60 * 4).map(lambda quarters: FIRST + timedelta(hours=6 * quarters))
drills = st.builds(drill_at, instants, status=st.sampled_from(["pass", "pass", "pass", "fail"]))
intervals = st.sampled_from([0.25, 7, 10, 20, 90.5])


def due_after(policy: str, performed: list[Mapping[str, Any]], interval: float) -> datetime:
    found = find_due(
        make_subject(
            performed, due_policy=policy, next_due_at="2026-06-01T11:00:00+02:00", interval_days=interval
        ),
        now=NOW,
    )
    assert found is not None
    return found


@pytest.mark.slow
@given(st.lists(drills, max_size=8), st.randoms(), intervals, st.sampled_from(NAMES))
def test_the_order_of_the_drills_in_the_file_does_not_matter(
    performed: list[Mapping[str, Any]], random: Any, interval: float, policy: str
) -> None:
    shuffled = random.sample(performed, len(performed))

    assert due_after(policy, performed, interval) == due_after(policy, shuffled, interval)


@pytest.mark.slow
@given(st.lists(drills, max_size=8), drills, intervals)
def test_a_sequence_never_goes_back_whichever_drill_is_added(
    performed: list[Mapping[str, Any]], another: Mapping[str, Any], interval: float
) -> None:
    before = due_after("fixed_sequence", performed, interval)

    assert due_after("fixed_sequence", [*performed, another], interval) >= before


@pytest.mark.slow
@given(st.lists(drills, min_size=1, max_size=8), drills, intervals)
def test_a_completion_moves_the_due_instant_back_only_from_the_first_one(
    performed: list[Mapping[str, Any]], another: Mapping[str, Any], interval: float
) -> None:
    before = due_after("after_completion", performed, interval)

    is_first = all(each["status"] == "fail" for each in performed)
    assert is_first or due_after("after_completion", [*performed, another], interval) >= before


@pytest.mark.slow
@given(st.lists(drills, max_size=8), intervals)
def test_a_sequence_names_only_its_instants_and_the_first_after_every_drill_that_counted(
    performed: list[Mapping[str, Any]], interval: float
) -> None:
    found = due_after("fixed_sequence", performed, interval)

    step = interval * DAY
    assert (found - FIRST) % step == timedelta(0)
    accepted = [datetime.fromisoformat(each["executed_at"]) for each in performed if each["status"] == "pass"]
    assert all(instant < found for instant in accepted)
    assert found == FIRST or any(instant > found - 2 * step for instant in accepted)
