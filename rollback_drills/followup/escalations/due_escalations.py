"""Finds the steps that are due now, of all open cycles whose history can be trusted."""

from collections.abc import Sequence
from datetime import datetime

from rollback_drills.database.connections import Database
from rollback_drills.documents.routing_policy import RoutingPolicy
from rollback_drills.documents.subject import Subject
from rollback_drills.followup.escalations.escalation import Escalation, find_escalations
from rollback_drills.followup.escalations.follow_up_rules import documents_of, find_rules, judge_open
from rollback_drills.followup.open_cycles import read_open_cycles
from rollback_drills.readiness.criteria import Criteria


def find_due_steps(
    database: Database,
    subjects: Sequence[Subject],
    criteria: Criteria,
    policy: RoutingPolicy | None,
    *,
    now: datetime,
) -> list[Escalation]:
    """Return the steps that are due.

    Args:
        database: Has the outbox and the evidence.
        subjects: The documents as they are now, for windows and calendars, and for what is over.
        criteria: By which they are judged.
        policy: The routing policy of the caller.
        now: The instant.
    """
    cycles = read_open_cycles(database, now=now)
    judgements = judge_open(cycles, subjects, criteria, now=now)
    rules = find_rules(database, cycles, documents_of(subjects), policy, judgements=judgements)
    return [each for cycle in cycles for each in find_escalations(cycle, rules, now=now)]
