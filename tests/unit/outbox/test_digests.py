"""Digests: what goes together, stays together, and falls apart."""

from datetime import UTC, datetime
from itertools import chain
from typing import Any

import pytest

from rollback_drills.database.connections import Database
from rollback_drills.names.ids import NO_SCHEDULES
from rollback_drills.notifications.outbox_entry import Departure, Hold
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.states import State
from rollback_drills.outbox.commit import commit
from rollback_drills.outbox.digests import form_digests, release_strays
from tests.samples.outbox import make_entries, make_entry
from tests.samples.outbox_rows import (
    LEASE,
    claim,
    discard,
    force,
    form_and_claim_at_once,
    get,
    ids_of,
    make_place,
    make_promotion,
    make_result,
    put,
    replay,
    settle,
    states,
)


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


@pytest.mark.parametrize("beginning", NO_SCHEDULES)
def test_what_is_about_no_schedules_joins_no_digest(database: Database, beginning: str) -> None:
    ids = put(database, make_entry(f"{beginning}a"), make_entry(f"{beginning}b"))

    form_digests(database, "webhook", 10)

    assert ids_of(claim(database)) == [[each] for each in ids]


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


def test_a_worker_takes_so_many_messages_however_many_notifications_they_hold(database: Database) -> None:
    ids = put(database, *make_entries(6))
    form_digests(database, "webhook", 3)

    assert ids_of(claim(database, 2)) == [ids[:3], ids[3:]]


def test_a_digest_stays_the_same_message_over_its_attempts(database: Database) -> None:
    put(database, *make_entries(3))
    form_digests(database, "webhook", 3)
    (first,) = claim(database)
    settle(database, make_result(first, State.AMBIGUOUS, due_at=5.0))
    put(database, make_entry("new"), now=5.0)
    form_digests(database, "webhook", 9)

    again, new = claim(database, now=5.0)
    expired, _ = (claim(database, now=5.0 + LEASE)[0] for _ in range(2))

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


def test_what_joins_a_digest_while_that_is_claimed_goes_out_by_itself(database: Database) -> None:
    first, joined = put(database, *make_entries(2))
    # as PostgreSQL shows it to a claim that began before the digest was formed: only the first row
    force(database, joined, message_id=first, due_at=5.0)

    early = claim(database, now=0.0)
    late = claim(database, now=5.0)

    assert (ids_of(early), ids_of(late)) == ([[first]], [[joined]])
    assert late[0].message_id == joined


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param({"message_id": "gordmsg-0"}, id="it was moved to another message"),
        pytest.param({"state": State.DELIVERED, "due_at": None}, id="it is not sent any more"),
    ],
)
def test_what_waits_in_a_digest_whose_first_row_was_changed_is_sent_without_it(
    database: Database, damage: dict[str, Any]
) -> None:
    ids = put(database, *make_entries(3))
    form_digests(database, "webhook", 9)
    force(database, ids[0], **damage)

    release_strays(database, "slack")
    assert not {*ids[1:]} & {*chain(*ids_of(claim(database)))}
    release_strays(database, "webhook")

    assert {*ids[1:]} <= {*chain(*ids_of(claim(database)))}


def test_a_digest_that_nobody_changed_stays_whole(database: Database) -> None:
    ids = put(database, *make_entries(3))
    form_digests(database, "webhook", 9)

    release_strays(database, "webhook")

    assert ids_of(claim(database)) == [ids]


@pytest.mark.parametrize("which", [0, 1, 2])
@pytest.mark.parametrize("how", ["supersede", "discard", "hold"])
def test_a_digest_that_loses_one_falls_into_single_messages(database: Database, how: str, which: int) -> None:
    ids = put(database, *make_entries(3))
    form_digests(database, "webhook", 9)
    lost, others = ids[which], ids[:which] + ids[which + 1 :]

    if how == "discard":
        assert discard(database, [lost]) == 1
    elif how == "hold":
        commit(database, [], [], [Hold(lost, datetime.fromtimestamp(90.0, UTC))], now=0.0)
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
