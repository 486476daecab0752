"""The states of a notification in the outbox."""

from enum import StrEnum
from typing import Final


class State(StrEnum):
    """Where a notification stands. Every change is a conditional update that counts rows."""

    SUPPRESSED = "suppressed"  # a window or an absence keeps it back; its text is not sent
    PENDING = "pending"  # committed, never tried
    SENDING = "sending"  # claimed under a lease; when the lease has run out nobody knows what was sent
    RETRY = "retry"  # not taken, and tried again at its due instant
    AMBIGUOUS = "ambiguous"  # sent without an answer; asked for, or sent again, at its due instant
    DELIVERED = "delivered"  # the provider confirmed it
    ACCEPTED = "accepted"  # the provider queued it
    PERMANENT = "permanent"  # refused, or given up: a dead letter
    DISABLED = "disabled"  # the connector was dead: a dead letter until it is enabled again
    SUPERSEDED = "superseded"  # a newer notification of the route, or the end of the cycle, made it pointless
    DISCARDED = "discarded"  # a person took it out


NOTIFIED: Final = frozenset({State.DELIVERED, State.ACCEPTED})
"""The provider took it."""
UNSENT: Final = frozenset({State.SUPPRESSED, State.PENDING, State.RETRY})
"""Surely not sent, so that a newer one may take its place."""
UNCERTAIN: Final = frozenset({State.SENDING, State.AMBIGUOUS})
"""Perhaps sent: nothing else may go out on the route until this is settled."""
DEAD: Final = frozenset({State.PERMANENT, State.DISABLED})
"""Dead letters: listed in every run, replayed or discarded by a person."""
WAITING: Final = (State.PENDING, State.RETRY, State.AMBIGUOUS)
"""Due at some instant, and claimed by nobody."""
