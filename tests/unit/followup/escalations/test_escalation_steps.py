"""The next step of a chain: who takes it, when absences and windows end, and what has no end."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from rollback_drills.followup.cycle_facts import CycleFacts, RouteFacts, Sent
from rollback_drills.followup.escalations.escalation_steps import plan_step
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.states import State
from rollback_drills.planning.escalation_chain import EVENT_KEY, Chain, Link
from rollback_drills.planning.windows_and_absences import Suppressions
from rollback_drills.readiness.states import Readiness
from tests.samples.builders import NOW, make_subject

CHAIN = Chain("team-a", (Link("lead", ("slack",)), Link("director", ("slack",))))
NIGHTS = {"rrule": "FREQ=DAILY", "start": "2026-01-01T22:00", "end": "2026-01-02T06:00", "time_zone": "UTC"}


def cycle() -> CycleFacts:
    """Make a cycle of which the owner was told."""
    sent = Sent(
        "gordmsg-1",
        Reason.FIRST,
        Readiness.NEEDS_ATTENTION,
        State.DELIVERED,
        NOW,
        NOW,
        NOW,
        None,
        {EVENT_KEY: CHAIN},
    )
    return CycleFacts("gordcycle-1", "payments", NOW, [RouteFacts("gordroute-1", "slack", "team-a", [sent])])


def suppressions(**calendars: dict[str, Any]) -> Suppressions:
    """Return the calendars of a schedule with a window every night."""
    window = {"window_id": "nights", "recurrence": NIGHTS}
    subject = make_subject(maintenance_windows=[window], owner_calendars=calendars)
    return Suppressions("payments", subject.document)


@pytest.mark.parametrize(("both", "told"), [(True, ""), (False, "director")])
def test_a_chain_of_people_who_are_never_there_is_given_up_at_once(
    monkeypatch: pytest.MonkeyPatch, *, both: bool, told: str
) -> None:
    gone = {"available": False}
    found = suppressions(lead=gone, **({"director": gone} if both else {}))
    asked: list[datetime] = []
    find_change = found.find_change

    def count(owner: str, instant: datetime) -> datetime | None:
        asked.append(instant)
        return find_change(owner, instant)

    monkeypatch.setattr(found, "find_change", count)
    step = plan_step(cycle(), "team-a", found, now=NOW)

    assert step
    assert step.escalates_to == told
    assert len(asked) <= 1


@pytest.mark.parametrize(
    ("back_in", "free_in", "expected"),
    [
        pytest.param(1, 5, ("lead", 1), id="the first one is back before the next one can be notified"),
        pytest.param(5, 1, ("director", 1), id="the next one can be notified before the first one is back"),
    ],
)
def test_the_first_of_the_chain_who_can_be_notified_takes_the_step(
    back_in: int, free_in: int, expected: tuple[str, int]
) -> None:
    def until(hours: int, **more: Any) -> dict[str, Any]:
        ends_at = NOW + timedelta(hours=hours)
        return {"start_at": NOW.isoformat(), "end_at": ends_at.isoformat(), **more}

    subject = make_subject(
        owner_calendars={"lead": {"unavailable_windows": [until(back_in)]}},
        maintenance_windows=[until(free_in, window_id="freeze", owners=["director"])],
    )

    step = plan_step(cycle(), "team-a", Suppressions("payments", subject.document), now=NOW)

    assert step
    assert (step.escalates_to, step.at) == (expected[0], NOW + timedelta(hours=expected[1]))
