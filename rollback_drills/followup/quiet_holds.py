"""What waits in the outbox and is held back, because somebody acknowledged or an exception was approved."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select

from rollback_drills.database.connections import Database
from rollback_drills.database.tables import OUTBOX
from rollback_drills.followup.acknowledgements.acknowledgement import AcknowledgementState
from rollback_drills.followup.cycle_facts import CycleFacts, RouteFacts, Sent
from rollback_drills.followup.open_cycles import read_open_cycles
from rollback_drills.names.spellings import keep_texts
from rollback_drills.notifications.outbox_entry import Hold
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.states import WAITING

_DECIDED_WITHIN: Final = timedelta(minutes=1)
"""What was committed later is of this run, which knew of the acknowledgement, or a person has replayed it."""


def find_quiet_holds(database: Database, *, now: datetime) -> list[Hold]:
    """Return until when each notification is held back that waits and was committed before it got quiet.

    Raises:
        DatabaseError: The database cannot be read.
    """
    committed_before = (now - _DECIDED_WITHIN).timestamp()
    waiting = (
        select(OUTBOX.c.schedule_id)
        .where(
            OUTBOX.c.state.in_(WAITING),
            OUTBOX.c.queued_at < committed_before,
            OUTBOX.c.is_closed.is_(False),
        )
        .distinct()
    )
    with database.read() as connection:
        names = keep_texts(connection.scalars(waiting))
    cycles = read_open_cycles(database, now=now, schedule_ids=names) if names else ()
    return [
        hold
        for cycle in cycles
        for hold in find_holds(cycle, committed_before=now - _DECIDED_WITHIN, now=now)
    ]


def find_holds(cycle: CycleFacts, *, committed_before: datetime, now: datetime) -> Iterator[Hold]:
    """Yield until when what waits in an open cycle is held back.

    Args:
        cycle: The facts.
        committed_before: What was committed later is sent.
        now: The present time.
    """
    for route in cycle.routes:
        for sent in route.sent:
            if sent.state in WAITING and sent.queued_at < committed_before:
                until = _find_quiet_end(cycle, route, sent, now)
                if until > now:
                    yield Hold(sent.notification_id, until)


def _find_quiet_end(cycle: CycleFacts, route: RouteFacts, sent: Sent, now: datetime) -> datetime:
    """Return when a message may be sent, by the rules that decide whether there is one."""
    if cycle.exception:
        return cycle.exception.until
    if sent.reason is Reason.REPEAT:
        return route.quiet_until(now)
    if sent.reason is not Reason.ESCALATED:
        return now
    owned = cycle.routes_of(sent.step_of)
    if any(each.said and each.said.acknowledgement_state is AcknowledgementState.ESCALATED for each in owned):
        return now
    before = [each for each, step in cycle.steps_of(sent.step_of) if step.step == sent.step - 1]
    ends = (min(each.quiet_until(now) for each in asked) for asked in (owned, before) if asked)
    return max(ends, default=now)
