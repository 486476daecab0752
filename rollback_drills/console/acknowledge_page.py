"""The page behind a link in a message, on which a person acknowledges without a login."""

from dataclasses import dataclass
from datetime import datetime

from rollback_drills.console.rendering import render_acknowledge
from rollback_drills.followup.linked_route import LinkedRoute


@dataclass(frozen=True, slots=True)
class AcknowledgeView:
    """What the page shows."""

    at: datetime
    linked: LinkedRoute | None
    """None if nothing can be acknowledged."""
    holds_until: datetime | None
    problem: str = ""
    """Why nothing can be acknowledged, or what is wrong with the name that was typed."""
    name: str = ""
    """What was typed."""
    login: str = ""
    """How the evidence names who logged in at the proxy; empty if a name is typed."""
    title: str = ""
    """The heading if nothing can be acknowledged."""


def write_form(linked: LinkedRoute, *, now: datetime, problem: str = "", name: str = "", login: str) -> str:
    """Write what would be acknowledged, and the button."""
    return render_acknowledge(AcknowledgeView(now, linked, linked.holds_until(now), problem, name, login))


def write_refusal(problem: str, *, now: datetime, title: str = "Nothing to acknowledge") -> str:
    """Write why nothing can be acknowledged."""
    return render_acknowledge(AcknowledgeView(now, None, None, problem, title=title))
