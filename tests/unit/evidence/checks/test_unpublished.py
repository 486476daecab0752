"""What a check records and does not publish, a later check of the same schedules publishes."""

from collections.abc import Mapping
from typing import Any

import pytest

from rollback_drills.database.connections import Database
from rollback_drills.evidence.append_result import Indexed
from rollback_drills.evidence.checks.unpublished import forget_unpublished
from rollback_drills.evidence.outbox_transfer import index_run
from tests.samples.builders import NOW, open_key
from tests.samples.outbox_rows import as_it_is
from tests.samples.populations import DAY, POPULATION, population_of

OTHER = "rcpop-other"


def record(
    database: Database, found: Mapping[str, str], *, days: int = 0, population: str = POPULATION
) -> Indexed:
    """Record a check that is not published yet."""
    options: dict[str, Any] = {"signer": "me", "redact": as_it_is, "open_key": open_key}
    looked = population_of(found, population, days=days)
    return index_run(database, [], created_at=NOW + days * DAY, looked=looked, **options)


def end(database: Database, check: Indexed, population: str = POPULATION) -> None:
    """End a check that has published its news."""
    assert check.head
    forget_unpublished(database, population, check.head.checkpoint.size)


def find_news(database: Database, found: Mapping[str, str]) -> set[str]:
    """Return what the next check publishes."""
    return set(record(database, found, days=9).changes.find_news())


def test_what_a_killed_check_recorded_is_news_until_a_later_one_has_published_it(database: Database) -> None:
    record(database, {"a": "1", "b": "1"})
    later = record(database, {"a": "2", "b": "1"}, days=1)

    assert later.changes.changed == {"a"}
    assert later.changes.find_news() == {"a", "b"}

    end(database, later)

    assert find_news(database, {"a": "2", "b": "1"}) == set()


@pytest.mark.parametrize("changed", ["a", "b"], ids=["the same schedule", "another schedule"])
def test_a_check_forgets_nothing_that_a_later_one_has_recorded(database: Database, changed: str) -> None:
    end(database, record(database, {"a": "1", "b": "1"}))
    slow = record(database, {"a": "2", "b": "1"}, days=1)
    after = {"a": "2", "b": "1"} | {changed: "3"}
    record(database, after, days=2)  # it is killed

    end(database, slow)

    assert changed in find_news(database, after)


def test_a_check_of_other_schedules_does_not_keep_anything(database: Database) -> None:
    own = record(database, {"a": "1"})
    other = record(database, {"a": "1"}, population=OTHER)

    end(database, own)

    assert find_news(database, {"a": "1"}) == set()
    assert record(database, {"a": "1"}, days=9, population=OTHER).changes.find_news() == {"a"}
    end(database, other, OTHER)
