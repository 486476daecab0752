"""The query parameters of the reads. Unknown ones are refused: a filter with a slip would match all."""

import re
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from rollback_drills.documents.instants import explain_far, read_day_or_instant
from rollback_drills.documents.quotation import show
from rollback_drills.errors import UsageError
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.states import State
from rollback_drills.planning.category import Category
from rollback_drills.reports.paging import MOST_LISTED
from rollback_drills_api.bodies import Name, OnlyOwner, OnlyProvider, OnlySchedule, Who
from rollback_drills_api.problems import Problem

_FURTHEST: Final = 1_000_000
_LOST_PLUS: Final = re.compile(r" \d\d:?\d\d$", re.ASCII)
"""An offset whose + was read as a blank, as forms write one."""

Instant = Annotated[str, Field(min_length=1, max_length=40, examples=["2026-06-20T15:40:00Z"])]
OnlyCategory = Annotated[Name | None, Field(description=f"Only this category: {', '.join(Category)}.")]


async def _refuse_all(request: Request) -> None:
    if request.query_params:
        name = next(iter(request.query_params))
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"the query parameter {show(name)} is unknown; there are none here",
        )


nothing_asked: Any = Depends(_refuse_all)
"""The dependency of an endpoint without query parameters."""


class Query(BaseModel):
    """What every list of query parameters has in common."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @property
    def key(self) -> tuple[Any, ...]:
        """Return what distinguishes it from others of its kind; models are compared ten times as slowly."""
        return tuple(self.__dict__.values())


class Page(Query):
    """Which part of a list."""

    limit: int = Field(
        default=100, ge=1, le=MOST_LISTED, description="Maximum number of rows, the newest first."
    )
    offset: int = Field(default=0, ge=0, le=_FURTHEST, description="Number of rows to skip.")


class FleetPage(Page):
    """Which schedules of several, in the order of the documents; of one schedule it says nothing."""

    limit: int = Field(default=100, ge=1, le=MOST_LISTED, description="Maximum number of schedules.")
    offset: int = Field(default=0, ge=0, le=_FURTHEST, description="Number of schedules to skip.")


class FleetQuery(FleetPage):
    """Which schedules."""

    schedule_id: Name | None = Field(
        default=None, description="Only this schedule, as a document of its own."
    )


class RequestQuery(Page):
    """Which open requests for exceptions."""

    limit: int = Field(
        default=100,
        ge=1,
        le=MOST_LISTED,
        description="Maximum number of requests, those that expire first.",
    )
    offset: int = Field(default=0, ge=0, le=_FURTHEST, description="Number of requests to skip.")
    schedule_id: Name | None = Field(default=None, description="Only requests of this schedule.")


class OutageQuery(Page):
    """Which outages of connectors."""

    provider: Name | None = Field(default=None, description="Only of this connector.")
    is_open: bool | None = Field(default=None, description="Only open or only closed ones.")


class Between(Query):
    """When."""

    since: Instant | None = Field(
        default=None,
        alias="from",
        description="From this time or day on, ISO 8601, UTC without an offset.",
    )
    until: Instant | None = Field(default=None, alias="to", description="Only before this time or day.")

    def bounds(self) -> tuple[datetime | None, datetime | None]:
        """Read both bounds.

        Raises:
            UsageError: One is no day and no instant.
        """
        return read_bounds(self.since, self.until)


class RouteQuery(Page, Between):
    """Which decisions."""

    schedule_id: OnlySchedule = None
    provider: OnlyProvider = None
    owner: OnlyOwner = None
    action: Name | None = Field(default=None, description="Only these decisions: deliver or suppress.")
    category: OnlyCategory = None


class NotificationQuery(Page, Between):
    """Which notifications."""

    schedule_id: OnlySchedule = None
    cycle_id: Name | None = Field(default=None, description="Only this cycle.")
    provider: OnlyProvider = None
    owner: OnlyOwner = None
    reason: Name | None = Field(default=None, description=f"Only this reason: {', '.join(Reason)}.")
    state: Name | None = Field(default=None, description=f"Only this state: {', '.join(State)}.")


class TrendQuery(Between):
    """Which decisions are counted."""

    weeks: int | None = Field(
        default=None,
        ge=1,
        le=520,
        description="Number of ISO weeks, including the current one. (default: 12)",
    )
    schedule_id: OnlySchedule = None
    provider: OnlyProvider = None
    owner: OnlyOwner = None
    category: OnlyCategory = None
    generated_by: Who = None


class UpcomingQuery(Page, Between):
    """What is coming, and when."""

    limit: int = Field(
        default=100, ge=1, le=MOST_LISTED, description="Maximum number of items, the earliest first."
    )
    offset: int = Field(default=0, ge=0, le=_FURTHEST, description="Number of items to skip.")
    since: Instant | None = Field(
        default=None,
        alias="from",
        description="From this time or day on, ISO 8601, UTC without an offset. (default: now)",
    )
    until: Instant | None = Field(
        default=None,
        alias="to",
        description="Only before this time or day, at most 366 days later. (default: 90 days later)",
    )
    schedule_id: Name | None = Field(default=None, description="Only what concerns this schedule.")
    owner: Name | None = Field(default=None, description="Only what this owner sees.")


class ExplanationQuery(Query):
    """Which schedule, and when."""

    schedule_id: Name | None = Field(default=None, description="The schedule. (default: the only one)")
    at: Instant | None = Field(
        default=None, description="As of this time or day, ISO 8601, UTC without an offset. (default: now)"
    )
    provider: Name | None = Field(default=None, description="Only routes through this provider.")
    owner: Name | None = Field(default=None, description="Only routes to this owner.")

    def instant(self, *, now: datetime) -> datetime:
        """Return the instant that is asked for.

        Raises:
            UsageError: It is no day and no instant, or far from all that can be judged.
        """
        instant = _read_bound("at", self.at) or now
        if problem := explain_far(instant):
            raise UsageError(problem, field="at")
        return instant


def read_bounds(since: str | None, until: str | None) -> tuple[datetime | None, datetime | None]:
    """Read both bounds of a period.

    Raises:
        UsageError: One is no day and no instant.
    """
    return _read_bound("from", since), _read_bound("to", until)


def _read_bound(name: str, text: str | None) -> datetime | None:
    try:
        return None if text is None else read_day_or_instant(text)
    except ValueError:
        problem = "must be a day, 2026-06-20, or a time, 2026-06-20T15:40:00Z"
        if text and _LOST_PLUS.search(text):
            problem = "has a blank before the offset; write the + as %2B, which an address does not lose"
        raise UsageError(problem, field=name) from None
