"""What a check leaves in Prefect: the name of its run, pages and events."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import datetime
from functools import partial
from typing import Any

from flows.check.delivery import Delivered
from flows.check.planning import Checked, Run
from flows.run_names import describe_run, mark_distrust, rename_run
from rollback_drills.evidence.append_result import Indexed
from rollback_drills.evidence.checks.unpublished import forget_unpublished
from rollback_drills.evidence.heads import Head
from rollback_drills.reports.events.run_events import find_check_events
from rollback_drills.reports.pages.publication import choose_pages, choose_shard_pages
from rollback_drills.reports.pages.run_page import ScheduleRun
from tasks.artifacts import publish_artifacts
from tasks.background import aside
from tasks.events import emit, emit_events
from tasks.evidence import open_database


def publish(
    run: Run,
    checked: Checked,
    runs: Sequence[ScheduleRun],
    delivered: Delivered,
    indexed: Indexed,
    created_at: datetime,
) -> Callable[[], None]:
    """Name the run, and publish what is new. A dry run publishes every page and emits nothing.

    Returns:
        Waits until the server has all of it.
    """
    fleet, dry_run = checked.fleet, run.request.dry_run
    changes = None if dry_run else indexed.changes
    name = describe_run(checked.found, changes, left_count=0 if dry_run else delivered.left.count)
    marks = mark_distrust(checked.guard.reasons)
    if run.shard:
        name = f"shard {run.shard}: {name}"
    naming = aside(rename_run, name, [*checked.tags, *marks])
    if run.shard:
        pages = choose_shard_pages(runs, changes, shard_count=run.shard.count)
    else:
        pages = choose_pages(
            runs,
            changes,
            is_single=fleet.is_single,
            now=created_at,
            warnings=fleet.warnings,
            problems=indexed.problems,
        )
    background: list[Future[Any]] = [naming]
    if changes and run.shard:
        background.append(aside(emit, find_check_events(runs, delivered.deliveries, changes)))
    elif changes:
        background.append(aside(emit_events, runs, delivered.deliveries, changes, is_single=fleet.is_single))
    if not indexed.setback:
        background.append(run.comparison.remember(indexed.head, has_news=pages.is_any))
    publish_artifacts(pages, dry_run, indexed.head_note, run.database_url)
    has_news = bool(changes and changes.find_news()) and not run.shard
    return partial(_finish, run, background, indexed.head, has_news=has_news, went_back=bool(indexed.setback))


def _finish(
    run: Run, background: Sequence[Future[Any]], head: Head | None, *, has_news: bool, went_back: bool
) -> None:
    for each in background:
        each.result()
    if has_news and head:
        forget_unpublished(open_database(run.database_url), run.population_id, head.checkpoint.size)
    if went_back:  # not before people can read of it: a run that was killed before says it again
        run.comparison.remember(head).result()
