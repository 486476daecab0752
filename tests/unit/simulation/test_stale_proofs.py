"""A simulation with changes: who is told, how long the gate is blocked, and which drill closes it."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from rollback_drills.documents.changes import Change, KnownChanges
from rollback_drills.notifications.reasons import Reason
from rollback_drills.simulation.assumptions import Assumptions
from rollback_drills.simulation.findings import StaleProof
from rollback_drills.simulation.happenings import Notified, Performed, Promoted, Proven
from rollback_drills.simulation.scenario import Scenario
from rollback_drills.simulation.simulate import Simulation, simulate
from rollback_drills.simulation.summary import Limits, summarise
from tests.samples.builders import DRILL, NOW, make_subject

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def run(assumptions: Assumptions, *promoted: int, **fields: object) -> Simulation:
    subject = make_subject(
        [DRILL],
        **{
            "next_due_at": "2027-06-01T09:00:00Z",
            "interval_days": 180,
            "redrill_after_change_days": 7,
            "notification_providers": ["slack"],
            "owners": ["team-a"],
            **fields,
        },
    )
    changes = tuple(Change(f"rel-{each}", NOW + each * DAY, "payments") for each in promoted)
    scenario = Scenario(NOW, NOW + 60 * DAY, HOUR, assumptions=assumptions)
    return simulate([replace(subject, changes=KnownChanges(changes))], scenario)


def test_the_owner_is_told_once_and_the_next_drill_closes_it() -> None:
    found = run(Assumptions(acknowledged_after=HOUR / 4), 10, 12)

    assert next((type(each), each.at) for each in found.happenings if not isinstance(each, Notified)) == (
        Promoted,
        "2026-12-11T09:00:00+00:00",
    )
    told = [
        (each.at, each.reason) for each in found.happenings if isinstance(each, Notified) and not each.step
    ]
    assert told == [
        ("2026-12-11T09:00:00+00:00", Reason.FIRST),
        ("2026-12-18T09:00:00+00:00", Reason.RESOLVED),
    ]
    performed = [each.at for each in found.happenings if isinstance(each, Performed)]
    assert performed == ["2026-12-18T09:00:00+00:00"]
    assert [each.at for each in found.happenings if isinstance(each, Proven)] == performed
    summary = summarise(found.happenings, NOW + 60 * DAY, Limits())
    since, until = "2026-12-11T09:00:00+00:00", "2026-12-18T09:00:00+00:00"
    assert summary.stale_proofs == [StaleProof("payments", "rel-10", "payments", since, until, 7)]


@pytest.mark.parametrize("days", [None, 7])
def test_a_gate_stays_blocked_if_nobody_performs_the_drill(days: int | None) -> None:
    found = run(Assumptions(None), 10, redrill_after_change_days=days)

    (stale,) = summarise(found.happenings, NOW + 60 * DAY, Limits()).stale_proofs
    assert (stale.until, stale.days) == (None, 50)
    assert any(isinstance(each, Notified) for each in found.happenings) == (days is not None)


def test_nothing_is_stale_without_a_change() -> None:
    found = run(Assumptions(timedelta(0)))

    assert summarise(found.happenings, NOW + 60 * DAY, Limits()).stale_proofs == []
    assert not any(isinstance(each, Promoted | Proven) for each in found.happenings)
