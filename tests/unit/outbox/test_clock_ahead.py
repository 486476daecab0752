"""A clock that was ahead, and was set right: what it put off is due again, and nothing else is."""

import pytest
from pydantic import TypeAdapter

from rollback_drills.database.connections import Database
from rollback_drills.notifications.states import State
from rollback_drills.outbox.clock_ahead import bring_forward
from rollback_drills.outbox.destinations import find_destinations, note_pause_or_death
from rollback_drills.outbox.leases import LONGEST_LEASE_SECONDS, find_lease_seconds
from rollback_drills.planning.request_fields import TimeoutSeconds
from rollback_drills.readiness.acceptance import CLOCK_SKEW
from tests.samples.outbox import make_entries, make_entry
from tests.samples.outbox_rows import WEEK, claim, force, get, ids_of, make_result, put, settle

NOW = 1_000_000.0
YEAR = 365 * 24 * 3600.0


def test_what_was_committed_by_a_clock_ahead_is_due_now(database: Database) -> None:
    ids = put(database, *make_entries(2), now=NOW + YEAR)
    assert claim(database, now=NOW) == []

    assert bring_forward(database, now=NOW) == 2

    assert sorted(ids_of(claim(database, now=NOW))) == sorted([each] for each in ids)
    assert bring_forward(database, now=NOW) == 0


def test_what_was_tried_by_a_clock_ahead_is_due_now_and_so_is_its_destination(database: Database) -> None:
    (name,) = put(database, *make_entries(1), now=NOW)
    (claimed,) = claim(database, now=NOW)
    then = NOW + YEAR
    settle(
        database,
        make_result(
            claimed, State.RETRY, due_at=then + 60, started_at=then, completed_at=then, cool_until=then + 60
        ),
    )

    assert bring_forward(database, now=NOW) == 1

    assert get(database, name).due_at == NOW
    assert [each.cool_until for each in find_destinations(database)] == [NOW]
    assert ids_of(claim(database, now=NOW)) == [[name]]


@pytest.mark.parametrize(
    ("queued_at", "due_at"),
    [(NOW, NOW + YEAR), (NOW + 200, NOW + 400)],
    ids=["a provider asked for a year", "two clocks that differ a little"],
)
def test_what_waits_by_right_goes_on_waiting(database: Database, queued_at: float, due_at: float) -> None:
    (name,) = put(database, *make_entries(1), now=queued_at)
    (claimed,) = claim(database, now=queued_at)
    settle(
        database,
        make_result(claimed, State.RETRY, due_at=due_at, started_at=queued_at, completed_at=queued_at),
    )

    assert bring_forward(database, now=NOW) == 0
    assert get(database, name).due_at == due_at


def test_what_is_being_sent_is_left_to_its_worker_for_as_long_as_a_lease_can_be(database: Database) -> None:
    (name,) = put(database, *make_entries(1), now=NOW + YEAR)
    claim(database, now=NOW + YEAR)

    assert bring_forward(database, now=NOW) == 0

    ends = NOW + LONGEST_LEASE_SECONDS
    assert (get(database, name).state, get(database, name).due_at) == (State.SENDING, ends)
    assert claim(database, now=ends - 1) == []
    (taken,) = claim(database, now=ends)
    assert taken.is_taken_over


def test_what_other_clocks_wrote_stays_as_it_is_beside_what_one_put_off(database: Database) -> None:
    """That of a lease, of a message, and of the destination of another provider, each beside a right one."""
    ahead = [*make_entries(1), make_entry("payments", provider="slack")]
    (held, _) = put(database, *ahead, now=NOW + YEAR)
    claim(database, now=NOW + YEAR)
    asked_for_a_week, waits = put(database, make_entry("search"), make_entry("orders"), now=NOW)
    force(database, asked_for_a_week, due_at=NOW + WEEK, state=State.RETRY)
    with database.write() as connection:
        note_pause_or_death(
            database, connection, "webhook", cool_until=NOW + WEEK, disabled_at=None, because=""
        )

    assert bring_forward(database, now=NOW) == 1

    assert get(database, held).due_at == NOW + LONGEST_LEASE_SECONDS
    assert get(database, asked_for_a_week).due_at == NOW + WEEK
    assert get(database, waits).due_at == NOW
    assert [each.cool_until for each in find_destinations(database)] == [NOW + WEEK]


def test_what_was_committed_by_a_clock_ahead_counts_its_age_from_now_on(database: Database) -> None:
    put(database, *make_entries(1), now=NOW + YEAR)

    bring_forward(database, now=NOW)

    (claimed,) = claim(database, now=NOW)
    assert claimed.queued_at == NOW


def test_a_lease_that_a_run_can_have_is_left_as_it_is(database: Database) -> None:
    put(database, *make_entries(1), now=NOW)
    (claimed,) = claim(database, now=NOW + CLOCK_SKEW.total_seconds())

    assert bring_forward(database, now=NOW) == 0
    assert get(database, claimed.message_id).due_at == claimed.held_until


def test_no_run_accepts_a_longer_deadline_than_that_of_the_longest_lease() -> None:
    longest = TypeAdapter(TimeoutSeconds).json_schema()["maximum"]
    assert find_lease_seconds(longest) == LONGEST_LEASE_SECONDS
