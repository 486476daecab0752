"""Puts several notifications for the same owner and provider into one message with a table."""

from collections.abc import Sequence
from dataclasses import replace
from textwrap import shorten
from typing import Final

from rollback_drills.notifications.notification import Notification, write_acknowledge_schedule
from rollback_drills.notifications.reasons import Reason

_LONGEST_PROBLEM: Final = 70
"""So that a row stays within the 150 characters that connectors keep whole."""


def make_digest(notifications: Sequence[Notification]) -> Notification:
    """Make one message of several; of a single one, itself.

    Its facts are one row for each schedule, its id that of the first, and its reason that of all if they
    share one. The event is that of the first, for what a connector reads from it.
    """
    first = notifications[0]
    if len(notifications) == 1:
        return first
    reasons = {notification.reason for notification in notifications}
    levels = {notification.alert_level for notification in notifications}
    count = len(notifications)
    if first.is_closing:
        title = f"{count} rollback drill alerts are over"
        summary = f"These {count} schedules need nothing from {first.owner} any more."
    else:
        title = f"{count} rollback drills need attention"
        summary = f"{first.owner} owns {count} schedules that need attention or are due soon."
    return replace(
        first,
        alert_level=next((each for each in ("critical", "warning") if each in levels), "healthy"),
        title=title,
        summary=summary,
        facts=tuple((each.schedule_id, _row(each)) for each in notifications),
        acknowledge="" if first.is_closing else _how_to_acknowledge(first),
        reason=reasons.pop() if len(reasons) == 1 else Reason.FIRST,
        may_repeat=any(each.may_repeat for each in notifications),
        earlier_ref="",
    )


def _row(notification: Notification) -> str:
    facts = dict(notification.facts)
    due = f"due {facts['Due']}" if "Due" in facts else ""
    if facts.get("Due") == "unknown":  # then the document cannot be judged, and the summary says why
        due = shorten(notification.summary, _LONGEST_PROBLEM, placeholder=" …")
    return " · ".join(filter(None, (facts.get("State", ""), due, notification.reason.in_words)))


def _how_to_acknowledge(notification: Notification) -> str:
    return f"Acknowledge each: {write_acknowledge_schedule('SCHEDULE', notification.owner)}"
