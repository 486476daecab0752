"""A text of an automation of Prefect as a notification, which every connector can send."""

from datetime import datetime
from typing import Final

from rollback_drills import PRODUCT
from rollback_drills.documents.utc import write_instant
from rollback_drills.names import ids
from rollback_drills.notifications.notification import EVENT_SCHEMA, Notification
from rollback_drills.notifications.reasons import Reason

EVENT_TYPE: Final = "cavra.go_backend.rollback_drill.automation"
_SUBJECT: Final = "prefect-automation"
_OWNER: Final = "platform"
_NO_TITLE: Final = "Prefect automation"


def make_text_notification(
    provider: str, body: str, subject: str | None, *, unique: str, now: datetime
) -> Notification:
    """Make a notification of a text. Texts with the same subject belong to one alert where there are alerts.

    Args:
        provider: The connector that sends it.
        body: The text.
        subject: Its title; None for a usual one.
        unique: Keeps it apart from the same text of another time.
        now: The instant.
    """
    title = " ".join((subject or _NO_TITLE).split()) or _NO_TITLE
    cycle_id = ids.cycle_id(_SUBJECT, title)
    route_key = ids.route_key(cycle_id, provider, _OWNER)
    notification_id = ids.notification_id(route_key, f"{Reason.FIRST}\x1f{unique}", 1)
    return Notification(
        notification_id=notification_id,
        provider=provider,
        owner=_OWNER,
        alert_level="warning",
        title=title,
        summary=body,
        facts=(),
        acknowledge="",
        schedule_id=_SUBJECT,
        cycle_id=cycle_id,
        plan_id="",
        event={
            "schema_version": EVENT_SCHEMA,
            "event_type": EVENT_TYPE,
            "event_id": ids.event_id(notification_id),
            "product": PRODUCT,
            "session_id": ids.delivery_session_id(_SUBJECT, cycle_id),
            "schedule_id": _SUBJECT,
            "cycle_id": cycle_id,
            "plan_id": "",
            "generated_at": write_instant(now),
            "status": "needs_attention",
            "alert_level": "warning",
            "title": title,
            "message": body,
        },
        route_key=route_key,
        owner_key=ids.owner_reference(route_key, cycle_id, provider, _OWNER),
    )
