from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollback_drills.documents.calendars.working_days import WEEK, WorkCalendar
from rollback_drills.documents.calendars.working_time import BusinessHours, WorkingTime
from rollback_drills.documents.routing_policy import RoutingPolicy
from rollback_drills.errors import UsageError
from rollback_drills.followup.acknowledgements.acknowledgement import (
    Acknowledgement,
    AcknowledgementState,
    find_current,
    find_end,
)
from rollback_drills.planning.escalation_chain import Chain, Link, read_chain, resolve_chains
from rollback_drills.planning.routes import Route
from tests.samples.builders import NOW
from tests.samples.followup_records import acknowledged

ROUTES = [Route("team-a", "slack", 15, "lead-a"), Route("team-a", "teams", 15, "lead-a")]


def policy(**document: Any) -> RoutingPolicy:
    return msgspec.convert(document, RoutingPolicy)


def test_without_a_rule_the_owner_is_told_once_more_through_the_same_providers() -> None:
    route = Route("team-a", "slack", 60, "team-a")

    assert resolve_chains([route], None, None) == {
        "team-a": Chain("team-a", (Link("team-a", ("slack",), after_minutes=60.0),))
    }


def test_everybody_is_told_through_the_step_else_the_own_rule_else_as_the_owner() -> None:
    steps = [
        {"owner": "director", "after_business_hours": 4, "providers": ["email"]},
        {"owner": "board", "after_minutes": 600},
    ]
    rules = {
        "Team-A": {"escalation_owner": "lead-a", "escalation_steps": steps},
        "board": {"providers": ["sms"]},
    }
    calendars = {"Lead-A": {"time_zone": "Europe/Berlin"}}

    chains = resolve_chains(ROUTES, policy(owner_routes=rules, owner_calendars=calendars))

    assert chains["team-a"].links == (
        Link("lead-a", ("slack", "teams"), after_minutes=15.0),
        # what is waited for is the answer of the one before, in the hours of that one
        Link("director", ("email",), after_business_hours=4.0, working_time=WorkingTime("Europe/Berlin")),
        Link("board", ("sms",), after_minutes=600.0),
    )


def test_the_callers_policy_overrides_what_it_says_of_working_time_and_nothing_else() -> None:
    hours = {"start": "08:00", "end": "16:00"}
    document = policy(owner_calendars={"lead-a": {"time_zone": "Europe/Berlin", "business_hours": hours}})
    steps = [{"owner": "director", "after_business_hours": 4}]
    caller = policy(
        owner_calendars={"lead-a": {"time_zone": "America/New_York"}},
        owner_routes={"team-a": {"escalation_owner": "lead-a", "escalation_steps": steps}},
    )

    (_, link) = resolve_chains(ROUTES, document, caller)["team-a"].links

    assert link.working_time == WorkingTime("America/New_York", BusinessHours("08:00", "16:00"))


BERLIN = {"holidays": "DE-BE", "closed": ["2026-12-24"]}


def test_a_wait_takes_the_calendar_of_its_document_along() -> None:
    hours = {"business_hours": {"start": "08:00", "calendar": "berlin"}}
    steps = [{"owner": "director", "after_business_hours": 4}]
    document = policy(
        owner_calendars={"lead-a": hours},
        calendars={"berlin": BERLIN},
        owner_routes={"team-a": {"escalation_owner": "lead-a", "escalation_steps": steps}},
    )
    zone = policy(owner_calendars={"lead-a": {"time_zone": "Europe/Berlin"}}, calendars={"berlin": {}})
    other = policy(owner_calendars={"lead-a": {"business_hours": {"start": "10:00"}}})

    def wait(*sources: RoutingPolicy) -> WorkingTime:
        return resolve_chains(ROUTES, *sources)["team-a"].links[1].working_time

    berlin = msgspec.convert(BERLIN, WorkCalendar)
    assert wait(document, zone) == WorkingTime(
        "Europe/Berlin", BusinessHours("08:00", calendar="berlin"), berlin
    )
    assert wait(document, other) == WorkingTime("UTC", BusinessHours("10:00"))
    assert msgspec.to_builtins(wait(document))["calendar"] == BERLIN | {"closed": ("2026-12-24",)}


def test_a_chain_with_holidays_that_are_not_known_here_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    link = Link("lead-a", ("slack",), 15.0, working_time=WorkingTime(calendar=WorkCalendar(holidays="DE-BE")))
    chain = msgspec.to_builtins(Chain("team-a", (link,)))
    chain["links"][0]["working_time"]["calendar"]["holidays"] = "DE-XX"

    with pytest.raises(UsageError) as raised:
        read_chain({"schedule_id": "payments", "escalation_chain": chain})

    assert str(raised.value).startswith(
        "the escalation chain of payments cannot be followed here: holidays has the unknown part 'XX' of DE"
    )


def test_only_the_chains_that_are_wanted_are_made() -> None:
    routes = [*ROUTES, Route("team-b", "slack", 15, "lead-b")]

    assert set(resolve_chains(routes, None, of=["team-b"])) == {"team-b"}


LINKS = st.builds(
    Link,
    st.text(min_size=1, max_size=9),
    st.lists(st.sampled_from(["slack", "email"]), min_size=1, unique=True).map(tuple),
    after_minutes=st.none() | st.floats(0, 1e6),
    after_business_hours=st.none() | st.floats(0, 1000),
    working_time=st.builds(
        WorkingTime,
        st.sampled_from(["UTC", "Europe/Berlin"]),
        st.builds(BusinessHours, st.just("08:30"), days=st.just(WEEK[:3])),
        st.none()
        | st.builds(WorkCalendar, st.just(WEEK[:4]), st.just("DE-BE"), closed=st.just(("2026-12-24",))),
    )
    | st.just(WorkingTime()),
)


@pytest.mark.slow
@given(st.builds(Chain, st.text(min_size=1, max_size=9), st.lists(LINKS, min_size=1).map(tuple)))
def test_an_event_keeps_the_whole_chain(chain: Chain) -> None:
    event = msgspec.json.decode(msgspec.json.encode({"escalation_chain": chain}))

    assert read_chain(event) == chain


def test_an_event_leaves_out_what_is_as_usual() -> None:
    chain = Chain("team-a", (Link("lead-a", ("slack",), after_minutes=15.0),))

    assert msgspec.json.encode(chain) == (
        b'{"owner":"team-a","links":[{"owner":"lead-a","providers":["slack"],"after_minutes":15.0}]}'
    )


def test_an_event_of_before_chains_has_a_chain_of_one_step() -> None:
    route = {
        "owner": "team-a",
        "providers": ["slack"],
        "acknowledgement_minutes": 30,
        "escalation_owner": "lead-a",
    }

    assert read_chain({"owner_routes": [route]}) == Chain("team-a", (Link("lead-a", ("slack",), 30),))


DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("asked", "due", "end"),
    [
        pytest.param(None, None, 3 * DAY, id="by default three days"),
        pytest.param(None, -DAY, 3 * DAY, id="a due instant that is past does not end it"),
        pytest.param(None, timedelta(0), 3 * DAY, id="nor does one that is now"),
        pytest.param(None, 2 * DAY, 2 * DAY, id="one to come does"),
        pytest.param(None, 3 * DAY, 3 * DAY, id="at the same instant"),
        pytest.param(None, 4 * DAY, 3 * DAY, id="and a later one does not"),
        pytest.param(DAY, None, DAY, id="as asked"),
        pytest.param(30 * DAY, None, 30 * DAY, id="at most thirty days"),
        pytest.param(30 * DAY, 10 * DAY, 10 * DAY, id="not beyond the due instant, whatever is asked"),
    ],
)
def test_an_acknowledgement_ends(asked: timedelta | None, due: timedelta | None, end: timedelta) -> None:
    given = Acknowledgement("maria", acknowledged_for=asked)

    assert find_end(given, NOW, None if due is None else NOW + due) == NOW + end


def test_asking_to_escalate_buys_no_time() -> None:
    assert find_end(Acknowledgement("maria", AcknowledgementState.ESCALATED), NOW, None) == NOW


@pytest.mark.parametrize("asked", [timedelta(0), -DAY, 30 * DAY + timedelta(seconds=1), timedelta.max])
def test_an_acknowledgement_for_no_time_or_too_long_is_refused(asked: timedelta) -> None:
    with pytest.raises(UsageError, match="acknowledged_for_days must be more than 0 and at most 30"):
        find_end(Acknowledgement("maria", acknowledged_for=asked), NOW, None)


def test_an_acknowledgement_of_before_they_had_an_end_holds_for_the_default_time() -> None:
    said = acknowledged(NOW)

    assert (said.at, said.until) == (NOW, NOW + 3 * DAY)
    assert find_current([said]) == {"gordroute-1": said}
    assert said.because == "acknowledged by maria until 2026-12-04T09:00:00+00:00"


@pytest.mark.parametrize(
    ("link", "due"),
    [
        (Link("lead", ("slack",), after_minutes=0.5), NOW + timedelta(seconds=30)),
        (Link("lead", ("slack",), after_minutes=0.0), NOW),
        (Link("lead", ("slack",), after_business_hours=8.5), datetime(2026, 12, 2, 9, 30, tzinfo=UTC)),
    ],
)
def test_a_step_is_due_after_its_wait(link: Link, due: datetime) -> None:
    assert link.find_due(NOW) == due


@pytest.mark.parametrize(
    "event",
    [
        {"schedule_id": "payments"},
        {"owner_routes": []},
        {"owner_routes": [{"owner": "x"}]},
        {"owner_routes": 5},
    ],
)
def test_an_event_that_somebody_changed_is_one_line(event: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="cannot be followed here"):
        read_chain(event)
