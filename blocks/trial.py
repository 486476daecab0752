"""The test message of a connector."""

from rollback_drills import PRODUCT
from rollback_drills.notifications.notification import Notification

_TITLE = "Test message from rollback-drills: nothing is overdue"
_SUMMARY = "This is a test of the connector. No rollback drill needs attention."


def trial_notification(connector: str) -> Notification:
    """Build a message that nobody can mistake for an alert; no alert has its event type."""
    return Notification(
        notification_id="gordmsg-0000000000000000",
        provider=connector,
        owner="nobody",
        alert_level="healthy",
        title=_TITLE,
        summary=_SUMMARY,
        facts=(("Connector", connector), ("Purpose", "test")),
        acknowledge="No acknowledgement is needed.",
        schedule_id="test",
        cycle_id="test",
        plan_id="test",
        event={
            "schema_version": "cavra.go-backend-pilot.rollback-drill-notification.v1",
            "event_type": "cavra.go_backend.rollback_drill.test",
            "product": PRODUCT,
            "alert_level": "healthy",
            "title": _TITLE,
            "message": _SUMMARY,
        },
    )
