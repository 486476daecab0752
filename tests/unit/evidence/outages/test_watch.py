"""Outages in the evidence: opened once, closed once, with what they kept back and what people did."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, func, literal, update

from rollback_drills.database.connections import Database
from rollback_drills.database.tables import LEDGER
from rollback_drills.documents.plain_json import PlainJson
from rollback_drills.errors import DrillsError
from rollback_drills.evidence.index import EvidenceFilter, EvidenceIndex
from rollback_drills.evidence.outages.listing import OutageFilter, find_outages
from rollback_drills.evidence.outages.records import OutageRecord
from rollback_drills.evidence.outbox_transfer import index_run
from rollback_drills.evidence.record_kinds import CLOSURE_KIND, OUTAGE_KIND, REPLAY_OUTCOME_KIND
from rollback_drills.evidence.verify.auditor import Trust
from rollback_drills.evidence.verify.ledger import verify_ledger
from rollback_drills.notifications.states import DEAD, NOTIFIED, WAITING, State
from rollback_drills.recovery.act import Act
from rollback_drills.recovery.connector_switch import disable, enable
from rollback_drills.recovery.replays import discard, replay
from tests.samples.builders import open_key
from tests.samples.databases import open_sqlite
from tests.samples.examples import examples
from tests.samples.outbox import make_entries, make_entry
from tests.samples.outbox_rows import at_once, get, put
from tests.samples.recovery import START, attempt, find_records, instant, kinds_of, run_index, writer
from tests.samples.tampering import unguard

MARIA = Act("maria", "the receiver is up again")
A_DAY = 86_400.0


def test_an_outage_is_opened_once_and_closed_by_the_next_delivery(database: Database) -> None:
    first, second, third = put(database, *make_entries(3), now=START)
    attempt(database, State.RETRY, at=60)
    run_index(database, at=61, flow_run_id="run-1")
    attempt(database, {first: State.RETRY, second: State.PERMANENT, third: State.PERMANENT}, at=120)
    run_index(database, at=121, flow_run_id="run-2")
    replay(database, [second], MARIA, writer(180))
    discard(database, [third], Act("jo", "not needed any more"), writer(190))
    attempt(database, State.DELIVERED, at=600)
    run_index(database, at=601, flow_run_id="run-3")
    run_index(database, at=700, flow_run_id="run-4")

    assert kinds_of(database) == [
        "connector-outage",
        "replay-execution",
        "notification-discard",
        "connector-recovery-closure",
        "replay-outcome",
    ]
    opened, replayed, _, closed, outcome = find_records(database)
    assert opened["opened_at"] == instant(59).isoformat()
    assert (opened["provider"], opened["cause"], opened["waiting_count"]) == ("webhook", "refused", 3)
    assert closed["outage_id"] == opened["outage_id"]
    assert (closed["closed_at"], closed["duration_seconds"]) == (instant(600).isoformat(), 541)
    counts = {name: closed[name] for name in closed if name.endswith("_count")}
    assert counts == {
        "waited_count": 3,
        "delivered_count": 2,
        "waiting_count": 0,
        "dead_letter_count": 0,
        "discarded_count": 1,
        "superseded_count": 0,
    }
    assert closed["replayed"] == [
        {
            "replay_id": replayed["replay_id"],
            "by": "maria",
            "reason": "the receiver is up again",
            "at": instant(180).isoformat(),
            "count": 1,
            "notification_ids": [second],
        }
    ]
    assert [(each["by"], each["notification_ids"]) for each in closed["discarded"]] == [("jo", [third])]
    assert closed["flow_run_ids"] == ["run-1", "run-2", "run-3"]
    assert (outcome["replay_id"], outcome["delivery_success"]) == (replayed["replay_id"], True)
    assert [(each["outcome"], each["attempt_count"]) for each in outcome["notifications"]] == [
        ("delivered", 1)
    ]
    assert verify_ledger(database, Trust(), lambda _: None).findings == []


def test_an_outage_ends_although_somebody_changed_the_run_of_an_outcome(database: Database) -> None:
    put(database, *make_entries(1), now=START)
    for at in (60, 120):
        attempt(database, State.RETRY, at=at)
        run_index(database, at=at + 1, flow_run_id=f"run-{at}")
    with database.write() as connection:
        guard = unguard(connection)
        was, is_now = literal('"flow_run_id":"run-120"'), literal('"flow_run_id":5')
        connection.execute(update(LEDGER).values(record=func.replace(LEDGER.c.record, was, is_now)))
        guard()
    attempt(database, State.DELIVERED, at=600)
    run_index(database, at=601, flow_run_id="run-600")

    assert find_records(database)[-1]["flow_run_ids"] == ["run-60", "run-600"]


@pytest.mark.parametrize("fraction", [0.0, 0.3e-6, 0.7e-6], ids=["exact", "rounded down", "rounded up"])
def test_the_first_failure_beside_a_delivery_counts_with_its_detail(
    database: Database, fraction: float
) -> None:
    delivered, _ = put(database, *make_entries(2), now=START)
    failed = 11.5 + fraction
    attempt(database, {delivered: State.DELIVERED}, at=10)
    attempt(database, State.PERMANENT, at=failed)  # tried together with the one that was delivered
    run_index(database, at=12)

    (opened,) = find_records(database)
    assert opened["opened_at"] == instant(failed).isoformat()
    assert (opened["waiting_count"], opened["dead_letter_count"]) == (0, 1)
    assert opened["detail"] == "answered, and is permanent"
    (outage,) = find_outages(database, OutageFilter(), now=instant(20)).items
    assert (outage.waited_count, outage.dead_letter_count) == (1, 1)


def test_a_failure_that_is_delivered_within_the_same_run_is_no_outage(database: Database) -> None:
    put(database, make_entry("payments"), now=START)
    attempt(database, State.RETRY, at=10)
    attempt(database, State.DELIVERED, at=20)
    run_index(database, at=21)

    assert kinds_of(database) == []


def test_a_dead_letter_of_an_outage_that_is_over_begins_no_other(database: Database) -> None:
    refused, taken = put(database, *make_entries(2), now=START)
    attempt(database, {refused: State.PERMANENT, taken: State.RETRY}, at=10)
    run_index(database, at=11)
    attempt(database, State.DELIVERED, at=20)
    run_index(database, at=21)
    put(database, make_entry("search"), now=START + 30)
    attempt(database, State.DELIVERED, at=40)
    run_index(database, at=41)

    assert kinds_of(database) == ["connector-outage", "connector-recovery-closure"]
    (closed,) = find_records(database, CLOSURE_KIND)
    assert (closed["waited_count"], closed["dead_letter_count"]) == (2, 1)


def test_a_connector_that_its_provider_calls_gone_has_an_outage_until_it_delivers(database: Database) -> None:
    (dead,) = put(database, make_entry("payments"), now=START)
    attempt(database, State.DISABLED, at=10)
    run_index(database, at=11)
    run_index(database, at=12)
    enable(database, "WEBHOOK", MARIA, writer(20))
    run_index(database, at=21)
    assert kinds_of(database) == ["connector-disabled", "connector-outage", "connector-enabled"]
    assert find_records(database)[0]["is_automatic"] is True

    attempt(database, State.DELIVERED, at=30)
    run_index(database, at=31)

    (closed,) = find_records(database, CLOSURE_KIND)
    assert [(each["by"], each["notification_ids"]) for each in closed["enabled"]] == [("maria", [dead])]


def test_what_a_person_disables_and_enables_is_one_outage(database: Database) -> None:
    put(database, make_entry("payments"), now=START)
    disable(database, "Webhook", Act("maria", "the receiver moves"), writer(5), ["slack", "webhook"])
    run_index(database, at=6)
    assert attempt(database, State.DELIVERED, at=7) == []
    enable(database, "webhook", MARIA, writer(8))
    attempt(database, State.DELIVERED, at=9)
    run_index(database, at=10)

    assert kinds_of(database) == [
        "connector-disabled",
        "connector-outage",
        "connector-enabled",
        "connector-recovery-closure",
    ]
    disabled, opened, _, closed = find_records(database)
    assert (disabled["disabled_by"], disabled["reason"]) == ("maria", "the receiver moves")
    assert (opened["cause"], opened["detail"]) == ("disabled", "disabled by maria: the receiver moves")
    assert closed["waited_count"] == 1


@pytest.mark.parametrize(
    ("name", "problem"),
    [("webhok", "there is no connector webhok; configured are: webhook"), ("webhook", "is disabled already")],
)
def test_what_cannot_be_disabled_writes_nothing(database: Database, name: str, problem: str) -> None:
    disable(database, "webhook", MARIA, writer(1), ["webhook"])

    with pytest.raises(DrillsError, match=problem):
        disable(database, name, MARIA, writer(2), ["webhook"])
    assert kinds_of(database) == ["connector-disabled", "connector-outage"]


def test_what_is_discarded_before_a_run_has_written_it_down_was_an_outage(database: Database) -> None:
    (its_id,) = put(database, make_entry("payments"), now=START)
    attempt(database, State.PERMANENT, at=10)

    discard(database, [its_id], MARIA, writer(11))

    assert kinds_of(database) == ["connector-outage", "notification-discard"]


def test_a_run_that_is_killed_while_it_writes_neither_loses_an_outage_nor_opens_it_twice(
    database: Database,
) -> None:
    put(database, make_entry("payments"), now=START)
    attempt(database, State.RETRY, at=10)

    def fail(record: Any) -> Any:
        if isinstance(record, OutageRecord):
            raise KeyboardInterrupt
        return record

    with pytest.raises(KeyboardInterrupt):
        index_run(database, [], created_at=instant(11), signer="me", redact=fail, open_key=open_key)
    assert kinds_of(database) == []

    run_index(database, at=12)
    run_index(database, at=13)
    assert kinds_of(database) == ["connector-outage"]


def test_runs_that_write_at_once_open_an_outage_once(database: Database) -> None:
    put(database, *make_entries(20), now=START)
    attempt(database, State.RETRY, at=10)

    at_once(4, lambda number: run_index(database, at=11 + number))

    assert kinds_of(database) == ["connector-outage"]


def test_outages_of_connectors_are_apart_and_of_spellings_together(database: Database) -> None:
    put(database, make_entry("a"), make_entry("b", provider="Webhook"), now=START)
    put(database, make_entry("c", provider="slack"), now=START)
    attempt(database, State.RETRY, at=10)
    attempt(database, State.RETRY, at=20, provider="Webhook")
    attempt(database, State.RETRY, at=30, provider="slack")
    run_index(database, at=31)
    assert [each["provider"] for each in find_records(database, OUTAGE_KIND)] == ["slack", "webhook"]

    attempt(database, State.DELIVERED, at=40, provider="Webhook")
    run_index(database, at=41)

    page = find_outages(database, OutageFilter(), now=instant(50))
    assert [(each.provider, each.is_open) for each in page.items] == [("slack", True), ("webhook", False)]
    assert (page.total, page.open_count) == (2, 1)
    open_one, closed = page.items
    assert (open_one.duration_seconds, open_one.waiting_count) == (21, 1)
    assert (closed.waited_count, closed.delivered_count, closed.waiting_count) == (2, 1, 1)
    for wanted, count in (
        (OutageFilter(is_open=False), 1),
        (OutageFilter("SLACK"), 1),
        (OutageFilter("x"), 0),
    ):
        assert find_outages(database, wanted, now=instant(50)).total == count
    assert find_outages(None, OutageFilter(), now=instant(50)).total == 0


def test_a_healthy_run_looks_at_no_notification_for_outages(database: Database) -> None:
    statements: list[str] = []
    put(database, *make_entries(3), now=START)
    attempt(database, State.DELIVERED, at=10)
    event.listen(
        database.engine, "before_cursor_execute", lambda *given: statements.append(str(given[2]).lower())
    )

    run_index(database, at=11)

    looks = [each for each in statements if "completed_at" in each and ("min(" in each or "max(" in each)]
    assert looks == []
    of_tables = [
        each for each in statements if "from destinations" in each or "session_id \nfrom ledger" in each
    ]
    assert len(of_tables) == 2, "the two small tables are read once"


def test_a_replay_that_was_not_tried_yet_has_no_outcome(database: Database) -> None:
    (its_id,) = put(database, make_entry("payments"), now=START)
    attempt(database, State.PERMANENT, at=10)
    run_index(database, at=11)
    replay(database, [its_id], MARIA, writer(12))
    run_index(database, at=13)
    assert REPLAY_OUTCOME_KIND not in [each["metadata_kind"] for each in find_records(database)]

    attempt(database, State.PERMANENT, at=14)
    run_index(database, at=15)

    (outcome,) = find_records(database, REPLAY_OUTCOME_KIND)
    assert (outcome["delivery_success"], outcome["dead_letter_count"]) == (False, 1)
    found, _ = EvidenceIndex(database).find(EvidenceFilter(success=False, metadata_kind=REPLAY_OUTCOME_KIND))
    assert len(found) == 1


BATCH = st.dictionaries(
    st.integers(0, 4),
    st.sampled_from([State.DELIVERED, State.RETRY, State.PERMANENT, State.AMBIGUOUS]),
    max_size=5,
)
STEPS = st.lists(st.tuples(st.sampled_from(["attempt", "attempt", "replay", "discard"]), BATCH), max_size=12)


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return what gives a new folder for each example."""
    return lambda: tmp_path_factory.mktemp("outages")


@pytest.mark.slow
@given(steps=STEPS)
@settings(max_examples=examples(40), deadline=None, suppress_health_check=list(HealthCheck))
def test_the_records_say_what_the_outbox_went_through(
    places: Any, steps: list[tuple[str, dict[int, State]]]
) -> None:
    database = open_sqlite(places() / "evidence.db")
    ids = put(database, *make_entries(5), now=START)
    clock = 0.0
    for number, (what, batch) in enumerate(steps):
        clock += 10.0
        chosen = [ids[each] for each in batch]
        if what == "replay":
            replay(database, chosen, MARIA, writer(clock))
        elif what == "discard":
            discard(database, chosen, MARIA, writer(clock))
        else:
            attempt(database, {ids[each]: state for each, state in batch.items()}, at=clock)
        run_index(database, at=clock + 1, flow_run_id=f"run-{number}")
    check_records(database, ids, find_records(database, OUTAGE_KIND, CLOSURE_KIND))
    database.engine.dispose()


def check_records(database: Database, ids: Sequence[str], records: Sequence[PlainJson]) -> None:
    """Ensure that outages alternate, and that each closure adds up."""
    for place, record in enumerate(records):
        assert record["metadata_kind"] == (OUTAGE_KIND, CLOSURE_KIND)[place % 2]
        if record["metadata_kind"] == CLOSURE_KIND:
            assert record["outage_id"] == records[place - 1]["outage_id"]
            assert record["opened_at"] < record["closed_at"]
            parts = ("delivered", "waiting", "dead_letter", "discarded", "superseded")
            assert record["waited_count"] == sum(record[f"{part}_count"] for part in parts)
            assert len(record["notifications"]) == record["waited_count"]
            assert record["delivered_count"] >= 1
    rows = [get(database, each) for each in ids]
    delivered = max((row.completed_at or 0.0 for row in rows if row.state in NOTIFIED), default=0.0)
    failed = [row for row in rows if row.attempt_count and row.state in {*DEAD, *WAITING}]
    is_open = len(records) % 2 == 1
    assert is_open or not any((row.completed_at or 0.0) > delivered for row in failed)
