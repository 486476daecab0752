"""Says which providers were asked for in vain, because nobody is notified through them."""

from collections.abc import Iterator, Sequence
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
    used = first_spellings(route.provider for each in checks for route in each.routes)
    unused = sorted((request.requested or frozenset()) - used.keys())
    if not unused or not checks:
        return
    routes = (
        route
        for schedule in (each.schedule for each in checks)
        for route in resolve_routes(
            schedule, request.policy, eligible_providers(schedule, request.connectors, None), None
        )
    )
    known = sorted(first_spellings(route.provider for route in routes).values())
    who = f"{checks[0].schedule_id} has" if len(checks) == 1 else "the schedules have"
    yield f"nobody is notified through {', '.join(unused)}: {who} {name_some(known, _MOST_NAMED)}"
