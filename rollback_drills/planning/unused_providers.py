"""Says which providers were asked for in vain, because nobody is notified through them."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from rollback_drills.names.keys import first_spellings
from rollback_drills.planning.fleet_check import ScheduleCheck
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.planning.routes import eligible_providers, resolve_routes
from rollback_drills.rendering.long_lists import name_some

_MOST_NAMED: Final = 10


def explain_unused(checks: Sequence[ScheduleCheck], request: PlanRequest) -> Iterator[str]:
    """Name the requested providers that no route has, and those that the routes have.

    Args:
        checks: Of the schedules, whose routes are found.
        request: What was asked for.
    """
    unused, known = find_unused(checks, request)
    if unused and checks:
        yield describe_unused(unused, known, checks[0].schedule_id if len(checks) == 1 else "")


def find_unused(checks: Sequence[ScheduleCheck], request: PlanRequest) -> tuple[Sequence[str], Sequence[str]]:
    """Return the requested providers that no route has; if there are any, also those that the routes have."""
    if request.requested is None:
        return (), ()
    used = first_spellings(route.provider for each in checks for route in each.routes)
    unused = sorted(request.requested - used.keys())
    if not unused:
        return (), ()
    routes = (
        route
        for schedule in (each.schedule for each in checks)
        for route in resolve_routes(
            schedule, request.policy, eligible_providers(schedule, request.connectors, None), None
        )
    )
    return unused, sorted(first_spellings(route.provider for route in routes).values())


def describe_unused(unused: Iterable[str], known: Sequence[str], schedule_id: str = "") -> str:
    """Name requested providers that no route has, and the providers that the routes do have."""
    who = f"{schedule_id} has" if schedule_id else "the schedules have"
    return f"nobody is notified through {', '.join(unused)}: {who} {name_some(known, _MOST_NAMED)}"
