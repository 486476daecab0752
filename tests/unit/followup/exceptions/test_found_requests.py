"""Which requests the evidence has, and how they ended."""

from datetime import timedelta

import pytest

from rollback_drills.database.connections import Database
from rollback_drills.errors import UsageError
from rollback_drills.evidence.outbox_transfer import index_run
from rollback_drills.evidence.record import Record
from rollback_drills.followup.exceptions.exception import ExceptionKind, ExceptionRecord, record_exception
from rollback_drills.followup.exceptions.exception_decisions import approve, record_decline
from rollback_drills.followup.exceptions.exception_requests import (
    ExceptionRequestRecord,
    RequestState,
    Wish,
    record_request,
)
from rollback_drills.followup.exceptions.found_requests import (
    ensure_decided,
    find_request,
    get_request,
    read_open_requests,
)
from tests.samples.builders import SCHEDULE, judged, make_subject, open_key
from tests.samples.world import World

LIMIT = timedelta(days=30)


@pytest.fixture
def world(database: Database) -> World:
    """Check two schedules that are overdue."""
    made = World(database, SCHEDULE, {**SCHEDULE, "schedule_id": "search"})
    made.wait(days=5)
    made.check()
    return made


def write(world: World, *records: Record, **once: Record) -> None:
    index_run(
        world.database,
        records,
        drills={key: lambda record=record: record for key, record in once.items()},  # type: ignore[misc]
        created_at=world.now,
        signer="test",
        redact=lambda record: record,
        open_key=open_key,
    )


def ask(
    world: World, schedule_id: str = "payments", by: str = "maria", days: int = 7
) -> ExceptionRequestRecord:
    subject = make_subject([], **{**SCHEDULE, "schedule_id": schedule_id})
    record = record_request(
        Wish(ExceptionKind.WAIVE, world.now + timedelta(days=days), "a freeze", by),
        judged(subject, now=world.now).cycle,
        due_at=None,
        postpone_limit=LIMIT,
        now=world.now,
        created_at=world.now,
    )
    write(world, record)
    return record


def approval(world: World, record: ExceptionRequestRecord, by: str = "anna") -> ExceptionRecord:
    found = get_request(world.database, record.request_id)
    subject = make_subject([], **{**SCHEDULE, "schedule_id": record.schedule_id})
    cycle = judged(subject, now=world.now).cycle
    return record_exception(
        approve(found, by, record.cycle_id, now=world.now),
        cycle,
        due_at=None,
        postpone_limit=LIMIT,
        now=world.now,
        created_at=world.now,
        signer=by,
    )


def open_ids(world: World, *schedule_ids: str) -> list[str]:
    found = read_open_requests(world.database, now=world.now, schedule_ids=schedule_ids or None)
    return [each.request_id for each in found]


def test_open_requests_are_found_by_schedule_the_first_to_expire_first(world: World) -> None:
    late, soon, other = ask(world, days=9), ask(world, by="otto", days=2), ask(world, "search", days=5)

    ordered = [each.request_id for each in (soon, other, late)]
    assert open_ids(world) == ordered
    assert open_ids(world, "SEARCH") == [other.request_id]
    assert open_ids(world, "nobody-knows") == []
    world.wait(days=2)
    assert open_ids(world) == ordered[1:]


def test_a_decision_ends_a_request_and_only_an_approval_is_an_exception(world: World) -> None:
    first, second = ask(world), ask(world, "search")
    granted = approval(world, first)
    declined = record_decline(
        get_request(world.database, second.request_id), "anna", "no", now=world.now, created_at=world.now
    )

    write(world, **{first.request_id: granted, second.request_id: declined})

    assert open_ids(world) == []
    for record, state in ((first, RequestState.APPROVED), (second, RequestState.DECLINED)):
        found = find_request(world.database, record.request_id)
        assert found
        assert found.state_at(world.now) is state
        assert found.decision
        assert found.decision.by == "anna"
    excepted = {cycle.schedule_id: cycle.exception for cycle in world.open_cycles()}
    assert excepted["search"] is None
    held = excepted["payments"]
    assert held
    assert (held.requested_by, held.approver, held.request_id) == ("maria", "anna", first.request_id)


def test_of_two_decisions_at_the_same_time_one_is_written(world: World) -> None:
    record = ask(world)
    found = get_request(world.database, record.request_id)
    granted = approval(world, record)
    declined = record_decline(found, "otto", "no", now=world.now, created_at=world.now)

    write(world, **{record.request_id: declined})
    write(world, **{record.request_id: granted})

    ensure_decided(world.database, declined)
    with pytest.raises(UsageError, match="was decided meanwhile by otto"):
        ensure_decided(world.database, granted)
    assert all(cycle.exception is None for cycle in world.open_cycles())


def test_a_request_whose_cycle_ended_does_not_wait(world: World) -> None:
    record = ask(world)
    world.schedules["payments"]["next_due_at"] = (world.now + timedelta(days=1)).isoformat()
    world.check()

    found = find_request(world.database, record.request_id)
    assert found
    assert found.state_at(world.now) is RequestState.OVER
    assert open_ids(world) == []


def test_a_request_that_is_not_there_is_named(world: World) -> None:
    assert find_request(world.database, "gordexreq-none") is None
    for database in (world.database, None):
        with pytest.raises(UsageError, match=r'^request_id is "gordexreq-none", which the evidence does not'):
            get_request(database, "gordexreq-none")
