"""The items that a notification made at its vendor, and which later ones know them."""

from dataclasses import replace

import pytest

from rollback_drills.database.connections import Database
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.states import State
from tests.samples.outbox import make_entry
from tests.samples.outbox_rows import claim, deliver, force, make_place, make_promotion, put, settle


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
