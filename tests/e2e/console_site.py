"""A fleet that has lived through some weeks, for the console to show."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rollback_drills.console.source import Console, read_console
from rollback_drills.database.connections import Database
from rollback_drills.evidence.checks.population import Concluded, Population
from rollback_drills.evidence.drills import find_drills
from rollback_drills.evidence.outbox_transfer import index_run
from rollback_drills.evidence.plan_records import record_plan
from rollback_drills.evidence.record import Record
from rollback_drills.followup.exceptions.exception import ExceptionKind
from rollback_drills.planning.plan import Plan
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.readiness.judgement import Judgement, judge_all
from tests.samples.builders import open_key
from tests.samples.world import FLOW_RUN, World

HOSTILE = '"><img src=x onerror=alert(1)>&#x27;..%2f?id=😀'
START = datetime(2026, 10, 5, 9, tzinfo=UTC)
_FREEZE = {
    "window_id": "quarter-end-freeze",
    "start_at": "2026-11-26T00:00:00Z",
    "end_at": "2026-11-29T00:00:00Z",
    "owners": ["release-governance"],
    "reason": "quarter end: no change, no drill",
}
_FINDING = {
    "finding_id": "payments-writer",
    "summary": "the writer of payments reconnects only after four minutes",
    "severity": "medium",
    "ticket": "PAY-1208",
}
_WEEKENDS = {
    "window_id": "weekend",
    "recurrence": {
        "rrule": "FREQ=WEEKLY;BYDAY=FR",
        "start": "2026-12-04T18:00",
        "end": "2026-12-07T08:00",
        "time_zone": "Europe/Berlin",
    },
    "reason": "no changes at weekends",
}
_TRAINING = {
    "start_at": "2026-12-09T08:00:00Z",
    "end_at": "2026-12-10T16:00:00Z",
    "reason": "training",
}
_PAYMENTS = {
    "schedule_id": "payments",
    "due_policy": "after_completion",
    "next_due_at": "2026-10-20T09:00:00Z",
    "owners": ["payments-team", "release-governance"],
    "owner_routes": {"payments-team": {"escalation_owner": "platform"}},
    "maintenance_windows": [_FREEZE, _WEEKENDS],
    "owner_calendars": {"payments-team": {"unavailable_windows": [_TRAINING]}},
}


def build_site(folder: Path, last: str = HOSTILE) -> Console:
    """Let eight weeks pass over some schedules, and give the console of the last instant.

    Args:
        folder: Where the database goes.
        last: The id of the last schedule.
    """
    database = Database.open(f"sqlite:///{folder / 'evidence.db'}")
    usual = {"due_policy": "after_completion", "next_due_at": "2026-10-28T09:00:00Z", "owners": ["platform"]}
    names = ("billing", "search", "ledger", "identity")
    world = World(
        database, _PAYMENTS, *({**usual, "schedule_id": name} for name in (*names, last)), now=START
    )
    for day in range(57):
        _live(world, day, last)
        plans = world.check()
        world.wait(hours=2)
        world.escalate()
        _index(world, plans)
        world.wait(hours=22)
    world.wait(hours=-21)
    subjects = world.subjects()
    return read_console(database, subjects, judge_all(subjects, Criteria(), now=world.now), now=world.now)


def _live(world: World, day: int, last: str) -> None:
    """Do what people do on a day."""
    world.refusing = {"teams"} if day in range(20, 24) else set()
    match day:
        case 14:
            world.perform("payments")
        case 20 | 40:
            for name in ("billing", "search", "ledger"):
                world.perform(name)
        case 25:
            world.perform("identity")
        case 45:
            world.ack("payments", by="maria", owner="payments-team")
        case 48:
            world.perform("payments", status="fail", fallback_verified=False, findings=[_FINDING])
        case 52:
            world.perform("ledger")
            world.perform("identity")
        case 56:
            world.perform("search")
        case 53:
            world.grant(ExceptionKind.SKIP, world.now + timedelta(days=9), last)


def _index(world: World, plans: Sequence[Plan]) -> None:
    """Record a day, and that a check has looked at all schedules."""
    subjects = world.subjects()
    judgements = judge_all(subjects, Criteria(), now=world.now)
    concluded = [_conclude(plan, each, world.now) for plan, each in zip(plans, judgements, strict=True)]
    drills = find_drills(
        subjects, list(world.schedules), now=world.now, created_at=world.now, signer="drill-check"
    )
    index_run(
        world.database,
        [],
        created_at=world.now,
        signer="drill-check",
        redact=lambda record: record,
        open_key=open_key,
        drills=drills,
        looked=Population("rcpop-site", "schedules", world.now, concluded),
        flow_run_id=FLOW_RUN,
    )


def _conclude(plan: Plan, judgement: Judgement, now: datetime) -> Concluded:
    section, session_id = judgement.schedule, f"rcd-{plan.plan_id}"

    def record() -> Iterable[Record]:
        return record_plan(plan, section, session_id, created_at=now, signer="drill-check")

    digest = f"{plan.status}: {section.next_due_at}"
    return Concluded(plan.schedule_id, digest, judgement.cycle.status, plan.plan_id, False, record)
