"""Names in rules, windows and calendars that match nothing."""

from collections.abc import Collection
from typing import Any

import pytest

from rollback_drills.documents.reading.reader import Loaded, parse_document
from rollback_drills.documents.routing_policy import RoutingPolicy
from rollback_drills.documents.schedule import Schedule
from rollback_drills.names.keys import find_spelling
from rollback_drills.planning import unknown_names
from rollback_drills.planning.name_warnings import warn_of_names
from tests.samples.builders import SCHEDULE, written

WINDOW = {"start_at": "2026-11-20T00:00:00Z", "end_at": "2026-12-20T00:00:00Z"}


def schedule(**changes: Any) -> Loaded[Schedule]:
    """Read a schedule of team-a and team-b, through slack and teams."""
    return parse_document(Schedule, written({**SCHEDULE, **changes}), "s.json")


def policy(**rules: Any) -> Loaded[RoutingPolicy]:
    """Read a routing policy."""
    return parse_document(RoutingPolicy, written(rules), "p.json")


def warnings_of(*connectors: str, **changes: Any) -> list[str]:
    """Return the warnings of one schedule; without connectors they are not known."""
    return warn_of_names([schedule(**changes)], [], connectors=connectors or None)


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        ({"owner_routes": {"team-x": {}}}, '$.owner_routes["team-x"]: the rule for "team-x" matches no'),
        ({"owner_calendars": {"teama": {}}}, "$.owner_calendars.teama: the calendar for"),
        ({"maintenance_windows": [{**WINDOW, "owners": ["teem-a"]}]}, ".owners[0]: the window for"),
        ({"maintenance_windows": [{**WINDOW, "providers": ["email"]}]}, "matches no provider in use"),
        ({"maintenance_windows": [{**WINDOW, "schedule_ids": ["x"]}]}, "matches no schedule; known are"),
        (
            {"owner_routes": [{"owners": ["team-a", "team-b"], "providers": ["slak"]}]},
            "$.owner_routes[0].providers[0]",
        ),
        (
            {"owner_routes": {"team-a": {}, " Team-A": {"providers": ["slack"]}}},
            '$.owner_routes[" Team-A"] is the same owner as "team-a"; keep one of them',
        ),
        ({"owner_calendars": {"team-a": {}, "TEAM-A": {}}}, '$.owner_calendars["TEAM-A"] is the same owner'),
        ({"calendars": {"berlin": {}, "Berlin ": {}}}, '["Berlin "] is the same calendar as "berlin"'),
        ({"notification_providers": ["slack,jira"]}, "which is no name of a connector; list"),
        ({"owner_routes": {"team-a": {"providers": ["ALL"]}}}, "which is no name of a connector; list"),
        ({"notification_providers": ["pager-duty"]}, 'did you mean "pagerduty"?'),
        ({"notification_providers": ["slacks"]}, 'did you mean "slack"?'),
        ({"notification_providers": ["2slack"]}, 'did you mean "slack"?'),
        (
            {"owner_routes": {"team-a": {"escalation_steps": [
                {"owner": "lead", "after_minutes": 5, "providers": ["Slakc"]}
            ]}}},
            '$.owner_routes["team-a"].escalation_steps[0].providers[0] is "Slakc"',
        ),
    ],
)  # fmt: skip
def test_a_name_that_matches_nothing_is_named_with_its_place(changes: dict[str, Any], warning: str) -> None:
    (found,) = warnings_of(**changes)

    assert found.startswith("s.json: $.")
    assert warning in found


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"owner_routes": {"TEAM-A": {"escalation_owner": "lead"}, "lead": {"providers": ["email"]}}},
        {"owner_routes": {"team-a": {"escalation_owner": "lead"}}, "owner_calendars": {"Lead": {}}},
        {"owners": [], "owner_calendars": {"release-governance": {}}},
        {
            "owner_routes": {
                "team-a": {
                    "providers": ["email"],
                    "escalation_steps": [{"owner": "lead", "after_minutes": 5, "providers": ["sms"]}],
                }
            },
            "maintenance_windows": [{**WINDOW, "providers": ["email", "sms"]}],
        },
        {"notification_providers": [], "maintenance_windows": [{**WINDOW, "providers": ["mine"]}]},
        {"notification_providers": ["hook", "slack-payments", "jira2", "our teams"]},
        {"maintenance_windows": [{**WINDOW, "owners": ["Team-B"], "schedule_ids": ["PAYMENTS"]}]},
    ],
)
def test_a_name_that_matches_something_is_not_named(changes: dict[str, Any]) -> None:
    assert warnings_of(**changes) == []


def test_with_connectors_every_provider_that_has_none_is_named() -> None:
    found = warnings_of("hook", notification_providers=["hook", "slack", "other"])

    assert found[0].startswith(
        's.json: $.notification_providers[2] is "other", which is not a configured connector'
    )
    assert len(found) == 1


def test_a_schedule_without_providers_is_routed_through_the_connectors() -> None:
    windows = [{**WINDOW, "providers": ["hook", "hok"]}]

    (found,) = warnings_of("hook", notification_providers=[], maintenance_windows=windows)

    assert 'the window for "hok" matches no provider in use; did you mean "hook"?' in found


def test_a_window_may_name_other_schedules_of_the_fleet_besides_its_own() -> None:
    shared = [{**WINDOW, "schedule_ids": ["payments", "billing"]}]
    misplaced = [{**WINDOW, "schedule_ids": ["billing"]}]
    billing = schedule(schedule_id="billing")

    assert warn_of_names([schedule(maintenance_windows=shared), billing], []) == []
    (found,) = warn_of_names([schedule(maintenance_windows=misplaced), billing], [])
    assert "stands in another schedule, and so has no effect" in found


def test_the_ids_of_a_fleet_are_looked_up_and_not_compared_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared: list[int] = []

    def find(name: str, known: Collection[str]) -> str | None:
        compared.append(len(known))
        return find_spelling(name, known)

    monkeypatch.setattr(unknown_names, "find_spelling", find)
    fleet = [
        schedule(
            schedule_id=f"service-{number}",
            maintenance_windows=[
                {**WINDOW, "schedule_ids": [f"service-{number}", f"Service-{(number + 1) % 100}"]}
            ],
        )
        for number in range(100)
    ]

    assert warn_of_names(fleet, []) == []
    assert max(compared) < 50


def test_a_policy_is_compared_with_all_schedules_and_alone_with_none() -> None:
    rules = policy(
        owner_routes=[{"owners": ["team-b", "search-team", "paments-team"], "escalation_owner": "lead"}],
        owner_calendars={"lead": {}},
        maintenance_windows=[{**WINDOW, "schedule_ids": ["payments", "search"]}],
    )
    both = [schedule(), schedule(schedule_id="search", owners=["search-team", "payments-team"])]

    assert warn_of_names([], [rules]) == []
    (found,) = warn_of_names(both, [rules])
    assert found.startswith('p.json: $.owner_routes[0].owners[2]: the rule for "paments-team"')


def test_whom_a_policy_escalates_to_may_have_a_calendar_in_the_schedule() -> None:
    rules = policy(owner_routes={"team-a": {"escalation_owner": "lead"}})

    assert warn_of_names([schedule(owner_calendars={"lead": {}})], [rules]) == []
    assert len(warn_of_names([schedule(owner_calendars={"lead": {}})], [])) == 1


def test_a_document_that_cannot_be_read_stops_no_other() -> None:
    broken = parse_document(Schedule, b"{", "broken.json")

    assert len(warn_of_names([broken, None, schedule(owner_calendars={"x": {}})], [])) == 1


def test_a_window_for_a_connector_that_no_schedule_uses_matches_nothing() -> None:
    windows = [{**WINDOW, "providers": ["hook"]}]

    (found,) = warnings_of("slack", "teams", "hook", maintenance_windows=windows)

    assert "matches no provider in use" in found


def test_a_schedule_without_providers_and_connectors_is_routed_through_webhook() -> None:
    windows = [{**WINDOW, "providers": ["webhook", "hok"]}]
    loaded = schedule(notification_providers=[], maintenance_windows=windows)

    (found,) = warn_of_names([loaded], [], connectors=[])

    assert ".providers[1]" in found


def test_a_policy_may_name_any_provider_while_one_schedule_is_open_to_all_connectors() -> None:
    rules = policy(maintenance_windows=[{**WINDOW, "providers": ["mine"]}])
    closed, is_open = schedule(), schedule(schedule_id="ledger", notification_providers=[])

    assert warn_of_names([closed, is_open], [rules]) == []
    assert len(warn_of_names([closed], [rules])) == 1
