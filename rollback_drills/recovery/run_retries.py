"""Tries everything again that failed, when a person retries a flow run; the evidence says so."""

from collections.abc import Collection

from rollback_drills.database.connections import Database
from rollback_drills.database.errors import repeat_on_conflict
from rollback_drills.notifications.states import State
from rollback_drills.outbox.dead_letters import find_worth_sending
from rollback_drills.outbox.destinations import end_pause, find_destination
from rollback_drills.outbox.replay import replay_rows
from rollback_drills.outbox.undelivered import find_undelivered, hurry_rows
from rollback_drills.recovery.act import Act
from rollback_drills.recovery.connector_switch import enable_within
from rollback_drills.recovery.recorded_act import Writer, may_replay, recording
from rollback_drills.recovery.replay_records import NO_APPROVAL, Step, record_execution, record_refusal


@repeat_on_conflict
def try_again(
    database: Database,
    schedule_ids: Collection[str] | None,
    providers: Collection[str] | None,
    act: Act,
    writer: Writer,
    needs_approval: Collection[str] = (),
) -> int:
    """Make everything due that waits or died and still matters; return how many notifications that are.

    Of the dead letters of a route that is the newest.
    Disabled connectors are used again. A pause that a provider asked for is kept, and so is a dead letter
    that may be replayed with an approval only.
    """
    found = find_undelivered(database, schedule_ids, providers, now=writer.now.timestamp())
    waiting = [each.notification for each in found.waiting if each.state is not State.SENDING]
    names = sorted({each.provider for each in waiting} | {item.provider for item in found.dead})
    if not names:
        return 0
    worth_sending = find_worth_sending(database, [item.notification_id for item in found.dead])
    dead = [item for item in found.dead if item.notification_id in worth_sending]
    free = [item for item in dead if may_replay(item.provider, needs_approval)]
    with recording(database, writer) as written:
        connection, now = written.connection, written.writer.now.timestamp()
        written.look_at(*names)
        replayed = replay_rows(connection, [item.notification_id for item in free], now=now)
        if replayed:
            written.add(record_execution(written.writer, replayed, act))
        if kept := [item for item in dead if item not in free]:
            written.add(record_refusal(written.writer, kept, act.by, Step.REPLAY, NO_APPROVAL))
        for name in names:
            enable_within(written, find_destination(connection, name), act, needs_approval)
            end_pause(connection, name)
        hurried = hurry_rows(connection, [each.notification_id for each in waiting], now=now)
    return len(replayed) + hurried
