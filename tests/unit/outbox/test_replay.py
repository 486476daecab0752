"""What people look up, replay, discard and repair."""

from datetime import UTC, datetime
from typing import Any

import pytest

from rollback_drills.database.connections import Database
from rollback_drills.delivery.connector_notice import notice_entry
from rollback_drills.documents.utc import write_instant
from rollback_drills.followup.connector_health import read_connectors
from rollback_drills.notifications.outcome import Outcome, RequestSummary, Verdict
from rollback_drills.notifications.states import DEAD, NOTIFIED, WAITING, State
from rollback_drills.outbox.deliveries import to_delivery
from rollback_drills.outbox.destinations import (
    Destination,
    disable_row,
    explain_disabled,
    explain_hold,
    find_destinations,
    note_why_waiting,
)
from rollback_drills.outbox.queries import OutboxFilter, find_rows, get_row
from rollback_drills.outbox.undelivered import find_undelivered
from tests.samples.outbox import make_entries, make_entry
from tests.samples.outbox_rows import (
    claim,
    discard,
    enable,
    force,
    get,
    ids_of,
    make_place,
    make_result,
    put,
    replay,
    settle,
    states,
)


def test_notifications_are_found_by_what_people_know_the_newest_first(database: Database) -> None:
    entries = [
        make_entry("a", owner="x"),
        make_entry("b", owner="y"),
        make_entry("b", owner="x", provider="slack"),
    ]
    a, b, c = put(database, *entries)
    force(database, b, state=State.PERMANENT)

    def found(**wanted: Any) -> list[str]:
        items, total = find_rows(database, OutboxFilter(**wanted))
        assert total == len(items)
        return [item.notification_id for item in items]

    assert found() == [c, b, a]
    assert found(states=DEAD) == [b]
    assert found(provider="slack") == [c]
    assert found(owner="x") == [c, a]
    assert found(schedule_ids=["b"]) == [c, b]
    assert found(schedule_ids=["a", "b"], owner="y") == [b]
    assert found(cycle_id=entries[0].cycle_id) == [a]
    assert found(owner="nobody") == []
    page, total = find_rows(database, OutboxFilter(), limit=1, offset=1)
    assert ([item.notification_id for item in page], total) == ([b], 3)
    assert get_row(database, "gordmsg-0") is None


@pytest.mark.parametrize("state", [each for each in State if each is not State.SUPPRESSED])
def test_what_is_replayed_is_due_at_once_and_counts_anew(database: Database, state: State) -> None:
    (its_id,) = put(database, make_entry("payments"))
    force(database, its_id, state=state, due_at=77.0, unanswered_count=3, attempt_count=5)
    is_replayed = state in (*DEAD, State.DISCARDED, State.RETRY, State.AMBIGUOUS)

    assert replay(database, [its_id, "gordmsg-0"], now=9.0) == is_replayed

    item = get(database, its_id)
    expected = (State.RETRY, 9.0, 9.0, 0, 5) if is_replayed else (state, 77.0, 0.0, 3, 5)
    counts = (item.unanswered_count, item.attempt_count)
    assert (item.state, item.due_at, item.queued_at, *counts) == expected


@pytest.mark.slow
@pytest.mark.parametrize("state", [each for each in State if each not in (State.SUPPRESSED, State.DISCARDED)])
def test_what_was_delivered_or_is_on_its_way_is_not_discarded(database: Database, state: State) -> None:
    (its_id,) = put(database, make_entry("payments"))
    force(database, its_id, state=state)
    is_discarded = state not in NOTIFIED | {State.SENDING, State.SUPERSEDED}

    assert discard(database, [its_id]) == is_discarded

    assert states(database, its_id) == [State.DISCARDED if is_discarded else state]
    assert is_discarded is (claim(database, now=1e9) == []) or state not in WAITING


@pytest.mark.parametrize("is_discarded_first", [False, True])
def test_what_may_have_arrived_says_so_when_it_is_replayed(
    database: Database, is_discarded_first: bool
) -> None:
    (its_id,) = put(database, make_entry("payments"))
    (claimed,) = claim(database)
    settle(database, make_result(claimed, State.AMBIGUOUS, due_at=50.0))
    if is_discarded_first:
        discard(database, [its_id])

    replay(database, [its_id], now=9.0)

    (again,) = claim(database, now=9.0)
    assert again.is_uncertain


def test_a_place_without_a_text_cannot_be_sent(database: Database) -> None:
    (its_id,) = put(database, make_place(make_entry("payments")))

    assert replay(database, [its_id], now=9.0) == 0
    assert claim(database, now=1e9) == []


@pytest.mark.slow
def test_more_are_replayed_and_discarded_than_a_query_takes(database: Database) -> None:
    ids = put(database, *make_entries(1_201))

    assert discard(database, ids) == 1_201
    assert replay(database, ids, now=0.0) == 1_201


def test_a_connector_that_is_mended_sends_exactly_its_own_dead_letters_again(database: Database) -> None:
    dead, refused, delivered, waiting = put(database, *make_entries(4))
    (other,) = put(database, make_entry("payments", provider="slack"))
    (claimed,) = claim(database, 1)
    settle(database, make_result(claimed, State.DISABLED, cool_until=1e9))
    force(database, refused, state=State.PERMANENT, due_at=None)
    force(database, delivered, state=State.DELIVERED, due_at=None)
    force(database, other, state=State.DISABLED, due_at=None)

    assert enable(database, "webhook", now=9.0) == 1

    assert states(database, dead, refused, delivered, waiting, other) == [
        State.RETRY,
        State.PERMANENT,
        State.DELIVERED,
        State.PENDING,
        State.DISABLED,
    ]
    assert get(database, dead).queued_at == 9.0
    assert find_destinations(database) == [Destination("webhook")]
    assert sorted(ids_of(claim(database, now=9.0))) == sorted([[dead], [waiting]])
    assert enable(database, "webhook", now=9.0) is None
    assert enable(database, "slack", now=9.0) is None
    assert states(database, other) == [State.DISABLED]


def test_destinations_are_listed_by_provider(database: Database) -> None:
    for provider in ("webhook", "slack", "teams"):
        put(database, make_entry("payments", provider=provider))
        (claimed,) = claim(database, provider=provider)
        settle(database, make_result(claimed, State.RETRY, cool_until=5.0), provider=provider)

    assert [each.provider for each in find_destinations(database)] == ["slack", "teams", "webhook"]


def test_a_connector_that_dies_again_is_dead_since_then(database: Database) -> None:
    put(database, make_entry("payments"))
    for completed_at in (5.0, 6.0):
        (claimed,) = claim(database, now=10.0)
        settle(database, make_result(claimed, State.DISABLED, completed_at=completed_at))
        (destination,) = find_destinations(database)
        assert destination.disabled_at == completed_at
        enable(database, "webhook", now=10.0)


def test_why_something_waits_is_written_at_all_that_waits_for_the_provider(database: Database) -> None:
    entries = [*make_entries(2), make_entry("payments", provider="slack")]
    waiting, done, other = put(database, *entries)
    force(database, done, state=State.DELIVERED)

    note_why_waiting(database, "webhook", "the secret is missing")

    assert [get(database, each).detail for each in (waiting, done, other)] == [
        "the secret is missing",
        "",
        "",
    ]
    assert states(database, waiting) == [State.PENDING]
    assert to_delivery(get(database, waiting)).summary == "pending: the secret is missing"


def test_what_waits_for_a_connector_forgets_that_it_was_disabled(database: Database) -> None:
    new, tried, other = put(database, *make_entries(2), make_entry("payments", provider="slack"))
    force(database, tried, state=State.RETRY, attempt_count=1, detail="answered 503")
    with database.write() as connection:
        disabled = disable_row(database, connection, "Webhook", now=5.0, because="disabled by maria")
    for each in ("webhook", "slack"):
        note_why_waiting(database, each, explain_disabled(disabled))

    enable(database, "WEBHOOK", now=10.0)

    assert [get(database, each).detail for each in (new, tried)] == ["", "the connector was disabled"]
    assert "is disabled" in get(database, other).detail
    assert {each.provider: each.is_failing for each in read_connectors(database)} == {
        "slack": True,
        "webhook": False,
    }


@pytest.mark.parametrize("state", State)
def test_a_message_that_a_connector_is_disabled_is_not_sent_once_it_is_enabled(
    state: State, database: Database
) -> None:
    with database.write() as connection:
        disabled = disable_row(database, connection, "webhook", now=5.0, because="gone")
    about, other = put(
        database,
        notice_entry(disabled, "slack"),
        notice_entry(Destination("teams", 0.0, 5.0), "slack"),
        now=6.0,
    )
    force(database, about, state=state)

    enable(database, "WebHook", now=10.0)

    is_withdrawn = state in (*WAITING, *DEAD)
    assert states(database, about, other) == [State.SUPERSEDED if is_withdrawn else state, State.PENDING]
    if is_withdrawn:
        assert get(database, about).due_at is None
        left = find_undelivered(database, [], None, now=20.0).deliveries
        assert [each.notification.notification_id for each in left] == []
        assert [each.notifications[0].title for each in claim(database, now=20.0, provider="slack")] == [
            "Connector disabled: teams"
        ]


@pytest.mark.parametrize(
    ("destination", "hold"),
    [
        (Destination("webhook"), ""),
        (Destination("webhook", cool_until=60.0), ""),
        (
            Destination("webhook", cool_until=121.0),
            "webhook is paused: nothing is sent there before 1 Jan 1970",
        ),
        (Destination("webhook", 121.0, 5.0, "gone"), "webhook: the connector is disabled (gone); fix it"),
    ],
)
def test_a_destination_says_what_holds_it_back(destination: Destination, hold: str) -> None:
    found = explain_hold(destination, now=60.0)

    assert found.startswith(hold)
    assert bool(found) is bool(hold)


@pytest.mark.parametrize(
    ("state", "outcome", "next_at"),
    [
        (State.PENDING, Outcome.RETRY, 90.0),
        (State.SENDING, Outcome.RETRY, None),
        (State.RETRY, Outcome.RETRY, 90.0),
        (State.AMBIGUOUS, Outcome.AMBIGUOUS, 90.0),
        (State.DELIVERED, Outcome.DELIVERED, None),
        (State.ACCEPTED, Outcome.ACCEPTED, None),
        (State.PERMANENT, Outcome.PERMANENT, None),
        (State.DISABLED, Outcome.DISABLED, None),
    ],
)
def test_a_row_tells_what_became_of_its_notification(
    database: Database, state: State, outcome: Outcome, next_at: float | None
) -> None:
    (its_id,) = put(database, make_entry("payments"))
    known: dict[str, Any] = {"due_at": 90.0, "attempt_count": 2, "started_at": 40.0, "completed_at": 41.5}
    force(
        database,
        its_id,
        state=state,
        status_code=503,
        detail="busy",
        external_ref="OPS-1",
        request='["POST","https://[redacted]",{"accept":"json"}]',
        **known,
    )

    delivery = to_delivery(get(database, its_id))

    assert (delivery.state, delivery.verdict.outcome, delivery.attempt_count) == (state, outcome, 2)
    detail = "another run is sending it, or was killed while it did" if state is State.SENDING else "busy"
    assert (delivery.verdict.detail, delivery.verdict.status_code) == (detail, 503)
    assert delivery.verdict.external_ref == "OPS-1"
    assert delivery.verdict.request == RequestSummary("POST", "https://[redacted]", {"accept": "json"})
    assert (delivery.started_at.timestamp(), delivery.completed_at.timestamp()) == (40.0, 41.5)
    at = None if next_at is None else write_instant(datetime.fromtimestamp(next_at, UTC))
    assert (delivery.next_attempt_at and write_instant(delivery.next_attempt_at)) == at


def test_what_was_never_tried_says_so(database: Database) -> None:
    (its_id,) = put(database, make_entry("payments"), now=7.0)

    delivery = to_delivery(get(database, its_id))

    assert delivery.summary == "pending: waits for its first attempt"
    assert delivery.verdict == Verdict(Outcome.RETRY, "waits for its first attempt")
    assert (delivery.attempt_count, delivery.started_at.timestamp()) == (0, 7.0)


def test_what_waits_without_a_time_has_no_next_attempt(database: Database) -> None:
    (its_id,) = put(database, make_entry("payments"))
    force(database, its_id, state=State.RETRY, due_at=None, attempt_count=1)

    assert to_delivery(get(database, its_id)).next_attempt_at is None


def test_what_was_refused_cannot_have_arrived_and_is_no_repetition(database: Database) -> None:
    (its_id,) = put(database, make_entry("payments"))
    force(database, its_id, state=State.PERMANENT, due_at=None)

    assert replay(database, [its_id], now=1.0) == 1

    assert not get(database, its_id).may_repeat


def test_a_dead_letter_without_a_text_is_neither_replayed_nor_discarded(database: Database) -> None:
    (its_id,) = put(database, make_entry("payments"))
    force(database, its_id, state=State.PERMANENT, due_at=None, notification="")

    assert replay(database, [its_id], now=1.0) == discard(database, [its_id]) == 0
    assert get(database, its_id).state is State.PERMANENT
