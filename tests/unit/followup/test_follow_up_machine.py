"""A cycle that anything may happen to, in any order: what holds whatever comes."""

import contextlib
import tempfile
from datetime import timedelta
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from rollback_drills.errors import UsageError
from rollback_drills.evidence.index import EvidenceFilter, EvidenceIndex
from rollback_drills.followup.acknowledgements.acknowledgement import find_current
from rollback_drills.followup.exceptions.exception import ExceptionKind
from rollback_drills.followup.next_actions import CycleState, find_next_actions, find_state
from tests.samples.builders import NOW
from tests.samples.databases import open_sqlite
from tests.samples.examples import examples
from tests.samples.followup_records import acknowledged
from tests.samples.world import World

RULES = {
    "team-a": {
        "escalation_owner": "lead-a",
        "escalation_steps": [
            {"owner": "director", "after_business_hours": 2},
            {"owner": "board", "after_minutes": 90},
        ],
    },
    "team-b": {"providers": ["teams"], "acknowledgement_minutes": 240},
}
SCHEDULE = {"next_due_at": None, "interval_days": 30, "owner_routes": RULES}
WHO = st.sampled_from(["team-a", "team-b"])


class FollowUp(RuleBasedStateMachine):
    """One schedule over months, and people who do what they like."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        database = open_sqlite(Path(self.folder.name) / "drills.db")
        self.world = World(database, SCHEDULE)
        self.world.perform(executed_at=(NOW - timedelta(days=31)).isoformat())
        self.evidence = 0

    def teardown(self) -> None:
        self.world.database.engine.dispose()
        self.folder.cleanup()

    @rule(hours=st.sampled_from([0.25, 1, 5, 24, 24 * 8]))
    def wait(self, hours: float) -> None:
        """Let time pass; the follow-up runs at the end of it."""
        self.world.wait(hours=hours)
        self.world.escalate()

    @rule()
    def check(self) -> None:
        self.world.check()

    @rule(owner=WHO, state=st.sampled_from(["acknowledged", "dismissed", "escalated", "resolved"]))
    def acknowledge(self, owner: str, state: str) -> None:
        """Acknowledge or except something that was notified; only what was planned once can be."""
        if self.world.open_cycles():
            self.world.ack(owner=owner, state=state)

    @rule(accepted=st.booleans())
    def perform(self, accepted: bool) -> None:
        self.world.perform(status="pass" if accepted else "fail")

    @rule(kind=st.sampled_from(ExceptionKind), days=st.integers(1, 20))
    def approve(self, kind: ExceptionKind, days: int) -> None:
        """Approve an exception; what is beyond the ceiling is refused."""
        with contextlib.suppress(UsageError):
            self.world.grant(kind, self.world.now + timedelta(days=days))

    @rule(provider=st.sampled_from(["slack", "teams"]))
    def break_or_mend(self, provider: str) -> None:
        """Let a receiver refuse everything, or take everything again."""
        self.world.refusing ^= {provider}

    @invariant()
    def every_open_cycle_has_a_next_action(self) -> None:
        assert all(find_next_actions(cycle) for cycle in self.world.open_cycles())

    @invariant()
    def dashboard_and_escalation_plan_agree(self) -> None:
        dashboard, plan = self.world.dashboard(), self.world.escalation_plan()
        names = ("alert_level", "route_count", "outstanding_count", "breached_count")
        assert [dashboard[name] for name in names] == [plan[name] for name in names]
        outstanding = {
            (each["cycle_id"], each["provider"], each["owner"]) for each in dashboard["outstanding"]
        }
        waiting = {
            (each["cycle_id"], each["provider"], each["owner"])
            for each in plan["routes"]
            if each["recommended_action"] != "no_action"
        }
        assert outstanding == waiting
        for cycle in self.world.open_cycles():
            state = find_state(cycle, now=self.world.now)
            of_cycle = [each for each in plan["routes"] if each["cycle_id"] == cycle.cycle_id]
            if state is CycleState.ACKNOWLEDGED and not cycle.steps_of("team-a") + cycle.steps_of("team-b"):
                assert all(each["acknowledged"] for each in of_cycle)

    @invariant()
    def no_step_is_taken_twice(self) -> None:
        steps = [each.notification.notification_id for each in self.world.told("escalated")]
        assert len(steps) == len(set(steps))

    @invariant()
    def nobody_hears_of_a_cycle_after_it_is_closed_and_only_who_heard_of_it_hears_that(self) -> None:
        routes: dict[tuple[str, str, str], list[str]] = {}
        for each in self.world.received:
            key = each.notification.cycle_id, each.owner, each.provider
            routes.setdefault(key, []).append(each.reason)
        for reasons in routes.values():
            assert "resolved" not in reasons[:-1]
            assert reasons != ["resolved"]

    @invariant()
    def no_evidence_is_lost(self) -> None:
        _, count = EvidenceIndex(self.world.database).find(EvidenceFilter(), limit=1)
        assert count >= self.evidence
        self.evidence = count


FollowUp.TestCase.settings = settings(
    max_examples=examples(25),
    stateful_step_count=20,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestFollowUp = pytest.mark.slow(FollowUp.TestCase)


@pytest.mark.slow
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from(["acknowledged", "escalated", "resolved"])),
        min_size=1,
        max_size=4,
    )
)
def test_the_order_in_which_acknowledgements_are_written_down_does_not_matter(
    said: list[tuple[int, str]],
) -> None:
    records = [
        acknowledged(
            NOW + timedelta(hours=hours),
            state=state,
            acknowledgement_id=f"gordack-{number}",
            route_key=f"gordroute-{number % 2}",
        )
        for number, (hours, state) in enumerate(said)
    ]
    found = [find_current(order) for order in permutations(records)]

    assert all(each == found[0] for each in found)
