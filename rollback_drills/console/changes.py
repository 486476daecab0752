"""What changed since yesterday, by the evidence."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from rollback_drills.console.source import Console
from rollback_drills.reports.recent_changes import RecentChanges, find_recent_changes

_PERIOD: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ChangesView:
    """The page of changes."""

    at: datetime
    since: datetime
    recent: RecentChanges
    known: Collection[str]
    """The schedules among them that have a page."""


def read_changes(console: Console) -> ChangesView:
    """Read what changed in the last 24 hours.

    Raises:
        DatabaseError: The evidence cannot be read.
    """
    since = console.at - _PERIOD
    recent = find_recent_changes(console.evidence(), since=since)
    known = console.by_id.keys() & {each.schedule_id for each in recent.changes}
    return ChangesView(console.at, since, recent, known)
