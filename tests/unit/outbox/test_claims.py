import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from sqlalchemy import text, update

from rollback_drills import ids
from rollback_drills.database.connections import Database, DatabaseError
from rollback_drills.documents.fields import write_instant
from rollback_drills.evidence.index import EvidenceFilter, EvidenceIndex
from rollback_drills.evidence.outbox_transfer import index_run
from rollback_drills.evidence.records import DELIVERY_KIND, ROUTE_DELIVERY_KIND, start_record
from rollback_drills.evidence.verify.auditor import Trust
from rollback_drills.evidence.verify.findings import FindingKind
from rollback_drills.evidence.verify.ledger import verify_ledger
from rollback_drills.notifications.entries import Departure, Entry
from rollback_drills.notifications.outcome import Outcome, RequestSummary
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.states import DEAD, TOLD, UNCERTAIN, UNSENT, WAITING, State
from rollback_drills.outbox.claims import Claimed, Result, due_providers, next_attempt_at, settle_and_claim
from rollback_drills.outbox.commit import commit, find_history
from rollback_drills.outbox.destinations import (
    Destination,
    enable,
    explain_disabled,
    find_destinations,
    note_why_waiting,
)
from rollback_drills.outbox.grouping import form_digests
from rollback_drills.outbox.queries import (
    OutboxFilter,
    discard,
    find_items,
    get_item,
    replay,
    to_delivery,
)
from rollback_drills.outbox.rows import Item
from rollback_drills.outbox.table import OUTBOX
from rollback_drills.planning.outbox_entries import find_entries
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.readiness.terms import Readiness, Report
from tests.checkout import ROOT
from tests.samples.builders import NOW, checked, make_subject, open_key
from tests.samples.outbox import make_entries, make_entry
from tests.samples.tampering import tampering

LEASE = 60.0
WEEK = 7 * 24 * 3600.0


def put(database: Database, *entries: Entry, now: float = 0.0) -> list[str]:
    """Commit entries, and give their ids in the order given."""
    commit(database, entries, [], now=now)
    return [entry.notification_id for entry in entries]


def claim(
    database: Database,
    wanted: int = 100,
    *,
    now: float = 0.0,
    results: Sequence[Result] = (),
    worker: str = "worker",
    provider: str = "webhook",
) -> list[Claimed]:
    """Claim what is due."""
    claimed, _ = settle_and_claim(
        database, provider, results, wanted, claim=worker, now=now, lease_seconds=LEASE
    )
    return claimed


def settle(database: Database, *results: Result, provider: str = "webhook") -> int:
    """Record results; give how many came too late."""
    return settle_and_claim(database, provider, results, 0, claim="", now=0.0, lease_seconds=LEASE)[1]


def make_result(claimed: Claimed, state: State = State.DELIVERED, **changes: Any) -> Result:
    """Make what a worker brings back."""
    known: dict[str, Any] = {
        "due_at": 0.0 if state in WAITING else None,
        "attempt_count": claimed.attempt_count + 1,
        "unanswered_count": claimed.unanswered_count + (state is State.AMBIGUOUS),
        "may_repeat": claimed.is_uncertain,
        "started_at": 1.0,
        "completed_at": 2.0,
        "status_code": 200,
        "detail": "the detail",
        "external_ref": "",
        "request": "",
        "size": len(claimed.notifications),
    }
    return Result(claimed.message_id, claimed.claim, state, **{**known, **changes})


def force(database: Database, notification_id: str, **values: Any) -> None:
    """Put a row into any state."""
    with database.write() as connection:
        connection.execute(update(OUTBOX).where(OUTBOX.c.notification_id == notification_id).values(**values))


def get(database: Database, notification_id: str) -> Item:
    """Give a row."""
    item = get_item(database, notification_id)
    assert item
    return item


def states(database: Database, *ids: str) -> list[State]:
    """Give the states of rows."""
    return [get(database, each).state for each in ids]


def ids_of(claimed: Sequence[Claimed]) -> list[list[str]]:
    """Give the ids of the notifications of each message."""
    return [[each.notification_id for each in message.notifications] for message in claimed]


def make_place(entry: Entry) -> Entry:
    """Make the place of a notification that is kept back."""
    its_id = ids.notification_id(entry.route_key, Reason.DEFERRED, 1)
    return replace(entry, notification_id=its_id, reason=Reason.DEFERRED, is_kept_back=True)


def make_promotion(entry: Entry) -> Entry:
    """Make what takes the place after the window."""
    place = make_place(entry)
    told = replace(entry.notification, notification_id=place.notification_id, reason=Reason.DEFERRED)
    return replace(place, notification=told, is_kept_back=False)


def at_once(count: int, work: Callable[[int], Any]) -> list[Any]:
    """Do something in several threads that start at the same time."""
    barrier = threading.Barrier(count)

    def start(number: int) -> Any:
        barrier.wait(30)
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(start, range(count)))


# Intake


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
    assert find_items(database, OutboxFilter())[1] == 3


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

    assert find_items(database, OutboxFilter())[1] == 1
    assert states(database, kept) == [State.PENDING]


def test_two_runs_that_decided_the_same_commit_each_notification_once(database: Database) -> None:
    subject = make_subject()
    request = PlanRequest()
    decided = [list(find_entries(checked(subject, request), request)) for _ in range(2)]

    added = at_once(2, lambda number: commit(database, decided[number], [], now=float(number)))

    assert sorted(map(len, added)) in ([0, 4], [1, 3], [2, 2])
    assert not added[0] & added[1]
    assert len(claim(database, now=9.0, provider="slack") + claim(database, now=9.0, provider="teams")) == 4


def test_many_workers_that_commit_at_once_commit_each_notification_once(database: Database) -> None:
    entries = list(make_entries(400))

    added = at_once(4, lambda _: commit(database, entries, [], now=0.0))

    assert sum(map(len, added)) == len(set().union(*added)) == 400
    assert find_items(database, OutboxFilter(), limit=1)[1] == 400


@pytest.mark.slow
def test_runs_that_read_the_documents_in_another_order_do_not_block_each_other(database: Database) -> None:
    entries = list(make_entries(3_000))  # so many that the transactions meet half-way

    added = at_once(2, lambda number: commit(database, entries[:: -1 if number else 1], [], now=0.0))

    assert sum(map(len, added)) == len(set().union(*added)) == 3_000


@pytest.mark.slow
def test_two_processes_that_commit_at_once_commit_each_notification_once(
    url: str, database: Database
) -> None:
    script = (
        "import sys\n"
        "from rollback_drills.database.connections import Database\n"
        "from rollback_drills.outbox.commit import commit\n"
        "from tests.samples.outbox import make_entries\n"
        "database, entries = Database.open(sys.argv[1]), list(make_entries(200))\n"
        "print(flush=True); sys.stdin.readline()\n"
        "for start in range(0, 200, 10):\n"
        "    for each in commit(database, entries[start : start + 10], [], now=0.0): print(each)\n"
    )
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", script, url]
    writers = [subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) for _ in range(2)]
    for each in writers:
        assert each.stdout
        each.stdout.readline()  # it has imported everything
    for each in writers:
        assert each.stdin
        each.stdin.write("\n")
        each.stdin.flush()
    added = [each.communicate(timeout=60)[0].split() for each in writers]

    assert [each.returncode for each in writers] == [0, 0]
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

    closed = {each.notification_id: each.is_closed for each in find_items(database, OutboxFilter())[0]}
    assert closed == {
        first.notification_id: True,
        closing.notification_id: True,
        other.notification_id: False,
    }


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


def test_a_dead_letter_leaves_its_cycle_and_stays_dead(database: Database) -> None:
    entry = make_entry("payments")
    (its_id,) = put(database, entry)
    force(database, its_id, state=State.PERMANENT)

    commit(database, [], [Departure(entry.route_key, [])], now=1.0)

    assert (get(database, its_id).is_closed, get(database, its_id).state) == (True, State.PERMANENT)


# History


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


# Claims


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
    assert (again.attempt_count, again.claim) == (0, "other")


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


# Destinations


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


# Digests


def test_notifications_go_together_by_owner_and_by_opening_or_closing(database: Database) -> None:
    entries = [
        make_entry("a", owner="x"),
        make_entry("b", owner="y"),
        make_entry("c", owner="x"),
        make_entry("d", owner="x", reason=Reason.REPEAT),
        make_entry("e", owner="x", reason=Reason.RESOLVED),
        make_entry("f", owner="x", reason=Reason.RESOLVED),
        make_entry("g", owner="x", provider="slack"),
    ]
    put(database, *entries)

    form_digests(database, "webhook", 10)

    names = {each.notification_id: each.schedule_id for each in entries}
    found = [[names[its_id] for its_id in ids] for ids in ids_of(claim(database))]
    assert found == [["a", "c", "d"], ["b"], ["e", "f"]]


@pytest.mark.parametrize(("most", "sizes"), [(1, [1] * 5), (2, [2, 2, 1]), (4, [4, 1]), (5, [5]), (9, [5])])
def test_a_message_holds_no_more_than_its_connector_takes(
    database: Database, most: int, sizes: list[int]
) -> None:
    ids = put(database, *make_entries(5))

    form_digests(database, "webhook", most)

    claimed = claim(database)
    assert [len(each.notifications) for each in claimed] == sizes
    assert list(chain(*ids_of(claimed))) == ids
    assert [each.message_id for each in claimed] == [each[0] for each in ids_of(claimed)]


def test_digests_are_claimed_and_recorded_whole(database: Database) -> None:
    ids = put(database, *make_entries(6))
    form_digests(database, "webhook", 3)

    (one,) = claim(database, 1, worker="one")
    (other,) = claim(database, 9, worker="other")
    settle(database, make_result(one))

    assert ids_of([one, other]) == [ids[:3], ids[3:]]
    assert states(database, *ids) == [State.DELIVERED] * 3 + [State.SENDING] * 3


def test_a_digest_stays_the_same_message_over_its_attempts(database: Database) -> None:
    put(database, *make_entries(3))
    form_digests(database, "webhook", 3)
    (first,) = claim(database)
    settle(database, make_result(first, State.AMBIGUOUS, due_at=5.0))
    put(database, make_entry("new"), now=5.0)
    form_digests(database, "webhook", 9)

    again, new = claim(database, now=5.0)
    expired, _ = claim(database, now=5.0 + LEASE)

    assert again.notifications == first.notifications == expired.notifications
    assert first.message_id == again.message_id == expired.message_id
    assert again.is_uncertain
    assert expired.is_uncertain
    assert len(new.notifications) == 1


def test_what_was_tried_once_is_put_into_no_digest(database: Database) -> None:
    ids = put(database, *make_entries(3))
    (tried,) = claim(database, 1)
    settle(database, make_result(tried, State.RETRY))

    form_digests(database, "webhook", 9)

    assert sorted(ids_of(claim(database))) == sorted([[ids[0]], ids[1:]])


def test_a_digest_that_still_waits_does_not_grow_beyond_what_its_connector_takes(database: Database) -> None:
    put(database, *make_entries(3))
    form_digests(database, "webhook", 3)  # of a run that was killed, or whose destination asked for a pause
    put(database, *(make_entry(f"new-{each}") for each in range(2)))

    form_digests(database, "webhook", 3)

    claimed = claim(database)
    assert sum(len(each.notifications) for each in claimed) == 5
    assert max(len(each.notifications) for each in claimed) <= 3


def test_nothing_is_left_behind_when_digests_are_formed_while_others_still_wait(database: Database) -> None:
    ids = put(database, *make_entries(8))

    for _ in range(2):  # the first time by a run that was killed, or whose destination asked for a pause
        form_digests(database, "webhook", 3)

    claimed = ids_of(claim(database))
    assert sorted(chain(*claimed)) == sorted(ids)
    assert [len(each) for each in claimed] == [3, 3, 2]


def test_nothing_is_left_behind_when_an_older_row_joins_a_digest_that_still_waits(
    database: Database,
) -> None:
    kept_back = make_entry("kept-back")
    put(database, make_place(kept_back))
    ids = put(database, *make_entries(2))
    form_digests(database, "webhook", 9)  # of a run whose destination asked for a pause
    ids += put(database, make_promotion(kept_back))

    form_digests(database, "webhook", 9)

    assert sorted(chain(*ids_of(claim(database)))) == sorted(ids)


def test_nothing_is_left_behind_when_the_clocks_of_two_machines_differ(database: Database) -> None:
    ids = put(database, make_entry("here"), now=100.0) + put(database, make_entry("there"), now=102.0)
    form_digests(database, "webhook", 9)

    found = ids_of(claim(database, now=101.0)) + ids_of(claim(database, now=103.0))

    assert sorted(chain(*found)) == sorted(ids)


def test_a_digest_is_due_when_all_that_it_holds_is_due(database: Database) -> None:
    ids = put(database, make_entry("early"), now=100.0) + put(database, make_entry("late"), now=102.0)
    form_digests(database, "webhook", 9)

    assert claim(database, now=101.0) == []
    assert ids_of(claim(database, now=102.0)) == [ids]


@pytest.mark.slow
def test_nothing_is_left_behind_when_digests_are_formed_while_others_claim(database: Database) -> None:
    left: list[str] = []
    for number in range(
        1 if database.engine.dialect.name == "sqlite" else 4
    ):  # SQLite has one writer at a time
        # so many that a claim looks while the digest is committed
        ids = put(database, *(make_entry(f"payments-{number}-{each}") for each in range(2_000)))
        left += set(ids) - form_and_claim_at_once(database)

    assert left == []


def form_and_claim_at_once(database: Database) -> set[str]:
    """Form one digest while three workers claim single messages; give all that is claimed in the end."""
    is_formed = threading.Event()

    def work(number: int) -> list[Claimed]:
        if number == 0:
            form_digests(database, "webhook", 2_000)
            is_formed.set()
            return []
        found: list[Claimed] = []
        while not is_formed.is_set():
            found += claim(database, 1)
        return found

    claimed = [*chain(*at_once(4, work)), *claim(database, 10_000)]
    return {*chain(*ids_of(claimed))}


def test_what_joins_a_digest_while_that_is_claimed_goes_out_by_itself(database: Database) -> None:
    first, joined = put(database, *make_entries(2))
    # as PostgreSQL shows it to a claim that began before the digest was formed: only the first row
    force(database, joined, message_id=first, due_at=5.0)

    early = claim(database, now=0.0)
    late = claim(database, now=5.0)

    assert (ids_of(early), ids_of(late)) == ([[first]], [[joined]])
    assert late[0].message_id == joined


@pytest.mark.parametrize("which", [0, 1, 2])
@pytest.mark.parametrize("how", ["supersede", "discard"])
def test_a_digest_that_loses_one_falls_into_single_messages(database: Database, how: str, which: int) -> None:
    ids = put(database, *make_entries(3))
    form_digests(database, "webhook", 9)
    lost, others = ids[which], ids[:which] + ids[which + 1 :]

    if how == "discard":
        assert discard(database, [lost]) == 1
    else:
        entry = make_entry(f"payments-{which:05}")
        commit(database, [], [Departure(entry.route_key, [lost])], now=0.0)

    assert ids_of(claim(database)) == [[each] for each in others]


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_digest_of_dead_letters_of_which_one_is_replayed_falls_into_single_messages(
    database: Database, which: int
) -> None:
    ids = put(database, *make_entries(3))
    form_digests(database, "webhook", 9)
    (digest,) = claim(database)
    settle(database, make_result(digest, State.PERMANENT))

    assert replay(database, [ids[which]], now=5.0) == 1

    assert ids_of(claim(database, now=5.0)) == [[ids[which]]]
    assert {get(database, each).message_id for each in ids} == set(ids)


def test_a_digest_that_is_being_sent_is_not_pulled_apart(database: Database) -> None:
    ids = put(database, *make_entries(3))
    form_digests(database, "webhook", 9)
    (digest,) = claim(database)

    assert discard(database, [ids[1]]) == 0
    assert replay(database, [ids[1]], now=0.0) == 0
    assert settle(database, make_result(digest)) == 0

    assert states(database, *ids) == [State.DELIVERED] * 3


# The item of an earlier message


def deliver(database: Database, entry: Entry, ref: str) -> None:
    """Commit a notification and deliver it; the provider calls its item so."""
    put(database, entry)
    (claimed,) = claim(database)
    settle(database, make_result(claimed, external_ref=ref))


@pytest.mark.parametrize("reason", [Reason.REPEAT, Reason.WORSE, Reason.RESOLVED, Reason.DEFERRED])
def test_a_later_notification_knows_the_item_that_the_first_one_made(
    database: Database, reason: Reason
) -> None:
    deliver(database, make_entry("payments"), "OPS-1")
    deliver(database, make_entry("ledger"), "OPS-2")
    entry = make_entry("payments", reason=reason)
    if reason is Reason.DEFERRED:
        put(database, make_place(make_entry("payments")))
        entry = make_promotion(make_entry("payments"))
    put(database, entry)

    (claimed,) = claim(database)

    assert claimed.notifications[0].earlier_ref == "OPS-1"


def test_a_first_notification_knows_no_item_even_if_its_cycle_was_open_before(database: Database) -> None:
    deliver(database, make_entry("payments"), "OPS-1")
    again = replace(make_entry("payments"), notification_id="gordmsg-again")
    put(database, again)

    (claimed,) = claim(database)

    assert claimed.notifications[0].earlier_ref == ""


@pytest.mark.parametrize("reason", [Reason.REPEAT, Reason.RESOLVED])
@pytest.mark.parametrize("closing", [State.DELIVERED, State.PERMANENT, State.SUPERSEDED])
def test_a_cycle_that_was_opened_again_goes_on_with_its_second_item(
    database: Database, closing: State, reason: Reason
) -> None:
    first = make_entry("payments")
    deliver(database, first, "OPS-1")
    (closed,) = put(database, replace(make_entry("payments", reason=Reason.RESOLVED), closes=True))
    force(database, closed, state=closing, due_at=None)
    notification = replace(first.notification, notification_id="gordmsg-again")
    deliver(database, replace(first, notification_id="gordmsg-again", notification=notification), "OPS-2")
    later = replace(
        make_entry("payments", reason=reason), notification_id="gordmsg-later", closes=reason == "resolved"
    )
    put(database, later)

    (claimed,) = claim(database)

    assert claimed.notifications[0].earlier_ref == "OPS-2"


def test_a_cycle_that_was_opened_again_does_not_go_on_with_the_item_that_was_closed(
    database: Database,
) -> None:
    first = make_entry("payments")
    deliver(database, first, "OPS-1")
    deliver(database, replace(make_entry("payments", reason=Reason.RESOLVED), closes=True), "OPS-1")
    (died,) = put(database, replace(first, notification_id="gordmsg-again"))
    force(database, died, state=State.PERMANENT, due_at=None)
    put(database, make_entry("payments", reason=Reason.REPEAT))

    (claimed,) = claim(database)

    assert claimed.notifications[0].earlier_ref == ""


def test_a_message_that_made_no_item_leaves_the_place_to_the_next_one(database: Database) -> None:
    deliver(database, make_entry("payments"), "")
    deliver(database, make_entry("payments", reason=Reason.WORSE), "OPS-2")
    put(database, make_entry("payments", reason=Reason.REPEAT))

    (claimed,) = claim(database)

    assert claimed.notifications[0].earlier_ref == "OPS-2"


def test_where_nothing_was_sent_nothing_comes_too_late(database: Database) -> None:
    assert settle(database) == 0


def test_later_items_of_the_same_cycle_do_not_replace_the_first_one(database: Database) -> None:
    deliver(database, make_entry("payments"), "OPS-1")
    deliver(database, make_entry("payments", reason=Reason.WORSE), "OPS-2")
    put(database, make_entry("payments", reason=Reason.REPEAT))

    (claimed,) = claim(database)

    assert claimed.notifications[0].earlier_ref == "OPS-1"


# Letters


def test_notifications_are_found_by_what_people_know_the_newest_first(database: Database) -> None:
    entries = [
        make_entry("a", owner="x"),
        make_entry("b", owner="y"),
        make_entry("b", owner="x", provider="slack"),
    ]
    a, b, c = put(database, *entries)
    force(database, b, state=State.PERMANENT)

    def found(**wanted: Any) -> list[str]:
        items, total = find_items(database, OutboxFilter(**wanted))
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
    page, total = find_items(database, OutboxFilter(), limit=1, offset=1)
    assert ([item.notification_id for item in page], total) == ([b], 3)
    assert get_item(database, "gordmsg-0") is None


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
    is_discarded = state not in TOLD | {State.SENDING, State.SUPERSEDED}

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
    assert (delivery.verdict.detail, delivery.verdict.status_code) == ("busy", 503)
    assert delivery.verdict.external_ref == "OPS-1"
    assert delivery.verdict.request == RequestSummary("POST", "https://[redacted]", {"accept": "json"})
    assert (delivery.started_at.timestamp(), delivery.completed_at.timestamp()) == (40.0, 41.5)
    at = None if next_at is None else write_instant(datetime.fromtimestamp(next_at, UTC))
    assert (delivery.next_attempt_at and write_instant(delivery.next_attempt_at)) == at


def test_what_was_never_tried_says_so(database: Database) -> None:
    (its_id,) = put(database, make_entry("payments"), now=7.0)

    delivery = to_delivery(get(database, its_id))

    assert delivery.summary == "pending: waits for its first attempt"
    assert (delivery.attempt_count, delivery.started_at.timestamp()) == (0, 7.0)


# Evidence


def as_it_is(record: Report) -> Report:
    """Redact nothing."""
    return record


def index(
    database: Database, records: Sequence[Report] = (), redact: Callable[[Report], Report] = as_it_is
) -> int:
    """Take what is new into the evidence."""
    found = index_run(database, records, created_at=NOW, signer="me", redact=redact, open_key=open_key)
    return found.count


def route_outcomes(database: Database) -> list[tuple[str, str]]:
    """Give the notifications whose outcomes the evidence has, in its order."""
    wanted = EvidenceFilter(metadata_kind=ROUTE_DELIVERY_KIND)
    records, total = EvidenceIndex(database).find(wanted, limit=10_000)
    assert total == len(records)
    return [(each["notification_id"], each["outcome"]) for each in reversed(records)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param(
            "completed_at = 4102444800",
            "2100-01-01T00:00:00+00:00, which is in the future",
            id="future",
        ),
        pytest.param("completed_at = 1e300", "it cannot be read", id="no time at all"),
        pytest.param("started_at = completed_at + 301", "was completed before", id="ends before it began"),
        pytest.param("queued_at = completed_at + 3601", "before it was queued", id="before it was queued"),
        pytest.param("state = 'x'", "it cannot be read", id="no state"),
        pytest.param("notification = '[1'", "it cannot be read", id="no notification"),
        pytest.param("owner = 'x'", "its column owner is not that of its text", id="another owner"),
        pytest.param("attempt_count = 0", "it has 0 attempts and an outcome", id="no attempt"),
    ],
)
def test_what_cannot_have_happened_is_not_signed_and_stops_nothing_else(
    change: str, says: str, database: Database
) -> None:
    first, second = put(database, make_entry("payments"), make_entry("orders"))
    deliver_all(database)
    with database.write() as connection:
        connection.execute(text(f"UPDATE outbox SET {change} WHERE notification_id = '{first}'"))

    found = index_run(database, [], created_at=NOW, signer="me", redact=as_it_is, open_key=open_key)
    again = index_run(database, [], created_at=NOW, signer="me", redact=as_it_is, open_key=open_key)

    assert route_outcomes(database) == [(second, "delivered")]
    assert [first in each and says in each for each in found.refused] == [True]
    assert list(found.problems) == list(again.problems) == list(found.refused)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("DELETE FROM ledger_heads; DELETE FROM ledger", id="an emptied ledger"),
        pytest.param("UPDATE outbox SET completed_at = completed_at - 86400", id="another time"),
        pytest.param("UPDATE outbox SET attempt_count = 7", id="another number of attempts"),
        pytest.param("UPDATE outbox SET state = 'permanent'", id="another state"),
        pytest.param("UPDATE outbox SET owner = 'mallory'", id="another owner"),
        pytest.param("UPDATE outbox SET provider = 'nobody'", id="another provider"),
        pytest.param("UPDATE outbox SET schedule_id = 'elsewhere'", id="another schedule"),
    ],
)
def test_an_outcome_that_the_outbox_calls_taken_is_in_the_evidence(change: str, database: Database) -> None:
    put(database, make_entry("payments"), make_entry("orders"))
    deliver_all(database)
    index(database)
    assert verify_ledger(database, Trust(), lambda _: None).findings == []

    with tampering(database) as connection:
        for statement in change.split("; "):
            connection.execute(text(statement))

    result = verify_ledger(database, Trust(), lambda _: None)
    assert [each.kind for each in result.findings] == [FindingKind.REMOVED] * 2
    assert "was taken into the evidence, and no row has it" in result.findings[0].message


def deliver_all(database: Database, state: State = State.DELIVERED) -> None:
    """Try all that is due."""
    settle(database, *(make_result(each, state) for each in claim(database, 10_000)))


def make_record() -> Report:
    """Make a record of a run."""
    start = start_record("a-plan", "rcd-x", created_at=NOW, signer="me")
    return {**start, "schedule_id": "payments", "cycle_id": "gordcycle-1"}


def test_outcomes_are_indexed_once(database: Database) -> None:
    ids = put(database, *make_entries(3))
    assert index(database) == 0
    deliver_all(database)

    assert index(database, [make_record()]) == 1 + 2 * 3
    assert index(database) == 0

    assert route_outcomes(database) == [(each, "delivered") for each in ids]
    assert EvidenceIndex(database).find(EvidenceFilter(metadata_kind=DELIVERY_KIND))[1] == 3
    assert EvidenceIndex(database).find(EvidenceFilter(metadata_kind="a-plan"))[1] == 1


def test_every_outcome_of_a_notification_is_indexed(database: Database) -> None:
    (its_id,) = put(database, make_entry("payments"))
    for state in (State.RETRY, State.AMBIGUOUS, State.ACCEPTED):
        deliver_all(database, state)
        index(database)

    assert route_outcomes(database) == [(its_id, "retry"), (its_id, "ambiguous"), (its_id, "accepted")]


@pytest.mark.slow
def test_outcomes_of_a_run_that_was_killed_before_indexing_are_taken_by_the_next(
    url: str, database: Database
) -> None:
    ids = put(database, *make_entries(3))
    script = (
        "import os, sys\n"
        "from rollback_drills.database.connections import Database\n"
        "from tests.unit.outbox.test_claims import deliver_all\n"
        "deliver_all(Database.open(sys.argv[1]))\n"
        "os.kill(os.getpid(), 9)\n"
    )

    killed = subprocess.run([sys.executable, "-c", script, url], cwd=ROOT, check=False, timeout=60)

    assert killed.returncode == -9
    assert index(database) == 2 * 3
    assert route_outcomes(database) == [(each, "delivered") for each in ids]


def test_outcomes_are_indexed_all_or_none(database: Database) -> None:
    put(database, *make_entries(3))
    deliver_all(database)
    seen: list[Report] = []

    def break_at_the_fifth(record: Report) -> Report:
        seen.append(record)
        if len(seen) == 5:
            raise RuntimeError("killed")
        return record

    with pytest.raises(RuntimeError):
        index(database, [make_record()], break_at_the_fifth)

    assert EvidenceIndex(database).find(EvidenceFilter())[1] == 0
    assert index(database) == 2 * 3


def test_every_record_is_redacted(database: Database) -> None:
    put(database, make_entry("payments"))
    deliver_all(database)

    index(database, [make_record()], lambda record: {**record, "schedule_id": "[redacted]"})

    assert EvidenceIndex(database).find(EvidenceFilter(schedule_id="[redacted]"))[1] == 3


@pytest.mark.slow
def test_more_outcomes_are_indexed_than_a_query_takes(database: Database) -> None:
    ids = put(database, *make_entries(1_001))
    deliver_all(database)

    assert index(database) == 2 * 1_001
    assert [its_id for its_id, _ in route_outcomes(database)] == ids


@pytest.mark.slow
def test_runs_that_index_at_once_take_each_outcome_once(database: Database) -> None:
    ids = put(database, *make_entries(600))
    deliver_all(database)

    counts = at_once(3, lambda _: index(database))

    assert sum(counts) == 2 * 600
    assert Counter(its_id for its_id, _ in route_outcomes(database)) == Counter(ids)


def test_why_something_waits_is_indexed_once(database: Database) -> None:
    (its_id,) = put(database, make_entry("payments"))
    for detail in ("the secret is missing", "the secret is missing", "the secret is broken"):
        note_why_waiting(database, "webhook", detail)
        index(database)

    assert route_outcomes(database) == [(its_id, "pending")] * 2


def test_what_was_discarded_is_not_discarded_and_indexed_again(database: Database) -> None:
    (its_id,) = put(database, make_entry("payments"))

    changed = []
    for _ in range(2):
        changed.append(discard(database, [its_id]))
        index(database)

    assert changed == [1, 0]
    assert route_outcomes(database) == [(its_id, "discarded")]


# Any order of events


class Outbox(RuleBasedStateMachine):
    """The outbox through any order of runs, workers, windows and people."""

    most = 3

    def __init__(self) -> None:
        super().__init__()
        self.database = Database.open("sqlite:///:memory:")
        self.now = 0.0
        self.count = 0
        self.held: dict[str, list[Claimed]] = {"one": [], "other": []}
        self.leases: dict[str, float] = {}
        self.places: list[Entry] = []

    def ids(self) -> list[str]:
        return [each.notification_id for each in find_items(self.database, OutboxFilter(), limit=1_000)[0]]

    def new_entry(self, owner: str) -> Entry:
        self.count += 1
        return make_entry(f"payments-{self.count}", owner=owner)

    @rule(owner=st.sampled_from("xy"), count=st.integers(1, 4))
    def a_run_commits(self, owner: str, count: int) -> None:
        put(self.database, *(self.new_entry(owner) for _ in range(count)), now=self.now)

    @rule(owner=st.sampled_from("xy"))
    def a_window_keeps_one_back(self, owner: str) -> None:
        self.places.append(self.new_entry(owner))
        put(self.database, make_place(self.places[-1]), now=self.now)

    @rule()
    def the_window_ends(self) -> None:
        put(self.database, *map(make_promotion, self.places), now=self.now)
        self.places.clear()

    @rule(step=st.sampled_from([0.0, 1.0, LEASE - 1, LEASE, 1_000.0]))
    def time_passes(self, step: float) -> None:
        self.now += step

    @rule(worker=st.sampled_from(["one", "other"]), wanted=st.integers(1, 5), forms=st.booleans())
    def a_worker_claims(self, worker: str, wanted: int, forms: bool) -> None:
        if forms:
            form_digests(self.database, "webhook", self.most)
        for message in claim(self.database, wanted, now=self.now, worker=worker):
            self.held[worker].append(message)
            for each in message.notifications:
                assert self.leases.get(each.notification_id, 0.0) <= self.now, "two workers hold it"
                self.leases[each.notification_id] = self.now + LEASE

    @rule(
        worker=st.sampled_from(["one", "other"]),
        state=st.sampled_from([*sorted(TOLD | DEAD), State.RETRY, State.AMBIGUOUS]),
        pause=st.sampled_from([None, 5.0]),
    )
    def a_worker_brings_results(self, worker: str, state: State, pause: float | None) -> None:
        results = [
            make_result(
                each,
                state,
                due_at=self.now + 2 if state in WAITING else None,
                cool_until=self.now + pause if pause else None,
            )
            for each in self.held[worker]
        ]
        for message in self.held[worker]:
            for each in message.notifications:
                if get(self.database, each.notification_id).state is State.SENDING:
                    self.leases.pop(each.notification_id, None)
        self.held[worker].clear()
        settle(self.database, *results)

    @rule(number=st.integers(0, 30), is_replayed=st.booleans())
    def a_person_steps_in(self, number: int, is_replayed: bool) -> None:
        if chosen := self.ids()[number : number + 1]:
            if is_replayed:
                replay(self.database, chosen, now=self.now)
            else:
                discard(self.database, chosen)

    @rule(number=st.integers(0, 30))
    def a_cycle_ends(self, number: int) -> None:
        if chosen := self.ids()[number : number + 1]:
            route = get(self.database, chosen[0]).route_key
            commit(self.database, [], [Departure(route, chosen)], now=self.now)

    @rule()
    def a_person_mends_the_connector(self) -> None:
        enable(self.database, "webhook", now=self.now)

    @invariant()
    def no_message_is_too_large(self) -> None:
        wanted = OutboxFilter(states=(*WAITING, *UNCERTAIN))
        sizes = Counter(each.message_id for each in find_items(self.database, wanted, limit=1_000)[0])
        assert max(sizes.values(), default=0) <= self.most

    def teardown(self) -> None:
        """Whatever happened, in the end everything that waits is sent."""
        try:
            self.now += 1e6
            enable(self.database, "webhook", now=self.now)
            while claimed := claim(self.database, now=self.now):
                settle(self.database, *map(make_result, claimed))
            left = OutboxFilter(states=(*WAITING, State.SENDING))
            assert find_items(self.database, left) == ([], 0)
        finally:
            self.database.engine.dispose()


Outbox.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=25,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # to shrink a failure takes minutes
)
TestOutbox = pytest.mark.slow(Outbox.TestCase)
