from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollback_drills.documents.policy_file import read_policy
from rollback_drills.documents.reading.reader import parse_document
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.subject import Subject
from rollback_drills.errors import UsageError
from rollback_drills.names.ids import notification_id, route_key, spelt_route_key
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.sent_notification import SentNotification, Suppression
from rollback_drills.notifications.states import State
from rollback_drills.planning.decisions import decide_routes, make_context
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.planning.routes import (
    Route,
    check_requested,
    known_providers,
    named_providers,
    parse_requested,
)
from rollback_drills.planning.windows_and_absences import Suppressions
from rollback_drills.readiness.states import Readiness
from tests.samples.builders import (
    NOW,
    build_notifications,
    checked,
    judged,
    make_subject,
    make_told,
    plan_of,
    planned,
    written,
)

TICK = timedelta(microseconds=1)


def window(start: datetime, end: datetime, **matchers: Any) -> dict[str, Any]:
    """Write a window."""
    return {"window_id": "freeze", "start_at": start.isoformat(), "end_at": end.isoformat(), **matchers}


def told_before(subject: Subject | None = None, **changes: Any) -> dict[str, list[SentNotification]]:
    """Return a history in which every route of a subject was told, by route key."""
    plan = plan_of(subject or make_subject())
    return {
        each["route_key"]: [make_told(number, provider=each["provider"], owner=each["owner"], **changes)]
        for number, each in enumerate(plan["route_decisions"])
    }


def categories(plan: dict[str, Any]) -> set[str]:
    """Return the categories of a plan's decisions."""
    return {each["category"] for each in plan["route_decisions"]}


@pytest.mark.parametrize(
    ("start", "end", "category"),
    [
        pytest.param(NOW, NOW + TICK, "maintenance_window", id="the start belongs to it"),
        pytest.param(NOW - TICK, NOW, "deliver", id="the end does not"),
        pytest.param(NOW + TICK, NOW + 2 * TICK, "deliver", id="later"),
    ],
)
def test_windows_and_absences_are_half_open(start: datetime, end: datetime, category: str) -> None:
    assert categories(plan_of(make_subject(maintenance_windows=[window(start, end)]))) == {category}
    absent = {"unavailable_windows": [{"start_at": start.isoformat(), "end_at": end.isoformat()}]}
    expected = {category.replace("maintenance_window", "owner_calendar")}
    assert categories(plan_of(make_subject(owner_calendars={"TEAM-A": absent, "team-b": absent}))) == expected


def test_every_matcher_that_is_not_empty_must_match_whatever_the_case() -> None:
    freeze = window(NOW, NOW + TICK, owners=["TEAM-A"], providers=["Slack"], schedule_ids=["PAYMENTS"])
    other = window(NOW, NOW + TICK, owners=["team-b"], schedule_ids=["search"])

    plan = plan_of(make_subject(maintenance_windows=[other, freeze]))

    suppressed = [(d["owner"], d["provider"]) for d in plan["route_decisions"] if d["action"] == "suppress"]
    assert suppressed == [("team-a", "slack")]


@pytest.mark.parametrize("order", [1, -1])
def test_a_window_of_one_provider_holds_for_it_alone_beside_a_window_of_all(order: int) -> None:
    windows = [window(NOW, NOW + TICK, providers=["slack"]), window(NOW, NOW + TICK, owners=["team-c"])]

    plan = plan_of(make_subject(maintenance_windows=windows[::order]))

    assert {(each["provider"], each["action"]) for each in plan["route_decisions"]} == {
        ("slack", "suppress"),
        ("teams", "deliver"),
    }


def test_the_providers_of_each_owner_are_sorted() -> None:
    plan = plan_of(make_subject(notification_providers=["teams", "jira", "slack"], owners=["b", "a"]))

    assert [(each["owner"], each["provider"]) for each in plan["route_decisions"]] == [
        *(("b", each) for each in ("jira", "slack", "teams")),
        *(("a", each) for each in ("jira", "slack", "teams")),
    ]


@pytest.mark.parametrize("is_late", [True, False])
@pytest.mark.parametrize("matchers", [{}, {"owners": ["team-a"]}, {"providers": ["slack"]}])
@pytest.mark.parametrize("sent", [(), ("slack",), ("slack", "teams")])
def test_each_route_is_decided_as_if_it_were_the_only_one(
    is_late: bool, matchers: dict[str, Any], sent: tuple[str, ...]
) -> None:
    due: dict[str, Any] = {} if is_late else {"next_due_at": "2027-06-01T00:00:00Z"}
    subject = make_subject(maintenance_windows=[window(NOW, NOW + TICK, **matchers)], **due)
    before = told_before(subject, status=Readiness.NEEDS_ATTENTION, at=NOW - timedelta(hours=1))
    notified = {key: history for key, history in before.items() if history[0].provider in sent}
    request = PlanRequest(notified=notified)
    check = checked(subject, request)

    context = make_context(check.judgement.cycle, check.schedule, request, now=NOW)
    alone = [decide_routes([each], context)[0] for each in check.routes]

    assert len({each.owner for each in check.routes}) > 1
    assert check.decisions == alone


def test_force_overrides_health_but_never_a_window_or_an_absence() -> None:
    healthy: dict[str, Any] = {"next_due_at": "2027-06-01T00:00:00Z"}
    force = PlanRequest(force=True)
    away = {"team-a": {"available": False}, "team-b": {"available": False}}

    assert categories(plan_of(make_subject(**healthy))) == {"healthy_schedule"}
    assert categories(plan_of(make_subject(**healthy), force)) == {"deliver"}
    freeze = [window(NOW, NOW + TICK)]
    assert categories(plan_of(make_subject(maintenance_windows=freeze), force)) == {"maintenance_window"}
    assert categories(plan_of(make_subject(owner_calendars=away), force)) == {"owner_calendar"}


def test_the_policy_of_a_caller_adds_and_cannot_cancel_a_freeze() -> None:
    policy = read_policy({"maintenance_windows": [], "owner_calendars": {"team-b": {"available": False}}})
    subject = make_subject(maintenance_windows=[window(NOW, NOW + TICK, owners=["team-a"])])

    plan = plan_of(subject, PlanRequest(policy=policy))

    assert {d["owner"]: d["category"] for d in plan["route_decisions"]} == {
        "team-a": "maintenance_window",
        "team-b": "owner_calendar",
    }


def test_owner_routes_of_the_caller_override_per_owner() -> None:
    subject = make_subject(
        owner_routes={"team-a": {"providers": ["jira"]}, "team-b": {"acknowledgement_minutes": 5}},
        acknowledgement_minutes=40,
    )
    policy = read_policy({"owner_routes": {"team-a": {"providers": ["webhook"], "escalation_owner": "lead"}}})

    routes = plan_of(subject, PlanRequest(policy=policy))["owner_routes"]

    assert routes == [
        {
            "owner": "team-a",
            "providers": ["webhook"],
            "acknowledgement_minutes": 40,
            "escalation_owner": "lead",
        },
        {
            "owner": "team-b",
            "providers": ["slack", "teams"],
            "acknowledgement_minutes": 5,
            "escalation_owner": "team-b",
        },
    ]


def test_without_any_minutes_an_hour_is_given_to_acknowledge() -> None:
    policy = read_policy({"default_slo": {"acknowledgement_minutes": 20}})

    assert plan_of(make_subject())["owner_routes"][0]["acknowledgement_minutes"] == 60
    request = PlanRequest(policy=policy)
    assert plan_of(make_subject(), request)["owner_routes"][0]["acknowledgement_minutes"] == 20


def test_a_provider_that_nobody_knows_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="provider slcak is unknown; known are jira, mail, slack, teams"):
        check_requested(parse_requested("slcak"), frozenset({"slack", "teams", "mail", "jira"}))
    assert parse_requested(" all ") is None
    assert parse_requested("slack, teams") == frozenset({"slack", "teams"})


@pytest.mark.parametrize("text", ["", " ", ",,,", " , "])
def test_to_name_no_provider_is_not_to_name_all(text: str) -> None:
    with pytest.raises(UsageError, match="provider names no provider; write all"):
        parse_requested(text)


@pytest.mark.parametrize(
    ("status", "ago", "quiet"),
    [
        pytest.param(Readiness.NEEDS_ATTENTION, timedelta(days=1) - TICK, True, id="within a day"),
        pytest.param(Readiness.NEEDS_ATTENTION, timedelta(days=1), False, id="after a day"),
        pytest.param(Readiness.DUE_SOON, TICK, False, id="it got worse"),
    ],
)
def test_what_was_told_stays_quiet_for_a_while(status: Readiness, ago: timedelta, quiet: bool) -> None:
    told = told_before(status=status, at=NOW - ago)

    again = plan_of(make_subject(), PlanRequest(notified=told))

    assert categories(again) == ({"already_notified"} if quiet else {"deliver"})
    assert categories(plan_of(make_subject(), PlanRequest(notified=told, force=True))) == {"deliver"}


@pytest.mark.parametrize(
    ("in_schedule", "in_policy", "state", "days"),
    [
        pytest.param(None, None, "needs_attention", 1.0, id="nobody says"),
        pytest.param(None, None, "due_soon", 7.0, id="nobody says, due soon"),
        pytest.param({"needs_attention": 3}, None, "needs_attention", 3.0, id="the schedule"),
        pytest.param({"needs_attention": 3}, None, "due_soon", 7.0, id="the schedule, of another state"),
        pytest.param({"due_soon": 0.5}, None, "due_soon", 0.5, id="half a day"),
        pytest.param(None, {"needs_attention": 2}, "needs_attention", 2.0, id="the policy"),
        pytest.param({"needs_attention": 3}, {"needs_attention": 2}, "needs_attention", 2.0, id="both"),
        pytest.param({"needs_attention": 3}, {"due_soon": 2}, "needs_attention", 3.0, id="each of its own"),
        pytest.param({"due_soon": 3}, {"due_soon": 36_525}, "due_soon", 36_525.0, id="a hundred years"),
    ],
)
def test_documents_say_after_how_many_days_a_route_is_told_again_and_the_policy_wins(
    in_schedule: dict[str, float] | None, in_policy: dict[str, float] | None, state: str, days: float
) -> None:
    due_at = NOW + timedelta(days=3 if state == "due_soon" else -3)
    subject = make_subject(next_due_at=due_at.isoformat(), repeat_after_days=in_schedule)
    request = PlanRequest(
        policy=read_policy({"repeat_after_days": in_policy}) if in_policy else None,
        notified=told_before(subject, at=NOW, status=Readiness(state)),
    )

    (until,) = {each["deferred_until"] for each in plan_of(subject, request)["route_decisions"]}

    assert datetime.fromisoformat(until) == NOW + timedelta(days=days)


@pytest.mark.parametrize(
    "given", [{"due_soon": days} for days in (0, -1, 36_526, "1", True)] + [{"due_sooner": 1}, 3, []]
)
def test_days_that_make_no_sense_are_refused(given: Any) -> None:
    with pytest.raises(UsageError, match="repeat_after_days"):
        read_policy({"repeat_after_days": given})


@pytest.mark.parametrize(
    ("state", "category", "reason", "replaces"),
    [
        pytest.param(State.DELIVERED, "deliver", "worse", False, id="told, and worse now"),
        pytest.param(State.PENDING, "deliver", "worse", True, id="not sent yet"),
        pytest.param(State.SENDING, "other", None, False, id="being sent"),
        pytest.param(State.AMBIGUOUS, "other", None, False, id="perhaps sent"),
        pytest.param(State.SUPPRESSED, "deliver", "deferred", False, id="kept silent"),
        pytest.param(State.DISCARDED, "deliver", "first", False, id="taken out"),
    ],
)
def test_a_decision_says_which_notification_goes_out_and_which_it_replaces(
    state: State, category: str, reason: str | None, replaces: bool
) -> None:
    last = Reason.DEFERRED if state is State.SUPPRESSED else Reason.FIRST
    told = told_before(state=state, status=Readiness.DUE_SOON, reason=last)
    occurrence = 2 if state is State.DISCARDED else 1

    for decision in planned(make_subject(), PlanRequest(notified=told)).route_decisions:
        key = decision.route_key
        assert (decision.category, decision.notification_reason) == (category, reason)
        assert decision.notification_id == (notification_id(key, reason, occurrence) if reason else "")
        assert list(decision.replaces) == ([told[key][0].notification_id] if replaces else [])


def test_a_window_keeps_a_place_whose_id_is_that_of_the_deferred_notification() -> None:
    freeze = window(NOW, NOW + timedelta(hours=1))
    subject = make_subject(maintenance_windows=[freeze])
    after = NOW + timedelta(hours=1)

    silent = planned(subject).route_decisions
    told = told_before(subject, state=State.SUPPRESSED, reason=Reason.DEFERRED)
    again = planned(subject, PlanRequest(notified=told)).route_decisions
    later = planned(subject, PlanRequest(notified=told), now=after).route_decisions

    places = [notification_id(each.route_key, "deferred", 1) for each in silent]
    assert [each.notification_id for each in silent] == places
    assert [each.notification_id for each in again] == places
    assert [each.notification_id for each in later] == places
    assert {each.notification_reason for each in silent} == {"first"}
    assert {each.notification_reason for each in later} == {"deferred"}
    assert {each.category for each in later} == {"deliver"}


def test_a_window_keeps_no_place_where_nothing_is_to_be_told() -> None:
    subject = make_subject(maintenance_windows=[window(NOW, NOW + timedelta(hours=1))])
    request = PlanRequest(notified=told_before(subject, at=NOW - TICK))

    decisions = planned(subject, request).route_decisions

    assert {each.category for each in decisions} == {"maintenance_window"}
    assert {each.notification_id for each in decisions} == {""}


def test_another_due_instant_is_another_cycle_with_other_routes() -> None:
    first, again = plan_of(make_subject()), plan_of(make_subject(), now=NOW + timedelta(days=1))
    other = plan_of(make_subject(next_due_at="2026-11-28T09:00:00Z"))

    assert first["cycle_id"] == again["cycle_id"] != other["cycle_id"]
    assert first["plan_id"] != again["plan_id"]
    keys = [{each["route_key"] for each in plan["route_decisions"]} for plan in (first, again, other)]
    assert keys[0] == keys[1]
    assert not keys[0] & keys[2]
    assert route_key(first["cycle_id"], "slack", "team-a") in keys[0]


def test_an_unusable_document_is_known_by_its_path_and_told_to_the_default_owner() -> None:
    subject = Subject(parse_document(Schedule, b"{", "fleet/ledger.json"), None)

    plan = plan_of(subject)

    assert plan["schedule_id"] == "fleet/ledger.json"
    assert [(each["owner"], each["provider"]) for each in plan["route_decisions"]] == [
        ("release-governance", "webhook")
    ]
    assert categories(plan) == {"deliver"}


def test_a_suppressed_owner_is_named_in_nobody_elses_message() -> None:
    subject = make_subject(maintenance_windows=[window(NOW, NOW + TICK, owners=["team-b"])])
    judgement = judged(subject)

    notifications = list(build_notifications(judgement.schedule_report, planned(subject)))

    assert [(each.owner, each.provider) for each in notifications] == [
        ("team-a", "slack"),
        ("team-a", "teams"),
    ]
    for each in notifications:
        assert "team-b" not in repr(each)
        assert "\n" not in each.title
        assert all(label and value for label, value in each.facts)
        assert each.event["owners"] == [each.owner]
        assert f"--owner {each.owner} " in each.acknowledge


HOURS = st.integers(-5, 5)
PERIODS = st.tuples(HOURS, st.integers(1, 6)).map(
    lambda pair: (NOW + timedelta(hours=pair[0]), NOW + timedelta(hours=pair[0] + pair[1]))
)


@given(st.lists(PERIODS, max_size=4), st.lists(PERIODS, max_size=4), st.booleans())
def test_a_route_is_deferred_to_the_first_instant_at_which_nothing_keeps_it_silent(
    windows: list[tuple[datetime, datetime]], absences: list[tuple[datetime, datetime]], available: bool
) -> None:
    periods = [{"start_at": start.isoformat(), "end_at": end.isoformat()} for start, end in absences]
    document = {
        "maintenance_windows": [window(start, end) for start, end in windows],
        "owner_calendars": {"a": {"available": available, "unavailable_windows": periods}},
    }
    policy = read_policy(document)
    found = Suppressions("x", policy).defer(Route("a", "slack", 60, "a"), NOW).until

    ends = sorted({NOW, *(end for _, end in windows + absences if end > NOW)})
    free = [end for end in ends if not any(start <= end < stop for start, stop in windows + absences)]
    assert found == (free[0] if available else None)


@pytest.mark.slow
@given(st.lists(PERIODS, max_size=3), st.booleans(), st.sampled_from([-1, 3, 90]))
def test_every_route_gets_a_reason_and_the_counts_add_up(
    windows: list[tuple[datetime, datetime]], available: bool, days: int
) -> None:
    plan = plan_of(
        make_subject(
            next_due_at=(NOW + timedelta(days=days)).astimezone(UTC).isoformat(),
            maintenance_windows=[window(start, end, owners=["team-a"]) for start, end in windows],
            owner_calendars={"team-b": {"available": available}},
        )
    )

    decisions = plan["route_decisions"]
    assert all(each["reason"] for each in decisions)
    healthy = sum(each["category"] == "healthy_schedule" for each in decisions)
    suppressed = plan["maintenance_suppressed_count"] + plan["calendar_suppressed_count"] + healthy
    assert suppressed == plan["suppressed_route_count"]
    assert plan["deliverable_route_count"] + plan["suppressed_route_count"] == len(decisions) == 4


def test_a_policy_that_is_unusable_is_the_callers_mistake() -> None:
    with pytest.raises(UsageError, match="did you mean 'owner_routes'"):
        read_policy({"owner_route": {}})
    assert read_policy(None) is None
    assert written({}) == b"{}"


@pytest.mark.parametrize("day_of_freeze", [0, 1, 2])
def test_a_route_that_was_told_is_deferred_until_neither_quiet_nor_freeze_holds(day_of_freeze: int) -> None:
    freeze = NOW + timedelta(days=day_of_freeze)
    subject = make_subject(maintenance_windows=[window(freeze - TICK, freeze + timedelta(hours=1))])
    told = told_before(subject, at=NOW - TICK)
    request = PlanRequest(notified=told)

    (until,) = {each["deferred_until"] for each in plan_of(subject, request)["route_decisions"]}

    at = datetime.fromisoformat(until)
    assert categories(plan_of(subject, request, now=at)) == {"deliver"}
    assert categories(plan_of(subject, request, now=at - TICK)) != {"deliver"}
    assert at == (freeze + timedelta(hours=1) if day_of_freeze == 1 else NOW - TICK + timedelta(days=1))


def test_a_route_that_was_deferred_is_told_by_the_first_run_after_it() -> None:
    subject = make_subject(
        maintenance_windows=[window(NOW, NOW + timedelta(hours=2))],
        owner_calendars={
            owner: {
                "unavailable_windows": [
                    {
                        "start_at": (NOW + timedelta(hours=1)).isoformat(),
                        "end_at": (NOW + timedelta(hours=3)).isoformat(),
                    }
                ]
            }
            for owner in ("team-a", "team-b")
        },
    )

    plan = plan_of(subject)

    assert {each["deferred_until"] for each in plan["route_decisions"]} == {"2026-12-01T12:00:00+00:00"}
    assert categories(plan_of(subject, now=NOW + timedelta(hours=3) - TICK)) == {"owner_calendar"}
    assert categories(plan_of(subject, now=NOW + timedelta(hours=3))) == {"deliver"}


@pytest.mark.parametrize(
    ("rule", "policy", "slo", "minutes"),
    [
        (5, 10, 20, 5),
        (None, 10, 20, 10),
        (None, None, 20, 20),
        (None, None, None, 60),
        (0, 10, 20, 0),
        (None, 0, 20, 0),
    ],
)
def test_minutes_come_from_the_rule_then_the_policy_then_its_service_level_then_an_hour(
    rule: int | None, policy: int | None, slo: int | None, minutes: int
) -> None:
    document: dict[str, Any] = {
        "owner_routes": {"TEAM-A": {"acknowledgement_minutes": rule}},
        "acknowledgement_minutes": policy,
        "default_slo": {"acknowledgement_minutes": slo},
    }

    here = plan_of(make_subject(owners=["team-a"], **document))
    brought = plan_of(make_subject(owners=["team-a"]), PlanRequest(policy=read_policy(document)))

    assert here["owner_routes"][0]["acknowledgement_minutes"] == minutes
    assert brought["owner_routes"][0]["acknowledgement_minutes"] == minutes


@pytest.mark.parametrize(
    ("named", "connectors", "requested", "eligible"),
    [
        (["slack", "teams"], ["jira"], None, ["slack", "teams"]),
        ([], ["jira", "slack"], None, ["jira", "slack"]),
        ([], [], None, ["webhook"]),
        (["slack", "teams", "slack"], [], frozenset({"slack"}), ["slack"]),
        (["slack"], [], frozenset({"teams"}), []),
    ],
)
def test_providers_are_the_schedules_else_the_connectors_else_webhook_as_far_as_asked_for(
    named: list[str], connectors: list[str], requested: frozenset[str] | None, eligible: list[str]
) -> None:
    request = PlanRequest(requested=requested, connectors=connectors)

    plan = plan_of(make_subject(notification_providers=named), request)

    assert plan["eligible_providers"] == eligible
    assert {each["provider"] for each in plan["route_decisions"]} == set(eligible)


def test_a_decision_says_why_also_without_a_document_or_a_reason_of_the_window() -> None:
    unasked = plan_of(Subject(None, None))
    frozen = plan_of(make_subject(maintenance_windows=[window(NOW, NOW + TICK)]))
    late, forced = plan_of(make_subject()), plan_of(make_subject(), PlanRequest(force=True))

    assert {each["reason"] for each in unasked["route_decisions"]} == {
        "no drill is asked for; no notification is needed"
    }
    assert {each["reason"] for each in frozen["route_decisions"]} == {"maintenance window freeze: no reason"}
    assert {each["reason"] for each in late["route_decisions"]} == {"the drill needs attention"}
    assert {each["reason"] for each in forced["route_decisions"]} == {
        "the drill needs attention, and the notification is forced"
    }


@pytest.mark.parametrize(
    ("changes", "selected", "suppressed"),
    [
        pytest.param({}, ["jira", "slack", "teams"], [], id="all"),
        pytest.param(
            {"maintenance_windows": [window(NOW, NOW + TICK, providers=["slack"])]},
            *(["jira", "teams"], ["slack"]),
            id="all but one",
        ),
        pytest.param(
            {"next_due_at": "2027-06-01T00:00:00Z"}, [], ["jira", "slack", "teams"], id="none, in their order"
        ),
        pytest.param(
            {"owners": ["team-a"], "owner_routes": {"team-a": {"providers": ["mail"]}}},
            *(["mail"], ["teams", "slack", "jira"]),
            id="others, of the rule of the only owner",
        ),
    ],
)
def test_a_plan_names_the_providers_that_notify_somebody_and_the_others(
    changes: dict[str, Any], selected: list[str], suppressed: list[str]
) -> None:
    plan = plan_of(make_subject(**{"notification_providers": ["teams", "slack", "jira"], **changes}))

    assert (plan["selected_providers"], plan["suppressed_providers"]) == (selected, suppressed)


def test_the_first_window_that_matches_is_named_the_schedules_before_the_callers() -> None:
    first, second, third = ({**window(NOW - TICK, NOW + TICK), "window_id": name} for name in "abc")
    missing = {**window(NOW - 2 * TICK, NOW), "window_id": "over"}
    policy = read_policy({"maintenance_windows": [third]})

    plan = plan_of(make_subject(maintenance_windows=[missing, first, second]), PlanRequest(policy=policy))

    assert {each["maintenance_window"]["window_id"] for each in plan["route_decisions"]} == {"a"}


def test_an_owner_without_an_end_of_absence_is_deferred_without_an_end() -> None:
    plan = plan_of(make_subject(owner_calendars={"team-a": {"available": False, "reason": "left"}}))

    absent = [each for each in plan["route_decisions"] if each["owner"] == "team-a"]
    assert {each["deferred_until"] for each in absent} == {None}
    assert [each["owner_availability"] for each in absent] == [{"available": False, "reason": "left"}] * 2


def test_two_unusable_documents_are_in_different_cycles_each_the_same_in_every_run() -> None:
    plans = [
        plan_of(Subject(parse_document(Schedule, data, path), None), now=NOW + timedelta(days=day))
        for path, data, day in (("a.json", b"{", 0), ("a.json", b"", 1), ("b.json", b"{", 0))
    ]

    cycles = [plan["cycle_id"] for plan in plans]
    assert cycles[0] == cycles[1] != cycles[2]


def test_connectors_are_looked_for_only_if_a_requested_name_is_still_unknown() -> None:
    def find() -> list[str]:
        raise AssertionError

    assert "slack" in known_providers(frozenset(), parse_requested("SLACK, teams"), find)
    assert "slack" in known_providers(frozenset(), None, find)
    known = known_providers(frozenset({"hook"}), parse_requested("pager, slack"), lambda: ["pager"])
    assert {"pager", "hook", "slack"} <= known


def test_providers_are_known_that_a_schedule_or_a_rule_for_an_owner_names() -> None:
    unreadable = parse_document(Schedule, b"{", "a.json")
    rules = {"team-a": {"providers": ["pager"]}}
    named = make_subject(notification_providers=["slack"], owner_routes=rules).schedule

    assert named_providers([None, unreadable, named]) == {"slack", "pager"}


def test_a_reason_of_several_lines_is_one_line_of_a_decision() -> None:
    freeze = window(NOW, NOW + TICK, owners=["team-a"], reason="year end\n\npayments: ready\n")
    away = {"unavailable_windows": [{**window(NOW, NOW + TICK, reason="on\r\nleave")}]}
    del away["unavailable_windows"][0]["window_id"]

    plan = plan_of(make_subject(maintenance_windows=[freeze], owner_calendars={"team-b": away}))

    reasons = {each["owner"]: each["reason"] for each in plan["route_decisions"]}
    assert reasons["team-a"].startswith("maintenance window freeze: year end payments: ready")
    assert reasons["team-b"].startswith("team-b cannot be notified: on leave")


def test_an_absence_is_written_into_the_decision_with_its_bounds() -> None:
    bounds = {"start_at": "2026-12-01T08:00:00+00:00", "end_at": "2026-12-03T09:00:00+00:00"}
    calendar = {"unavailable_windows": [{**bounds, "reason": "leave"}]}
    plan = plan_of(make_subject(owner_calendars={"team-a": calendar}))

    absent = [each["owner_availability"] for each in plan["route_decisions"] if each["owner"] == "team-a"]

    assert absent == [{**bounds, "available": False, "reason": "leave"}] * 2


@pytest.mark.parametrize(("absent_for", "until"), [(1, 3), (5, 5)])
def test_an_absent_owner_is_told_when_neither_the_absence_nor_the_acknowledgement_holds(
    absent_for: int, until: int
) -> None:
    away = {"start_at": NOW.isoformat(), "end_at": (NOW + timedelta(days=absent_for)).isoformat()}
    subject = make_subject(owner_calendars={"team-a": {"unavailable_windows": [away]}}, owners=["team-a"])
    told = told_before(subject, at=NOW - TICK)
    acknowledged = dict.fromkeys(told, Suppression(NOW + timedelta(days=3), "acknowledged by maria"))

    plan = plan_of(subject, PlanRequest(notified=told, acknowledged=acknowledged))

    assert categories(plan) == {"owner_calendar"}
    assert {each["deferred_until"] for each in plan["route_decisions"]} == {
        (NOW + timedelta(days=until)).isoformat()
    }


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_routes_that_became_one_the_acknowledgement_that_holds_longest_counts(order: int) -> None:
    subject = make_subject(owners=["team-a"], notification_providers=["slack"])
    cycle_id = plan_of(subject)["cycle_id"]
    spelt = [spelt_route_key(cycle_id, provider, "team-a") for provider in ("Slack", "SLACK")]
    told = {
        key: [make_told(number, provider=provider, cycle_id=cycle_id)]
        for number, (key, provider) in enumerate(zip(spelt, ("Slack", "SLACK"), strict=True))
    }
    ends = [NOW + timedelta(days=days) for days in (2, 4)][::order]
    said = {key: Suppression(end, "acknowledged") for key, end in zip(spelt, ends, strict=True)}

    (decision,) = plan_of(subject, PlanRequest(notified=told, acknowledged=said))["route_decisions"]

    assert decision["category"] == "already_notified"
    assert decision["deferred_until"] == (NOW + timedelta(days=4)).isoformat()


@pytest.mark.parametrize(
    ("own", "general", "reason"),
    [
        ("leave", "part time", "leave"),
        ("", "part time", "part time"),
        ("", "", "not available"),
    ],
)
def test_an_absence_has_the_reason_of_its_period_else_of_the_calendar(
    own: str, general: str, reason: str
) -> None:
    away = {"start_at": NOW.isoformat(), "end_at": (NOW + TICK).isoformat(), "reason": own}
    plan = plan_of(
        make_subject(owner_calendars={"team-a": {"unavailable_windows": [away], "reason": general}})
    )

    absent = {each["owner_availability"]["reason"] for each in plan["route_decisions"]}

    assert absent == {reason, ""}
