"""Finds the steps that are due now, of all open cycles whose history can be trusted."""

from collections.abc import Mapping
from datetime import datetime

from rollback_drills.database import Database
from rollback_drills.documents.routing_policy import RoutingPolicy
from rollback_drills.documents.schedule import Schedule
from rollback_drills.followup.escalating import Escalation, find_escalations
from rollback_drills.followup.facts import CycleFacts
from rollback_drills.followup.reading import read_open_cycles
from rollback_drills.guarding.memory import find_open
from rollback_drills.routing.decisions import find_repeat_after
from rollback_drills.routing.suppression import Suppressions


def find_due_steps(
    database: Database, documents: Mapping[str, Schedule], policy: RoutingPolicy | None, *, now: datetime
) -> list[Escalation]:
    """Give the steps that are due.

    Args:
        database: Has the outbox and the evidence.
        documents: By schedule: its document as it is now, for windows and calendars.
        policy: The routing policy of the caller.
        now: The instant.
    """
    return [
        escalation
        for cycle in leave_out_distrusted(database, read_open_cycles(database, now=now))
        for document in [documents.get(cycle.schedule_id)]
        for escalation in find_escalations(
            cycle,
            Suppressions(cycle.schedule_id, document, policy),
            now=now,
            repeat_after=find_repeat_after(document, policy),
        )
    ]


def leave_out_distrusted(database: Database, cycles: list[CycleFacts]) -> list[CycleFacts]:
    """Leave out cycles of schedules whose history is not trusted: the platform owner looks after those."""
    distrusted = find_open(database) if cycles else {}
    return [cycle for cycle in cycles if cycle.schedule_id not in distrusted]
