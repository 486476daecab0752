"""Where the pages are: paths below a server, or files beside each other."""

import re
from dataclasses import dataclass, field
from hashlib import sha256
from typing import ClassVar, Protocol
from urllib.parse import quote, urlencode

from rollback_drills.console.query import FleetQuery, MonthQuery


@dataclass(frozen=True, slots=True)
class PrefectLinks:
    """Pages of the Prefect UI; all are empty if it is not known where that is."""

    url: str = ""

    def flow_run(self, flow_run_id: str) -> str:
        """Return the page of a flow run."""
        return self._address("runs/flow-run", flow_run_id)

    def artifacts(self, key: str) -> str:
        """Return the page of the artifacts that have a key."""
        return self._address("artifacts/key", key)

    def _address(self, path: str, name: str) -> str:
        is_known = self.url and name
        return f"{self.url.rstrip('/')}/{path}/{quote(name, safe='')}" if is_known else ""


class Links(Protocol):
    """Gives the address of every page; what a page has that is none is not linked."""

    @property
    def prefect(self) -> PrefectLinks:
        """The pages of the Prefect UI."""

    @property
    def is_served(self) -> bool:
        """Whether a server answers, which can filter and sort."""

    @property
    def stylesheet(self) -> str:
        """The stylesheet."""

    @property
    def months_back(self) -> int:
        """How many months before the current one the calendar has."""

    @property
    def months_ahead(self) -> int:
        """How many months after the current one the calendar has."""

    def page(self, name: str) -> str:
        """Return a page that has no parameters: acknowledgements, changes, outages, trends, undelivered."""

    def csv(self, table: str, **parameters: str) -> str:
        """Return a table as CSV, with the parameters of its page; empty if there is none of this kind."""

    def fleet(self, query: FleetQuery) -> str:
        """Return a view of the fleet; empty if there is none of this kind."""

    def calendar(self, query: MonthQuery) -> str:
        """Return a month of the calendar; empty if there is no page of this kind."""

    def schedule(self, schedule_id: str) -> str:
        """Return the page of a schedule."""

    def evidence(self, page: int = 1) -> str:
        """Return a page of rows of the evidence; empty if there is none of this number."""


@dataclass(frozen=True)
class ServedLinks:
    """Pages below `/console`. Whatever an id contains stands in the query, where no browser shortens it."""

    prefect: PrefectLinks = field(default_factory=PrefectLinks)
    root: str = "/"
    """Where the server is: `/`, or relative to a page, so that a proxy may serve it below any path."""

    is_served: ClassVar = True
    months_back: ClassVar = 24
    months_ahead: ClassVar = 24

    @property
    def stylesheet(self) -> str:
        """Return the address of the stylesheet."""
        return f"{self.root}console/style.css"

    def csv(self, table: str, **parameters: str) -> str:
        """Return a table as CSV, with the parameters of its page."""
        return _address(f"{self.root}console/csv/{table}", parameters)

    def fleet(self, query: FleetQuery) -> str:
        """Return a view of the fleet."""
        return _address(f"{self.root}console", query.to_parameters())

    def calendar(self, query: MonthQuery) -> str:
        """Return a month of the calendar."""
        return _address(f"{self.root}console/calendar", query.to_parameters())

    def schedule(self, schedule_id: str, done: str = "", mark: str = "") -> str:
        """Return the page of a schedule, which says what was done if the mark shows that it was."""
        further = {"done": done, "mark": mark} if done else {}
        return _address(f"{self.root}console/schedule", {"id": schedule_id, **further})

    def log_in(self, schedule_id: str) -> str:
        """Return where a browser is asked for a token, before it shows the page of a schedule."""
        return _address(f"{self.root}console/schedule/log-in", {"id": schedule_id})

    def page(self, name: str, done: str = "", mark: str = "") -> str:
        """Return a page by its name, which says what was done if the mark shows that it was."""
        return _address(f"{self.root}console/{name}", {"done": done, "mark": mark} if done else {})

    def log_in_for(self, page: str) -> str:
        """Return where a browser is asked for a token, before it shows a page."""
        return f"{self.root}console/{page}/log-in"

    def form_of(self, page: str, name: str) -> str:
        """Return where a form of a page is sent."""
        return f"{self.root}console/{page}/{name}"

    def evidence(self, page: int = 1) -> str:
        """Return a page of rows of the evidence."""
        return _address(f"{self.root}console/evidence", {"page": str(page)} if page > 1 else {})


def root_of(path: str) -> str:
    """Return where the server is, seen from a page: `./` from `/console`, `../` from `/console/trends`."""
    return "../" * (path.count("/") - 1) or "./"


@dataclass(frozen=True)
class StaticLinks:
    """Files in one folder."""

    prefect: PrefectLinks = field(default_factory=PrefectLinks)

    is_served: ClassVar = False
    months_back: ClassVar = 0
    months_ahead: ClassVar = 3
    stylesheet: ClassVar = "style.css"

    def csv(self, table: str, **parameters: str) -> str:
        """Return a table as CSV: of a schedule, of a month, or of all; parts of the fleet have none."""
        match parameters:
            case {"id": schedule_id}:
                return f"{file_name(schedule_id).removesuffix('.html')}-{table}.csv"
            case {"month": month}:
                return f"{table}-{month}.csv"
            case _:
                return "" if parameters else f"{table}.csv"

    def fleet(self, query: FleetQuery) -> str:
        """Return a part of the fleet in the usual order, filtered by one thing at most; there is no more."""
        match [*query.changed(page=1).to_parameters().items()]:
            case []:
                return "index.html" if query.page == 1 else f"fleet-{query.page}.html"
            case [("state" | "environment" | "owner" as name, value)]:
                return file_name(value, f"fleet-{name}", "" if query.page == 1 else f"-{query.page}")
            case _:
                return ""

    def calendar(self, query: MonthQuery) -> str:
        """Return a month of all schedules; there are no other views."""
        if query.is_narrowed:
            return ""
        return f"calendar-{query.month}.html" if query.month else "calendar.html"

    def schedule(self, schedule_id: str) -> str:
        """Return the page of a schedule."""
        return file_name(schedule_id)

    def page(self, name: str) -> str:
        """Return a page that has no parameters."""
        return f"{name}.html"

    def evidence(self, page: int = 1) -> str:
        """Return the newest rows of the evidence; the others are not exported."""
        return "evidence.html" if page == 1 else ""


def file_name(name: str, kind: str = "schedule", ending: str = "") -> str:
    """Return the name of the file about a schedule or a part of the fleet.

    It is always the same, and safe whatever the name contains.
    """
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower())[:40].strip("-")
    digest = sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{kind}-{slug}-{digest}{ending}.html" if slug else f"{kind}-{digest}{ending}.html"


def _address(path: str, parameters: dict[str, str]) -> str:
    return f"{path}?{urlencode(parameters, errors='surrogatepass')}" if parameters else path
