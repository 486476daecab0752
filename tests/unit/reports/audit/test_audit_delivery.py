"""The message that brings an audit package: once for each period, and without the notes of people."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from rollback_drills.database.connections import Database
from rollback_drills.errors import UsageError
from rollback_drills.notifications.outbox_entry import OutboxEntry
from rollback_drills.outbox.commit import commit
from rollback_drills.outbox.rows import read_notification, write_notification
from rollback_drills.reports.audit import audit_delivery
from rollback_drills.reports.audit.audit_delivery import build_entries, choose_period, find_last_month
from rollback_drills.reports.audit.audit_reading import find_package
from rollback_drills.reports.filters import PackageFilter
from rollback_drills.reports.period import Period
from tests.samples.builders import NOW
from tests.samples.world import World

MONTH = Period(datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
NOTE = "called the on-call engineer"


def entries(database: Database, period: Period = MONTH, *, minutes: float = 0.0) -> list[OutboxEntry]:
    """Return the messages of a package."""
    now = NOW + timedelta(days=40, minutes=minutes)
    package = find_package(database, PackageFilter(), period, now=now, generated_by="test")
    return build_entries(package, period, ["mail", "slack"], "platform", now=now)


@pytest.fixture
def told(database: Database) -> Database:
    """Return evidence of a route that was notified and acknowledged with a note."""
    world = World(database, {"owners": ["team-a"], "notification_providers": ["slack"]})
    world.check()
    world.ack(notes=NOTE)
    return database


def test_the_message_has_summary_digest_and_head_and_the_notes_only_in_the_attachment(told: Database) -> None:
    mail, slack = entries(told)

    message = mail.notification
    assert (mail.provider, slack.provider, mail.owner, mail.closes) == ("mail", "slack", "platform", True)
    assert message.title == "Acknowledgement audit package: December 2026"
    assert message.summary.startswith("1 route of 1 plan notified somebody; 0 were not acknowledged.")
    event = message.event
    assert event["event_type"] == "cavra.go_backend.rollback_drill.acknowledgement_audit_delivery"
    assert event["acknowledged_count"] == 1
    assert set(event["ledger_head"]) == {"head", "note"}
    assert message.attachment is not None
    package = json.loads(message.attachment.text)
    assert package["content_sha256"] == event["content_sha256"]
    assert dict(message.facts)["SHA-256 of the content"] == event["content_sha256"]
    assert message.attachment.name == f"{event['audit_id']}.json"
    assert NOTE in message.attachment.text
    assert NOTE not in json.dumps([message.summary, message.facts, dict(event)])
    assert read_notification(write_notification(message)) == message, "the outbox keeps the attachment"


def test_a_period_is_delivered_once_whatever_the_package_has_become(told: Database) -> None:
    assert len(commit(told, entries(told), [], now=NOW.timestamp())) == 2
    assert not commit(told, entries(told, minutes=5), [], now=NOW.timestamp())
    other = Period(MONTH.since, MONTH.until and MONTH.until - timedelta(days=1))
    assert len(commit(told, entries(told, other), [], now=NOW.timestamp())) == 2


def test_a_package_that_is_too_large_is_named_and_not_attached(
    told: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_delivery, "LARGEST_ATTACHMENT", 100)
    mail, _ = entries(told)
    assert mail.notification.attachment is None
    assert dict(mail.notification.facts)["Attachment"].startswith("none, because it is too large")


def test_without_evidence_the_package_is_empty_and_is_delivered_all_the_same(database: Database) -> None:
    mail, _ = entries(database)
    assert mail.notification.event["route_count"] == 0
    assert mail.notification.event["ledger_head"] is None


@pytest.mark.parametrize(
    ("now", "since"),
    [
        ("2026-12-01T00:00:00+00:00", "2026-11-01"),
        ("2026-11-30T23:59:59+00:00", "2026-10-01"),
        ("2027-01-31T12:00:00+00:00", "2026-12-01"),
        ("2026-12-01T00:30:00+01:00", "2026-10-01"),
    ],
)
def test_the_last_month_is_that_of_utc(now: str, since: str) -> None:
    period = find_last_month(datetime.fromisoformat(now))
    assert period.since
    assert period.until
    assert f"{period.since:%Y-%m-%d}" == since
    assert (period.until.day, period.until.hour) == (1, 0)


def test_a_period_can_be_chosen() -> None:
    week = timedelta(days=7)
    assert choose_period(NOW - week, None, now=NOW) == Period(NOW - week, NOW)
    assert choose_period(None, None, now=NOW) == find_last_month(NOW)
    with pytest.raises(UsageError, match="needs the beginning"):
        choose_period(None, NOW, now=NOW)
    with pytest.raises(UsageError, match="is empty"):
        choose_period(NOW, NOW - week, now=NOW)
