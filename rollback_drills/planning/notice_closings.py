"""Closes routes of notices: messages that are about something else than a drill that is due."""

from collections.abc import Callable, Mapping, Sequence

from rollback_drills.notifications.notice import Notice
from rollback_drills.notifications.outbox_entry import Departure, OutboxEntry
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.sent_notification import SentNotification
from rollback_drills.planning.repeats import find_ending


def close_routes(
    histories: Mapping[str, Sequence[SentNotification]], word: Callable[[SentNotification], Notice]
) -> tuple[list[OutboxEntry], list[Departure]]:
    """Return messages that end routes, and the routes that end without one: nobody was notified on them.

    A route on which a message is still being sent is left to a later run.

    Args:
        histories: By route key, what was sent on the routes whose cycle is over.
        word: Returns the message for a route, by what was sent on it last.
    """
    entries, departures = [], []
    for key, history in histories.items():
        last, ending = history[-1], find_ending(history)
        if ending is None:
            continue
        if not ending.may_know:
            departures.append(Departure(key, ending.replaces))
            continue
        entries.append(
            word(last).address(
                key,
                provider=last.provider,
                owner=last.owner,
                reason=Reason.RESOLVED,
                occurrence=ending.occurrence,
                replaces=ending.replaces,
                closes=True,
            )
        )
    return entries, departures
