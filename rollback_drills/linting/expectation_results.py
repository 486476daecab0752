"""Tests expectations: judges and plans each schedule at its time, and says what differs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from rollback_drills.documents.expectations import (
    EXPECTATIONS_SCHEMA,
    Expectation,
    Expectations,
    ExpectedRoute,
)
from rollback_drills.documents.fleets.fleet import find_subject
from rollback_drills.documents.history import History
from rollback_drills.documents.reading.reader import Loaded
from rollback_drills.documents.schema_versions import HISTORY_SCHEMA
from rollback_drills.documents.subject import Subject
from rollback_drills.documents.utc import write_instant
from rollback_drills.names.keys import name_key
from rollback_drills.planning.decisions import RouteDecision
from rollback_drills.planning.fleet_check import ScheduleCheck, start_checks
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.readiness.judgement import judge_all


@dataclass(frozen=True, slots=True)
class Tested:
    """What became of one expectation."""

    name: str
    at: str
    schedule_id: str
    differences: tuple[str, ...] = field(default=())
    """Empty if everything was as expected."""

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return not self.differences


def find_results(
    expectations: Sequence[Expectation],
    subjects: Sequence[Subject],
    criteria: Criteria,
    request: PlanRequest,
) -> Iterator[Tested]:
    """Test expectations, each at its own time; nobody counts as notified yet."""
    for each in expectations:
        subject, problem = _choose(subjects, each.schedule_id)
        if subject is None:
            yield Tested(each.name, each.at, each.schedule_id, (problem,))
            continue
        check = _check(_with_drills(subject, each), criteria, request, now=each.instant)
        yield Tested(each.name, each.at, check.schedule_id, tuple(_compare(each, check)))


def record(
    subjects: Sequence[Subject], criteria: Criteria, request: PlanRequest, *, now: datetime
) -> Expectations:
    """Return what happens at one time as expectations, one for each schedule."""
    checks = start_checks(subjects, judge_all(subjects, criteria, now=now))
    found = []
    for check in checks:
        check.plan_at_once(request, now=now)
        due = check.judgement.schedule.next_due_at
        found.append(
            Expectation(
                name=f"{check.schedule_id} on {now:%Y-%m-%d}",
                at=write_instant(now),
                schedule_id=check.schedule_id,
                status=check.judgement.readiness.value,
                next_due_at=datetime.fromisoformat(due) if due else None,
                notified=tuple(_write(each) for each in check.decisions if each.is_delivered),
                silent=tuple(_write(each) for each in check.decisions if not each.is_delivered),
            )
        )
    return Expectations(EXPECTATIONS_SCHEMA, tuple(found))


def _write(decision: RouteDecision) -> ExpectedRoute:
    if decision.is_delivered:
        return ExpectedRoute(decision.provider, decision.owner)
    until = datetime.fromisoformat(decision.deferred_until) if decision.deferred_until else None
    return ExpectedRoute(decision.provider, decision.owner, str(decision.category), until)


def _choose(subjects: Sequence[Subject], wanted: str) -> tuple[Subject | None, str]:
    if not wanted:
        if len(subjects) == 1:
            return subjects[0], ""
        return None, f"there are {len(subjects)} schedules; write schedule_id"
    found, similar = find_subject(subjects, wanted)
    return found, f"there is no schedule {wanted}" + (f"; did you mean {similar}?" if similar else "")


def _with_drills(subject: Subject, expectation: Expectation) -> Subject:
    if expectation.drills is None:
        return subject
    history = History(schema_version=HISTORY_SCHEMA, drills=expectation.drills)
    environment = subject.document.environment if subject.document else ""
    loaded = Loaded("expectations", msgspec.structs.replace(history, environment=environment))
    return msgspec.structs.replace(subject, history=loaded)


def _check(subject: Subject, criteria: Criteria, request: PlanRequest, *, now: datetime) -> ScheduleCheck:
    (check,) = start_checks([subject], judge_all([subject], criteria, now=now))
    check.plan_at_once(request, now=now)
    return check


def _compare(expected: Expectation, check: ScheduleCheck) -> Iterator[str]:
    facts, status = check.judgement.schedule, str(check.judgement.readiness)
    if expected.status is not None and expected.status != status:
        yield f"status is {status}, expected {expected.status}: {facts.message}"
    if expected.next_due_at is not None:
        wanted = write_instant(expected.next_due_at)
        if facts.next_due_at != wanted:
            yield f"due {facts.next_due_at or 'at no time'}, expected {wanted}"
    if expected.notified is not None:
        yield from _compare_notified(expected.notified, check.decisions)
    for route in expected.silent or ():
        yield from _compare_silent(route, check.decisions)


def _compare_notified(expected: Sequence[ExpectedRoute], decisions: Sequence[RouteDecision]) -> Iterator[str]:
    wanted = {_key(each) for each in expected}
    for route in expected:
        decision = _find(route, decisions)
        if decision is None:
            yield f"{_place(route)}: there is no such route, expected to be notified"
        elif not decision.is_delivered:
            yield f"{_place(route)}: not notified ({decision.category}: {decision.reason}), expected to be"
    for decision in decisions:
        if decision.is_delivered and _key(decision) not in wanted:
            yield f"{_place(decision)}: notified, expected not to be"


def _compare_silent(expected: ExpectedRoute, decisions: Sequence[RouteDecision]) -> Iterator[str]:
    decision = _find(expected, decisions)
    if decision is None:
        yield f"{_place(expected)}: there is no such route, expected to be silent"
    elif decision.is_delivered:
        yield f"{_place(expected)}: notified, expected to be silent"
    else:
        if expected.category and expected.category != decision.category:
            yield f"{_place(expected)}: silent by {decision.category}, expected {expected.category}"
        until = write_instant(expected.until) if expected.until else None
        if until and until != decision.deferred_until:
            yield f"{_place(expected)}: silent until {decision.deferred_until or 'unknown'}, expected {until}"


def _find(route: ExpectedRoute, decisions: Sequence[RouteDecision]) -> RouteDecision | None:
    return next((each for each in decisions if _key(each) == _key(route)), None)


def _key(route: ExpectedRoute | RouteDecision) -> tuple[str, str]:
    return name_key(route.provider), name_key(route.owner)


def _place(route: ExpectedRoute | RouteDecision) -> str:
    return f"{route.provider} to {route.owner}"
