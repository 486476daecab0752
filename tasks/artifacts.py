"""Publishes what a run found and did as Prefect artifacts, under a stable key for each schedule."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from uuid import UUID

from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger
from prefect.utilities.urls import url_for

from rollback_drills.database.tables import LEDGER
from rollback_drills.redaction.redactor import redactor_in_use
from rollback_drills.rendering.counts import write_count
from rollback_drills.reports.pages.artifact_keys import FLEET_KEY, artifact_key
from rollback_drills.reports.pages.change_list import Change, find_change_lists, list_changes
from rollback_drills.reports.pages.publication import Publication
from rollback_drills.reports.pages.run_page import list_problems, render_fleet, render_head, render_schedule
from tasks.background import ask_each
from tasks.evidence import open_existing
from tasks.logs import redacting


@task(task_run_name="publish-artifacts", cache_policy=NO_CACHE)
@redacting
def publish_fleet(page: str, head: str) -> None:
    """Publish the page of a fleet whose shards have published those of the schedules; redacted."""
    _publish(_Draft(redactor_in_use().text(page + render_head(head)), FLEET_KEY, "All schedules."))


@task(task_run_name="publish-artifacts", cache_policy=NO_CACHE)
@redacting
def publish_artifacts(pages: Publication, dry_run: bool, head: str, url: str) -> None:
    """Publish the page of a fleet, and one for each schedule; all of it redacted."""
    drafts = chain(_write_fleet(pages, dry_run, head), _write_schedules(pages, dry_run, head, url))
    get_run_logger().info("%s", write_count(ask_each(_publish, drafts), "artifact"))


@dataclass(frozen=True, slots=True)
class _Draft:
    text: str
    key: str
    description: str


def _publish(draft: _Draft) -> None:
    create_markdown_artifact(draft.text, key=draft.key, description=draft.description)


def _write_fleet(pages: Publication, dry_run: bool, head: str) -> Iterator[_Draft]:
    if pages.fleet:
        page = render_fleet(pages.fleet, dry_run=dry_run, left_out=pages.left_out, warnings=pages.warnings)
        text = "\n".join([page, *list_problems(pages.problems)])
        yield _Draft(redactor_in_use().text(text + render_head(head)), FLEET_KEY, "All schedules.")


def _write_schedules(pages: Publication, dry_run: bool, head: str, url: str) -> Iterator[_Draft]:
    clean = redactor_in_use().text
    changes = _find_changes(url, [clean(run.plan.schedule_id) for run in pages.schedules])
    problems = () if pages.fleet else pages.problems
    for run in pages.schedules:
        identifier = clean(run.plan.schedule_id)
        lines = [render_schedule(run, dry_run=dry_run), *list_problems(problems)]
        lines += list_changes(changes.get(identifier, ()), _link)
        text = clean("\n".join(lines) + render_head(head))
        yield _Draft(text, artifact_key(run.plan.schedule_id), f"Readiness of {identifier}.")


def _find_changes(url: str, schedule_ids: Sequence[str]) -> Mapping[str, Sequence[Change]]:
    database = open_existing(url, LEDGER.name) if schedule_ids else None
    return find_change_lists(database, schedule_ids) if database else {}


def _link(flow_run_id: str) -> str:
    """Return the address of a flow run in the Prefect UI; empty if that is not known."""
    with suppress(ValueError):
        return url_for("flow-run", UUID(flow_run_id)) or ""
    return ""
