"""How long decisions held: spells, not copies, and not only those that began within the period."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from rollback_drills.database.connections import Database
from rollback_drills.evidence.pruning import prune
from rollback_drills.reports.filters import RouteFilter
from rollback_drills.reports.period import Period
from rollback_drills.reports.spells import SpellReader
from tests.samples.builders import open_key
from tests.samples.ledgers import WINDOW, append_check, append_plan, at
from tests.samples.tampering import tampering

IN_A_WINDOW = {"maintenance_windows": [WINDOW], "notification_providers": ["slack"]}
PERIOD = Period(at("2026-12-01"), at("2027-01-01"))
HELD = ("payments", "team-b", "maintenance_window")


def day(number: int) -> datetime:
    """Return a day of December, or one before it."""
    return at("2026-12-01") + timedelta(days=number - 1)


def spells(database: Database, **wanted: str) -> list[tuple[Any, ...]]:
    """Return schedule, owner and category of each suppression of December, and the days of its two ends."""
    with database.snapshot() as connection:
        found = list(SpellReader(connection, RouteFilter(action="suppress", **wanted), PERIOD, 0).iterate())
    return sorted(
        (each.route.schedule_id, each.route.owner, each.route.category, each.begins.day, each.ends.day)
        for each in found
    )


def test_a_decision_that_holds_is_one_spell_until_the_last_check(database: Database) -> None:
    for number in range(3, 13):
        append_check(database, day(number), IN_A_WINDOW)

    assert spells(database) == [(*HELD, 3, 12)]


def test_a_spell_that_began_before_the_period_is_in_it(database: Database) -> None:
    append_check(database, day(-20), IN_A_WINDOW)
    append_check(database, day(9), IN_A_WINDOW)

    assert spells(database) == [(*HELD, 1, 9)]
    assert spells(database, owner="team-a") == []


def test_a_spell_ends_with_another_decision_and_a_second_one_is_another(database: Database) -> None:
    without = {**IN_A_WINDOW, "maintenance_windows": []}
    for number, changes in (
        (2, IN_A_WINDOW),
        (5, without),
        (8, without),
        (10, IN_A_WINDOW),
        (11, IN_A_WINDOW),
    ):
        append_check(database, day(number), changes)

    assert spells(database) == [(*HELD, 2, 5), (*HELD, 10, 11)]


def test_a_change_of_something_else_does_not_end_a_spell(database: Database) -> None:
    append_check(database, day(2), IN_A_WINDOW)
    append_check(database, day(5), {**IN_A_WINDOW, "runbook_ref": "other.md"})
    append_check(database, day(7), {**IN_A_WINDOW, "runbook_ref": "other.md"})

    assert spells(database) == [(*HELD, 2, 7)]


@pytest.mark.parametrize("first", [-5, 2])
def test_a_spell_ends_when_its_schedule_is_gone(first: int, database: Database) -> None:
    other = {**IN_A_WINDOW, "schedule_id": "orders", "maintenance_windows": []}
    append_check(database, day(first), IN_A_WINDOW, other)
    append_check(database, day(4), other)
    append_check(database, day(9), other)

    assert spells(database) == [(*HELD, max(first, 1), 4)]


def test_a_schedule_that_was_gone_before_the_period_is_not_in_it(database: Database) -> None:
    other = {**IN_A_WINDOW, "schedule_id": "orders", "maintenance_windows": []}
    append_check(database, day(-9), IN_A_WINDOW, other)
    append_check(database, day(-8), other)
    append_check(database, day(9), other)

    assert spells(database) == []


def test_what_nobody_checks_any_more_holds_no_longer(database: Database) -> None:
    append_check(database, day(-9), IN_A_WINDOW, name="given up")
    append_check(database, day(9), {"schedule_id": "orders", "notification_providers": ["slack"]})

    assert spells(database) == []


def test_another_population_ends_no_spell(database: Database) -> None:
    append_check(database, day(2), IN_A_WINDOW)
    append_check(database, day(4), {**IN_A_WINDOW, "notification_providers": ["teams"]}, name="on demand")
    append_check(database, day(9), IN_A_WINDOW)

    assert spells(database, provider="slack") == [(*HELD, 2, 9)]


def test_a_population_that_is_given_up_hides_no_plan_of_another_one(database: Database) -> None:
    append_check(database, day(-9), IN_A_WINDOW)
    append_check(database, day(-5), {**IN_A_WINDOW, "notification_providers": ["teams"]}, name="on demand")
    append_check(database, day(9), IN_A_WINDOW)

    assert spells(database) == [(*HELD, 1, 9)]


def test_a_damaged_plan_is_named_and_its_decisions_count(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    append_check(database, day(2), IN_A_WINDOW)
    with tampering(database) as connection:
        damaged = '["finding_digest":"'
        connection.execute(
            text("UPDATE ledger SET record = :damaged WHERE leaf_index = 1").bindparams(damaged=damaged)
        )

    assert spells(database) == [(*HELD, 2, 2)]
    assert "row 1 holds no record any more" in caplog.text


def test_plans_of_an_earlier_version_hold_for_their_own_instants(database: Database) -> None:
    append_plan(database, day(-2), **IN_A_WINDOW)
    append_plan(database, day(3), schedule_id="orders", **IN_A_WINDOW)
    append_plan(database, day(6), schedule_id="orders", **IN_A_WINDOW)

    assert spells(database) == [("orders", "team-b", "maintenance_window", 3, 6)]


def test_a_spell_goes_on_after_a_pruning(database: Database) -> None:
    append_check(database, day(-200), IN_A_WINDOW)
    append_check(database, day(2), IN_A_WINDOW)
    prune(database, months=2, now=day(3), signer="me", open_key=open_key)
    append_check(database, day(4), IN_A_WINDOW)
    append_check(database, day(8), IN_A_WINDOW)

    assert spells(database) == [(*HELD, 4, 8)]
