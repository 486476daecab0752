"""A notification for one owner through one provider, before any provider's format: facts and event."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from rollback_drills.names import ids
from rollback_drills.notifications.reasons import Reason
from rollback_drills.rendering.command_line import write_command

EVENT_SCHEMA: Final = "cavra.go-backend-pilot.rollback-drill-notification.v1"
EVENT_TYPE: Final = "cavra.go_backend.rollback_drill.notification"
UTC_ZONE: Final = "UTC"


class Link(NamedTuple):
    """An address that a reader can follow; it is added when a message is sent, and kept nowhere."""

    label: str
    url: str


class Attachment(NamedTuple):
    """A document that goes with a message, where the provider takes one."""

    name: str
    """A file name, in ASCII."""
    text: str
    """JSON."""


@dataclass(frozen=True, slots=True)
class Notification:
    """One message for one route. Every connector renders the same facts in its own format."""

    notification_id: str
    """Idempotency key, `gordmsg-<16 hex>`: the same over every attempt."""
    provider: str
    owner: str
    alert_level: str
    """`critical`, `warning` or `healthy`."""
    title: str
    """One line without line breaks, such as `Rollback drill overdue: payments (production)`."""
    summary: str
    """One or two sentences: what is the matter and what to do."""
    facts: tuple[tuple[str, str], ...]
    """Label and value, in reading order; no value is empty."""
    acknowledge: str
    """How to acknowledge, in one sentence."""
    schedule_id: str
    cycle_id: str
    plan_id: str
    event: Mapping[str, Any]
    """The event document of contract §4 for this owner and provider alone (contract §8.16)."""
    reason: Reason = Reason.FIRST
    may_repeat: bool = False
    """Whether an earlier attempt was sent without an answer, so that this one may be the second to arrive."""
    route_key: str = ""
    """Empty in notifications of before; then provider and owner were hashed as they are spelt."""
    owner_key: str = ""
    """What stands for the owner in references of providers; empty in notifications of before: the owner."""
    earlier_ref: str = ""
    """What the provider called the item that it made for this route in this cycle; empty if it named none."""
    time_zone: str = UTC_ZONE
    """Where the owner works, by the IANA name: in this zone people read the times of the message."""
    links: tuple[Link, ...] = ()
    """In reading order, what to do first. The outbox keeps none: a link may carry a permission."""
    attachment: Attachment | None = None
    """Sent by connectors that can; the message says all that matters without it."""

    @property
    def route(self) -> str:
        """The key of its route."""
        return self.route_key or ids.spelt_route_key(self.cycle_id, self.provider, self.owner)

    @property
    def is_closing(self) -> bool:
        """Whether it closes what an earlier notification of the route has opened."""
        return self.reason is Reason.RESOLVED

    @property
    def footer(self) -> str:
        """Identify the message in one line, for readers where the provider cannot tell repeats apart."""
        repeats = "; it may repeat a message that was sent before" if self.may_repeat else ""
        return f"Notification {self.notification_id} ({self.reason}{repeats})"


def write_acknowledge(cycle_id: str, owner: str) -> str:
    """Write the command with which an owner acknowledges every notification of a cycle."""
    return write_command("ack", cycle=cycle_id, owner=owner, by="YOU")


def write_acknowledge_schedule(schedule_id: str, owner: str) -> str:
    """Write the same command for people: for the newest cycle of a schedule, which they know by name."""
    return write_command("ack", schedule_id=schedule_id, owner=owner, by="YOU")
