"""Committing: each notification once, all of them or none, and what a commit replaces."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, update

from rollback_drills.database.connections import Database
from rollback_drills.database.errors import DatabaseError
from rollback_drills.database.tables import OUTBOX
from rollback_drills.notifications.outbox_entry import Departure, Hold, OutboxEntry
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.states import DEAD, NOTIFIED, UNCERTAIN, UNSENT, State
from rollback_drills.outbox.commit import commit, find_history, find_open_schedules
from rollback_drills.outbox.queries import (
    OutboxFilter,
    find_rows,
)
from rollback_drills.outbox.rows import read_notification
from rollback_drills.planning.outbox_entries import find_entries
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.readiness.states import Readiness
from tests.processes.forked import run_at_once
from tests.samples.builders import NOW, checked, make_subject
from tests.samples.databases import only_on_postgresql
from tests.samples.outbox import make_entries, make_entry
from tests.samples.outbox_rows import (
    WEEK,
    at_once,
    claim,
    force,
    get,
    ids_of,
    make_place,
    make_promotion,
    put,
    states,
)


@contextmanager
def longest_query(database: Database) -> Iterator[list[int]]:
    """Collect how many parameters each statement has, except insertions, which SQLAlchemy divides itself."""
    counts: list[int] = []

    def count(*given: Any) -> None:
        _, _, statement, parameters, _, _ = given
        if not statement.startswith("INSERT"):
            counts.append(len(parameters))

    event.listen(database.engine, "before_cursor_execute", count)
    yield counts
    event.remove(database.engine, "before_cursor_execute", count)


def test_what_is_committed_again_is_passed_over(database: Database) -> None:
    entries = list(make_entries(3))

    added = commit(database, entries[:2], [], now=1.0)
    claimed = claim(database, now=1.0)
    again = commit(database, entries, [], now=2.0)

    assert added == {each.notification_id for each in entries[:2]}
    assert again == {entries[2].notification_id}
    assert len(claimed) == 2
    assert states(database, *put(database, *entries)) == [State.SENDING, State.SENDING, State.PENDING]
    assert get(database, entries[0].notification_id).queued_at == 1.0
    assert find_rows(database, OutboxFilter())[1] == 3


@only_on_postgresql
def test_what_the_database_does_not_take_is_an_error_and_not_passed_over(database: Database) -> None:
    """As after a restore that left out the sequences."""
    commit(database, [make_entry("payments")], [], now=0.0)
    with database.write() as connection:
        connection.exec_driver_sql("ALTER SEQUENCE outbox_sequence_seq RESTART")

    with pytest.raises(
        DatabaseError, match=r"outbox_pkey.*look for the reason with `drills evidence verify`"
    ):
        commit(database, [make_entry("search")], [], now=0.0)


def test_a_notification_comes_out_as_it_went_in(database: Database) -> None:
    entry = make_entry("支付 'payments'", owner='"quoted" \\ owner')

    put(database, entry, now=5.0)

    (claimed,) = claim(database, now=5.0)
    assert claimed.notifications == (entry.notification,)
    assert (claimed.attempt_count, claimed.unanswered_count, claimed.is_uncertain) == (0, 0, False)
    assert (claimed.queued_at, claimed.message_id) == (5.0, entry.notification_id)


def test_a_commit_is_written_as_a_whole_or_not_at_all(database: Database) -> None:
    (kept,) = put(database, make_entry("kept"))
    nothing: Any = None
    broken = replace(make_entry("broken"), provider=nothing)

    with pytest.raises(DatabaseError):
        commit(database, [replace(make_entry("new"), replaces=[kept]), broken], [], now=0.0)

    assert find_rows(database, OutboxFilter())[1] == 1
    assert states(database, kept) == [State.PENDING]


def test_two_runs_that_decided_the_same_commit_each_notification_once(database: Database) -> None:
    subject = make_subject()
    request = PlanRequest()
    decided = [list(find_entries(checked(subject, request), request)) for _ in range(2)]

    added = at_once(2, lambda number: commit(database, decided[number], [], now=float(number)))

    assert sorted(map(len, added)) in ([0, 4], [1, 3], [2, 2])
    assert not added[0] & added[1]
    assert len(claim(database, now=9.0, provider="slack") + claim(database, now=9.0, provider="teams")) == 4


@pytest.mark.slow
def test_many_workers_that_commit_at_once_commit_each_notification_once(database: Database) -> None:
    entries = list(make_entries(400))

    added = at_once(4, lambda _: commit(database, entries, [], now=0.0))

    assert sum(map(len, added)) == len(set().union(*added)) == 400
    assert find_rows(database, OutboxFilter(), limit=1)[1] == 400


@pytest.mark.slow
def test_runs_that_read_the_documents_in_another_order_do_not_block_each_other(database: Database) -> None:
    entries = list(make_entries(3_000))  # so many that the transactions meet half-way

    added = at_once(2, lambda number: commit(database, entries[:: -1 if number else 1], [], now=0.0))

    assert sum(map(len, added)) == len(set().union(*added)) == 3_000


@pytest.mark.slow
def test_two_processes_that_commit_at_once_commit_each_notification_once(url: str, tmp_path: Path) -> None:
    entries = list(make_entries(200))

    def write(file: Path) -> None:
        database = Database.open(url)
        added = [commit(database, entries[start : start + 10], [], now=0.0) for start in range(0, 200, 10)]
        file.write_text(" ".join(chain.from_iterable(added)))

    files = [tmp_path / "first", tmp_path / "second"]

    assert run_at_once([partial(write, file) for file in files]) == [0, 0]
    added = [file.read_text().split() for file in files]
    assert len(added[0] + added[1]) == len({*added[0], *added[1]}) == 200


def test_a_place_that_was_kept_is_taken_by_the_notification_once(database: Database) -> None:
    entry = make_entry("payments")
    place, promotion = make_place(entry), make_promotion(entry)
    worse = replace(promotion, status=Readiness.DUE_SOON, planned_at=NOW.replace(day=2))

    (its_id,) = put(database, place, now=1.0)
    assert states(database, its_id) == [State.SUPPRESSED]
    assert claim(database, now=1e9) == []
    assert commit(database, [place], [], now=2.0) == set()
    assert commit(database, [worse], [], now=3.0) == {its_id}
    assert commit(database, [promotion], [], now=4.0) == set()

    item = get(database, its_id)
    assert (item.state, item.due_at, item.status) == (State.PENDING, 3.0, Readiness.DUE_SOON)
    assert item.planned_at == NOW.replace(day=2).timestamp()
    assert ids_of(claim(database, now=3.0)) == [[its_id]]


@pytest.mark.parametrize("state", [each for each in State if each is not State.SUPPRESSED])
def test_a_place_that_is_no_longer_kept_is_not_taken(database: Database, state: State) -> None:
    entry = make_entry("payments")
    (its_id,) = put(database, make_place(entry))
    force(database, its_id, state=state)

    assert commit(database, [make_promotion(entry)], [], now=1.0) == set()
    assert get(database, its_id).planned_at == entry.planned_at.timestamp()
    assert get(database, its_id).state is state


def test_only_one_of_two_runs_takes_a_place(database: Database) -> None:
    entries = list(make_entries(50))
    put(database, *map(make_place, entries))

    added = at_once(2, lambda _: commit(database, [make_promotion(each) for each in entries], [], now=1.0))

    assert sum(map(len, added)) == len(added[0] | added[1]) == 50


def test_the_age_of_what_was_kept_back_counts_from_the_end_of_the_window(database: Database) -> None:
    entry = make_entry("payments")
    put(database, make_place(entry), now=0.0)

    put(database, make_promotion(entry), now=WEEK)

    (claimed,) = claim(database, now=WEEK)
    assert claimed.queued_at == WEEK


@pytest.mark.slow
@pytest.mark.parametrize("state", State)
def test_only_what_was_surely_not_sent_is_replaced(database: Database, state: State) -> None:
    old, new = make_entry("payments"), make_entry("payments", reason=Reason.WORSE)
    (its_id,) = put(database, old)
    force(database, its_id, state=state)

    added = commit(database, [replace(new, replaces=[its_id])], [], now=1.0)

    is_replaced = state in UNSENT
    assert bool(added) is is_replaced
    assert states(database, its_id) == [State.SUPERSEDED if is_replaced else state]
    if is_replaced:
        assert get(database, its_id).due_at is None
        assert ids_of(claim(database, now=1.0)) == [[new.notification_id]]


@pytest.mark.slow
def test_two_runs_that_replace_the_same_commit_one_successor(database: Database) -> None:
    old = list(make_entries(50))
    ids = put(database, *old)
    new = [
        replace(successor, replaces=[its_id])
        for successor, its_id in zip(make_entries(50, reason=Reason.WORSE), ids, strict=True)
    ]

    added = at_once(2, lambda _: commit(database, new, [], now=1.0))

    assert sum(map(len, added)) == len(added[0] | added[1]) == 50
    assert Counter(states(database, *ids)) == {State.SUPERSEDED: 50}


def test_what_closes_a_cycle_closes_its_route_and_no_other(database: Database) -> None:
    first, other = make_entry("payments"), make_entry("ledger")
    closing = replace(make_entry("payments", reason=Reason.RESOLVED), closes=True)
    put(database, first, other)

    put(database, closing)

    closed = {each.notification_id: each.is_closed for each in find_rows(database, OutboxFilter())[0]}
    assert closed == {
        first.notification_id: True,
        closing.notification_id: True,
        other.notification_id: False,
    }


def test_cycles_that_are_closed_together_are_all_closed(database: Database) -> None:
    schedules = ["payments", "search", "orders"]
    opened = put(database, *map(make_entry, schedules))

    put(database, *(replace(make_entry(each, reason=Reason.RESOLVED), closes=True) for each in schedules))

    assert [get(database, each).is_closed for each in opened] == [True, True, True]


@pytest.mark.slow
@pytest.mark.parametrize("state", State)
def test_a_route_that_leaves_without_a_word_takes_along_what_was_not_sent(
    database: Database, state: State
) -> None:
    entry = make_entry("payments")
    (its_id,) = put(database, entry)
    force(database, its_id, state=state)

    assert commit(database, [], [Departure(entry.route_key, [its_id])], now=1.0) == set()

    item = get(database, its_id)
    assert item.is_closed is (state in UNSENT)
    assert item.state is (State.SUPERSEDED if state in UNSENT else state)


def test_a_route_is_not_left_silently_if_a_message_may_have_arrived_meanwhile(database: Database) -> None:
    entry = make_entry("payments")
    (its_id,) = put(database, entry)
    force(database, its_id, state=State.RETRY, may_repeat=True)

    commit(database, [], [leave(entry)], now=1.0)

    item = get(database, its_id)
    assert (item.is_closed, item.state) == (False, State.RETRY)


@pytest.mark.parametrize("state", sorted({*UNSENT, *UNCERTAIN, *NOTIFIED}))
def test_what_another_run_has_committed_meanwhile_stays_open_when_a_route_is_left_silently(
    database: Database, state: State
) -> None:
    known, other = make_entry("payments"), make_entry("payments", reason=Reason.WORSE)
    known_id, other_id = put(database, known, other)
    force(database, known_id, state=State.PERMANENT)
    force(database, other_id, state=state)

    commit(database, [], [Departure(known.route_key, [])], now=1.0)

    assert (get(database, known_id).is_closed, get(database, other_id).is_closed) == (True, False)
    assert get(database, other_id).state is state


@pytest.mark.parametrize("state", [*sorted(DEAD), State.SUPERSEDED, State.DISCARDED])
def test_what_is_never_sent_leaves_its_cycle_as_it_is(database: Database, state: State) -> None:
    entry = make_entry("payments")
    (its_id,) = put(database, entry)
    force(database, its_id, state=state)

    commit(database, [], [Departure(entry.route_key, [])], now=1.0)

    assert (get(database, its_id).is_closed, get(database, its_id).state) == (True, state)


def test_the_history_has_these_cycles_and_all_open_ones_of_these_schedules(database: Database) -> None:
    due = {"now": "2026-11-27T09:00:00+00:00", "then": "2026-10-27T09:00:00+00:00"}
    now, then = (make_entry("payments", due_at=each) for each in due.values())
    over = replace(make_entry("payments", due_at="2026-09-27T09:00:00+00:00"), closes=True)
    stranger = make_entry("ledger")
    put(database, now, then, over, stranger)

    def found(cycles: list[str], schedules: list[str]) -> set[str]:
        return set(find_history(database, cycles, schedules))

    assert found([now.cycle_id], ["payments"]) == {now.route_key, then.route_key}
    assert found([over.cycle_id], ["payments"]) == {now.route_key, then.route_key, over.route_key}
    assert found([over.cycle_id], []) == {over.route_key}
    assert found([], ["payments", "payments"]) == {now.route_key, then.route_key}
    assert found([], []) == set()


def test_a_history_is_in_the_order_of_its_commits_and_tells_all_that_the_rule_needs(
    database: Database,
) -> None:
    entries = [make_entry("payments", reason=each) for each in (Reason.WORSE, Reason.FIRST, Reason.REPEAT)]
    for entry in entries:
        put(database, entry)
    force(database, entries[0].notification_id, due_at=1.0)  # PostgreSQL moves a row that changes

    (history,) = find_history(database, [entries[0].cycle_id], []).values()

    assert [told.reason for told in history] == [Reason.WORSE, Reason.FIRST, Reason.REPEAT]
    told, entry = history[0], entries[0]
    assert (told.notification_id, told.schedule_id) == (entry.notification_id, "payments")
    assert (told.cycle_id, told.provider, told.owner) == (entry.cycle_id, entry.provider, entry.owner)
    assert (told.status, told.state) == (Readiness.NEEDS_ATTENTION, State.PENDING)
    assert (told.at, told.due_at, told.is_closed) == (entry.planned_at, entry.cycle_due, False)


def test_an_instant_keeps_its_microseconds(database: Database) -> None:
    at = datetime(2026, 12, 1, 9, 0, 0, 123457, tzinfo=UTC)
    put(database, replace(make_entry("payments"), planned_at=at))

    ((told,),) = find_history(database, [], ["payments"]).values()

    assert told.at == at


@pytest.mark.slow
def test_the_history_is_found_for_more_schedules_than_a_query_takes(database: Database) -> None:
    entries = list(make_entries(1_201))
    put(database, *entries)

    by_cycle = find_history(database, [each.cycle_id for each in entries], [])
    by_schedule = find_history(database, [], [each.schedule_id for each in entries])

    assert by_cycle.keys() == by_schedule.keys() == {each.route_key for each in entries}


def leave(*entries: OutboxEntry) -> Departure:
    """Leave the route of some notifications, which were not sent."""
    return Departure(entries[0].route_key, [each.notification_id for each in entries])


@pytest.mark.slow
def test_cycles_are_escalated_and_closed_of_more_schedules_than_a_query_takes(database: Database) -> None:
    opened = list(make_entries(1_201))
    schedules = {each.schedule_id for each in opened}
    steps = [
        replace(each, notification_id=f"gordmsg-{number}", reason=Reason.ESCALATED)
        for number, each in enumerate(opened)
    ]
    put(database, *opened)

    with longest_query(database) as longest:
        added = commit(database, steps, [], now=1.0)
        open_before = find_open_schedules(database, schedules)
        commit(database, [], list(map(leave, opened, steps)), now=2.0)
        open_after = find_open_schedules(database, schedules)

    assert (len(added), open_before, open_after) == (1_201, schedules, set())
    assert max(longest) < 20, "all of them are one parameter"


def test_a_commit_of_nothing_needs_no_database(tmp_path: Path) -> None:
    assert commit(Database.at(f"sqlite:///{tmp_path}/missing/drills.db"), [], [], now=1.0) == set()


def test_the_schedules_that_have_an_open_cycle_are_found(database: Database) -> None:
    put(database, make_entry("payments"), make_entry("search"), make_entry("orders"))
    put(database, replace(make_entry("search", reason=Reason.RESOLVED), closes=True))

    assert find_open_schedules(database, ["payments", "search", "ledger"]) == {"payments"}


@pytest.mark.parametrize(
    ("state", "due_at", "expected"),
    [
        pytest.param(State.PENDING, 10.0, 90.0, id="put off"),
        pytest.param(State.RETRY, 10.0, 90.0, id="a later attempt is put off as well"),
        pytest.param(State.PENDING, 95.0, 95.0, id="never brought forward"),
        pytest.param(State.SENDING, 10.0, 10.0, id="on its way"),
    ],
)
def test_a_hold_puts_off_what_waits_and_nothing_else(
    database: Database, state: State, due_at: float, expected: float
) -> None:
    held, other = put(database, make_entry("payments"), make_entry("search"))
    force(database, held, state=state, due_at=due_at)

    commit(database, [], [], [Hold(held, datetime.fromtimestamp(90.0, UTC))], now=1.0)

    assert (get(database, held).due_at, get(database, other).due_at) == (expected, 0.0)


def test_an_escalation_is_committed_only_while_its_cycle_is_open(database: Database) -> None:
    step = make_entry("payments", owner="lead", reason=Reason.ESCALATED)
    assert commit(database, [step], [], now=1.0) == set()

    put(database, make_entry("payments"))
    assert commit(database, [step], [], now=1.0) == {step.notification_id}

    put(database, replace(make_entry("payments", reason=Reason.RESOLVED), closes=True))
    put(database, replace(make_entry("payments", owner="lead", reason=Reason.RESOLVED), closes=True))
    later = replace(step, notification_id="gordmsg-later")
    assert commit(database, [later, make_entry("search")], [], now=1.0) == {
        make_entry("search").notification_id
    }


def test_escalations_of_several_cycles_are_committed_together(database: Database) -> None:
    schedules = ["payments", "search", "orders"]
    put(database, *map(make_entry, schedules))
    steps = [make_entry(each, owner="lead", reason=Reason.ESCALATED) for each in schedules]

    assert commit(database, steps, [], now=1.0) == {each.notification_id for each in steps}


def test_an_escalation_waits_for_who_is_closing_its_cycle(database: Database) -> None:
    put(database, make_entry("payments"))
    step = make_entry("payments", owner="lead", reason=Reason.ESCALATED)

    with ThreadPoolExecutor(1) as pool, database.write() as closing:
        closing.execute(update(OUTBOX).values(is_closed=True))
        escalating = pool.submit(commit, database, [step], [], now=1.0)
        with pytest.raises(TimeoutError):
            escalating.result(0.1)

    assert escalating.result() == set()


def test_a_closing_that_was_committed_before_does_not_close_the_route_again(database: Database) -> None:
    closing = replace(make_entry("payments", reason=Reason.RESOLVED), closes=True)
    put(database, make_entry("payments"), closing)
    (again,) = put(database, replace(make_entry("payments"), notification_id="gordmsg-again"))

    assert commit(database, [closing], [], now=1.0) == set()

    assert not get(database, again).is_closed


def test_a_place_keeps_the_text_of_its_notification(database: Database) -> None:
    place = make_place(make_entry("payments"))

    _, its_id = put(database, make_entry("search"), place)

    assert read_notification(get(database, its_id).notification) == place.notification
    assert get(database, its_id).due_at is None


def test_a_place_that_was_never_kept_is_not_taken(database: Database) -> None:
    assert commit(database, [make_promotion(make_entry("payments"))], [], now=1.0) == set()
    assert find_rows(database, OutboxFilter())[1] == 0
