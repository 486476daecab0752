"""What happens in a simulation, one value for each thing."""

from typing import TypeAlias

import msgspec

from rollback_drills.notifications.reasons import Reason
from rollback_drills.readiness.states import Readiness


class Happening(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="kind"):
    """Something that happens to a schedule at a time."""

    at: str
    schedule_id: str
    cycle_id: str
    due_at: str
    """When the drill of the cycle is due; empty if it is not known."""


class OnRoute(Happening, frozen=True, gc=False, kw_only=True):
    """Something that happens on one route of a cycle."""

    owner: str
    provider: str


class Notified(OnRoute, frozen=True, gc=False, kw_only=True, tag="notified"):
    """Somebody is notified."""

    status: Readiness
    reason: Reason
    escalated_from: str = ""
    """Of an escalation: the owner who did not acknowledge."""
    step: int = 0
    """Of an escalation: its step in the chain, from 1."""


class HeldBack(OnRoute, frozen=True, gc=False, kw_only=True, tag="held_back"):
    """Somebody is to be notified, and a window or an absence suppresses it."""

    status: Readiness
    category: str
    because: str
    until: str | None
    """When the notification is expected; None if no end is known."""


class Dropped(OnRoute, frozen=True, gc=False, kw_only=True, tag="dropped"):
    """A notification that was held back became pointless: the cycle is over."""


class Acknowledged(OnRoute, frozen=True, gc=False, kw_only=True, tag="acknowledged"):
    """Somebody acknowledges."""

    until: str


class Performed(Happening, frozen=True, gc=False, kw_only=True, tag="performed"):
    """A drill is performed."""

    accepted: bool


class Promoted(Happening, frozen=True, gc=False, kw_only=True, tag="promoted"):
    """Something is promoted that no drill has proven: a gate that requires a current proof is blocked."""

    change_id: str
    what: str
    promoted_at: str


class Proven(Happening, frozen=True, gc=False, kw_only=True, tag="proven"):
    """An accepted drill has proven what is promoted: such a gate is open again."""


class Obstacle(msgspec.Struct, frozen=True, gc=False):
    """What is in the way of an owner when a drill is due."""

    owner: str
    window: str
    """The maintenance window; empty if it is an absence."""
    reason: str
    until: str | None
    """None if no end is known."""


class Due(Happening, frozen=True, gc=False, kw_only=True, tag="due"):
    """A drill is due."""

    owners: tuple[str, ...]
    obstacles: tuple[Obstacle, ...]


class DeadEnd(Happening, frozen=True, gc=False, kw_only=True, tag="dead_end"):
    """A chain leads to nobody: a step that nobody is there for, or nobody in it but the owner."""

    owner: str
    step: int
    because: str


AnyHappening: TypeAlias = (
    Notified | HeldBack | Dropped | Acknowledged | Performed | Promoted | Proven | Due | DeadEnd
)
