"""When a route is notified, and for which reason: a pure rule over what was sent in its cycle before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from rollback_drills.documents.utc import write_instant
from rollback_drills.names import ids
from rollback_drills.names.keys import name_key
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.sent_notification import SentNotification, Suppression
from rollback_drills.notifications.states import DEAD, NOTIFIED, UNCERTAIN, UNSENT, State
from rollback_drills.readiness.states import Readiness

REPEAT_AFTER: Final[Mapping[Readiness, timedelta]] = {
    Readiness.DUE_SOON: timedelta(days=7),
    Readiness.NEEDS_ATTENTION: timedelta(days=1),
}
"""How long a route stays quiet after it was notified, by state; documents may say otherwise."""
_SEVERITY: Final = {Readiness.DUE_SOON: 1, Readiness.NEEDS_ATTENTION: 2}
_POINTLESS: Final = frozenset({State.SUPERSEDED, State.DISCARDED})


def find_spelt_routes(sent: Mapping[str, Sequence[SentNotification]]) -> dict[str, Sequence[str]]:
    """Return the keys of routes that were named by a spelling, by the key that they would get now.

    Several routes of before can be one route now. The one with the key of now comes first, then the earliest.
    """
    found: dict[str, list[str]] = {}
    for key, history in sent.items():
        first = history[0]
        if name_key(first.owner) != first.owner or name_key(first.provider) != first.provider:
            new_key = ids.route_key(first.cycle_id, first.provider, first.owner)
            if new_key != key:
                found.setdefault(new_key, []).append(key)
    return {new_key: [new_key, *keys] if new_key in sent else keys for new_key, keys in found.items()}


class RepeatDecision(msgspec.Struct, frozen=True, gc=False):
    """Whether a route is to be notified, and why, before windows and calendars are asked."""

    reason: Reason | None
    """None: stay quiet."""
    occurrence: int = 1
    """Sequence number, from 1, among notifications with this reason."""
    deferral: int = 1
    """Sequence number of the deferral, if a window or an absence suppresses the route now."""
    quiet_until: datetime | None = None
    """When the route may be notified again; None if it is not known."""
    because: str = ""
    """Why it stays quiet."""
    replaces: tuple[str, ...] = ()
    """Notifications that were not sent yet and become pointless."""


def decide_repeat(
    history: Sequence[SentNotification],
    status: Readiness,
    *,
    now: datetime,
    repeat_after: Mapping[Readiness, timedelta] = REPEAT_AFTER,
    acknowledged: Suppression | None = None,
    force: bool = False,
) -> RepeatDecision:
    """Return whether and why a route is notified at an instant, windows and calendars aside (contract §8.8).

    A state that got worse is sent at once. What was kept silent is sent as deferred. While a notification is
    on its way, or nobody knows whether it arrived, nothing else goes out on the route.

    Args:
        history: All notifications of the route, in the order in which they were committed.
        status: The readiness of the schedule.
        now: The instant of the plan.
        repeat_after: How long a route stays quiet, by state.
        acknowledged: What was acknowledged last on the route; it puts repeats off, and nothing else.
        force: Notify in spite of health and quiet.
    """
    on_its_way = next((sent for sent in history if sent.state in UNCERTAIN), None)
    if on_its_way:
        return RepeatDecision(None, because=f"the notification of reason {on_its_way.reason} is on its way")
    current = [sent for sent in history if not sent.is_closed and sent.state not in _POINTLESS]
    last = current[-1] if current else None
    if last is None:
        unsent = tuple(sent.notification_id for sent in history if sent.state in UNSENT)  # it was to close
        return _tell(Reason.FIRST, history, replaces=unsent)
    is_worse = _SEVERITY.get(status, 0) > _SEVERITY.get(last.status, 0)
    if last.state is State.SUPPRESSED:
        deferral = sum(sent.reason is Reason.DEFERRED for sent in history)
        return RepeatDecision(Reason.DEFERRED, deferral, deferral)
    if last.state in UNSENT:
        if is_worse:
            return _tell(Reason.WORSE, history, replaces=(last.notification_id,))
        why = f"the notification of reason {last.reason} waits for its next attempt"
        return RepeatDecision(None, because=why)
    if is_worse:
        return _tell(Reason.WORSE, history)
    until = last.at + repeat_after.get(status, timedelta(0))
    if force or now >= max(until, acknowledged.until if acknowledged else until):
        return _tell(Reason.REPEAT, history)
    if acknowledged and acknowledged.until > until:
        return RepeatDecision(None, quiet_until=acknowledged.until, because=acknowledged.because)
    if last.state in DEAD:
        because = f"not delivered: the notification of {write_instant(last.at)} is a dead letter; replay it"
    else:
        because = f"already notified in this cycle, at {write_instant(last.at)}"
    return RepeatDecision(None, quiet_until=until, because=because)


def _tell(
    reason: Reason, history: Sequence[SentNotification], *, replaces: tuple[str, ...] = ()
) -> RepeatDecision:
    occurrence = 1 + sum(sent.reason is reason for sent in history)
    deferral = 1 + sum(sent.reason is Reason.DEFERRED for sent in history)
    return RepeatDecision(reason, occurrence, deferral, replaces=replaces)


NEVER_NOTIFIED: Final = decide_repeat((), Readiness.NEEDS_ATTENTION, now=datetime.min.replace(tzinfo=UTC))
"""What follows if nothing was sent on a route."""


@dataclass(frozen=True, slots=True)
class Ending:
    """What becomes of a route whose cycle is over."""

    may_know: bool
    """Whether the owner was notified, or may have been, and so must learn that the cycle is over."""
    replaces: tuple[str, ...]
    """Notifications that were not sent yet and become pointless."""
    occurrence: int


def find_ending(history: Sequence[SentNotification]) -> Ending | None:
    """Return how a route leaves its cycle; None while a notification is on its way, or if it has left."""
    of_cycle = [sent for sent in history if not sent.is_closed]
    current = [sent for sent in of_cycle if sent.state not in _POINTLESS]
    if not current or any(sent.state in UNCERTAIN for sent in current):
        return None
    unsent = tuple(sent.notification_id for sent in current if sent.state in UNSENT)
    occurrence = 1 + sum(sent.reason is Reason.RESOLVED for sent in history)
    may_know = any(sent.state in NOTIFIED or sent.may_have_arrived for sent in of_cycle)
    return Ending(may_know, unsent, occurrence)
