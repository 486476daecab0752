"""Writes the pages as HTML. Every text is escaped; no page needs JavaScript or anything from elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from rollback_drills.console import charts, timeline
from rollback_drills.console.acting import Acting
from rollback_drills.console.links import Links
from rollback_drills.console.query import FleetQuery, MonthQuery
from rollback_drills.console.schedule import ScheduleView
from rollback_drills.documents.utc import write_instant
from rollback_drills.rendering.command_line import write_command
from rollback_drills.rendering.sentences import capitalize, write_sentences
from rollback_drills.rendering.times import how_long, write_duration, write_times

SERVED_POLICY: Final = (
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""The Content-Security-Policy that served pages get along with."""
_MOST_FACETS: Final = 40
"""How many environments and owners stand among the filters of a page."""
STATIC_POLICY: Final = "default-src 'none'; style-src 'self' file:; base-uri 'none'; form-action 'none'"
"""That of files; to a browser, files that lie beside each other have nothing in common but the scheme."""


@dataclass(frozen=True, slots=True)
class Outage:
    """Why there is nothing to show."""

    at: datetime
    title: str
    reason: str
    remedy: str
    is_blind: bool = False
    """Whether nobody can know the state of the drills for that reason."""


def render(name: str, view: Any, links: Links, **facts: Any) -> str:
    """Write a page.

    Args:
        name: Of its template.
        view: What it shows.
        links: Where the other pages are.
        facts: What else the template needs; `here` is the page it stands in for, if not its own.
    """
    policy = "" if links.is_served else STATIC_POLICY
    template = _environment().get_template(f"{name}.html.j2")
    queries = {"fleet_query": FleetQuery(), "calendar_query": MonthQuery()}
    return template.render(view=view, links=links, policy=policy, **queries, **{"here": name, **facts})


def render_schedule(view: ScheduleView, links: Links, acting: Acting | None = None) -> str:
    """Write the page of a schedule.

    Args:
        view: What it shows.
        links: Where the other pages are.
        acting: What the caller can do; None for a page without forms.
    """
    return render("schedule", view, links, lanes=list(timeline.Lane), acting=acting)


def render_outage(outage: Outage, links: Links, *, here: str) -> str:
    """Write that there is nothing to show, and why.

    Args:
        outage: What is wrong.
        links: Where the other pages are.
        here: Which page it stands in for.
    """
    return render("outage", outage, links, here=here)


def render_acknowledge(view: Any) -> str:
    """Write the page on which a person acknowledges by a link; it leads nowhere else."""
    return _environment().get_template("acknowledge.html.j2").render(view=view)


def render_api(view: Any) -> str:
    """Write the operations of the HTTP API."""
    return _environment().get_template("api.html.j2").render(view=view)


def stylesheet() -> str:
    """Return the stylesheet of all pages."""
    loader = _environment().loader
    assert loader is not None  # noqa: S101 - `_environment` has one
    return loader.get_source(_environment(), "style.css")[0]


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("rollback_drills.console", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {
        "machine": write_instant,
        "instant": show_instant,
        "ago": _how_long,
        "capitalize_first": capitalize,
        "sentence": write_sentences,
        "number": lambda value: f"{value:,}",
        "words": lambda value: str(value).replace("_", " "),
        "minutes": show_minutes,
        "times": write_times,
        "duration": write_duration,
    }
    environment.globals |= {
        "command": write_command,
        "chart_size": _size(charts),
        "timeline_width": timeline.WIDTH,
        "most_facets": _MOST_FACETS,
    }
    return environment


def _size(module: Any) -> Mapping[str, int]:
    return {"width": module.WIDTH, "height": module.HEIGHT}


def _how_long(instant: datetime, now: datetime) -> str:
    return how_long(write_instant(instant), now=now)


def show_instant(instant: datetime | str) -> str:
    """Write an instant for people, in UTC: 1 December 2026, 09:00 UTC."""
    there = datetime.fromisoformat(instant) if isinstance(instant, str) else instant
    there = there.astimezone(UTC)
    return f"{there.day} {there:%b} {there.year:04}, {there:%H:%M} UTC"


def show_minutes(minutes: float) -> str:
    """Write a length of time for people: 45 min, 3 h 5 min, 2 d 4 h."""
    return "0 min" if minutes < 1 else write_duration(minutes * 60)
