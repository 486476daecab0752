"""Claiming: who gets which message and when, and what a result changes."""

from collections import Counter
from dataclasses import replace
from itertools import chain
from typing import Any

import pytest
from sqlalchemy import text

from rollback_drills.database.connections import Database
from rollback_drills.database.errors import DatabaseError
from rollback_drills.notifications.states import State
from rollback_drills.outbox.claims import Result, due_providers, next_attempt_at, settle_and_claim
from rollback_drills.outbox.destinations import (
    Destination,
    explain_disabled,
    find_destinations,
)
from rollback_drills.outbox.digests import form_digests
from tests.samples.databases import only_on_sqlite
from tests.samples.outbox import make_entries, make_entry
from tests.samples.outbox_rows import (
    LEASE,
    at_once,
    claim,
    force,
    get,
    ids_of,
    make_result,
    put,
    settle,
    states,
)


def test_what_is_due_first_is_claimed_first_and_by_one_worker_alone(database: Database) -> None:
    entries = list(make_entries(5))
    for number, entry in enumerate(entries):
        put(database, entry, now=8.0 - number)
    ids = [entry.notification_id for entry in entries]

    one, other = claim(database, 2, now=9.0, worker="one"), claim(database, 9, now=9.0, worker="other")

    assert sorted(ids_of(one)) == sorted([[ids[4]], [ids[3]]])
    assert sorted(ids_of(other)) == sorted([[ids[2]], [ids[1]], [ids[0]]])
    assert claim(database, now=9.0) == []
    assert get(database, ids[0]).due_at == 9.0 + LEASE


@pytest.mark.slow
def test_workers_that_claim_at_once_get_different_messages(database: Database) -> None:
    ids = put(database, *make_entries(200))
    form_digests(database, "webhook", 3)

    def work(number: int) -> list[str]:
        mine: list[str] = []
        results: list[Result] = []
        while claimed := claim(database, 4, worker=f"worker-{number}", results=results):
            mine += [each.notification_id for message in claimed for each in message.notifications]
            results = [make_result(each) for each in claimed]
        return mine

    found = at_once(4, work)

    assert sorted(chain(*found)) == sorted(ids)
    assert Counter(states(database, *ids)) == {State.DELIVERED: 200}


@pytest.mark.parametrize(
    ("now", "is_claimed"),
    [
        pytest.param(9.999, False, id="before it is due"),
        pytest.param(10.0, True, id="when it is due"),
        pytest.param(1e9, True, id="later"),
    ],
)
def test_a_message_is_claimed_when_it_is_due(database: Database, now: float, is_claimed: bool) -> None:
    put(database, make_entry("payments"), now=10.0)

    assert due_providers(database, now=now) == (["webhook"] if is_claimed else [])
    assert bool(claim(database, now=now)) is is_claimed


def test_nothing_is_claimed_for_another_provider_or_for_no_hands(database: Database) -> None:
    put(database, make_entry("payments"))

    assert claim(database, provider="slack") == []
    assert claim(database, 0) == []
    assert len(claim(database, 1)) == 1


def test_a_claim_whose_lease_ran_out_may_have_been_sent(database: Database) -> None:
    put(database, make_entry("payments"))
    claim(database, now=0.0, worker="one")

    assert claim(database, now=LEASE - 0.001, worker="other") == []
    (again,) = claim(database, now=LEASE, worker="other")

    assert again.is_uncertain
    assert get(database, again.message_id).may_repeat
    assert (again.attempt_count, again.unanswered_count, again.claim) == (1, 1, "other")
    assert again.is_taken_over


def test_claims_whose_leases_ran_out_are_taken_over_after_the_others_and_one_by_one(
    database: Database,
) -> None:
    left = put(database, *make_entries(2))
    claim(database, now=0.0, worker="one")
    (new,) = put(database, make_entry("new"), now=LEASE)

    claimed = [[each.message_id for each in claim(database, now=LEASE)] for _ in range(4)]

    assert claimed == [[new], [left[0]], [left[1]], []]


def test_a_worker_that_sends_something_takes_over_nothing(database: Database) -> None:
    put(database, make_entry("payments"))
    claim(database, now=0.0, worker="one")

    claimed, _ = settle_and_claim(
        database, "webhook", [], 5, claim="other", now=LEASE, lease_seconds=LEASE, is_alone=False
    )

    assert claimed == []


@pytest.mark.parametrize(
    ("state", "may_repeat", "is_uncertain"),
    [
        pytest.param(State.RETRY, False, False, id="surely not taken"),
        pytest.param(State.RETRY, True, True, id="not taken, but one before it perhaps"),
        pytest.param(State.AMBIGUOUS, False, True, id="without an answer"),
        pytest.param(State.AMBIGUOUS, True, True, id="without an answer again"),
    ],
)
def test_a_message_knows_whether_an_earlier_attempt_may_have_arrived(
    database: Database, state: State, may_repeat: bool, is_uncertain: bool
) -> None:
    put(database, make_entry("payments"))
    (claimed,) = claim(database)
    settle(database, make_result(claimed, state, may_repeat=may_repeat, unanswered_count=1, due_at=10.0))

    assert claim(database, now=9.0) == []
    (again,) = claim(database, now=10.0)

    assert (again.is_uncertain, again.attempt_count, again.unanswered_count) == (is_uncertain, 1, 1)


def test_a_result_is_recorded_with_all_that_is_known(database: Database) -> None:
    (its_id,) = put(database, make_entry("payments"))
    (claimed,) = claim(database)
    known: dict[str, Any] = {
        "due_at": 50.0,
        "attempt_count": 3,
        "unanswered_count": 2,
        "may_repeat": True,
        "started_at": 40.0,
        "completed_at": 41.5,
        "status_code": 503,
        "detail": "answered 503",
        "external_ref": "OPS-1",
        "request": '["POST","https://[redacted]",{}]',
    }

    assert settle(database, make_result(claimed, State.RETRY, **known)) == 0

    item = get(database, its_id)
    assert item.state is State.RETRY
    assert {name: getattr(item, name) for name in known} == known


def test_a_result_and_the_next_claims_are_one_transaction(database: Database) -> None:
    ids = put(database, *make_entries(2))
    (first,) = claim(database, 1)
    broken: Any = make_result(first, detail=None)

    with pytest.raises(DatabaseError):
        claim(database, results=[broken])

    assert states(database, *ids) == [State.SENDING, State.PENDING]


def test_a_result_that_comes_too_late_is_counted_and_changes_nothing(database: Database) -> None:
    (its_id,) = put(database, make_entry("payments"))
    (late,) = claim(database, now=0.0, worker="one")
    (own,) = claim(database, now=LEASE, worker="other")
    before = get(database, its_id)

    assert settle(database, make_result(late, State.PERMANENT)) == 1
    assert get(database, its_id) == before
    assert settle(database, make_result(own, State.ACCEPTED)) == 0
    after = get(database, its_id)
    assert settle(database, make_result(late, State.RETRY), make_result(own, State.RETRY)) == 2

    assert get(database, its_id) == after
    assert after.state is State.ACCEPTED


@pytest.mark.parametrize("state", [State.RETRY, State.DISABLED])
def test_a_result_that_comes_too_late_neither_pauses_nor_disables_a_connector(
    database: Database, state: State
) -> None:
    put(database, make_entry("payments"))
    (late,) = claim(database, now=0.0, worker="one")
    claim(database, now=LEASE, worker="other")

    settle(database, make_result(late, state, cool_until=1e9))

    assert find_destinations(database) == []


@pytest.mark.parametrize("wrong", [{"claim": "other"}, {"claim": ""}, {"message_id": "gordmsg-0"}])
def test_a_result_is_recorded_only_for_the_own_claim(database: Database, wrong: dict[str, Any]) -> None:
    (its_id,) = put(database, make_entry("payments"))
    (claimed,) = claim(database)

    assert settle(database, make_result(replace(claimed, **wrong))) == 1
    assert states(database, its_id) == [State.SENDING]


def test_what_came_too_late_is_counted_by_notification(database: Database) -> None:
    put(database, *make_entries(3, owner="a"))
    put(database, *(make_entry(f"ledger-{each}", owner="b") for each in range(3)))
    put(database, make_entry("other", owner="c"))
    form_digests(database, "webhook", 10)
    one, other, single = claim(database)
    late_digest, late_single = (replace(each, claim="late") for each in (other, single))

    assert settle(database, make_result(one), make_result(late_digest), make_result(late_single)) == 4
    assert settle(database, make_result(other), make_result(single)) == 0


def test_a_pause_holds_back_everything_to_the_destination_and_nothing_else(database: Database) -> None:
    put(database, *make_entries(3), make_entry("payments", provider="slack"))
    (claimed,) = claim(database, 1)

    assert claim(database, results=[make_result(claimed, State.RETRY, cool_until=30.0)]) == []

    assert claim(database, now=29.999) == []
    assert len(claim(database, now=29.999, provider="slack")) == 1
    assert next_attempt_at(database, "webhook") == 30.0
    assert len(claim(database, now=30.0)) == 3


def test_a_shorter_pause_does_not_cut_a_longer_one(database: Database) -> None:
    put(database, *make_entries(3))
    long, short, free = claim(database)
    results = [
        make_result(long, State.RETRY, cool_until=30.0),
        make_result(short, State.RETRY, cool_until=10.0),
        make_result(free, State.RETRY),
    ]

    settle(database, *results)

    assert find_destinations(database) == [Destination("webhook", 30.0)]


def test_a_dead_connector_gets_nothing_until_a_person_mends_it(database: Database) -> None:
    ids = put(database, *make_entries(3))
    one, other = claim(database, 2)
    results = [
        make_result(one, State.DISABLED, detail="revoked", completed_at=5.0),
        make_result(other, State.DISABLED, detail="still revoked", completed_at=6.0),
    ]

    assert claim(database, results=results, now=1e9) == []

    assert states(database, *ids) == [State.DISABLED, State.DISABLED, State.PENDING]
    (destination,) = find_destinations(database)
    assert destination == Destination("webhook", 0.0, 5.0, "revoked")
    assert "drills connectors enable webhook" in explain_disabled(destination)
    assert next_attempt_at(database, "webhook") is None


@pytest.mark.parametrize(
    ("state", "due_at", "expected"),
    [
        (State.PENDING, 7.0, 7.0),
        (State.RETRY, 7.0, 7.0),
        (State.AMBIGUOUS, 7.0, 7.0),
        (State.SENDING, 7.0, 9.0),
        (State.DELIVERED, None, 9.0),
    ],
)
def test_the_next_attempt_is_that_of_the_earliest_that_waits(
    database: Database, state: State, due_at: float | None, expected: float
) -> None:
    first, _ = put(database, *make_entries(2), now=9.0)
    force(database, first, state=state, due_at=due_at)

    assert next_attempt_at(database, "webhook") == expected
    assert next_attempt_at(database, "slack") is None


def test_providers_for_which_something_is_due_are_named_once(database: Database) -> None:
    put(database, *make_entries(2), make_entry("payments", provider="slack"), now=1.0)
    put(database, make_entry("payments", provider="teams"), now=9.0)

    assert due_providers(database, now=1.0) == ["slack", "webhook"]
    for each in claim(database, now=1.0, provider="slack"):
        settle(database, make_result(each), provider="slack")
    assert due_providers(database, now=1.0) == ["webhook"]
    claim(database, now=1.0)
    assert due_providers(database, now=1.0 + LEASE) == ["teams", "webhook"]


@only_on_sqlite  # PostgreSQL keeps the type of a column
@pytest.mark.parametrize("column", ["provider", "notification_id"])
def test_an_id_that_is_no_text_holds_back_nobody_else(database: Database, column: str) -> None:
    damaged, good = put(database, *make_entries(2), now=0.0)
    with database.write() as connection:
        damage = f"UPDATE outbox SET message_id = x'ff', {column} = x'ff' WHERE notification_id = :id"
        connection.execute(text(damage), {"id": damaged})

    assert due_providers(database, now=9.0) == ["webhook"]
    assert ids_of(claim(database, 9, now=9.0)) == [[good]]
    assert next_attempt_at(database, "webhook") != 0.0


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"event": 5}', "5", pytest.param('{"event":' * 9_000, id="nested too deeply")]
)
@pytest.mark.parametrize("wanted", [1, 9])
def test_a_text_that_cannot_be_read_holds_back_nobody_else(
    database: Database, text: str, wanted: int
) -> None:
    damaged, good = put(database, *make_entries(2), now=0.0)
    force(database, damaged, notification=text)

    assert ids_of(claim(database, wanted, now=9.0)) == [[good]]
    assert states(database, damaged) == [State.PERMANENT]
    assert get(database, damaged).detail == (
        "its text in the outbox cannot be read; restore the row from a backup"
    )
    assert next_attempt_at(database, "webhook") != 0.0
