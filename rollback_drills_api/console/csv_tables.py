"""The tables of the console as CSV, below /console/csv."""

from collections.abc import Callable, Hashable, Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from rollback_drills.console.evidence import list_evidence
from rollback_drills.console.fleet_csv import FLEET_TABLES, list_fleet
from rollback_drills.console.links import ServedLinks
from rollback_drills.console.month import list_month
from rollback_drills.console.query import FleetQuery, MonthQuery, read_page
from rollback_drills.console.schedule import read_schedule
from rollback_drills.console.schedule_csv import SCHEDULE_TABLES
from rollback_drills.console.source import Console
from rollback_drills.documents.unknown_name import list_known
from rollback_drills.errors import UsageError
from rollback_drills_api.console.pages import give, only
from rollback_drills_api.service import Readable

# For people, as the pages are.
router = APIRouter(prefix="/console/csv", include_in_schema=False)

_CSV: Final = "text/csv; charset=utf-8"
_NAMES: Final = ("fleet", "calendar", "evidence", *FLEET_TABLES, *SCHEDULE_TABLES)


@router.get("/{table}")
async def csv(served: Readable, request: Request, table: str) -> Response:
    """Write a table of a page as CSV, with the parameters of the page."""
    answer = await give(
        *(served, request, f"csv {table}", lambda: _ask(table, request.query_params)),
        lambda console, links, asked: _write(table, console, links, asked),
        _CSV,
    )
    if answer.status_code == HTTPStatus.OK and answer.media_type == _CSV:
        answer.headers["content-disposition"] = f'attachment; filename="{table}.csv"'
    return answer


def _ask(table: str, parameters: Mapping[str, str]) -> Hashable:
    """Read the parameters of a table.

    Raises:
        UsageError: There is no such table, or a parameter cannot be used.
    """
    readers: Mapping[str, Callable[[], Hashable]] = {
        "fleet": lambda: FleetQuery.parse(parameters).changed(page=1),
        "calendar": lambda: MonthQuery.parse(parameters),
        "evidence": lambda: read_page("page", only(parameters, "page").get("page", "1")),
    }
    if table in readers:
        return readers[table]()
    if table in SCHEDULE_TABLES:
        return only(parameters, "id").get("id", "")
    if table in FLEET_TABLES:
        return bool(only(parameters))
    raise UsageError(f"there is no such table; {list_known(table, _NAMES)}")


def _write(table: str, console: Console, links: ServedLinks, asked: Any) -> str:
    match table:
        case "fleet":
            found = list_fleet(console, asked)
        case "calendar":
            found = list_month(console, asked, links)
        case "evidence":
            found = list_evidence(console, asked)
        case _ if table in SCHEDULE_TABLES:
            found = SCHEDULE_TABLES[table](read_schedule(console, asked))
        case _:
            found = FLEET_TABLES[table](console)
    return found.write()
