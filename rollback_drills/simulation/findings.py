"""What a simulation found, in the words of its document."""

import msgspec


class OwnerWeek(msgspec.Struct, frozen=True, gc=False, order=True):
    """How often an owner is notified in an ISO week, by the calendar in UTC."""

    week: str
    owner: str
    notifications: int


class DueInFreeze(msgspec.Struct, frozen=True, gc=False):
    """A drill that is due while a maintenance window is open."""

    schedule_id: str
    due_at: str
    window: str
    reason: str
    until: str | None
    owners: tuple[str, ...]


class OwnerAbsent(msgspec.Struct, frozen=True, gc=False):
    """An owner who is absent when a drill is due."""

    schedule_id: str
    due_at: str
    owner: str
    reason: str
    until: str | None


class SilentRoute(msgspec.Struct, frozen=True, gc=False):
    """A route on which a notification was held back for too long."""

    schedule_id: str
    owner: str
    provider: str
    since: str
    until: str | None
    """None if it is still held back in the end."""
    days: float
    because: str


class ChainToNobody(msgspec.Struct, frozen=True, gc=False):
    """A chain that leads to nobody."""

    schedule_id: str
    owner: str
    because: str
    first_at: str
    cycles: int


class BusyWeek(msgspec.Struct, frozen=True, gc=False, order=True):
    """A week in which an owner has more drills than they can perform."""

    week: str
    owner: str
    drills: int
    schedules: tuple[str, ...]


class StaleProof(msgspec.Struct, frozen=True, gc=False):
    """A time in which no drill had proven what was promoted: a gate that requires that was blocked."""

    schedule_id: str
    change_id: str
    what: str
    since: str
    until: str | None
    """None if it lasts to the end."""
    days: float


class Summary(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What a simulation found."""

    notification_count: int
    escalation_count: int
    due_count: int
    performed_count: int
    notifications_by_owner_and_week: list[OwnerWeek]
    due_in_freeze: list[DueInFreeze]
    owners_absent: list[OwnerAbsent]
    silent_routes: list[SilentRoute]
    chains_to_nobody: list[ChainToNobody]
    busy_weeks: list[BusyWeek]
    stale_proofs: list[StaleProof]
