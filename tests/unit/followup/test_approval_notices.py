"""When the platform owner is notified of requests that wait for a second person, and when no more."""

import re
from datetime import timedelta
from typing import Any

import pytest

from rollback_drills.console.message_links import MessageLinks
from rollback_drills.database.connections import Database
from rollback_drills.evidence.outbox_transfer import index_run
from rollback_drills.evidence.record import Record
from rollback_drills.followup.approval_notices import (
    EVENT_TYPE,
    find_notices,
    read_open_approvals,
    withdraw_decided,
)
from rollback_drills.followup.exceptions.exception import ExceptionKind
from rollback_drills.followup.exceptions.exception_decisions import record_decline
from rollback_drills.followup.exceptions.exception_requests import Wish, record_request
from rollback_drills.followup.exceptions.found_requests import get_request
from rollback_drills.followup.open_cycles import read_open_cycles
from rollback_drills.notifications.states import State
from rollback_drills.outbox.commit import commit
from rollback_drills.outbox.undelivered import find_undelivered
from rollback_drills.recovery.act import Act
from rollback_drills.recovery.replay_records import OPEN_FOR
from rollback_drills.recovery.replays import approve_replay, request_replay
from rollback_drills.trust.notice import Platform
from tests.samples.builders import NOW, SCHEDULE, judged, make_subject, open_key
from tests.samples.outbox import make_entries
from tests.samples.outbox_rows import put, states
from tests.samples.recovery import START, attempt, writer

PLATFORM = Platform("platform", (), "webhook")
UNTIL = NOW + timedelta(days=7)
LINKS = MessageLinks("https://drills.example")


def write(database: Database, *records: Record, **once: Record) -> None:
    index_run(
        database,
        records,
        drills={key: lambda record=record: record for key, record in once.items()},  # type: ignore[misc]
        created_at=NOW,
        signer="test",
        redact=lambda record: record,
        open_key=open_key,
    )


def ask(database: Database, reason: str = "a freeze") -> str:
    """Request a waiver of payments as maria, and give its id."""
    record = record_request(
        Wish(ExceptionKind.WAIVE, UNTIL, reason, "maria"),
        judged(make_subject([], **SCHEDULE), now=NOW).cycle,
        due_at=None,
        postpone_limit=timedelta(days=30),
        now=NOW,
        created_at=NOW,
    )
    write(database, record)
    return record.request_id


def ask_for_replay(database: Database) -> str:
    """Request a replay of two refused notifications as maria, and give its id."""
    ids = put(database, *make_entries(2), now=START)
    attempt(database, State.PERMANENT, at=10)
    return request_replay(database, ids, Act("maria", "it is up"), writer(20)).records[-1].replay_id


def announce(database: Database, later: timedelta = timedelta(seconds=30), **changes: Any) -> set[str]:
    """Do what a run of the follow-up does, and give the ids of the new messages."""
    platform = Platform(**{"owner": "platform", "any_provider": "webhook", **changes})
    entries = list(find_notices(read_open_approvals(database, now=NOW + later), platform))
    return set(commit(database, entries, [], now=START + later.total_seconds()))


def test_each_request_is_told_once_whatever_connector_works(database: Database) -> None:
    ask(database)
    ask_for_replay(database)

    assert len(announce(database)) == 2
    assert announce(database, timedelta(hours=1), any_provider="mail") == set()


def test_every_named_provider_tells_it(database: Database) -> None:
    ask(database)

    assert len(announce(database, providers=("mail", "teams"))) == 2


def test_a_request_that_is_decided_or_expired_is_told_to_nobody(database: Database) -> None:
    request_id, replay_id = ask(database), ask_for_replay(database)
    found = get_request(database, request_id)
    decline = record_decline(found, "anna", "there is time", now=NOW, created_at=NOW)
    write(database, **{request_id: decline})
    approve_replay(database, replay_id, "jo", writer(25))

    assert announce(database) == set()


@pytest.mark.parametrize(("later", "count"), [(OPEN_FOR - timedelta(seconds=1), 1), (OPEN_FOR, 0)])
def test_a_replay_is_told_until_its_request_expires(database: Database, later: timedelta, count: int) -> None:
    ask_for_replay(database)  # 20 seconds after NOW

    assert len(announce(database, later + timedelta(seconds=20))) == count


def test_the_message_says_who_asks_for_what_until_when_and_how_to_decide(database: Database) -> None:
    request_id = ask(database, "a freeze\nof a week")
    (entry,) = find_notices(read_open_approvals(database, now=NOW), PLATFORM)
    notification = entry.notification

    assert notification.title == "Approval needed: waive payments"
    assert re.match(
        r"maria asks to waive the drill of payments until \d+ \w{3} 2026, \d\d:\d\d UTC\."
        r" .* before \d+ \w{3} 2026, \d\d:\d\d UTC\.",
        notification.summary,
    )
    assert "owners are notified as before" in notification.summary
    assert dict(notification.facts) == {
        "Schedule": "payments",
        "Requested by": "maria",
        "Reason": "a freeze of a week",
        "Approve": f"drills requests approve {request_id} --by YOU",
        "Decline": f"drills requests decline {request_id} --by YOU --reason WHY",
        "Owner": "platform",
    }
    assert (entry.provider, entry.owner, notification.alert_level) == ("webhook", "platform", "warning")
    assert notification.event["event_type"] == EVENT_TYPE
    assert notification.acknowledge == ""
    link, *_ = LINKS.find([notification])
    assert link == ("Decide", "https://drills.example/console/schedule?id=payments")


def test_the_message_about_a_replay_leads_to_the_page_of_outages(database: Database) -> None:
    replay_id = ask_for_replay(database)
    approvals = read_open_approvals(database, now=NOW)
    (entry,) = find_notices(approvals, PLATFORM)

    assert entry.notification.title == "Approval needed: replay of 2 notifications through webhook"
    assert re.search(r"before \d+ \w{3} 2026, \d\d:\d\d UTC\. Nothing", entry.notification.summary)
    assert dict(entry.notification.facts) == {
        "Requested by": "maria",
        "Reason": "it is up",
        "Approve": f"drills outbox approve-replay {replay_id} --by YOU",
        "Owner": "platform",
    }
    event = entry.notification.event
    assert (event["replay_id"], event["notification_count"]) == (replay_id, 2)
    assert LINKS.find([entry.notification])[0] == ("Decide", "https://drills.example/console/outages")
    assert approvals.replayed_providers == {"webhook"}, "the message takes another way if there is one"


def test_a_message_about_a_request_opens_no_cycle(database: Database) -> None:
    ask(database)
    announce(database)

    assert read_open_cycles(database, now=NOW) == []


def test_a_message_that_waits_is_withdrawn_once_its_request_is_decided_or_expired(database: Database) -> None:
    request_id, replay_id = ask(database), ask_for_replay(database)
    announced = announce(database)

    assert withdraw_decided(database, read_open_approvals(database, now=NOW + timedelta(minutes=1))) == 0
    approve_replay(database, replay_id, "jo", writer(25))
    assert withdraw_decided(database, read_open_approvals(database, now=NOW + timedelta(minutes=1))) == 1
    assert withdraw_decided(database, read_open_approvals(database, now=NOW + 3 * OPEN_FOR)) == 1

    assert set(states(database, *announced)) == {State.SUPERSEDED}
    assert not find_undelivered(database, [f"approval:{request_id}"], None, now=START).deliveries
    assert withdraw_decided(database, read_open_approvals(database, now=NOW + 3 * OPEN_FOR)) == 0
