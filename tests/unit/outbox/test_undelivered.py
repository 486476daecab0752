"""What has not reached its owner: what counts, when it goes on, and how it is explained."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy import String, text, update

from rollback_drills.database.connections import Database
from rollback_drills.database.errors import DatabaseError
from rollback_drills.database.tables import DESTINATIONS, OUTBOX
from rollback_drills.delivery.undelivered_text import explain_dead, explain_waiting
from rollback_drills.notifications.outbox_entry import OutboxEntry
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.results import Delivery
from rollback_drills.notifications.states import State
from rollback_drills.outbox.commit import commit
from rollback_drills.outbox.dead_letters import find_worth_sending
from rollback_drills.outbox.deliveries import to_delivery
from rollback_drills.outbox.destinations import disable_row
from rollback_drills.outbox.queries import OutboxFilter, find_dead_letters, find_rows, get_row
from rollback_drills.outbox.rows import OutboxRow
from rollback_drills.outbox.undelivered import Undelivered, find_undelivered, find_waiting, hurry_rows
from tests.samples.databases import only_on_sqlite
from tests.samples.outbox import make_entries, make_entry
from tests.samples.outbox_rows import enable, states

NOW = 1_796_115_600.0  # 1 December 2026, 09:00 UTC


def put(database: Database, *entries: OutboxEntry) -> list[str]:
    """Commit entries, and return their ids."""
    commit(database, entries, [], now=NOW - 100.0)
    return [entry.notification_id for entry in entries]


def force(database: Database, notification_id: str, **values: object) -> None:
    """Put a row into any state."""
    with database.write() as connection:
        connection.execute(update(OUTBOX).where(OUTBOX.c.notification_id == notification_id).values(**values))


def pause(database: Database, **values: object) -> None:
    """Put the destination of the webhook into any state."""
    with database.write() as connection:
        connection.execute(DESTINATIONS.insert().values(provider="webhook", **values))


def get(database: Database, notification_id: str) -> OutboxRow:
    """Return a row."""
    item = get_row(database, notification_id)
    assert item
    return item


def find(database: Database, *schedule_ids: str) -> Undelivered:
    """Find what some schedules have left; without names, all of them."""
    return find_undelivered(database, schedule_ids or None, None, now=NOW)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("state", "waits", "is_dead"),
    [
        (State.SUPPRESSED, False, False),
        (State.PENDING, True, False),
        (State.SENDING, True, False),
        (State.RETRY, True, False),
        (State.AMBIGUOUS, True, False),
        (State.DELIVERED, False, False),
        (State.ACCEPTED, False, False),
        (State.PERMANENT, False, True),
        (State.DISABLED, False, True),
        (State.SUPERSEDED, False, False),
        (State.DISCARDED, False, False),
    ],
)
def test_every_state_waits_or_is_dead_or_is_over(
    database: Database, state: State, waits: bool, is_dead: bool
) -> None:
    (its_id,) = put(database, make_entry("payments"))
    force(database, its_id, state=state, due_at=NOW + 60.0)

    found = find(database, "payments")

    assert (len(found.waiting), len(found.dead), found.other_dead) == (waits, is_dead, [])
    assert len(found.deliveries) == waits + is_dead


@pytest.mark.slow
def test_dead_letters_are_found_for_more_schedules_than_a_query_takes_the_newest_first(
    database: Database,
) -> None:
    entries = list(make_entries(1_001))
    ids = put(database, *entries)
    for number in (0, 3, 700, 1_000):
        force(database, ids[number], state=State.PERMANENT if number else State.DISABLED)

    found = find(database, *(entry.schedule_id for entry in entries[:1_000]))

    assert [item.notification_id for item in found.dead] == [ids[700], ids[3], ids[0]]
    assert len(find(database).dead) == 4


@pytest.mark.parametrize(
    ("later", "is_closed", "is_sent"),
    [
        pytest.param(None, False, True, id="nothing newer"),
        pytest.param(State.PERMANENT, False, False, id="a newer one died too"),
        pytest.param(State.RETRY, False, False, id="a newer one waits"),
        pytest.param(State.SUPPRESSED, False, False, id="a newer one is kept back"),
        pytest.param(State.DISCARDED, False, True, id="the newer one was discarded"),
        pytest.param(State.SUPERSEDED, False, True, id="the newer one was withdrawn"),
        pytest.param(State.DELIVERED, False, False, id="notified later"),
        pytest.param(None, True, False, id="the cycle is over"),
    ],
)
def test_of_all_dead_letters_those_are_sent_that_an_owner_should_still_get(
    database: Database, later: State | None, is_closed: bool, is_sent: bool
) -> None:
    entry = make_entry("payments")
    (its_id,) = put(database, entry)
    force(database, its_id, state=State.DISABLED, due_at=None, is_closed=is_closed)
    if later:
        (next_id,) = put(database, replace(entry, notification_id="gordmsg-later", reason=Reason.REPEAT))
        force(database, next_id, state=later, due_at=None)
    with database.write() as connection:
        disable_row(database, connection, "webhook", now=NOW, because="gone")

    assert (its_id in find_dead_letters(database, "webhook")) is is_sent
    assert its_id in find_dead_letters(database, "webhook", settled=True)
    assert (its_id in find_worth_sending(database, [its_id])) is is_sent
    assert enable(database, "webhook", now=NOW) == is_sent
    assert states(database, its_id) == [State.RETRY if is_sent else State.SUPERSEDED]


@pytest.mark.parametrize(
    ("later", "is_closed", "reason", "matters"),
    [
        pytest.param(None, False, Reason.FIRST, True, id="the owner knows nothing"),
        pytest.param(State.PERMANENT, False, Reason.FIRST, True, id="nor did the next one arrive"),
        pytest.param(State.DELIVERED, False, Reason.FIRST, False, id="notified later"),
        pytest.param(State.ACCEPTED, False, Reason.WORSE, False, id="taken later"),
        pytest.param(None, True, Reason.FIRST, False, id="the cycle is over"),
        pytest.param(None, True, Reason.RESOLVED, True, id="the owner does not know that it is over"),
    ],
)
def test_a_dead_letter_matters_while_its_owner_has_to_know(
    database: Database, later: State | None, is_closed: bool, reason: Reason, matters: bool
) -> None:
    entry = replace(make_entry("payments"), reason=reason)
    (its_id,) = put(database, entry)
    force(database, its_id, state=State.PERMANENT, due_at=None, is_closed=is_closed)
    if later:
        (next_id,) = put(database, replace(entry, notification_id="gordmsg-later", reason=Reason.REPEAT))
        force(database, next_id, state=later, due_at=None)

    found = find(database, "payments")

    assert (its_id in {item.notification_id for item in found.dead}) is matters
    assert (its_id in {item.notification_id for item in found.other_dead}) is not matters


def test_only_what_waits_is_hurried_and_no_lease_is_cut_short(database: Database) -> None:
    waits, sent, other = put(database, *make_entries(3))
    force(database, waits, state=State.AMBIGUOUS, due_at=NOW + 600.0)
    force(database, sent, state=State.SENDING, due_at=NOW + 60.0)
    force(database, other, state=State.RETRY, due_at=NOW + 600.0)

    with database.write() as connection:
        assert hurry_rows(connection, [waits, sent], now=NOW) == 1

    assert [get(database, each).due_at for each in (waits, sent, other)] == [NOW, NOW + 60.0, NOW + 600.0]


def test_what_went_to_somebody_else_later_settles_no_dead_letter(database: Database) -> None:
    dead, later = put(database, make_entry("payments"), make_entry("payments", owner="search-team"))
    force(database, dead, state=State.PERMANENT, due_at=None)
    force(database, later, state=State.DELIVERED, due_at=None)

    assert [item.notification_id for item in find(database).dead] == [dead]


def test_what_goes_through_providers_that_a_run_was_not_asked_for_is_kept_apart(database: Database) -> None:
    ids = put(
        database,
        *(make_entry(name, provider=each) for each in ("Slack", "webhook") for name in ("dead", "waits")),
        make_entry("over", provider="webhook"),
    )
    slack_dead, slack_waits, other_dead, other_waits, over = ids
    for each in (slack_dead, other_dead, over):
        force(database, each, state=State.PERMANENT, due_at=None, is_closed=each == over)

    found = find_undelivered(database, None, ["slack"], now=NOW)

    def names(deliveries: Sequence[Delivery]) -> list[str]:
        return [each.notification.notification_id for each in deliveries]

    assert names(found.deliveries) == [slack_waits, slack_dead]
    assert [item.notification_id for item in found.other_dead] == [over, other_dead]
    assert names(found.elsewhere) == [other_waits, other_dead]


def test_the_notice_of_a_dead_connector_concerns_every_run(database: Database) -> None:
    pause(database, cool_until=0.0, disabled_at=NOW)
    (its_id,) = put(database, make_entry("connector:webhook", provider="slack"))
    force(database, its_id, state=State.PERMANENT, due_at=None, is_closed=True)

    assert [item.notification_id for item in find(database, "payments").dead] == [its_id]


def test_the_next_attempt_is_not_before_the_end_of_a_pause(database: Database) -> None:
    put(database, make_entry("payments"))
    pause(database, cool_until=NOW + 120.0)

    (waiting,) = find(database, "payments").waiting

    (line,) = explain_waiting([waiting])
    assert line.startswith(f"1 notification waits for webhook, to {waiting.notification.owner} (waits for")
    assert line.endswith("; next attempt 1 Dec 2026, 09:02 UTC")


def test_what_waits_is_counted_by_provider_and_what_died_is_named(database: Database) -> None:
    ids = put(database, *make_entries(7), make_entry("search", provider="slack"))
    for each in ids[:7]:
        force(database, each, state=State.RETRY, detail="answered 503", due_at=NOW + 60.0, attempt_count=1)
    force(database, ids[7], state=State.SENDING, due_at=NOW + 75.0)

    slack, webhook = explain_waiting(find(database).waiting)

    assert slack.startswith("1 notification waits for slack")
    assert "another run is sending it, or was killed while it did" in slack
    assert webhook.startswith("7 notifications wait for webhook, to ")
    assert webhook.endswith("(answered 503); next attempt 1 Dec 2026, 09:01 UTC")

    for each in ids[:7]:
        force(database, each, state=State.PERMANENT, detail="answered 422", due_at=None)
    (dead,) = explain_dead([to_delivery(item) for item in find(database).dead])
    assert dead.startswith(f"7 dead letters: {ids[6]} (webhook, to ")
    assert "and 2 more (`drills outbox list --dead`)" in dead
    assert dead.endswith("fix the cause, then run `drills outbox replay ID --by WHO --reason WHY`")
    assert list(explain_dead([])) == list(explain_waiting([])) == []


@pytest.mark.parametrize(
    ("due_in", "destination", "next_in"),
    [
        pytest.param(60.0, {}, 60.0, id="at its own time"),
        pytest.param(60.0, {"cool_until": NOW + 90.0}, 90.0, id="after the pause"),
        pytest.param(60.0, {"disabled_at": NOW}, None, id="the connector is dead"),
        pytest.param(0.0, {}, None, id="due at this moment"),
        pytest.param(-5.0, {}, None, id="overdue"),
        pytest.param(None, {}, None, id="without a time"),
    ],
)
def test_what_waits_for_a_provider_says_when_it_goes_on_if_that_is_known(
    database: Database, due_in: float | None, destination: dict[str, float], next_in: float | None
) -> None:
    (its_id,) = put(database, make_entry("payments"))
    put(database, make_entry("search", provider="slack"))
    force(database, its_id, due_at=None if due_in is None else NOW + due_in)
    if destination:
        pause(database, **{"cool_until": 0.0, **destination})

    (waiting,) = find_waiting(database, "webhook", now=NOW)

    assert waiting.notification.notification_id == its_id
    next_at = waiting.next_attempt_at
    assert (next_at and next_at.timestamp()) == (None if next_in is None else NOW + next_in)


@only_on_sqlite  # PostgreSQL keeps the type of a column
@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("reason", "none of ours"),
        ("status", 5),
        ("planned_at", "soon"),
        ("due_at", 1e300),
        ("queued_at", float("inf")),
        ("attempt_count", "many"),
        ("detail", b"\xff"),
    ],
)
def test_a_row_that_cannot_be_read_hides_no_other(
    database: Database, column: str, value: object, caplog: pytest.LogCaptureFixture
) -> None:
    damaged, good = put(database, *make_entries(2))
    with database.write() as connection:
        row = text(f"UPDATE outbox SET {column} = :value WHERE notification_id = :id")
        connection.execute(row, {"value": value, "id": damaged})

    found, total = find_rows(database, OutboxFilter())

    assert ([each.notification_id for each in found], total) == ([good], 2)
    assert f"the row of {damaged} in the outbox cannot be read" in caplog.text
    with pytest.raises(DatabaseError, match="has a row that cannot be read"):
        get_row(database, damaged)


READ = frozenset(OutboxRow.__struct_fields__)
TEXTS = [each.name for each in OUTBOX.c if isinstance(each.type, String) and each.name in READ]


@only_on_sqlite  # PostgreSQL stores no such text
@pytest.mark.parametrize("value", ["CAST(x'ff' AS TEXT)", "x'ff'"])
@pytest.mark.parametrize("column", TEXTS)
def test_what_is_no_text_hides_no_other_row(database: Database, column: str, value: str) -> None:
    damaged, good = put(database, *make_entries(2))
    with database.write() as connection:
        row = text(f"UPDATE outbox SET {column} = {value} WHERE notification_id = :id")
        connection.execute(row, {"id": damaged})

    found, _ = find_rows(database, OutboxFilter())
    assert [each.notification_id for each in found] == [good]
    known = found[0]
    wanted = OutboxFilter(schedule_ids=[known.schedule_id], provider=known.provider, owner=known.owner)
    assert [each.notification_id for each in find_rows(database, wanted)[0]] == [good]


@pytest.mark.parametrize(
    "values",
    [
        *({"notification": text} for text in ("{", "[]", '{"event": 5}')),
        {"request": "[1"},
    ],
)
@pytest.mark.parametrize("state", [State.RETRY, State.PERMANENT])
def test_a_text_that_cannot_be_read_waits_or_died_with_the_others(
    database: Database, state: State, values: dict[str, object]
) -> None:
    damaged, good = put(database, *make_entries(2))
    for each in (damaged, good):
        force(database, each, state=state, due_at=NOW + 60.0)
    force(database, damaged, **values)

    left = find(database)

    assert {each.notification.notification_id for each in left.deliveries} == {damaged, good}
    (broken,) = [each for each in left.deliveries if each.notification.notification_id == damaged]
    assert broken.verdict.detail == "its text in the outbox cannot be read; restore the row from a backup"
    assert list(explain_waiting(left.waiting)) or list(explain_dead(left.deliveries))
