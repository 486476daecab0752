"""One attempt to hand a message over; one that may have arrived already is looked for first, or marked."""

import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, Protocol

from rollback_drills.documents.utc import from_seconds
from rollback_drills.notifications.digest import make_digest
from rollback_drills.notifications.notification import Link, Notification
from rollback_drills.notifications.outcome import Outcome, Verdict
from rollback_drills.notifications.readable import make_readable
from rollback_drills.outbox.claims import Claimed

_logger = logging.getLogger(__name__)
_LEFT: Final = Verdict(Outcome.RETRY, "its lease would have ended before an answer, so it was not sent")


class Sender(Protocol):
    """What the dispatcher asks of a connector; every block of `blocks` is one."""

    workers: ClassVar[int]
    most_in_one_message: ClassVar[int]
    can_find: ClassVar[bool]

    async def send_async(self, notification: Notification, *, timeout_seconds: float) -> Verdict:
        """Hand a notification over once."""

    async def find_async(self, notification: Notification, *, timeout_seconds: float) -> Verdict | None:
        """Ask whether the provider has it: a success, None if it has not, a failure if it cannot be asked."""

    def deduplicates(self, notification: Notification) -> bool:
        """Whether the provider drops a repeat itself."""

    def connection(self) -> AbstractAsyncContextManager[Any]:
        """Keep connections open within the block."""


@dataclass(frozen=True, slots=True)
class Finished:
    """What a worker brings back."""

    message: Claimed
    verdict: Verdict
    may_repeat: bool
    started_at: float
    was_tried: bool = True
    """Whether it was sent; not if it is given up because its workers ended, or its lease ends too early."""


async def attempt(
    sender: Sender,
    message: Claimed,
    links: tuple[Link, ...],
    timeout_seconds: float,
    started_at: float,
    is_held: Callable[[], bool],
) -> Finished:
    """Hand a message over, as people read it: with times and links as they are now.

    It is left if the lease could end while it is sent: another worker may send it then.
    """
    sent_at = from_seconds(started_at)
    notification = make_readable(make_digest(message.notifications), links, now=sent_at)
    may_repeat = message.is_uncertain
    if may_repeat and sender.can_find:
        found = await sender.find_async(notification, timeout_seconds=timeout_seconds)
        if found is not None:
            verdict = found if found.succeeded else _unsettled(found)
            return Finished(message, verdict, not found.succeeded, started_at)
        may_repeat = False
    drops_repeats = sender.deduplicates(notification)
    if may_repeat and not drops_repeats:
        notification = replace(notification, may_repeat=True)
    if not is_held():
        _logger.warning("the lease of %s ends before it can be sent; it is left", message.message_id)
        return Finished(message, _LEFT, message.is_uncertain, started_at, was_tried=False)
    verdict = await sender.send_async(notification, timeout_seconds=timeout_seconds)
    # what drops repeats has the notification once now, or may still have an earlier attempt of it
    return Finished(message, verdict, may_repeat and not (drops_repeats and verdict.succeeded), started_at)


def _unsettled(verdict: Verdict) -> Verdict:
    """Keep a message ambiguous whose provider could not be asked, unless the connector is dead."""
    if verdict.outcome is Outcome.DISABLED:
        return verdict
    return replace(
        verdict, outcome=Outcome.AMBIGUOUS, detail=f"cannot ask whether it arrived: {verdict.detail}"
    )
