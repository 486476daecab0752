"""The outage of a connector that is not used any more: a person closes it, and says why."""

import pytest

from rollback_drills.database.connections import Database
from rollback_drills.errors import UsageError
from rollback_drills.evidence.outages.listing import OutageFilter, find_outages
from rollback_drills.evidence.record_kinds import CLOSURE_KIND
from rollback_drills.evidence.verify.auditor import Trust
from rollback_drills.evidence.verify.ledger import verify_ledger
from rollback_drills.notifications.states import State
from rollback_drills.recovery.act import Act
from rollback_drills.recovery.connector_switch import disable
from rollback_drills.recovery.outage_end import close_outage
from rollback_drills.recovery.replays import discard
from tests.samples.outbox import make_entries, make_entry
from tests.samples.outbox_rows import put, states
from tests.samples.recovery import START, attempt, find_records, instant, kinds_of, run_index, writer

MARIA = Act("maria", "we left this provider")


@pytest.fixture
def dead(database: Database) -> list[str]:
    """Refuse three notifications, one after the other, and write it down."""
    ids = put(database, *make_entries(3), now=START)
    for number, each in enumerate(ids):
        attempt(database, {each: State.PERMANENT}, at=10 + number)
    run_index(database, at=15)
    return ids


def test_the_record_says_who_closed_it_why_and_what_it_kept_from_owners(
    database: Database, dead: list[str]
) -> None:
    close_outage(database, "WebHook", MARIA, writer(100))

    assert kinds_of(database) == ["connector-outage", "connector-recovery-closure"]
    opened, closed = find_records(database)
    assert closed["outage_id"] == opened["outage_id"]
    assert (closed["closed_by"], closed["reason"]) == ("maria", "we left this provider")
    assert (closed["closure_state"], closed["closed_at"]) == ("given_up", instant(100).isoformat())
    assert (closed["delivered_count"], closed["dead_letter_count"]) == (0, 3)
    assert states(database, *dead) == [State.PERMANENT] * 3, "nothing else is changed"
    page = find_outages(database, OutageFilter(), now=instant(200))
    (outage,) = page.items
    assert (page.open_count, outage.closed_by, outage.closed_because) == (0, "maria", MARIA.reason)
    assert verify_ledger(database, Trust(), lambda _: None).findings == []


def test_what_is_discarded_afterwards_begins_no_outage(database: Database, dead: list[str]) -> None:
    close_outage(database, "webhook", MARIA, writer(100))
    for number, each in enumerate(dead):
        discard(database, [each], MARIA, writer(110 + number))
        run_index(database, at=120 + number)

    assert len([each for each in kinds_of(database) if each == "connector-outage"]) == 1


@pytest.mark.parametrize("is_refused", [False, True], ids=["disabled", "refused, then disabled"])
def test_a_connector_that_stays_disabled_has_no_outage_any_more(database: Database, is_refused: bool) -> None:
    put(database, *make_entries(1), now=START)
    if is_refused:
        attempt(database, State.RETRY, at=3)
        run_index(database, at=4)
    disable(database, "webhook", MARIA, writer(5), ["webhook"])
    run_index(database, at=6)
    close_outage(database, "webhook", MARIA, writer(100))
    for at in (101, 200):
        run_index(database, at=at)

    assert kinds_of(database)[-1] == "connector-recovery-closure"
    assert find_outages(database, OutageFilter(is_open=True), now=instant(300)).total == 0


def test_what_fails_later_begins_the_next_outage(database: Database, dead: list[str]) -> None:
    close_outage(database, "webhook", MARIA, writer(100))
    put(database, make_entry("search"), now=START + 150)
    attempt(database, State.PERMANENT, at=200)
    run_index(database, at=201)

    assert kinds_of(database)[-1] == "connector-outage"
    *_, opened = find_records(database)
    assert (opened["opened_at"], opened["dead_letter_count"]) == (instant(199).isoformat(), 1)


def test_what_is_not_open_cannot_be_closed(database: Database, dead: list[str]) -> None:
    with pytest.raises(UsageError, match="slack has no open outage; open are those of: webhook"):
        close_outage(database, "slack", MARIA, writer(20))
    for act in (Act("", "why"), Act("maria", " "), Act("maria", "ask maria@corp.example.com")):
        with pytest.raises(UsageError):
            close_outage(database, "webhook", act, writer(20))
    close_outage(database, "webhook", MARIA, writer(30))
    with pytest.raises(UsageError, match="webhook has no open outage; open are those of: none"):
        close_outage(database, "webhook", MARIA, writer(40))
    assert len(find_records(database, CLOSURE_KIND)) == 1


def test_a_connector_that_delivers_again_is_not_given_up(database: Database, dead: list[str]) -> None:
    put(database, make_entry("search"), now=START + 20)
    attempt(database, State.DELIVERED, at=30)  # and no run has written it down yet

    with pytest.raises(UsageError, match="webhook has delivered again; the next run closes its outage"):
        close_outage(database, "webhook", MARIA, writer(40))
    run_index(database, at=50)
    (closed,) = find_records(database, CLOSURE_KIND)
    assert (closed["closure_state"], "closed_by" in closed) == ("resolved", False)
