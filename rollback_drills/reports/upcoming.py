"""The document of what is coming: due times, maintenance windows and absences, a page of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from rollback_drills import PRODUCT
from rollback_drills.documents.calendars.recurrence import SEARCHED, SEARCHED_YEARS
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.spans import Span
from rollback_drills.documents.unknown_name import explain_unknown
from rollback_drills.documents.utc import write_instant
from rollback_drills.errors import UsageError
from rollback_drills.names.keys import find_spelling
from rollback_drills.planning.upcoming import Kind, Upcoming, find_upcoming
from rollback_drills.readiness.judgement import Judgement
from rollback_drills.readiness.states import Readiness

UPCOMING_SCHEMA: Final = "rollback-drills.upcoming.v1"
USUAL_DAYS: Final = 90
LONGEST_DAYS: Final = 366


class UpcomingItem(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A due time, an open window or an absence, with instants as every document has them."""

    kind: Kind
    start_at: str | None
    end_at: str | None
    schedule_ids: tuple[str, ...]
    owners: tuple[str, ...]
    providers: tuple[str, ...]
    window_id: str
    reason: str
    status: Readiness | None


class UpcomingPage(msgspec.Struct, frozen=True, kw_only=True):
    """What is coming in a period, the earliest first."""

    schema_version: str = UPCOMING_SCHEMA
    product: str = PRODUCT
    generated_at: str
    items: Sequence[UpcomingItem]
    total: int
    limit: int
    offset: int
    period: Mapping[str, str]
    notes: Sequence[str] | msgspec.UnsetType = msgspec.UNSET
    """Which owners there are, if the one that was asked for does not exist."""


def find_period(since: datetime | None, until: datetime | None, *, now: datetime) -> Span:
    """Return the period that is asked for: from now, for 90 days, unless its ends are given.

    Raises:
        UsageError: It ends before it starts, is longer than a year, or begins more than ten years from now.
    """
    start = since or now
    if abs(start - now) > SEARCHED:
        raise UsageError(f"is more than {SEARCHED_YEARS} years from now", field="from")
    end = until or start + timedelta(days=USUAL_DAYS)
    if end <= start:
        raise UsageError("is not later than the beginning of the period", field="to")
    if end - start > timedelta(days=LONGEST_DAYS):
        raise UsageError(f"is more than {LONGEST_DAYS} days after the beginning of the period", field="to")
    return Span(start, end)


def list_upcoming(
    judgements: Sequence[Judgement],
    schedules: Sequence[Schedule | None],
    period: Span,
    *,
    now: datetime,
    owner: str,
    limit: int,
    offset: int,
) -> UpcomingPage:
    """Return a page of what is coming.

    Args:
        judgements: What was judged.
        schedules: Their documents, in the same order; None for one that cannot be read.
        period: From when until when.
        now: The instant of the judgements.
        owner: Only what this owner sees; empty for all.
        limit: Maximum number of items.
        offset: How many of the earliest are left out.
    """
    found = find_upcoming(judgements, schedules, period, now=now, owner=owner)
    return UpcomingPage(
        generated_at=write_instant(now),
        items=[_write(each) for each in found[offset : offset + limit]],
        total=len(found),
        limit=limit,
        offset=offset,
        period={"from": write_instant(period.start_at), "to": write_instant(period.end_at)},
        notes=msgspec.UNSET if found else _explain_nothing(judgements, owner),
    )


def _explain_nothing(judgements: Sequence[Judgement], owner: str) -> Sequence[str] | msgspec.UnsetType:
    """Return which owners there are, if the wanted one does not exist."""
    owners = {name for each in judgements for name in each.schedule.owners}
    if not owner or find_spelling(owner, owners):
        return msgspec.UNSET
    return [explain_unknown("owner", owner, sorted(owners))]


def _write(item: Upcoming) -> UpcomingItem:
    return UpcomingItem(
        kind=item.kind,
        start_at=write_instant(item.start_at) if item.start_at else None,
        end_at=write_instant(item.end_at) if item.end_at else None,
        schedule_ids=item.schedule_ids,
        owners=item.owners,
        providers=item.providers,
        window_id=item.window_id,
        reason=item.reason,
        status=item.status,
    )
