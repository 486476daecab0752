"""A check in shards records what changed since the last check, whatever is killed meanwhile."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select, text

from rollback_drills.database.connections import Database
from rollback_drills.database.tables import CHECK_SHARDS
from rollback_drills.documents.fleets.shard import Shard, find_shards
from rollback_drills.evidence.checks.population import Changes, Part, Population, ShardReport
from rollback_drills.evidence.checks.recorded_check import MissingShardsError, ShardedCheck
from rollback_drills.evidence.checks.shards import (
    ReplacedCheckError,
    begin_shards,
    find_results,
    repair_findings,
)
from rollback_drills.evidence.outbox_transfer import index_run
from rollback_drills.evidence.pruning import prune
from rollback_drills.evidence.record_kinds import CHECK_KIND, PLAN_KIND
from tests.samples.builders import NOW, open_key
from tests.samples.examples import examples
from tests.samples.outbox_rows import as_it_is, in_each
from tests.samples.populations import DAY, POPULATION, news_of, population_of, records, verify
from tests.samples.records import changed

SHARDS = find_shards(3, 1)
FLEET = dict.fromkeys("abcdefg", "1")


def write(
    database: Database, looked: Population | ShardedCheck, *, days: int = 0, redact: Any = None
) -> Changes:
    indexed = index_run(
        database,
        [],
        created_at=NOW + days * DAY,
        signer="me",
        redact=in_each(redact or as_it_is),
        open_key=open_key,
        looked=looked,
    )
    return indexed.changes


def begin(database: Database, check_id: str = "one") -> None:
    begin_shards(database, POPULATION, check_id)


def part_of(fleet: Mapping[str, str], shard: Shard) -> dict[str, str]:
    return {name: digest for name, digest in fleet.items() if shard.holds(name)}


def check_shard(
    database: Database, fleet: Mapping[str, str], shard: Shard, check_id: str = "one", **more: Any
) -> Changes:
    part = Part(str(shard), check_id, ShardReport(flow_run_id=f"run of {shard}"))
    return write(database, population_of(part_of(fleet, shard), part=part), **more)


def combine(database: Database, check_id: str = "one", **more: Any) -> Changes:
    return write(
        database,
        ShardedCheck(POPULATION, "fleet/*.json", NOW, check_id, [str(each) for each in SHARDS]),
        **more,
    )


def check_in_shards(
    database: Database, fleet: Mapping[str, str], check_id: str = "one", **more: Any
) -> Changes:
    begin(database, check_id)
    for shard in SHARDS:
        check_shard(database, fleet, shard, check_id, **more)
    return combine(database, check_id, **more)


def planned(database: Database) -> list[str]:
    return [each["schedule_id"] for each in records(database, PLAN_KIND)]


def kept(database: Database) -> int:
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(CHECK_SHARDS)).scalar_one()


@pytest.mark.parametrize("how", ["whole", "in shards"])
def test_what_shards_of_a_killed_check_recorded_is_known_although_their_rows_are_lost(
    how: str, database: Database
) -> None:
    write(database, population_of(FLEET))
    begin(database, "killed")
    for shard in SHARDS:
        check_shard(database, {**FLEET, "a": "2"}, shard, "killed")
    with database.write() as connection:
        connection.execute(delete(CHECK_SHARDS))

    if how == "whole":
        write(database, population_of(FLEET), days=1)
    else:
        check_in_shards(database, FLEET, "next", days=1)

    assert planned(database)[-2:] == ["a", "a"]
    assert verify(database).is_intact


def test_shards_record_together_what_one_run_records(database: Database) -> None:
    database.prepare()
    first = check_in_shards(database, FLEET)
    unchanged = check_in_shards(database, FLEET, "two")
    news = check_in_shards(database, {**FLEET, "a": "2", "h": "1"}, "three")

    assert first.is_first
    assert first.changed == FLEET.keys()
    assert not unchanged.is_any
    assert news_of(news) == ({"a", "h"}, ["h"], [])
    assert sorted(planned(database)) == sorted([*FLEET, "a", "h"])
    checks = records(database, CHECK_KIND)
    assert [(each["schedule_count"], each["changed_count"]) for each in checks] == [(7, 7), (7, 0), (8, 2)]
    assert [each["state_counts"] for each in checks] == [{"needs_attention": count} for count in (7, 7, 8)]
    assert (verify(database).is_intact, verify(database).check_count, kept(database)) == (True, 3, 0)


def test_a_fleet_that_falls_into_shards_changes_nothing_by_that(database: Database) -> None:
    write(database, population_of(FLEET))
    in_shards = check_in_shards(database, FLEET)
    whole = write(database, population_of(FLEET))

    assert not in_shards.is_any
    assert not whole.is_any
    assert verify(database).check_count == 3


def test_a_schedule_that_is_gone_and_comes_back_and_two_that_swap_names_are_news(database: Database) -> None:
    database.prepare()
    fleet = {**FLEET, "b": "2"}
    check_in_shards(database, fleet)
    gone = check_in_shards(database, {name: digest for name, digest in fleet.items() if name != "a"}, "two")
    back = check_in_shards(database, fleet, "three")
    swapped = check_in_shards(database, {**fleet, "a": "2", "b": "1"}, "four")

    assert news_of(gone) == (set(), [], ["a"])
    assert news_of(back) == ({"a"}, ["a"], [])
    assert swapped.changed == {"a", "b"}
    assert verify(database).is_intact


def test_nothing_is_recorded_of_the_whole_before_every_shard_has_looked(database: Database) -> None:
    database.prepare()
    begin(database)
    check_shard(database, FLEET, SHARDS[1])

    with pytest.raises(MissingShardsError) as error:
        combine(database)

    assert error.value.shards == ["1/3", "3/3"]
    assert records(database, CHECK_KIND) == []


def test_an_empty_shard_has_looked_too(database: Database) -> None:
    database.prepare()
    begin(database)
    for shard in SHARDS:
        check_shard(database, {"a": "1"}, shard)

    assert combine(database).changed == {"a"}
    assert records(database, CHECK_KIND)[0]["schedule_count"] == 1


def test_a_shard_that_looks_twice_records_once_and_its_news_stay_news(database: Database) -> None:
    fleet = {**FLEET, "a": "2"}
    write(database, population_of(FLEET))
    begin(database)
    first = [check_shard(database, fleet, each).changed for each in SHARDS]
    again = [check_shard(database, fleet, each).changed for each in SHARDS]

    assert first == again
    assert combine(database).changed == {"a"}
    assert planned(database).count("a") == 2
    assert verify(database).is_intact


@pytest.mark.parametrize("in_shards", [True, False])
def test_what_a_killed_check_recorded_is_changed_in_the_next_one_and_not_recorded_again(
    in_shards: bool, database: Database
) -> None:
    write(database, population_of(FLEET))
    begin(database)
    for shard in SHARDS:
        check_shard(database, {**FLEET, "a": "2", "b": "2"}, shard)

    fleet = {**FLEET, "a": "2"}  # b is as it was in the last check, but not in its last plan
    changes = check_in_shards(database, fleet, "two") if in_shards else write(database, population_of(fleet))

    assert changes.changed == {"a"}
    assert (planned(database).count("a"), planned(database).count("b")) == (2, 3)
    assert not write(database, population_of(fleet)).is_any
    assert (verify(database).is_intact, kept(database)) == (True, 0)


def test_a_later_check_refuses_the_shards_of_an_earlier_one(database: Database) -> None:
    database.prepare()
    begin(database, "one")
    check_shard(database, FLEET, SHARDS[0], "one")
    begin(database, "two")

    with pytest.raises(ReplacedCheckError, match="a later check of the same schedules"):
        check_shard(database, FLEET, SHARDS[1], "one")
    with pytest.raises(ReplacedCheckError, match="this run belongs to a check"):
        combine(database, "one")
    for shard in SHARDS:
        check_shard(database, FLEET, shard, "two")
    assert combine(database, "two").changed == FLEET.keys()
    with pytest.raises(ReplacedCheckError):
        check_shard(database, FLEET, SHARDS[0], "two")  # it was killed, and goes on after the check has ended
    assert (verify(database).is_intact, verify(database).check_count) == (True, 1)


def test_a_shard_that_a_person_starts_alone_belongs_to_no_check(database: Database) -> None:
    write(database, population_of(FLEET))
    fleet = {**FLEET, "a": "2"}
    alone = next(each for each in SHARDS if each.holds("a"))

    assert check_shard(database, fleet, alone, "").changed == {"a"}

    assert len(records(database, CHECK_KIND)) == 1
    assert write(database, population_of(fleet)).changed == {"a"}
    assert planned(database).count("a") == 2
    assert (verify(database).is_intact, kept(database)) == (True, 0)


def test_what_a_shard_alone_records_before_the_first_check_is_not_recorded_again(database: Database) -> None:
    database.prepare()
    alone = next(each for each in SHARDS if each.holds("a"))
    check_shard(database, FLEET, alone, "")

    assert write(database, population_of(FLEET)).is_first
    assert sorted(planned(database)) == sorted(FLEET)


def test_plans_of_other_schedules_with_the_same_names_do_not_count(database: Database) -> None:
    write(database, population_of(FLEET))
    begin(database)
    write(database, population_of({**FLEET, "a": "2"}, "rcpop-other"))

    for shard in SHARDS:
        check_shard(database, {**FLEET, "a": "2"}, shard)

    assert combine(database).changed == {"a"}
    assert (planned(database).count("a"), verify(database).is_intact) == (3, True)


def test_a_shard_alone_compares_with_what_the_newest_check_has_signed(database: Database) -> None:
    write(database, population_of(FLEET))
    with database.write() as connection:
        connection.execute(text("DELETE FROM last_findings"))

    repair_findings(database, POPULATION)

    alone = next(each for each in SHARDS if each.holds("a"))
    assert check_shard(database, {**FLEET, "a": "2"}, alone, "").changed == {"a"}


def test_a_shard_that_a_person_starts_alone_does_not_stand_for_that_of_a_check(database: Database) -> None:
    database.prepare()
    begin(database)
    for shard in SHARDS:
        check_shard(database, FLEET, shard)
    check_shard(database, FLEET, SHARDS[0], "")

    assert combine(database).changed == FLEET.keys()
    assert verify(database).is_intact


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("UPDATE last_findings SET finding_digest = '2' WHERE schedule_id = 'a'", id="changed"),
        pytest.param("DELETE FROM last_findings WHERE schedule_id = 'b'", id="a row removed"),
    ],
)
@pytest.mark.parametrize("when", ["before", "between"])
def test_a_changed_table_makes_nothing_unchanged(when: str, change: str, database: Database) -> None:
    write(database, population_of(FLEET))
    fleet = {**FLEET, "a": "2"}

    def tamper() -> None:
        with database.write() as connection:
            connection.execute(text(change))

    if when == "before":
        tamper()
    begin(database)
    if when == "between":
        tamper()
    for shard in SHARDS:
        check_shard(database, fleet, shard)
    with suppress(MissingShardsError):
        combine(database)
    begin(database, "two")
    for shard in SHARDS:
        check_shard(database, fleet, shard, "two")
    if kept(database):
        combine(database, "two")

    checks = records(database, CHECK_KIND)
    assert [each["changed_count"] for each in checks[:2]] == [7, 1]
    assert verify(database).is_intact


def test_a_finding_that_no_plan_has_is_recorded_by_its_shard_again(database: Database) -> None:
    write(database, population_of(FLEET))
    fleet = {**FLEET, "a": "2"}
    of_a = next(each for each in SHARDS if each.holds("a"))
    begin(database)
    with database.write() as connection:
        connection.execute(text("UPDATE last_findings SET finding_digest = '2' WHERE schedule_id = 'a'"))
    for shard in SHARDS:
        check_shard(database, fleet, shard)

    with pytest.raises(MissingShardsError) as error:
        combine(database)
    assert error.value.shards == [str(of_a)]


def test_what_was_pruned_meanwhile_is_recorded_again(database: Database) -> None:
    write(database, population_of(FLEET))
    write(database, population_of({**FLEET, "b": "2"}), days=100)
    fleet = {**FLEET, "b": "2"}
    begin(database)
    check_shard(database, fleet, SHARDS[0], days=101)
    prune(database, months=1, now=NOW + 101 * DAY, signer="me", open_key=open_key)
    for shard in SHARDS[1:]:
        check_shard(database, fleet, shard, days=101)
    with suppress(MissingShardsError):
        combine(database, days=101)
    for shard in SHARDS:
        check_shard(database, fleet, shard, days=101)

    assert not {"b"} & combine(database, days=101).changed - FLEET.keys()
    assert verify(database).is_intact
    assert not check_in_shards(database, fleet, "two", days=102).is_any


def hide(*names: str) -> Callable[[Any], Any]:
    """Return what redacts names, so that they become equal."""

    def redact(document: Any) -> Any:
        if isinstance(document, str):
            return "[redacted]" if document in names else document
        hidden = getattr(document, "schedule_id", "") in names
        return changed(document, schedule_id="[redacted]") if hidden else document

    return redact


def test_names_that_redaction_makes_equal_are_never_unchanged(database: Database) -> None:
    database.prepare()
    check_in_shards(database, FLEET, redact=hide("a", "b"))

    again = check_in_shards(database, FLEET, "two", redact=hide("a", "b"))

    assert again.changed == {"[redacted]"}
    assert verify(database).is_intact


@pytest.mark.parametrize("order", [SHARDS, SHARDS[::-1]], ids=["first to last", "last to first"])
def test_what_is_recorded_of_equal_names_is_what_was_recorded_last(
    order: Sequence[Shard], database: Database
) -> None:
    fleet = {**FLEET, "c": "2"}
    assert not any(each.holds("a") and each.holds("c") for each in SHARDS)
    database.prepare()
    begin(database)
    for shard in order:
        check_shard(database, fleet, shard, redact=hide("a", "c"))

    assert combine(database).is_first
    assert verify(database).is_intact


def test_the_check_knows_what_its_shards_did(database: Database) -> None:
    database.prepare()
    begin(database)
    for shard in SHARDS:
        check_shard(database, FLEET, shard)

    found = find_results(database, POPULATION, "one")

    assert [each.shard for each in found] == ["1/3", "2/3", "3/3"]
    assert [each.report.flow_run_id for each in found] == ["run of 1/3", "run of 2/3", "run of 3/3"]
    assert sum(each.changed_count for each in found) == len(FLEET)


_STEPS = st.one_of(
    st.tuples(st.just("edit"), st.sampled_from("abcde"), st.sampled_from(["1", "2", ""])),
    st.tuples(st.just("shard"), st.sampled_from(SHARDS), st.sampled_from(["", "old", "current"])),
    st.tuples(st.sampled_from(["begin", "combine", "whole", "all shards"]), st.none(), st.none()),
)


@settings(max_examples=examples(200))
@given(steps=st.lists(_STEPS, max_size=25))
def test_no_order_of_kills_and_checks_calls_a_change_unchanged_or_leaves_a_check_unproven(steps: Any) -> None:
    with TemporaryDirectory() as folder:
        database = Database.open(f"sqlite:///{Path(folder, 'evidence.db')}")
        _follow(database, steps)
        database.engine.dispose()


def _follow(database: Database, steps: Any) -> None:
    """Do what the steps say, and compare every check with a model of what was looked at."""
    fleet = {"a": "1", "b": "1"}
    looked: dict[str, dict[str, str]] = {}
    """What each shard of the current check saw."""
    by_shards: set[str] = set()
    """What shards have seen since the last check."""
    last: dict[str, str] | None = None
    current, number, checks = "", 0, 0

    def expect(changes: Changes, seen: dict[str, str]) -> None:
        before = last or {}
        assert changes.changed == {name for name in seen if before.get(name) != seen[name]}
        assert before.keys() - seen.keys() <= set(changes.gone) <= (before.keys() | by_shards) - seen.keys()
        by_shards.clear()

    for what, subject, detail in [*steps, ("whole", None, None)]:
        if what == "edit" and detail:
            fleet = {**fleet, subject: detail}
        elif what == "edit":
            fleet = {name: digest for name, digest in fleet.items() if name != subject}
        elif what == "begin":
            number += 1
            current, looked = f"check {number}", {}
            begin(database, current)
        elif what == "shard":
            check_id = {"": "", "old": f"check {number - 1}", "current": current}[detail]
            try:
                check_shard(database, fleet, subject, check_id)
            except ReplacedCheckError:
                assert check_id != current
            else:
                by_shards |= part_of(fleet, subject).keys()
                if check_id:
                    looked[str(subject)] = part_of(fleet, subject)
        elif what == "all shards" and current:
            by_shards |= fleet.keys()
            for each in SHARDS:
                check_shard(database, fleet, each, current)
                looked[str(each)] = part_of(fleet, each)
        elif what == "combine" and current:
            seen = {name: digest for part in looked.values() for name, digest in part.items()}
            try:
                changes = combine(database, current)
            except MissingShardsError:
                pass  # not all have looked, or a person started one alone that saw something else
            else:
                assert len(looked) == len(SHARDS)
                expect(changes, seen)
                last, current, looked, checks = seen, "", {}, checks + 1
        elif what == "whole":
            expect(write(database, population_of(fleet)), fleet)
            last, current, looked, checks = dict(fleet), "", {}, checks + 1
    result = verify(database)
    assert (result.is_intact, result.check_count) == (True, checks)
