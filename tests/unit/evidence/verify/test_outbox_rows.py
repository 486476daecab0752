"""What somebody who can write the outbox does to hide a notification that never left, and how it is found."""

import json
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from rollback_drills.database.connections import Database
from rollback_drills.evidence.verify.auditor import Trust
from rollback_drills.evidence.verify.findings import FindingKind as Kind
from rollback_drills.evidence.verify.findings import Verification
from rollback_drills.evidence.verify.ledger import verify_ledger
from rollback_drills.notifications.notice import Notice
from tests.samples.builders import NOW
from tests.samples.databases import only_on_postgresql
from tests.samples.outbox_rows import deliver_all, index, put
from tests.samples.world import World

case = pytest.param
PAUSE = {
    "window_id": "freeze",
    "start_at": "2026-11-01T00:00:00Z",
    "end_at": "2026-12-20T00:00:00Z",
    "owners": ["team-b"],
    "reason": "freeze",
}


class Waiting(World):
    """A world in which nothing is sent any more."""

    def _deliver(self) -> None:
        """Leave everything in the outbox."""


@pytest.fixture
def database(database: Database) -> Database:
    """Deliver, fail and suppress notifications, and commit some that nobody has tried to send."""
    overdue = {"schedule_id": "payments", "next_due_at": "2026-11-20T09:00:00Z"}
    soon = {"schedule_id": "search", "next_due_at": "2026-12-03T09:00:00Z", "maintenance_windows": [PAUSE]}
    world = World(database, overdue, soon)
    world.refusing = {"teams"}
    world.check()
    world.keep_drills()
    later = Waiting(database, overdue, soon, now=world.now)
    later.wait(days=2)
    later.check()
    later.wait(days=1)
    later.check()
    return database


def verified(database: Database) -> Verification:
    return verify_ledger(database, Trust(), lambda _: None)


def test_what_waits_and_what_was_sent_is_as_runs_write_it(database: Database) -> None:
    with database.read() as connection:
        states = set(connection.scalars(text("SELECT DISTINCT state FROM outbox")))

    assert states == {"delivered", "permanent", "pending", "suppressed"}
    assert verified(database).findings == []


def test_what_may_be_sent_twice_is_as_runs_write_it(database: Database) -> None:
    with database.write() as connection:
        repeated = "SET state = 'ambiguous', may_repeat = true, is_indexed = false WHERE state = 'pending'"
        assert connection.execute(text(f"UPDATE outbox {repeated}")).rowcount

    assert verified(database).findings == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("statement", "says"),
    [
        case("SET due_at = NULL", "its state is pending, and it is never due", id="never due"),
        case("SET state = 'suppressed', due_at = NULL", "it is suppressed, but of reason ", id="suppressed"),
        case("SET state = 'gone'", "it cannot be read (Invalid enum value 'gone'", id="an unknown state"),
        case("SET notification = ''", "it cannot be read (", id="no text"),
        case("SET provider = 'devnull'", "its column provider is not that of its text", id="provider"),
        case("SET owner = 'nobody'", "its column owner is not that of its text", id="owner"),
        case("SET schedule_id = 'other'", "its column schedule_id is not that of its text", id="schedule"),
        case("SET cycle_id = 'other'", "its column cycle_id is not that of its text", id="cycle"),
        case("SET route_key = 'other'", "its column route_key is not that of its text", id="route"),
    ],
)
def test_a_notification_that_waits_and_can_never_leave_is_found(
    statement: str, says: str, database: Database
) -> None:
    with database.write() as connection:
        connection.execute(text(f"UPDATE outbox {statement} WHERE state = 'pending'"))

    result = verified(database)

    assert {each.kind for each in result.findings} == {Kind.CHANGED}
    assert all("in the outbox is not as a run writes it: " in each.message for each in result.findings)
    assert all(says in each.message for each in result.findings)


def test_a_dead_letter_that_only_seems_to_wait_is_found(database: Database) -> None:
    with database.write() as connection:
        hidden = "UPDATE outbox SET state = 'retry', due_at = NULL WHERE state = 'permanent'"
        assert connection.execute(text(hidden)).rowcount

    result = verified(database)

    assert {each.kind for each in result.findings} == {Kind.CHANGED}
    assert all("its state is retry, and it is never due" in each.message for each in result.findings)


@pytest.mark.parametrize(
    "message_id",
    [
        case("(SELECT min(notification_id) FROM outbox WHERE provider <> 'slack')", id="of another provider"),
        case("'gordmsg-none'", id="of nobody"),
    ],
)
def test_a_notification_that_goes_to_somebody_else_is_found(message_id: str, database: Database) -> None:
    """What gives a message its id says through which connector, and to whom, all of the message goes."""
    with database.write() as connection:
        its = f"UPDATE outbox SET message_id = {message_id} WHERE provider = 'slack' AND state = 'pending'"
        assert connection.execute(text(its)).rowcount

    result = verified(database)

    assert {each.kind for each in result.findings} == {Kind.CHANGED}
    assert all("in a message of another owner or provider" in each.message for each in result.findings)


def test_a_message_for_one_owner_may_hold_several_notifications(database: Database) -> None:
    theirs = "WHERE provider = 'slack' AND owner = 'team-a' AND state = 'pending'"
    with database.write() as connection:
        first = f"(SELECT min(notification_id) FROM outbox {theirs})"
        joined = connection.execute(text(f"UPDATE outbox SET message_id = {first} {theirs}")).rowcount

    assert joined > 1
    assert verified(database).findings == []


def put_notice(database: Database, route_key: str, at: datetime) -> None:
    """Commit a notice of cycle `gordcycle-9`."""
    notice = Notice(
        subject_id="drill-history",
        subject_name="drill-history",
        cycle_id="gordcycle-9",
        event_type="distrusted",
        at=at,
        title="t",
        summary="s",
        facts=(),
    )
    put(database, notice.address(route_key, provider="webhook", owner="platform", closes=False))


def test_what_was_discarded_before_it_was_sent_is_compared_with_the_evidence_alone(
    database: Database,
) -> None:
    put_notice(database, "gordroute-1", NOW)
    with database.write() as connection:
        discarded = "SET state = 'discarded', is_indexed = false WHERE provider = 'webhook'"
        connection.execute(text(f"UPDATE outbox {discarded}"))
    index(database)
    assert verified(database).findings == []

    with database.write() as connection:
        connection.execute(text("UPDATE outbox SET owner = 'nobody' WHERE provider = 'webhook'"))

    assert [each.kind for each in verified(database).findings] == [Kind.REMOVED]


def test_notices_of_one_session_have_each_its_own_time(database: Database) -> None:
    """A notice that failed is retried together with the reminder of another route."""
    for route_key, at in (("gordroute-1", NOW - timedelta(days=1)), ("gordroute-2", NOW)):
        put_notice(database, route_key, at)
    deliver_all(database)
    index(database)

    assert verified(database).findings == []
    with database.read() as connection:
        records = connection.scalars(text("SELECT record FROM ledger WHERE cycle_id = 'gordcycle-9'"))
        times = {json.loads(each).get("generated_at") for each in records} - {None}
    assert times == {(NOW - timedelta(days=1)).isoformat(), NOW.isoformat()}


@only_on_postgresql
def test_a_sequence_that_is_behind_its_rows_is_found(database: Database) -> None:
    with database.write() as connection:
        connection.execute(text("ALTER SEQUENCE outbox_sequence_seq RESTART"))

    (finding,) = verified(database).findings

    assert finding.kind is Kind.SCHEMA
    assert finding.message.startswith("the sequence of the table outbox is behind its rows")


@only_on_postgresql
@pytest.mark.parametrize("change", ["MINVALUE -10 INCREMENT -1", "INCREMENT 2", "CYCLE"])
def test_a_sequence_that_does_not_count_up_one_by_one_is_found(change: str, database: Database) -> None:
    with database.write() as connection:
        connection.execute(text(f"ALTER SEQUENCE outbox_sequence_seq {change}"))

    (finding,) = verified(database).findings

    assert finding.kind is Kind.SCHEMA
    assert finding.message.startswith("the sequence of the table outbox does not count up one by one")


@only_on_postgresql
@pytest.mark.parametrize(
    "last",
    [
        case("max(sequence)", id="set to the largest number"),
        case("max(sequence) + 1, false", id="started again behind it"),
    ],
)
def test_a_sequence_that_was_repaired_is_as_it_should_be(last: str, database: Database) -> None:
    with database.write() as connection:
        connection.execute(text("ALTER SEQUENCE outbox_sequence_seq RESTART"))
        connection.execute(text(f"SELECT setval('outbox_sequence_seq', {last}) FROM outbox"))

    assert verified(database).findings == []


@pytest.mark.parametrize("state", ["delivered", "permanent"])
def test_an_outcome_whose_notification_was_deleted_is_found(state: str, database: Database) -> None:
    with database.write() as connection:
        gone = connection.execute(text(f"DELETE FROM outbox WHERE state = '{state}'")).rowcount

    result = verified(database)

    assert {each.kind for each in result.findings} == {Kind.REMOVED}
    assert result.finding_count == gone
    assert all(f"({state}), and the outbox does not have" in each.message for each in result.findings)


@pytest.mark.parametrize(
    "statement",
    [
        case("SET planned_at = 4070908800, queued_at = 4070908800", id="so that no repeat is ever due"),
        case("SET reason = 'resolved'", id="so that the cycle seems over"),
        case("SET route_key = 'other'", id="so that another route seems notified"),
    ],
)
def test_what_decides_on_repeats_is_compared_with_the_evidence(statement: str, database: Database) -> None:
    with database.write() as connection:
        connection.execute(text(f"UPDATE outbox {statement} WHERE state = 'delivered'"))

    result = verified(database)

    assert {each.kind for each in result.findings} == {Kind.REMOVED}
    assert all("was taken into the evidence, and no row has it" in each.message for each in result.findings)
