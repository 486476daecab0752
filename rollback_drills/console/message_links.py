"""The links of a message: to the schedule, the runbook and the run that sent it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from rollback_drills.console.links import ServedLinks
from rollback_drills.console.query import FleetQuery
from rollback_drills.notifications.notification import EVENT_TYPE, Link, Notification


@dataclass(frozen=True, slots=True)
class MessageLinks:
    """Where things are; what is empty is not linked."""

    public_url: str = ""
    """Of the API and the console."""
    runbook_base_url: str = ""
    run_url: str = ""
    """The run that sends the message, in the Prefect UI."""

    def find(self, notifications: Sequence[Notification]) -> tuple[Link, ...]:
        """Return the links of a message about these schedules."""
        return tuple(self._find(notifications))

    def _find(self, notifications: Sequence[Notification]) -> Iterator[Link]:
        console = ServedLinks(root=f"{self.public_url.rstrip('/')}/")
        one = notifications[0] if len(notifications) == 1 else None
        is_schedule = one is not None and one.event.get("event_type") == EVENT_TYPE
        if self.public_url:
            schedule = console.schedule(one.schedule_id) if one and is_schedule else ""
            yield Link("Schedule", schedule) if schedule else Link("Console", console.fleet(FleetQuery()))
        runbook = str(one.event.get("runbook_ref") or "") if one and is_schedule else ""
        if self.runbook_base_url and runbook and "://" not in runbook:
            path = quote(runbook.lstrip("/"), safe="/#")
            yield Link("Runbook", f"{self.runbook_base_url.rstrip('/')}/{path}")
        if self.run_url:
            yield Link("Run", self.run_url)
