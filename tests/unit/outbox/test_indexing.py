"""Outcomes on their way into the evidence: each once, all or none."""

import os
import signal
from collections import Counter
from dataclasses import replace
from functools import partial

import pytest
from sqlalchemy import text

from rollback_drills.database.connections import Database
from rollback_drills.documents.plain_json import PlainJson
from rollback_drills.evidence.index import EvidenceFilter, EvidenceIndex
from rollback_drills.evidence.outbox_transfer import index_run
from rollback_drills.evidence.record_kinds import DELIVERY_KIND
from rollback_drills.evidence.verify.auditor import Trust
from rollback_drills.evidence.verify.findings import FindingKind
from rollback_drills.evidence.verify.ledger import verify_ledger
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.states import State
from rollback_drills.outbox.destinations import (
    note_why_waiting,
)
from tests.processes.forked import find_exit_code, fork
from tests.samples.builders import NOW, open_key
from tests.samples.outbox import make_entries, make_entry
from tests.samples.outbox_rows import (
    as_it_is,
    at_once,
    deliver_all,
    discard,
    index,
    make_record,
    put,
    route_outcomes,
)
from tests.samples.records import changed
from tests.samples.tampering import tampering


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


def test_what_closes_the_cycle_of_a_path_and_says_the_id_of_its_document_is_taken(database: Database) -> None:
    entry = make_entry("fleet/payments.json", reason=Reason.RESOLVED)
    event = {**entry.notification.event, "schedule_id": "payments"}
    notification = replace(entry.notification, schedule_id="payments", event=event)
    its_ids = put(database, replace(entry, notification=notification))
    deliver_all(database)

    index(database)

    assert route_outcomes(database) == [(its_id, "delivered") for its_id in its_ids]
    assert verify_ledger(database, Trust(), lambda _: None).findings == []


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
    database.engine.dispose()

    def deliver_and_die() -> None:
        deliver_all(Database.open(url))
        os.kill(os.getpid(), signal.SIGKILL)

    assert find_exit_code(fork(deliver_and_die)) == -signal.SIGKILL
    assert index(database) == 2 * 3
    assert route_outcomes(database) == [(each, "delivered") for each in ids]


def test_outcomes_are_indexed_all_or_none(database: Database) -> None:
    put(database, *make_entries(3))
    deliver_all(database)
    seen: list[PlainJson] = []

    def break_at_the_fifth(record: PlainJson) -> PlainJson:
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

    index(database, [make_record()], partial(changed, schedule_id="[redacted]"))

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
