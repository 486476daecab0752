"""The message that a connector is dead, which goes out through another one."""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime

from rollback_drills import PRODUCT, identity
from rollback_drills.delivery.reasons import Reason
from rollback_drills.documents.fields import write_instant
from rollback_drills.notification import EVENT_SCHEMA, Notification
from rollback_drills.outbox.destinations import Destination
from rollback_drills.outbox.intake import Entry
from rollback_drills.readiness.terms import Readiness
from rollback_drills.routing.routes import DEFAULT_OWNER

EVENT_TYPE = "cavra.go_backend.rollback_drill.connector_disabled"


def notice_entry(destination: Destination, through: str) -> Entry:
    """Word the notice of a dead connector; the same in every run that finds it dead since that instant."""
    disabled_at = datetime.fromtimestamp(destination.disabled_at or 0.0, UTC)
    name = destination.provider
    cycle_id = identity.cycle_id(f"connector {name}", write_instant(disabled_at))
    route_key = identity.route_key(cycle_id, "any", DEFAULT_OWNER)
    title = f"Connector disabled: {name}"
    summary = (
        f"Rollback drill notifications no longer go out through {name}: {destination.disabled_because}"
        f" Mend it, then run: drills connectors enable {name}"
    )
    notification = Notification(
        notification_id=identity.notification_id(route_key, Reason.FIRST, 1),
        provider=through,
        owner=DEFAULT_OWNER,
        alert_level="critical",
        title=title,
        summary=summary,
        facts=(("Connector", name), ("Disabled", write_instant(disabled_at)), ("Owner", DEFAULT_OWNER)),
        acknowledge="",
        schedule_id=f"connector:{name}",
        cycle_id=cycle_id,
        plan_id="",
        event={
            "schema_version": EVENT_SCHEMA,
            "event_type": EVENT_TYPE,
            "event_id": identity.event_id(cycle_id),
            "product": PRODUCT,
            "session_id": identity.delivery_session_id(f"connector-{name}", cycle_id),
            "schedule_id": f"connector:{name}",
            "cycle_id": cycle_id,
            "plan_id": "",
            "generated_at": write_instant(disabled_at),
            "status": str(Readiness.NEEDS_ATTENTION),
            "alert_level": "critical",
            "title": title,
            "message": summary,
        },
    )
    return Entry(
        notification.notification_id,
        route_key,
        cycle_id,
        notification.schedule_id,
        through,
        DEFAULT_OWNER,
        Reason.FIRST,
        Readiness.NEEDS_ATTENTION,
        "",
        disabled_at,
        notification,
        closes=True,
    )


def choose_channel(dead: Collection[str], connectors: Iterable[str]) -> str | None:
    """Give the connector through which dead ones are told: the first that is alive; None if none is."""
    return next((name for name in sorted(connectors) if name not in dead), None)
