"""Writes the times of a message for people, at the moment in which it is sent."""

from dataclasses import replace
from datetime import datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rollback_drills.notifications.notification import UTC_ZONE, Link, Notification
from rollback_drills.rendering.times import TIMESTAMP, how_long, write_time


def make_readable(notification: Notification, links: tuple[Link, ...] = (), *, now: datetime) -> Notification:
    """Return a notification with links, and its times in the zone of the owner with how far away they are.

    The outbox keeps times as RFC 3339, because a message may be sent weeks after it was planned. The event is
    for programs and stays as it is.
    """
    zone, minute = _find_zone(notification.time_zone), now.replace(second=0, microsecond=0)

    def write(text: str) -> str:
        return TIMESTAMP.sub(lambda found: _write(found[0], zone, minute), text)

    return replace(
        notification,
        summary=write(notification.summary),
        facts=tuple((label, write(value)) for label, value in notification.facts),
        acknowledge=write(notification.acknowledge),
        links=links,
    )


@lru_cache(maxsize=4096)  # the messages of a run have the same few times
def _write(timestamp: str, zone: tzinfo, now: datetime) -> str:
    """Write a time and how far away it is, both to the minute."""
    try:
        instant = datetime.fromisoformat(timestamp).replace(second=0, microsecond=0)
        written = write_time(instant, zone)
    except (OverflowError, ValueError):  # no such day, or beyond the calendar in that zone
        return timestamp
    distance = "now" if instant == now else how_long(instant.isoformat(), now=now)
    return f"{written} ({distance})"


@lru_cache(maxsize=256)
def _find_zone(name: str) -> tzinfo:
    """Return a zone; UTC if this machine does not know it any more."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo(UTC_ZONE)
