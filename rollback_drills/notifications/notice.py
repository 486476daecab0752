"""A message about the program's own surroundings: a dead connector, a source that is not trusted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from rollback_drills import PRODUCT
from rollback_drills.documents.utc import write_instant
from rollback_drills.names import ids
from rollback_drills.notifications.notification import EVENT_SCHEMA, UTC_ZONE, Attachment, Notification
from rollback_drills.notifications.outbox_entry import OutboxEntry
from rollback_drills.notifications.reasons import Reason
from rollback_drills.readiness.states import Readiness


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A message about something that is no schedule; it takes the way of all notifications."""

    subject_id: str
    """Stands where the id of a schedule stands otherwise, such as `connector:slack`."""
    subject_name: str
    """For the session of its delivery."""
    cycle_id: str
    event_type: str
    at: datetime
    """Since when it is so."""
    title: str
    summary: str
    facts: tuple[tuple[str, str], ...]
    is_over: bool = False
    """Whether it says that all is well again."""
    alert_level: str = "critical"
    """How urgent it is, unless it is over."""
    more: Mapping[str, object] = field(default_factory=dict)
    """What else the event says."""
    acknowledge: str = ""
    """How to acknowledge, in one sentence; empty if nobody is asked to."""
    time_zone: str = UTC_ZONE
    """Where the reader works, by the IANA name."""
    attachment: Attachment | None = None
    """What goes with it where the provider takes an attachment."""

    def address(
        self,
        route_key: str,
        *,
        provider: str,
        owner: str,
        reason: Reason = Reason.FIRST,
        occurrence: int = 1,
        replaces: Sequence[str] = (),
        closes: bool,
    ) -> OutboxEntry:
        """Make it the notification of a route, for the outbox.

        Args:
            route_key: The route.
            provider: Brings it.
            owner: Who is notified.
            reason: Why there is a message.
            occurrence: Sequence number, from 1, among notifications with this reason.
            replaces: Notifications that must not have been sent; they become pointless.
            closes: Whether the route has left its cycle with this.
        """
        alert_level = "healthy" if self.is_over else self.alert_level
        notification = Notification(
            notification_id=ids.notification_id(route_key, reason, occurrence),
            provider=provider,
            owner=owner,
            alert_level=alert_level,
            title=self.title,
            summary=self.summary,
            facts=self.facts,
            acknowledge=self.acknowledge,
            schedule_id=self.subject_id,
            cycle_id=self.cycle_id,
            plan_id="",
            event={
                "schema_version": EVENT_SCHEMA,
                "event_type": self.event_type,
                "event_id": ids.event_id(self.cycle_id),
                "product": PRODUCT,
                "session_id": ids.delivery_session_id(self.subject_name, self.cycle_id),
                "schedule_id": self.subject_id,
                "cycle_id": self.cycle_id,
                "plan_id": "",
                "generated_at": write_instant(self.at),
                "status": str(Readiness.READY if self.is_over else Readiness.NEEDS_ATTENTION),
                "alert_level": alert_level,
                "title": self.title,
                "message": self.summary,
                **self.more,
            },
            reason=reason,
            route_key=route_key,
            owner_key=ids.owner_reference(route_key, self.cycle_id, provider, owner),
            time_zone=self.time_zone,
            attachment=self.attachment,
        )
        return OutboxEntry(
            notification_id=notification.notification_id,
            route_key=route_key,
            cycle_id=self.cycle_id,
            schedule_id=self.subject_id,
            provider=provider,
            owner=owner,
            reason=reason,
            status=Readiness.NEEDS_ATTENTION,
            cycle_due="",
            planned_at=self.at,
            notification=notification,
            replaces=replaces,
            closes=closes,
        )
