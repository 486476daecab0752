"""Reads the dashboard from the evidence and the outbox."""

from collections.abc import Sequence
from datetime import datetime

from rollback_drills.database.connections import Database
from rollback_drills.evidence.outages.listing import read_open_outages
from rollback_drills.followup.alarm_paths.alarm_path_reading import read_findings
from rollback_drills.followup.connector_health import read_connectors
from rollback_drills.followup.cycle_facts import CycleFacts
from rollback_drills.followup.dashboard import Dashboard, build_dashboard
from rollback_drills.followup.drill_findings import read_open_drill_findings
from rollback_drills.followup.escalations.follow_up_rules import FollowUpRules
from rollback_drills.followup.exceptions.found_requests import read_open_requests
from rollback_drills.followup.retests import read_retests
from rollback_drills.followup.totals import read_totals


def read_dashboard(
    database: Database | None,
    cycles: Sequence[CycleFacts],
    rules: FollowUpRules,
    *,
    now: datetime,
    generated_by: str,
) -> Dashboard:
    """Return how everything stands that somebody has to follow up; nothing is there without a database.

    Args:
        database: Has the evidence and the outbox.
        cycles: The cycles that are open.
        rules: By which the next action of each is found.
        now: The time at which it stands so.
        generated_by: Who asked.
    """
    if database is None:
        return build_dashboard(cycles, [], now=now, generated_by=generated_by, rules=rules)
    return build_dashboard(
        cycles,
        read_connectors(database),
        now=now,
        generated_by=generated_by,
        rules=rules,
        findings=read_open_drill_findings(database, now=now),
        retests=read_retests(database, now=now),
        requests=read_open_requests(database, now=now),
        totals=read_totals(database),
        alarm_paths=read_findings(database),
        outages=read_open_outages(database, now=now),
    )
