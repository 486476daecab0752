import pytest

from rollback_drills.database.connections import Database
from rollback_drills.followup.connector_health import read_connectors
from rollback_drills.notifications.states import State
from rollback_drills.outbox.claims import Result, settle_and_claim
from rollback_drills.outbox.commit import commit
from rollback_drills.outbox.destinations import disable_row, note_why_waiting
from tests.samples.outbox import make_entries
from tests.samples.outbox_rows import enable


def end(database: Database, state: State, at: float) -> None:
    """Claim the next notification, and let its attempt end in a state at an instant."""
    (claimed,), _ = settle_and_claim(database, "webhook", [], 1, claim="x", now=at, lease_seconds=60)
    due_at = at + 3600 if state is State.RETRY else None
    result = Result(claimed.message_id, "x", state, due_at, 1, 0, False, at, at, None, "why", "", "")
    settle_and_claim(database, "webhook", [result], 0, claim="x", now=at, lease_seconds=60)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("states", "is_failing"),
    [
        ([], False),
        ([State.DELIVERED], False),
        ([State.ACCEPTED], False),
        ([State.RETRY], True),
        ([State.AMBIGUOUS], True),
        ([State.PERMANENT], True),
        ([State.DELIVERED, State.PERMANENT], True),
        ([State.PERMANENT, State.DELIVERED], False),
        ([State.RETRY, State.RETRY, State.ACCEPTED], False),
    ],
)
def test_a_connector_fails_by_its_last_delivery_and_recovers_with_the_next(
    database: Database, states: list[State], is_failing: bool
) -> None:
    commit(database, list(make_entries(4)), [], now=1000.0)
    for number, state in enumerate(states):
        end(database, state, 1001.0 + number)

    (health,) = read_connectors(database)

    assert (health.provider, health.is_failing) == ("webhook", is_failing)
    assert health.report().failing is is_failing


def test_one_that_is_disabled_fails_until_somebody_enables_it(database: Database) -> None:
    commit(database, list(make_entries(2)), [], now=1000.0)
    end(database, State.DISABLED, 1001.0)

    (health,) = read_connectors(database)

    assert health.is_failing
    report = health.report()
    assert report.disabled_at == "1970-01-01T00:16:41+00:00"
    assert report.disabled_because == "why"
    assert (report.last_success_at, report.dead_letter_count) == (None, 1)

    enable(database, "webhook", now=1002.0)
    end(database, State.DELIVERED, 1003.0)
    assert not read_connectors(database)[0].is_failing


def test_one_that_a_person_disabled_fails_although_its_last_delivery_arrived(database: Database) -> None:
    commit(database, list(make_entries(1)), [], now=1000.0)
    end(database, State.DELIVERED, 1001.0)
    report = read_connectors(database)[0].report()
    assert (report.failing, report.last_success_at) == (False, "1970-01-01T00:16:41+00:00")
    assert report.last_failure_at is None

    with database.write() as connection:
        disable_row(database, connection, "webhook", now=1002.0, because="it leaks")

    report = read_connectors(database)[0].report()
    assert (report.failing, report.disabled_because) == (True, "it leaks")


def test_one_that_is_missing_fails_as_long_as_something_waits_for_it(database: Database) -> None:
    commit(database, list(make_entries(1)), [], now=1000.0)
    assert not read_connectors(database)[0].is_failing

    note_why_waiting(database, "webhook", "no connector named 'webhook'")

    assert read_connectors(database)[0].is_failing
    end(database, State.DELIVERED, 1003.0)
    assert not read_connectors(database)[0].is_failing


def test_without_deliveries_nothing_is_known(database: Database) -> None:
    assert read_connectors(database) == []
