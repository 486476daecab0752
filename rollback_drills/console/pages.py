"""Every page by its name, read and written in one call; what cannot be read becomes a page that says why."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from rollback_drills.console.acknowledgements import read_acknowledgements
from rollback_drills.console.acting import Acting
from rollback_drills.console.changes import read_changes
from rollback_drills.console.evidence import read_evidence
from rollback_drills.console.fleet import read_fleet
from rollback_drills.console.links import Links
from rollback_drills.console.month import read_month
from rollback_drills.console.outages import find_command, read_outages
from rollback_drills.console.query import FleetQuery, MonthQuery, Sort
from rollback_drills.console.rendering import Outage, render, render_outage, render_schedule
from rollback_drills.console.schedule import read_schedule
from rollback_drills.console.source import NO_EVIDENCE, Console
from rollback_drills.console.trends import read_trends
from rollback_drills.console.undelivered import read_undelivered
from rollback_drills.database.errors import DatabaseError
from rollback_drills.readiness.states import PRESSING_FIRST
from rollback_drills.rendering.sentences import capitalize

_REMEDY: Final = (
    "Run a drill check, which writes the evidence, or set DRILLS_DATABASE_URL to where it is;"
    " `drills evidence list` tries the same database."
)
_DOCUMENTS_REMEDY: Final = (
    "Fix the documents, or the setting that names them; `drills check` shows the same problem."
)


def write_fleet(console: Console, links: Links, query: FleetQuery) -> str:
    """Read and write the fleet at a glance.

    Raises:
        UsageError: There is no page of this number.
    """

    def page_of(number: int) -> str:
        return links.fleet(query.changed(page=number))

    return render("fleet", read_fleet(console, query), links, Sort=Sort, page_of=page_of)


def write_calendar(console: Console, links: Links, query: MonthQuery) -> str:
    """Read and write a month of the calendar.

    Raises:
        UsageError: The calendar does not have the month.
    """
    return render("calendar", read_month(console, query, links), links, states=PRESSING_FIRST)


def write_schedule(console: Console, links: Links, schedule_id: str, acting: Acting | None = None) -> str:
    """Read and write the page of a schedule, with forms for who can act.

    Raises:
        UsageError: There is no such schedule.
    """
    return render_schedule(read_schedule(console, schedule_id), links, acting)


def write_acknowledgements(console: Console, links: Links) -> str:
    """Read and write who still has to acknowledge.

    Raises:
        DatabaseError: The evidence cannot be read.
    """
    return render("acknowledgements", read_acknowledgements(console), links)


def write_trends(console: Console, links: Links) -> str:
    """Read and write what was delivered and what was suppressed.

    Raises:
        DatabaseError: The evidence cannot be read.
    """
    return render("trends", read_trends(console), links)


def write_evidence(console: Console, links: Links, page: int = 1) -> str:
    """Read and write the newest rows of the evidence.

    Raises:
        UsageError: There is no page of this number.
        DatabaseError: The evidence cannot be read.
    """
    return render("evidence", read_evidence(console, page), links)


def write_changes(console: Console, links: Links) -> str:
    """Read and write what changed since yesterday.

    Raises:
        DatabaseError: The evidence cannot be read.
    """
    return render("changes", read_changes(console), links)


def write_undelivered(console: Console, links: Links, acting: Acting | None = None) -> str:
    """Read and write what waits for delivery, and the dead letters, with forms for who can act.

    Raises:
        DatabaseError: The outbox cannot be read.
    """
    return render("undelivered", read_undelivered(console), links, acting=acting)


def write_outages(console: Console, links: Links, acting: Acting | None = None) -> str:
    """Read and write the outages of connectors, and the replays, with forms for who can act.

    Raises:
        DatabaseError: The evidence cannot be read.
    """
    return render("outages", read_outages(console), links, next_command=find_command, acting=acting)


OF_EVIDENCE: Final[Mapping[str, Callable[[Console, Links], str]]] = {
    "changes": write_changes,
    "acknowledgements": write_acknowledgements,
    "undelivered": write_undelivered,
    "outages": write_outages,
    "trends": write_trends,
    "evidence": write_evidence,
}
"""By name: the pages that cannot be without evidence."""


def write_missing_evidence(error: DatabaseError, links: Links, *, now: datetime, here: str) -> str:
    """Write a page that says why there is no evidence to show."""
    is_new = str(error) == NO_EVIDENCE
    title = "There is no evidence yet" if is_new else "The evidence cannot be read"
    reason = capitalize(str(error)) if is_new else str(error)
    outage = Outage(now, title, reason, _REMEDY, is_blind=not is_new)
    return render_outage(outage, links, here=here)


def write_missing_documents(reason: str, links: Links, *, now: datetime, here: str = "fleet") -> str:
    """Write a page that says why the documents cannot be read."""
    outage = Outage(now, "The documents cannot be read", reason, _DOCUMENTS_REMEDY, is_blind=True)
    return render_outage(outage, links, here=here)
