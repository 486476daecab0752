"""Retired schedules: by their document or by an approval, and cycles whose document is gone."""

from datetime import timedelta
from typing import Any

import pytest

from rollback_drills.database.connections import Database
from rollback_drills.documents.subject import Subject
from rollback_drills.errors import UsageError
from rollback_drills.evidence.appender import append
from rollback_drills.followup.dashboard import build_dashboard, find_problems
from rollback_drills.followup.escalations.follow_up_rules import (
    FollowUpRules,
    documents_of,
    find_gone,
    find_rules,
)
from rollback_drills.followup.next_actions import Action
from rollback_drills.followup.retirements.retirement import (
    Change,
    GivenRetirement,
    RetirementRecord,
    apply_retirements,
    read_retired,
    record_retirement,
)
from rollback_drills.followup.retirements.retirement_closings import close_retired
from rollback_drills.notifications.outcome import Outcome, Verdict
from rollback_drills.readiness.states import Readiness
from tests.samples.builders import NOW, judged, make_subject, open_key
from tests.samples.world import World

OVERDUE = {
    "owners": ["team-a"],
    "notification_providers": ["slack"],
    "owner_routes": {"team-a": {"escalation_owner": "lead"}},
    "next_due_at": (NOW - timedelta(days=1)).isoformat(),
}


def retire(world: World, schedule_id: str = "payments", **changes: Any) -> RetirementRecord:
    """Approve a retirement, write it down and close what is open."""
    given = GivenRetirement(
        schedule_id,
        changes.pop("reason", "the backend is gone"),
        changes.pop("approver", "board"),
        **changes,
    )
    known = {*world.schedules, *(each.schedule_id for each in world.open_cycles())}
    record = record_retirement(
        given,
        known,
        read_retired(world.database),
        now=world.now,
        created_at=world.now,
        signer="test",
    )
    append(world.database, [record], open_key)
    close_retired(world.database, now=world.now, queued_at=world.now)
    world._deliver()
    return record


def test_a_retired_schedule_is_not_overdue_and_says_why() -> None:
    judgement = judged(make_subject(None, **OVERDUE, status="retired"))

    assert (judgement.readiness, judgement.cycle.retired) == (
        Readiness.NOT_REQUESTED,
        'the schedule is retired: $.status is "retired"',
    )
    facts = judgement.schedule
    assert (facts.stale, facts.next_due_at, facts.status, facts.active) == (False, "", "retired", False)
    assert facts.message == judgement.cycle.retired
    checks = {check.id: check for check in judgement.schedule_report.checks}
    assert not any(check.fails for check in checks.values())
    assert checks["go_rollback_drill_schedule_active"].message == facts.message
    assert judgement.schedule_report.operator_notes == (f"Nothing is asked for: {facts.message}.",)


@pytest.mark.parametrize("status", ["retire", "Retired", "paused", ""])
def test_no_other_status_retires(status: str) -> None:
    judgement = judged(make_subject(None, **OVERDUE, status=status))
    assert judgement.readiness is Readiness.NEEDS_ATTENTION
    assert "$.status" in judgement.schedule.message


def test_the_check_closes_the_cycle_of_a_document_that_was_retired(database: Database) -> None:
    world = World(database, OVERDUE)
    world.check()
    world.schedules["payments"]["status"] = "retired"
    plans = world.check()

    assert world.open_cycles() == []
    (closed,) = world.told("resolved")
    assert closed.notification.title == "Rollback drill no longer needed: payments (production)"
    assert 'is closed: the schedule is retired: $.status is "retired".' in closed.notification.summary
    assert {each.reason for each in plans[0].route_decisions} == {
        'the schedule is retired: $.status is "retired"; no notification is needed'
    }
    world.wait(days=30)
    world.check()
    assert world.escalate() == []
    assert len(world.received) == 2


def test_a_cycle_whose_document_is_gone_is_listed_and_can_be_closed(database: Database) -> None:
    world = World(database, OVERDUE, {**OVERDUE, "schedule_id": "search"})
    world.check()
    del world.schedules["payments"], world.drills["payments"]
    world.wait(hours=3)
    world.check()
    cycles = world.open_cycles()
    gone = find_gone(cycles, world.subjects())
    rules = find_rules(database, cycles, documents_of(world.subjects()), gone=gone)

    assert gone == {"payments"}
    dashboard = build_dashboard(cycles, [], now=world.now, generated_by="test", rules=rules)
    assert {each.schedule_id: each.document_gone for each in dashboard.cycles} == {
        "payments": True,
        "search": False,
    }
    (problem,) = find_problems(cycles, now=world.now, rules=rules)
    assert problem.endswith(
        "its document is gone; restore it, or run:"
        " drills retire --schedule-id payments --approver WHO --reason WHY"
    )
    payments = next(each for each in cycles if each.schedule_id == "payments")
    actions = [each.action for each in rules.find_actions(payments, now=world.now)]
    assert Action.RETIRE in actions
    assert Action.REPEAT not in actions

    retire(world)

    assert [each.schedule_id for each in world.open_cycles()] == ["search"]
    (closed,) = world.told("resolved")
    assert closed.notification.summary == (
        "The schedule payments was retired by board: the backend is gone."
        " Nobody has to do anything about it any more."
    )
    world.wait(days=2)
    world.check()
    assert {each.cycle.schedule_id for each in world.escalate()} == {"search"}


def test_nothing_is_gone_where_documents_are_missing_or_one_cannot_be_read(database: Database) -> None:
    world = World(database, OVERDUE)
    world.check()
    cycles = world.open_cycles()

    assert find_gone(cycles, []) == frozenset()
    unread = make_subject(None, schedule_id="search")
    assert find_gone(cycles, [unread]) == {"payments"}
    assert find_gone(cycles, [unread, Subject(None, None)]) == frozenset()
    assert FollowUpRules().is_gone(cycles[0]) is False


def test_a_schedule_that_was_retired_by_approval_is_not_followed_until_it_is_restored(
    database: Database,
) -> None:
    world = World(database, OVERDUE)
    world.check()
    record = retire(world, "PAYMENTS", requested_by="maria")

    assert (record.schedule_id, record.approver, record.requested_by) == (
        "payments",
        "board",
        "maria",
    )
    judgements = [judged(each, now=world.now) for each in world.subjects()]
    (judgement,) = apply_retirements(judgements, read_retired(database))
    assert judgement.readiness is Readiness.NOT_REQUESTED
    assert judgement.cycle.retired == "the schedule was retired by board: the backend is gone"

    retire(world, change=Change.RESTORED, reason="it is back")
    assert read_retired(database) == {}
    assert apply_retirements(judgements, read_retired(database)) == judgements


def test_what_is_under_way_is_closed_by_a_later_run(database: Database) -> None:
    class Silent(World):
        async def send_async(self, notification: Any, *, timeout_seconds: float) -> Verdict:
            return Verdict(Outcome.AMBIGUOUS, "no answer")

    world = Silent(database, OVERDUE)
    world.check()
    retire(world)
    assert len(world.open_cycles()) == 1, "nobody knows whether the owner was notified"

    settled = World(database, OVERDUE, now=world.now + timedelta(hours=2))
    settled._deliver()
    close_retired(database, now=settled.now, queued_at=settled.now)
    assert settled.open_cycles() == []


def test_a_route_that_was_never_notified_is_closed_without_a_message(database: Database) -> None:
    window = {
        "window_id": "freeze",
        "start_at": (NOW - timedelta(days=1)).isoformat(),
        "end_at": (NOW + timedelta(days=1)).isoformat(),
    }
    world = World(database, {**OVERDUE, "maintenance_windows": [window]})
    world.check()
    assert len(world.open_cycles()) == 1
    retire(world)
    assert world.open_cycles() == []
    assert world.received == []


def test_a_reason_of_several_lines_stays_one_line_in_messages_and_whole_in_the_evidence(
    database: Database,
) -> None:
    world = World(database, OVERDUE)
    world.check()
    reason = "gone.\n\nNothing to do.\r\n# *all* ready."

    assert retire(world, reason=reason).reason == reason

    (closed,) = world.told("resolved")
    assert closed.notification.summary == (
        "The schedule payments was retired by board: gone. Nothing to do. # *all* ready."
        " Nobody has to do anything about it any more."
    )
    (judged_now,) = apply_retirements([judged(make_subject(None, **OVERDUE))], read_retired(database))
    (note,) = judged_now.schedule_report.operator_notes
    assert note.endswith("by board: gone. Nothing to do. # *all* ready.")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"reason": " "}, "is empty; a retirement needs a reason"),
        ({"approver": ""}, "is empty; a retirement needs a reason and an approver"),
        (
            {"approver": "Maria", "requested_by": "maria"},
            '^approver is "Maria", who requested it; somebody else',
        ),
        ({"reason": "see https://wiki.corp.example.com/x"}, "holds"),
        ({"change": Change.RESTORED}, "is not retired; retired are none"),
    ],
)
def test_what_cannot_be_approved_is_refused(
    database: Database, changes: dict[str, Any], problem: str
) -> None:
    world = World(database, OVERDUE)
    with pytest.raises(UsageError, match=problem):
        retire(world, **changes)
    assert read_retired(database) == {}


def test_an_unknown_schedule_and_a_second_retirement_are_refused(database: Database) -> None:
    world = World(database, OVERDUE)
    with pytest.raises(
        UsageError, match=r'^schedule_id ".*" has neither a document nor an open cycle; known are payments'
    ):
        retire(world, "search")
    retire(world)
    with pytest.raises(
        UsageError, match=r"^schedule_id .payments. is retired already: the schedule was retired by board"
    ):
        retire(world)
