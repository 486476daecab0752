"""Which open cycles keep the id that the spelling of their schedule once gave them."""

from dataclasses import replace

import msgspec
import pytest

from rollback_drills.database.connections import Database
from rollback_drills.names import ids
from rollback_drills.notifications.outbox_entry import OutboxEntry
from rollback_drills.notifications.reasons import Reason
from rollback_drills.outbox.known_cycles import find_known_cycles, keep_known_cycles
from tests.samples.builders import judged, make_subject
from tests.samples.databases import only_on_sqlite
from tests.samples.outbox import make_entry
from tests.samples.outbox_rows import put

DUE = "2026-11-27T09:00:00+00:00"


def spelt(schedule_id: str, due_at: str = DUE, reason: Reason = Reason.FIRST) -> OutboxEntry:
    """Return a notification of a version that hashed names as they are spelt."""
    cycle_id = ids.spelt_cycle_id(schedule_id, due_at or None)
    route_key = ids.spelt_route_key(cycle_id, "webhook", "payments-team")
    return replace(
        make_entry(schedule_id, due_at=due_at, reason=reason),
        notification_id=ids.notification_id(route_key, reason, 1),
        route_key=route_key,
        cycle_id=cycle_id,
    )


@pytest.mark.parametrize("due_at", [DUE, ""])
def test_an_open_cycle_keeps_the_id_of_its_spelling(due_at: str, database: Database) -> None:
    put(database, make_entry("orders"), spelt("Payments", due_at), make_entry("search"))

    new_id = ids.cycle_id("payments", due_at or None)
    assert find_known_cycles(database) == {new_id: ids.spelt_cycle_id("Payments", due_at or None)}


def test_a_cycle_that_was_closed_keeps_nothing(database: Database) -> None:
    put(database, spelt("Payments"))
    put(database, replace(spelt("Payments", reason=Reason.RESOLVED), closes=True))

    assert find_known_cycles(database) == {}


@only_on_sqlite  # PostgreSQL keeps the type of a column
def test_a_name_that_somebody_changed_hides_no_other(database: Database) -> None:
    put(database, make_entry("orders"), spelt("Payments"))
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE outbox SET schedule_id = x'ff' WHERE schedule_id = 'orders'")

    assert list(find_known_cycles(database)) == [ids.cycle_id("payments", DUE)]


def test_a_cycle_that_is_open_under_both_ids_has_the_current_one(database: Database) -> None:
    put(database, spelt("Payments"), make_entry("Payments"))

    assert find_known_cycles(database) == {}


@pytest.mark.parametrize("spellings", [["PAYMENTS", "Payments"], ["Payments", "PAYMENTS"]])
def test_of_two_spellings_the_one_that_was_notified_first_keeps_its_id(
    spellings: list[str], database: Database
) -> None:
    put(database, *map(spelt, spellings))
    put(database, *(spelt(each, reason=Reason.REPEAT) for each in reversed(spellings)))

    assert find_known_cycles(database) == {
        ids.cycle_id("payments", DUE): ids.spelt_cycle_id(spellings[0], DUE)
    }


def test_only_the_judgement_of_a_known_cycle_changes_and_only_in_its_id(database: Database) -> None:
    known, other = (judged(make_subject(schedule_id=name)) for name in ("payments", "orders"))
    due = known.schedule.next_due_at
    assert due
    put(database, spelt("Payments", due))

    kept, same = keep_known_cycles(database, [known, other])

    assert kept.cycle.cycle_id == ids.spelt_cycle_id("Payments", due)
    cycle = msgspec.structs.replace(kept.cycle, cycle_id=known.cycle.cycle_id)
    assert msgspec.structs.replace(kept, cycle=cycle) == known
    assert same == other


def test_without_a_database_every_cycle_has_its_own_id() -> None:
    judgements = [judged(make_subject())]

    assert keep_known_cycles(None, judgements) == judgements
