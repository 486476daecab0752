"""The steps of the follow-up: take the steps that are due, and prove that somebody looks after everything."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from prefect import task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger
from prefect.utilities.annotations import quote

from blocks.heartbeat import send_heartbeat
from rollback_drills.documents.routing_policy import RoutingPolicy
from rollback_drills.documents.subject import Subject
from rollback_drills.evidence.append_result import Indexed
from rollback_drills.followup.dashboard import Dashboard, find_problems
from rollback_drills.followup.dashboard_reading import read_dashboard
from rollback_drills.followup.escalations.due_escalations import find_due_steps
from rollback_drills.followup.escalations.escalation import Escalation, build_entries
from rollback_drills.followup.escalations.escalation_records import find_recorded, find_taken_steps
from rollback_drills.followup.escalations.follow_up_rules import (
    documents_of,
    find_gone,
    find_rules,
    judge_open,
)
from rollback_drills.followup.open_cycles import read_open_cycles
from rollback_drills.followup.page import follow_up_rows, render_follow_up
from rollback_drills.outbox.commit import commit
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.redaction.redactor import redactor_in_use
from rollback_drills.rendering.counts import write_count
from rollback_drills.reports.pages.artifact_keys import CYCLES_KEY, FOLLOW_UP_KEY
from tasks.evidence import index_evidence, open_database
from tasks.logs import redacting


@task(task_run_name="take-due-steps", cache_policy=NO_CACHE)
@redacting
def take_due_steps(
    subjects: Sequence[Subject],
    criteria: Criteria,
    policy: RoutingPolicy | None,
    now: datetime,
    url: str,
    dry_run: bool,
) -> list[Escalation]:
    """Commit the notifications of every step that is due, and give the steps that this run took first.

    Windows and calendars are those of the documents as they are now; the chains are those that were frozen.
    A dry run commits nothing and gives the steps that are due.
    """
    database = open_database(url)
    due = find_due_steps(database, subjects, criteria, policy, now=now)
    if dry_run:
        get_run_logger().info("steps that are due: %d", len(due))
        return due
    entries = [list(build_entries(escalation, now=now)) for escalation in due]
    added = commit(
        database, [entry for some in entries for entry in some], [], now=database.now().timestamp()
    )
    taken = [
        escalation
        for escalation, some in zip(due, entries, strict=True)
        if any(entry.notification_id in added for entry in some)
    ]
    get_run_logger().info("steps that this run takes: %d of %d that are due", len(taken), len(due))
    return taken


def index_escalations(
    now: datetime, created_at: datetime, signer: str, url: str
) -> tuple[Indexed, list[Escalation]]:
    """Add every step of an open cycle and every outcome that the evidence does not have yet.

    Returns:
        What was added, and the steps among it: those of a follow-up that was killed, too.
    """
    cycles = read_open_cycles(open_database(url), now=now)
    steps = find_taken_steps(cycles, created_at=created_at, signer=signer)
    # Prefect looks for futures in every value of a dictionary that a task is given, but not in a quoted one.
    quoted: Any = quote(steps)
    indexed = index_evidence([], quoted, created_at, signer, url)
    return indexed, list(find_recorded(cycles, frozenset(indexed.first_keys)))


@task(task_run_name="prove-next-actions", cache_policy=NO_CACHE)
@redacting
def prove_next_actions(
    taken: Sequence[Escalation],
    subjects: Sequence[Subject],
    criteria: Criteria,
    policy: RoutingPolicy | None,
    now: datetime,
    overdue_after: timedelta,
    generated_by: str,
    url: str,
) -> tuple[Dashboard, list[str]]:
    """Return the dashboard, and every open cycle that nobody looks after; publish both."""
    database = open_database(url)
    cycles = read_open_cycles(database, now=now)
    judgements = judge_open(cycles, subjects, criteria, now=now)
    gone = find_gone(cycles, subjects)
    rules = find_rules(database, cycles, documents_of(subjects), policy, gone, judgements)
    dashboard = read_dashboard(database, cycles, rules, now=now, generated_by=generated_by)
    problems = find_problems(cycles, now=now, overdue_after=overdue_after, rules=rules)
    redactor = redactor_in_use()
    create_markdown_artifact(
        redactor.text(render_follow_up(dashboard, taken, problems)),
        key=FOLLOW_UP_KEY,
        description="What is open, and what happens next.",
    )
    rows = redactor.value(follow_up_rows(dashboard))
    create_table_artifact(rows, key=CYCLES_KEY, description="Open cycles.")
    get_run_logger().info(
        "%s, %s", write_count(len(cycles), "open cycle"), write_count(len(problems), "problem")
    )
    return dashboard, problems


@task(task_run_name="send-heartbeat", cache_policy=NO_CACHE)
def report_healthy(secret_name: str) -> None:
    """Notify a watch from outside that every open cycle has a next action."""
    send_heartbeat(secret_name)
    get_run_logger().info("the heartbeat was accepted")
