"""Commits the notifications of a check, and delivers what is due; a dry run only looks."""

from flows.check.delivery import Delivered, deliver_due
from flows.check.planning import Checked, Run
from rollback_drills.delivery.retries import RetryPolicy
from rollback_drills.outbox.undelivered import find_undelivered
from tasks.outbox import commit_notifications


def notify(run: Run, checked: Checked) -> Delivered:
    """Commit and deliver; of a dry run, return what earlier runs have left undelivered."""
    names, requested = checked.fleet.known_names, run.requested
    if run.request.dry_run:
        if run.database is None:
            return Delivered()
        now = run.database.now().timestamp()
        return Delivered(left=find_undelivered(run.database, names, requested, now=now))
    commit_notifications(
        checked.fleet, checked.plan_request, checked.guard, checked.platform, run.now, run.database_url
    )
    policy = RetryPolicy(run.request.retries, run.request.timeout_seconds)
    return deliver_due(requested, policy, run.database_url, names, checked.tags)
