"""Plans are committed with their notifications, so the evidence gets them also if the run is killed."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import select, text, update

from rollback_drills.database.connections import Database
from rollback_drills.database.tables import OUTBOX_PLANS
from rollback_drills.documents.plain_json import PlainJson, to_plain
from rollback_drills.evidence.append_result import Indexed
from rollback_drills.evidence.checks.population import Concluded, Population
from rollback_drills.evidence.committed_plans import KILLED_AFTER, write_plan
from rollback_drills.evidence.outbox_transfer import index_run
from rollback_drills.evidence.plan_records import record_plan
from rollback_drills.evidence.record_kinds import DECISION_KIND, DRILL_KIND, PLAN_KIND, ROUTE_DELIVERY_KIND
from rollback_drills.names import ids
from rollback_drills.notifications.states import State
from rollback_drills.outbox.commit import commit
from rollback_drills.planning.finding import find_finding
from rollback_drills.planning.fleet_check import ScheduleCheck
from rollback_drills.planning.outbox_entries import find_entries
from rollback_drills.planning.plan_request import PlanRequest
from tests.samples.builders import NOW, checked, make_subject, open_key
from tests.samples.databases import only_on_sqlite
from tests.samples.outbox_rows import as_it_is, claim, make_result, settle
from tests.samples.populations import POPULATION, records, verify

KILLED, LATER = "0691f5a2-8a0e-7f3c-8000-000000000001", "0691f5a2-8a0e-7f3c-8000-000000000002"
SECOND = timedelta(seconds=1)


def commit_plan(database: Database, now: datetime = NOW, **changes: Any) -> ScheduleCheck:
    """Plan an overdue schedule, and commit what it notifies; then the run is killed, or goes on."""
    check = checked(make_subject([], notification_providers=["webhook"], **changes), now=now)
    plan = write_plan(check, as_it_is, now=now, flow_run_id=KILLED)
    commit(database, list(find_entries(check, PlanRequest())), [], plans=[plan], now=now.timestamp())
    return check


def deliver(database: Database) -> None:
    """Deliver what was committed."""
    now = NOW.timestamp()
    times = {"started_at": now, "completed_at": now}
    settle(database, *(make_result(each, State.DELIVERED, **times) for each in claim(database, now=now)))


def record(database: Database, at: datetime, check: ScheduleCheck | None = None) -> Indexed:
    """Record what a run has looked at, or a run that is no check."""
    looked = Population(POPULATION, "", at, [conclude(check, at)]) if check else None
    return index_run(
        database,
        [],
        created_at=at,
        signer="me",
        redact=as_it_is,
        open_key=open_key,
        looked=looked,
        flow_run_id=LATER,
    )


def conclude(check: ScheduleCheck, at: datetime) -> Concluded:
    plan, session = check.plan, ids.delivery_session_id(check.schedule_id, check.plan.plan_id)
    return Concluded(
        check.schedule_id,
        find_finding(check).digest(),
        check.judgement.readiness,
        plan.plan_id,
        plan.deliverable_route_count > 0,
        lambda: record_plan(plan, check.judgement.schedule, session, created_at=at, signer="me"),
    )


def plans(database: Database) -> Sequence[Mapping[str, Any]]:
    return records(database, PLAN_KIND)


def waiting(database: Database) -> list[tuple[str, bool]]:
    columns = select(OUTBOX_PLANS.c.plan_id, OUTBOX_PLANS.c.is_recorded)
    with database.read() as connection:
        return [(row.plan_id, row.is_recorded) for row in connection.execute(columns)]


def test_the_run_that_notifies_records_its_plan_once(database: Database) -> None:
    check = commit_plan(database)
    deliver(database)

    record(database, NOW + KILLED_AFTER + SECOND, check)
    record(database, NOW + 2 * KILLED_AFTER)

    (plan,) = plans(database)
    assert (plan["plan_id"], "finding_digest" in plan) == (check.plan.plan_id, True)
    assert len(records(database, DECISION_KIND)) == len(check.plan.route_decisions)
    assert waiting(database) == []


def test_the_plan_of_a_killed_run_is_recorded_by_a_later_one(database: Database) -> None:
    check = commit_plan(database)
    deliver(database)

    later = NOW + KILLED_AFTER + SECOND
    record(database, later)
    record(database, later + SECOND)

    (plan,) = plans(database)
    decisions: list[PlainJson] = records(database, DECISION_KIND)
    assert plan["plan"] == to_plain(check.plan)
    assert {each["flow_run_id"] for each in [plan, *decisions]} == {KILLED}
    assert plan["created_at"] == later.isoformat()
    assert [each["owner"] for each in decisions] == ["team-a", "team-b"]
    assert {each["plan_id"] for each in records(database, ROUTE_DELIVERY_KIND)} == {plan["plan_id"]}
    assert verify(database).is_intact


def test_it_says_nothing_of_the_last_finding(database: Database) -> None:
    """What the killed run found was compared with nothing: the next check finds the schedule changed."""
    record(
        database,
        NOW,
        checked(make_subject([], notification_providers=["webhook"], next_due_at="2027-01-01T09:00:00Z")),
    )
    commit_plan(database, NOW + SECOND)
    later = NOW + KILLED_AFTER + 2 * SECOND
    record(database, later, checked(make_subject([], notification_providers=["webhook"]), now=later))

    digests = ["finding_digest" in each for each in plans(database)]
    assert sorted(digests) == [False, True, True]
    assert verify(database).is_intact


def test_a_run_that_still_delivers_is_given_time(database: Database) -> None:
    check = commit_plan(database)

    record(database, NOW + KILLED_AFTER)

    assert plans(database) == []
    assert waiting(database) == [(check.plan.plan_id, False)]


def test_a_slow_run_records_its_finding_though_another_has_recorded_its_plan(database: Database) -> None:
    check = commit_plan(database)
    record(database, NOW + KILLED_AFTER + SECOND)
    record(database, NOW + KILLED_AFTER + 2 * SECOND)

    record(database, NOW + 2 * KILLED_AFTER, check)

    assert ["finding_digest" in each for each in plans(database)] == [False, True]
    assert len(records(database, DECISION_KIND)) == len(check.plan.route_decisions)
    assert waiting(database) == []
    assert verify(database).is_intact


def test_a_plan_waits_for_a_run_however_long_there_is_none(database: Database) -> None:
    commit_plan(database)

    record(database, NOW + timedelta(days=3))

    assert len(plans(database)) == 1


def test_what_was_recorded_for_a_killed_run_is_forgotten_after_a_day(database: Database) -> None:
    commit_plan(database)
    record(database, NOW + KILLED_AFTER + SECOND)
    assert [is_recorded for _, is_recorded in waiting(database)] == [True]

    record(database, NOW + timedelta(days=1, seconds=1))

    assert waiting(database) == []
    assert len(plans(database)) == 1


def test_a_plan_whose_notifications_are_known_already_is_not_kept(database: Database) -> None:
    first = commit_plan(database)
    commit_plan(database, NOW + SECOND)

    assert waiting(database) == [(first.plan.plan_id, False)]


DRILL = {"metadata_kind": DRILL_KIND, "status": "passed"}


@pytest.mark.parametrize(
    "forge",
    [
        pytest.param(lambda found: [{**found[0], **DRILL}], id="a drill"),
        pytest.param(lambda found: [*found, {**found[1], **DRILL}], id="a drill after the decisions"),
        pytest.param(lambda found: [{**found[0], "once_key": "of a drill to come"}], id="the key of a drill"),
        pytest.param(lambda found: [{**found[0], "finding_digest": "0" * 64}], id="a digest"),
        pytest.param(lambda found: [{**found[0], "plan_id": "gordn_other"}], id="another plan"),
        pytest.param(lambda found: [{**found[0], "session_id": 5}], id="no session"),
        pytest.param(lambda found: found[1:], id="decisions alone"),
        pytest.param(lambda found: [], id="nothing"),
        pytest.param(lambda found: {}, id="no list"),
    ],
)
def test_what_is_no_plan_is_not_signed(forge: Any, database: Database) -> None:
    """Whoever can write the outbox has no key of the evidence."""
    check = commit_plan(database)
    with database.write() as connection:
        found = msgspec.json.decode(connection.scalars(select(OUTBOX_PLANS.c.records)).one())
        forged = msgspec.json.encode(forge(found)).decode()
        connection.execute(update(OUTBOX_PLANS).values(records=forged))

    indexed = record(database, NOW + KILLED_AFTER + SECOND)

    (problem,) = indexed.problems
    assert f"does not take the plan {check.plan.plan_id} of a run that was killed" in problem
    assert records(database, PLAN_KIND) == records(database, DRILL_KIND) == []
    assert waiting(database) == [(check.plan.plan_id, False)]


def test_a_plan_that_is_no_json_stops_no_run(database: Database) -> None:
    commit_plan(database)
    with database.write() as connection:
        connection.execute(update(OUTBOX_PLANS).values(records="[" * 10_000))

    assert len(record(database, NOW + KILLED_AFTER + SECOND).problems) == 1


@only_on_sqlite  # PostgreSQL keeps the type of a column
def test_a_plan_whose_time_is_none_is_recorded_and_stops_no_run(database: Database) -> None:
    commit_plan(database)
    with database.write() as connection:
        connection.execute(text("UPDATE outbox_plans SET queued_at = 'soon'"))

    record(database, NOW + SECOND)
    record(database, NOW + 2 * SECOND)

    assert len(plans(database)) == 1
    assert waiting(database) == []
