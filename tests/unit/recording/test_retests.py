"""Which drills are to be performed again, and when that is over."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollback_drills.readiness.acceptance import is_accepted
from rollback_drills.recording.retests import RetestRecord, find_retests, open_retests
from tests.samples.builders import DRILL, NOW, make_subject

DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)


def drill_at(instant: datetime, status: str = "pass", **changes: Any) -> dict[str, Any]:
    return {
        **DRILL,
        "drill_id": f"{status} {instant}",
        "executed_at": instant.isoformat(),
        "status": status,
        **changes,
    }


def found(*drills: dict[str, Any], now: datetime = NOW, **schedule: Any) -> list[RetestRecord]:
    subject = make_subject(list(drills), **schedule)
    once = find_retests(subject, "gordcycle-1", now=now, created_at=now, signer="me")
    return [make() for make in once.values()]


def still_open(records: list[RetestRecord], *drills: dict[str, Any], now: datetime = NOW) -> list[str]:
    history = make_subject(list(drills)).history
    assert history
    assert history.document
    accepted = [
        (each.executed_at, each.drill_id)
        for each in history.document.drills
        if each.executed_at is not None and is_accepted(each, now=now)
    ]
    return [each.drill_id for each in open_retests(records, accepted)]


FAILED = drill_at(NOW - 3 * DAY, "fail")


@pytest.mark.parametrize(
    ("later", "count"),
    [
        pytest.param([], 1, id="nothing came after it"),
        pytest.param([drill_at(NOW - 3 * DAY + TICK)], 0, id="an accepted one came after it"),
        pytest.param([drill_at(NOW - 3 * DAY - TICK)], 1, id="an accepted one came before it"),
        pytest.param([drill_at(NOW + DAY)], 1, id="one that lies in the future is no proof"),
        pytest.param([drill_at(NOW - 2 * DAY, "fail")], 2, id="another one failed"),
        pytest.param([drill_at(NOW + DAY, "fail")], 1, id="one that lies in the future has not failed yet"),
        pytest.param([{"drill_id": "x", "status": "fail"}], 1, id="one without a date is due at no date"),
    ],
)
def test_a_retest_is_called_for_until_an_accepted_drill_came(later: list[dict[str, Any]], count: int) -> None:
    assert len(found(FAILED, *later)) == count
    assert len(found(*later, FAILED)) == count


def test_a_schedule_whose_id_is_not_known_has_no_retests() -> None:
    assert found(FAILED, schedule_id=None) == []
    subject = make_subject()
    assert find_retests(subject, "gordcycle-1", now=NOW, created_at=NOW, signer="me") == {}


def test_in_other_words_it_is_still_the_same_retest() -> None:
    def keys(**changes: Any) -> set[str]:
        subject = make_subject([{**FAILED, **changes}])
        return set(find_retests(subject, "gordcycle-1", now=NOW, created_at=NOW, signer="me"))

    assert keys() == keys(actor="another", evidence_refs=[], executed_at="2026-11-28T10:00:00+01:00")
    assert keys().isdisjoint(keys(executed_at="2026-11-28T09:00:01Z"))
    assert keys().isdisjoint(keys(drill_id="another"))


def test_it_is_over_with_the_first_accepted_drill_after_it() -> None:
    records = found(FAILED)

    assert still_open(records, FAILED) == [FAILED["drill_id"]]
    assert still_open(records) == [FAILED["drill_id"]]
    assert still_open(records, FAILED, drill_at(NOW - 3 * DAY - TICK)) == [FAILED["drill_id"]]
    assert still_open(records, FAILED, drill_at(NOW - 3 * DAY)) == [FAILED["drill_id"]]
    assert still_open(records, FAILED, drill_at(NOW - DAY, "fail")) == [FAILED["drill_id"]]
    assert still_open(records, FAILED, drill_at(NOW - 3 * DAY + TICK)) == []


def test_it_is_over_when_the_history_was_mended() -> None:
    lacking = drill_at(NOW - 3 * DAY, evidence_refs=[])
    records = found(lacking)

    assert still_open(records, lacking) == [lacking["drill_id"]]
    assert still_open(records, {**lacking, "evidence_refs": ["go-rollback-drill://ci/run-9"]}) == []


def test_those_that_are_due_first_come_first() -> None:
    drills = [drill_at(NOW - DAY, "fail"), FAILED, drill_at(NOW - 2 * DAY, "fail")]

    assert still_open(found(*drills), *drills) == [
        each["drill_id"] for each in (FAILED, drills[2], drills[0])
    ]


drills = st.builds(
    drill_at,
    st.integers(-60, -1).map(lambda days: NOW + days * DAY),
    st.sampled_from(["pass", "fail"]),
    drill_id=st.sampled_from("abcdef"),
)


@pytest.mark.slow
@given(st.lists(drills, max_size=8, unique_by=lambda drill: drill["drill_id"]), st.randoms())
def test_the_retests_that_a_history_calls_for_are_those_of_all_ever_recorded_that_are_open(
    performed: list[dict[str, Any]], random: Any
) -> None:
    ever: dict[tuple[str, str], RetestRecord] = {}
    for count in range(len(performed) + 1):  # the history as it grew, a check after each drill
        for record in found(*performed[:count]):
            ever[record.drill_id, record.failed_at] = record
    shuffled = random.sample(performed, len(performed))

    assert sorted(still_open(list(ever.values()), *shuffled)) == sorted(
        each.drill_id for each in found(*performed)
    )
