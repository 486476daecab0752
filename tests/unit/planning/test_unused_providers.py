"""What a run says of requested providers through which nobody is notified."""

import pytest

from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.planning.unused_providers import explain_unused
from tests.samples.builders import checked, make_subject


@pytest.mark.parametrize(
    ("requested", "names", "said"),
    [
        (None, ["payments"], []),
        ({"slack"}, ["payments"], []),
        (
            {"slack", "mail", "jira"},
            ["payments"],
            ["nobody is notified through jira, mail: payments has slack, teams"],
        ),
        (
            {"mail"},
            ["payments", "search"],
            ["nobody is notified through mail: the schedules have slack, teams"],
        ),
        ({"mail"}, [], []),
    ],
)
def test_providers_that_no_route_has_are_named_with_those_that_there_are(
    requested: set[str] | None, names: list[str], said: list[str]
) -> None:
    request = PlanRequest(requested=None if requested is None else frozenset(requested))
    checks = [checked(make_subject(schedule_id=name), request) for name in names]

    assert list(explain_unused(checks, request)) == said
