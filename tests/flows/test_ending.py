"""The result of a check of a fleet has what is new, and no more schedules than a run has pages."""

import pytest

from flows.check.ending import find_news
from rollback_drills.evidence.checks.population import Changes
from rollback_drills.reports.pages.run_page import ScheduleRun
from tests.samples.builders import judged, make_subject, planned


def make_run(name: str, *, is_overdue: bool) -> ScheduleRun:
    subject = make_subject(
        schedule_id=name, next_due_at="2026-01-01T09:00:00Z" if is_overdue else "2099-01-01T09:00:00Z"
    )
    return ScheduleRun(judged(subject), planned(subject), [])


@pytest.mark.parametrize(("count", "found"), [(1, 1), (3, 2), (200, 199), (201, 200), (400, 200)])
def test_the_result_is_bounded_and_has_what_is_pressing(count: int, found: int) -> None:
    runs = [make_run(f"service-{number}", is_overdue=number == count - 1) for number in range(count)]
    changed = frozenset(each.plan.schedule_id for each in runs[1:])

    news = find_news(runs, Changes(is_first=False, changed=changed))

    assert len(news) == found
    assert runs[-1] in news
