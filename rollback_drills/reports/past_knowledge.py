"""What a run would have known at a time: the cycle, whether the history is trusted, and what was sent."""

from dataclasses import replace
from datetime import datetime
from typing import Final

from rollback_drills.database.connections import Database
from rollback_drills.followup.open_cycles import find_quiet
from rollback_drills.outbox.commit import find_history
from rollback_drills.outbox.known_cycles import keep_known_cycles
from rollback_drills.planning.fleet_check import ScheduleCheck
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.trust.guard import guard_source

_WHOLE_FLEET: Final = 1.0
"""One schedule says nothing about the share of a fleet that turned bad at once."""


def add_past(
    database: Database, check: ScheduleCheck, request: PlanRequest, *, now: datetime
) -> tuple[ScheduleCheck, PlanRequest]:
    """Return a check and a request with what was known; notifications of later are left out."""
    (judgement,) = keep_known_cycles(database, [check.judgement])
    check = ScheduleCheck(check.subject, judgement)
    distrusted = guard_source(database, [check], turned_bad_share=_WHOLE_FLEET, now=now).reasons
    cycles = [judgement.cycle.cycle_id]
    notified = {
        key: earlier
        for key, several in find_history(database, cycles, [check.schedule_id]).items()
        if (earlier := [each for each in several if each.at <= now])
    }
    acknowledged, excepted = find_quiet(database, cycles, now=now)
    return check, replace(
        request, distrusted=distrusted, notified=notified, acknowledged=acknowledged, excepted=excepted
    )
