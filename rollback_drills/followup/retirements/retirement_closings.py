"""Closes what is open of retired schedules: with a message to those who were notified, and silently else."""

from datetime import datetime
from typing import Final

from rollback_drills.database.connections import Database
from rollback_drills.followup.open_cycles import read_open_cycles
from rollback_drills.followup.retirements.retirement import RetirementRecord, read_retired
from rollback_drills.names.keys import name_key
from rollback_drills.notifications.notice import Notice
from rollback_drills.notifications.sent_notification import SentNotification
from rollback_drills.outbox.commit import commit, find_history
from rollback_drills.planning.notice_closings import close_routes
from rollback_drills.rendering.sentences import one_line, write_sentences

EVENT_TYPE: Final = "cavra.go_backend.rollback_drill.schedule_retired"


def close_retired(database: Database, *, now: datetime, queued_at: datetime) -> int:
    """Close the open cycles of retired schedules, and return how many messages say so.

    A route on which something is under way is left to a later run.

    Args:
        database: The outbox and the evidence.
        now: As of when the cycles are closed.
        queued_at: The time of the database, from which on the messages are due.
    """
    retired = read_retired(database)
    if not retired:
        return 0
    cycles = [each for each in read_open_cycles(database, now=now) if name_key(each.schedule_id) in retired]
    over = {each.cycle_id for each in cycles}
    histories = find_history(database, over, ())
    entries, departures = close_routes(
        {key: history for key, history in histories.items() if not history[-1].is_closed},
        lambda last: _word(last, retired[name_key(last.schedule_id)], now),
    )
    return len(commit(database, entries, departures, now=queued_at.timestamp()))


def _word(last: SentNotification, retirement: RetirementRecord, now: datetime) -> Notice:
    return Notice(
        subject_id=last.schedule_id,
        subject_name=last.schedule_id,
        cycle_id=last.cycle_id,
        event_type=EVENT_TYPE,
        at=now,
        title=one_line(f"Rollback drill no longer needed: {last.schedule_id}"),
        summary=write_sentences(
            f"The schedule {last.schedule_id} was retired by {retirement.approver}:"
            f" {one_line(retirement.reason)}",
            "Nobody has to do anything about it any more",
        ),
        facts=(
            ("Schedule", last.schedule_id),
            ("Was due", last.due_at or "unknown"),
            ("Owner", last.owner),
        ),
        is_over=True,
    )
