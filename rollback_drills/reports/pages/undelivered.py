"""Lists on the page of a run what waits and what died, with when and how it goes on."""

from collections.abc import Iterator, Sequence
from typing import Final

from rollback_drills.delivery.undelivered_text import REPLAY
from rollback_drills.notifications.results import Delivery
from rollback_drills.notifications.states import DEAD
from rollback_drills.outbox.rows import OutboxRow
from rollback_drills.rendering.command_line import write_command
from rollback_drills.rendering.markdown import short_table
from rollback_drills.rendering.times import write_time

_MOST_ROWS: Final = 50


def count_waiting(deliveries: Sequence[Delivery]) -> int:
    """Count what is tried again, or sent by another run at this moment."""
    return sum(_waits(each) for each in deliveries)


def list_waiting(deliveries: Sequence[Delivery]) -> Iterator[str]:
    """List what was not delivered yet, with when the next attempt is."""
    waiting = [each for each in deliveries if _waits(each)]
    if not waiting:
        return
    yield from (
        "",
        "## Waiting",
        "",
        "Not delivered yet. The first run after the next attempt is due tries again.",
    )
    yield ""
    columns = ("schedule", "provider", "owner", "next attempt", "why", "attempts", "state", "notification")
    rows = [
        (
            *(each.notification.schedule_id, each.notification.provider, each.notification.owner),
            write_time(each.next_attempt_at) if each.next_attempt_at else "the next run",
            *(each.verdict.detail, str(each.attempt_count), each.state, each.notification.notification_id),
        )
        for each in waiting
    ]
    yield from short_table(columns, rows, _MOST_ROWS, _explain_whole(dead=False))


def list_dead_letters(items: Sequence[OutboxRow]) -> Iterator[str]:
    """List what was not delivered and is not tried again, with the command that does."""
    if not items:
        return
    yield from ("", "## Dead letters", "", f"Fix the cause, then run `{REPLAY}`.", "")
    columns = ("notification", "provider", "owner", "reason", "attempts", "why")
    rows = [
        (
            *(each.notification_id, each.provider, each.owner, each.reason),
            *(str(each.attempt_count), each.detail),
        )
        for each in items
    ]
    yield from short_table(columns, rows, _MOST_ROWS, _explain_whole(dead=True))


def _explain_whole(*, dead: bool) -> str:
    return f"`{write_command('outbox', 'list', dead=dead)}` lists all of them"


def _waits(delivery: Delivery) -> bool:
    return not delivery.succeeded and delivery.state not in DEAD
