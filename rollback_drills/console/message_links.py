"""The links of a message: to the schedule, the runbook and the run that sent it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from rollback_drills.console.links import ServedLinks
from rollback_drills.console.query import FleetQuery
from rollback_drills.followup import approval_notices as approvals
from rollback_drills.notifications import notification as events
from rollback_drills.notifications.notification import Link, Notification

PAGE_PATH: Final = "/acknowledge"
"""Where the pages are on which people acknowledge by a link."""
_MOST_ACKNOWLEDGED: Final = 8


@dataclass(frozen=True, slots=True)
class MessageLinks:
    """Where things are; what is empty is not linked."""

    public_url: str = ""
    """Of the API and the console."""
    runbook_base_url: str = ""
    run_url: str = ""
    """The run that sends the message, in the Prefect UI."""
    permit: Callable[[str], str] | None = None
    """Returns the permission to acknowledge a route; None: nobody acknowledges by a link."""

    def find(self, notifications: Sequence[Notification]) -> tuple[Link, ...]:
        """Return the links of a message about these schedules."""
        return tuple(self._find(notifications))

    def _find(self, notifications: Sequence[Notification]) -> Iterator[Link]:
        console = ServedLinks(root=f"{self.public_url.rstrip('/')}/")
        one = notifications[0] if len(notifications) == 1 else None
        is_schedule = one is not None and one.event.get("event_type") == events.EVENT_TYPE
        yield from self._acknowledge(notifications)
        if self.public_url:
            yield _find_page(console, one) or Link("Console", console.fleet(FleetQuery()))
        runbook = str(one.event.get("runbook_ref") or "") if one and is_schedule else ""
        if self.runbook_base_url and runbook and "://" not in runbook:
            path = quote(runbook.lstrip("/"), safe="/#")
            yield Link("Runbook", f"{self.runbook_base_url.rstrip('/')}/{path}")
        if self.run_url:
            yield Link("Run", self.run_url)

    def _acknowledge(self, notifications: Sequence[Notification]) -> Iterator[Link]:
        if not self.public_url or self.permit is None:
            return
        asked = [each for each in notifications if each.acknowledge and not each.is_closing]
        for each in asked[:_MOST_ACKNOWLEDGED]:
            label = "Acknowledge" if len(notifications) == 1 else f"Acknowledge {each.schedule_id}"
            yield Link(label, f"{self.public_url.rstrip('/')}{PAGE_PATH}/{self.permit(each.route)}")


def _find_page(console: ServedLinks, notification: Notification | None) -> Link | None:
    """Return the page that one message is about; None if it has none of its own."""
    if notification is None:
        return None
    match notification.event:
        case {"event_type": events.EVENT_TYPE}:
            return Link("Schedule", console.schedule(notification.schedule_id))
        case {"event_type": approvals.EVENT_TYPE, "requested_schedule_id": str(schedule_id)}:
            return Link("Decide", console.schedule(schedule_id))
        case {"event_type": approvals.EVENT_TYPE, "replay_id": _}:
            return Link("Decide", console.page("outages"))
        case _:
            return None
