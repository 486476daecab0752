"""Which pages a run publishes."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from rollback_drills.evidence.checks.population import Changes
from rollback_drills.reports.pages.publication import MOST_SCHEDULE_PAGES, choose_pages
from rollback_drills.reports.pages.run_page import ScheduleRun
from tests.samples.builders import DRILL, NOW, judged, make_subject, planned

DAY = timedelta(days=1)


def make_run(name: str, *, is_ready: bool = False, is_tried: bool = False) -> ScheduleRun:
    subject = make_subject(
        [DRILL], schedule_id=name, next_due_at="2027-01-05T09:00:00Z" if is_ready else "2026-11-27T09:00:00Z"
    )
    return ScheduleRun(judged(subject), planned(subject), [], is_tried=is_tried)


def changed(*names: str, gone: Sequence[str] = ()) -> Changes:
    return Changes(False, frozenset(names), gone=gone, previous_at=NOW)


def names_of(runs: Sequence[ScheduleRun]) -> list[str]:
    return [each.plan.schedule_id for each in runs]


RUNS = [make_run("a", is_ready=True), make_run("b"), make_run("c", is_tried=True)]


def test_a_run_in_which_nothing_happened_publishes_nothing() -> None:
    pages = choose_pages(RUNS[:2], changed(), is_single=False, now=NOW)
    assert (pages.fleet, pages.schedules, pages.left_out) == ((), [], 0)
    assert choose_pages(RUNS[:1], changed(), is_single=True, now=NOW).schedules == ()


def test_what_changed_or_was_notified_gets_a_page_the_most_pressing_first() -> None:
    pages = choose_pages(RUNS, changed("a"), is_single=False, now=NOW)
    assert (names_of(pages.fleet), names_of(pages.schedules)) == (["a", "b", "c"], ["c", "a"])


def test_a_schedule_that_is_gone_changes_the_page_of_the_fleet() -> None:
    assert names_of(choose_pages(RUNS[:1], changed(gone=["z"]), is_single=False, now=NOW).fleet) == ["a"]


@pytest.mark.parametrize("is_single", [True, False])
def test_the_first_run_of_a_day_publishes_in_any_case(is_single: bool) -> None:
    pages = choose_pages(RUNS[:1], changed(), is_single=is_single, now=NOW + DAY)
    assert names_of(pages.schedules if is_single else pages.fleet) == ["a"]


def test_a_run_that_was_not_compared_publishes_everything() -> None:
    assert names_of(choose_pages(RUNS, None, is_single=False, now=NOW).schedules) == ["b", "c", "a"]


def test_of_very_many_changes_the_first_get_a_page_and_the_others_are_counted() -> None:
    count = MOST_SCHEDULE_PAGES + 3
    pages = choose_pages([RUNS[1]] * count, changed("b"), is_single=False, now=NOW)
    assert (len(pages.schedules), pages.left_out) == (MOST_SCHEDULE_PAGES, 3)
