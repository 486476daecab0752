"""The calendar of one owner at a signed address: calendar programs send no bearer tokens."""

from datetime import UTC, datetime
from hashlib import sha256
from http import HTTPStatus
from typing import Final

import re2
from anyio import to_thread
from fastapi import APIRouter, Request
from starlette.responses import Response

from rollback_drills.errors import UsageError
from rollback_drills.reports.calendar import build_calendar
from rollback_drills.reports.feed_grants import FEED_PATH, Feed, find_feed
from rollback_drills_api.key_book import KeyBook
from rollback_drills_api.problems import Problem
from rollback_drills_api.queries import nothing_asked
from rollback_drills_api.service import Served, Service

# For calendar programs, and no part of what programs are promised.
router = APIRouter(prefix=FEED_PATH, include_in_schema=False, dependencies=[nothing_asked])

_MADE_AT: Final = re2.compile(rb"DTSTAMP:[^\r\n]*")
"""Changes with each minute, and is no reason to load a calendar again."""
_CACHE: Final = "private, max-age=900"


@router.get("/{permission:path}.ics")
async def feed(served: Served, request: Request, permission: str) -> Response:
    """Write the due times and windows of one owner as an iCalendar file."""
    found = await to_thread.run_sync(lambda: _find(served, request, permission))

    def build() -> bytes:
        fleet = served.fleet.judged()
        documents = [each.document for each in fleet.subjects]
        return build_calendar(fleet.judgements, documents, now=fleet.at, owner=found.owner)

    answer = await served.answers.give(("feed", found.owner), served.fleet_version, build, "text/calendar")
    tag = f'W/"{sha256(_MADE_AT.sub(b"", bytes(answer.body))).hexdigest()[:32]}"'
    if tag in [each.strip() for each in request.headers.get("if-none-match", "").split(",")]:
        answer = Response(status_code=HTTPStatus.NOT_MODIFIED)
    answer.headers["etag"] = tag
    answer.headers["cache-control"] = _CACHE
    return answer


def _find(served: Service, request: Request, permission: str) -> Feed:
    """Return the feed of an address.

    Raises:
        Problem: The address permits nothing, or that cannot be checked now.
    """
    now, book = datetime.now(UTC), request.app.state.link_keys
    assert isinstance(book, KeyBook)  # noqa: S101 - `build_app` has set it
    try:
        feed_id = book.keys().read_feed(permission, now=now)
        return find_feed(served.database(), feed_id, now=now)
    except UsageError as error:
        raise Problem(HTTPStatus.GONE, str(error)) from None
