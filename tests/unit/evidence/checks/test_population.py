"""A run records what changed, and proves that it looked at everything."""

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from rollback_drills.database.connections import Database
from rollback_drills.evidence.appender import append
from rollback_drills.evidence.checks.last_findings import find_time_of_check
from rollback_drills.evidence.checks.population import (
    Changes,
    Population,
    digest_population,
    find_changes,
    name_population,
)
from rollback_drills.evidence.outbox_transfer import index_run
from rollback_drills.evidence.pruning import prune
from rollback_drills.evidence.record_kinds import CHECK_KIND, PLAN_KIND
from rollback_drills.evidence.verify.findings import FindingKind
from rollback_drills.redaction.redactor import Redactor
from tests.samples.builders import NOW, open_key
from tests.samples.databases import only_on_sqlite
from tests.samples.outbox_rows import as_it_is, in_each
from tests.samples.plain_records import as_record, start_record
from tests.samples.populations import DAY, POPULATION, concluded, news_of, population_of, records, verify


def run(
    database: Database, population: Population | Mapping[str, str], *, days: int = 0, redact: Any = None
) -> Changes:
    """Write down a check some days later."""
    if not isinstance(population, Population):
        population = population_of(population, days=days)
    indexed = index_run(
        database,
        [],
        created_at=NOW + days * DAY,
        signer="me",
        redact=in_each(redact or as_it_is),
        open_key=open_key,
        looked=population,
    )
    return indexed.changes


def test_checks_of_a_single_schedule_are_no_check_of_the_fleet(database: Database) -> None:
    run(database, {"a": "1", "b": "1"})
    single = population_of({"a": "1"}, "rcpop-single")
    run(database, msgspec.structs.replace(single, as_of=NOW + 3 * DAY, is_fleet=False), days=3)

    with database.read() as connection:
        assert find_time_of_check(connection, of_fleet=False) == NOW + 3 * DAY
        assert find_time_of_check(connection, of_fleet=True) == NOW
    assert [each["is_fleet"] for each in records(database, CHECK_KIND)] == [True, False]


def test_a_fleet_whose_names_are_redacted_to_one_is_a_fleet(database: Database) -> None:
    run(database, {"a": "1", "b": "1"}, redact=lambda text: "[REDACTED]" if text in ("a", "b") else text)

    with database.read() as connection:
        assert find_time_of_check(connection, of_fleet=True) == NOW


def test_a_check_that_judged_by_an_earlier_time_is_one_of_that_time(database: Database) -> None:
    run(database, msgspec.structs.replace(population_of({"a": "1"}, days=9), as_of=NOW), days=9)

    with database.read() as connection:
        assert find_time_of_check(connection, of_fleet=False) == NOW


def test_only_what_changed_is_recorded_and_every_run_proves_the_whole_population(database: Database) -> None:
    first = run(database, {"a": "1", "b": "1", "c": "1"})
    second = run(database, {"a": "1", "b": "1", "c": "1"})
    third = run(database, {"a": "1", "b": "2", "d": "1"})

    assert (first.is_first, news_of(first)) == (True, ({"a", "b", "c"}, [], []))
    assert not second.is_any
    assert news_of(third) == ({"b", "d"}, ["d"], ["c"])
    assert [each["schedule_id"] for each in records(database, PLAN_KIND)] == ["a", "b", "c", "b", "d"]
    checks = records(database, CHECK_KIND)
    assert [(each["changed_count"], each["unchanged_count"]) for each in checks] == [(3, 0), (0, 3), (2, 1)]
    assert checks[-1]["population_digest"] == digest_population({"a": "1", "b": "2", "d": "1"})
    assert checks[-1]["state_counts"] == {"needs_attention": 3}
    result = verify(database)
    assert (result.is_intact, result.check_count, result.remarks) == (True, 3, [])


def test_a_plan_that_notifies_is_recorded_although_its_finding_is_the_same(database: Database) -> None:
    run(database, {"a": "1"})
    changes = run(
        database,
        Population(POPULATION, "", NOW, [concluded("a", "1", is_notified=True), concluded("b", "1")]),
    )

    assert changes.changed == {"b"}
    assert [each["schedule_id"] for each in records(database, PLAN_KIND)] == ["a", "a", "b"]
    assert verify(database).is_intact


def test_a_schedule_that_comes_back_and_two_that_swap_names_are_news_of(database: Database) -> None:
    run(database, {"a": "1", "b": "2"})
    run(database, {"b": "2"})
    back = run(database, {"a": "1", "b": "2"})
    swapped = run(database, {"a": "2", "b": "1"})

    assert news_of(back) == ({"a"}, ["a"], [])
    assert swapped.changed == {"a", "b"}
    assert verify(database).is_intact


def test_two_populations_do_not_disturb_each_other(database: Database) -> None:
    other = name_population("other", None, requested=["slack"])
    run(database, {"a": "1"})
    run(database, population_of({"a": "2"}, other))

    assert not run(database, {"a": "1"}).is_any
    assert not run(database, population_of({"a": "2"}, other)).is_any
    assert verify(database).check_count == 4


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("DELETE FROM last_findings", id="emptied"),
        pytest.param("DELETE FROM last_findings WHERE schedule_id = 'a'", id="a row removed"),
        pytest.param("UPDATE last_findings SET finding_digest = '2' WHERE schedule_id = 'a'", id="changed"),
        pytest.param(
            "INSERT INTO last_findings SELECT population_id, 'z', '1' FROM last_findings LIMIT 1",
            id="a row added",
        ),
    ],
)
def test_a_table_that_is_not_what_the_last_check_signed_is_read_from_the_ledger_again(
    change: str, database: Database
) -> None:
    run(database, {"a": "1", "b": "1"})
    with database.write() as connection:
        connection.execute(text(change))

    changes = run(database, {"a": "2", "b": "1"})

    assert changes.changed == {"a"}
    assert not run(database, {"a": "2", "b": "1"}).is_any
    assert verify(database).is_intact


@only_on_sqlite  # PostgreSQL keeps the type of a column
def test_a_name_that_is_no_text_stops_no_check(database: Database) -> None:
    run(database, {"a": "1", "b": "1"})
    with database.write() as connection:
        connection.execute(text("UPDATE last_findings SET schedule_id = x'ff' WHERE schedule_id = 'a'"))

    assert run(database, {"a": "2", "b": "1"}).changed == {"a"}
    assert not run(database, {"a": "2", "b": "1"}).is_any


def test_what_is_gone_is_gone_also_if_the_ledger_is_read_again(database: Database) -> None:
    run(database, {"a": "1", "b": "1"})
    run(database, {"a": "1"})
    with database.write() as connection:
        connection.execute(text("DELETE FROM last_findings"))

    assert not run(database, {"a": "1"}).is_any


def test_a_check_that_does_not_follow_from_the_plans_before_it_is_found(database: Database) -> None:
    run(database, {"a": "1"})
    start = start_record(CHECK_KIND, POPULATION, created_at=NOW, signer="me")
    lie = {"population_id": POPULATION, "schedule_count": 2, "gone": [], "population_digest": "x"}
    append(database, [as_record({**start, **lie})], open_key)

    result = verify(database)

    assert [each.kind for each in result.findings] == [FindingKind.UNPROVEN]
    assert "row 7" in result.findings[0].message


def test_what_was_pruned_is_recorded_again_and_the_next_check_proves_it(database: Database) -> None:
    run(database, {"a": "1", "b": "1"})
    run(database, {"a": "1", "b": "2"}, days=100)
    prune(database, months=1, now=NOW + 101 * DAY, signer="me", open_key=open_key)
    unproven = verify(database)

    changes = run(database, {"a": "1", "b": "2"}, days=101)

    assert news_of(changes) == ({"a"}, [], [])
    assert [each["schedule_id"] for each in records(database, PLAN_KIND)] == ["b", "a"]
    assert not run(database, {"a": "1", "b": "2"}, days=101).is_any
    assert unproven.remarks == ["1 check cannot be recomputed: the records of plans before them were pruned"]
    assert (verify(database).is_intact, verify(database).check_count) == (True, 2)


def test_a_table_from_before_a_pruning_calls_nothing_unchanged_that_was_pruned(database: Database) -> None:
    run(database, {"a": "1", "b": "1"})
    run(database, {"a": "1", "b": "2"}, days=100)
    prune(database, months=1, now=NOW + 101 * DAY, signer="me", open_key=open_key)
    with database.write() as connection:  # as it was
        for name, digest in {"a": "1", "b": "2"}.items():
            restore = "UPDATE last_findings SET finding_digest = :digest WHERE schedule_id = :name"
            connection.execute(text(restore), {"digest": digest, "name": name})

    changes = run(database, {"a": "1", "b": "2"}, days=101)

    assert news_of(changes) == ({"a"}, [], [])
    assert (verify(database).is_intact, verify(database).check_count) == (True, 1)


def test_names_that_redaction_makes_equal_are_never_unchanged(database: Database) -> None:
    def redact(document: Any) -> Any:
        return "[redacted]" if isinstance(document, str) else document

    run(database, {"a": "1", "b": "2"}, redact=redact)
    assert run(database, {"a": "1", "b": "2"}, redact=redact).changed == {"a", "b"}


def test_a_schedule_whose_name_is_redacted_is_called_changed_by_its_own_name(database: Database) -> None:
    redact = Redactor(["token-x"]).document
    first = run(database, {"token-x": "1", "b": "1"}, redact=redact)
    second = run(database, {"token-x": "1", "b": "1"}, redact=redact)
    third = run(database, {"token-x": "2", "b": "1"}, redact=redact)

    assert (set(first.changed), set(third.changed)) == ({"token-x", "b"}, {"token-x"})
    assert not second.is_any
    assert "token-x" not in str(records(database, CHECK_KIND))
    assert (verify(database).is_intact, verify(database).check_count) == (True, 3)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"gone": None}, id="gone is no list"),
        pytest.param({"gone": [["a"]]}, id="a name is no text"),
        pytest.param({"population_id": []}, id="the population is no text"),
        pytest.param({"population_digest": 1}, id="the digest is no text"),
    ],
)
def test_a_check_that_nobody_could_have_written_is_a_finding(
    change: dict[str, Any], database: Database
) -> None:
    run(database, {"a": "1"})
    (check,) = records(database, CHECK_KIND)
    del check["leaf_index"]
    append(database, [as_record({**check, **change})], open_key)

    (finding,) = verify(database).findings

    assert finding.kind in (FindingKind.CHANGED, FindingKind.UNPROVEN)
    assert "row 7" in finding.message


_FLEETS = st.lists(st.dictionaries(st.sampled_from("abcde"), st.sampled_from("12"), max_size=5), max_size=12)


@given(fleets=_FLEETS)
def test_nothing_is_called_unchanged_that_was_not_seen_the_same_before(fleets: list[dict[str, str]]) -> None:
    known: dict[str, str] | None = None
    for fleet in fleets:
        changes = find_changes(known, population_of(fleet).summary)
        before = known or {}
        assert changes.changed == {name for name in fleet if before.get(name) != fleet[name]}
        assert set(changes.gone) == (before.keys() - fleet.keys() if known is not None else set())
        known = {name: digest for name, digest in before.items() if name not in changes.gone}
        known |= {name: fleet[name] for name in changes.changed}
        assert known == fleet
        assert digest_population(known) == digest_population(dict(reversed(fleet.items())))


def test_a_population_is_named_by_what_it_looks_at() -> None:
    names = {
        name_population("a", None, requested=None),
        name_population("b", None, requested=None),
        name_population("a", "b", requested=None),
        name_population("a", None, requested=[]),
        name_population("a", None, requested=["slack"]),
    }
    assert len(names) == 5
    assert name_population("a", requested=["b", "a"]) == name_population("a", requested=["a", "b"])


def test_the_name_of_a_population_never_changes() -> None:
    """Otherwise every fleet would be a new one after an update."""
    assert name_population("fleet/*.json", None, requested=None) == "rcpop-8f4ba9f37fe5233e"
    assert name_population("fleet/*.json", "history", requested=["a", "b"]) == "rcpop-83d121c3990d64de"
