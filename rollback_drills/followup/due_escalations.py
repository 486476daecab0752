"""Finds the steps that are due now, of all open cycles whose history can be trusted."""

from collections.abc import Mapping
from datetime import datetime

from rollback_drills.database.connections import Database
from rollback_drills.documents.routing_policy import RoutingPolicy
from rollback_drills.documents.schedule import Schedule
from rollback_drills.followup.escalations import Escalation, find_escalations
from rollback_drills.followup.follow_up_rules import find_rules
from rollback_drills.followup.open_cycles import read_open_cycles


def find_due_steps(
    database: Database, documents: Mapping[str, Schedule], policy: RoutingPolicy | None, *, now: datetime
) -> list[Escalation]:
    """Return the steps that are due.

    Args:
        database: Has the outbox and the evidence.
        documents: By schedule: its document as it is now, for windows and calendars.
        policy: The routing policy of the caller.
        now: The instant.
    """
    cycles = read_open_cycles(database, now=now)
    rules = find_rules(database, cycles, documents, policy)
    return [each for cycle in cycles for each in find_escalations(cycle, rules, now=now)]
