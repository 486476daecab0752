from datetime import UTC, datetime

import pytest

from rollback_drills.delivery.connector_notice import choose_channel, notice_entry
from rollback_drills.evidence.delivery_records import record_deliveries
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.results import read_reference
from rollback_drills.outbox.destinations import Destination
from rollback_drills.outbox.rows import read_notification, write_notification
from rollback_drills.planning.routes import DEFAULT_OWNER

AT = datetime(2026, 12, 1, 9, tzinfo=UTC)
DEAD = Destination("slack", disabled_at=AT.timestamp(), disabled_because="the token was revoked.")


def test_the_notice_says_what_is_dead_why_since_when_and_how_to_mend_it() -> None:
    entry = notice_entry(DEAD, "teams")

    notification = entry.notification
    assert notification.title == "Connector disabled: slack"
    assert notification.summary == (
        "Rollback drill notifications no longer go out through slack: the token was revoked."
        " Fix it, then run: drills connectors enable slack --by YOU --reason WHY"
    )
    assert dict(notification.facts) == {
        "Connector": "slack",
        "Disabled": "2026-12-01T09:00:00+00:00",
        "Owner": DEFAULT_OWNER,
    }
    assert notification.alert_level == notification.event["alert_level"] == "critical"
    assert (entry.provider, notification.provider, entry.owner) == ("teams", "teams", DEFAULT_OWNER)


def test_a_death_is_told_once_whatever_the_connector_that_tells_it() -> None:
    once, again = notice_entry(DEAD, "teams"), notice_entry(DEAD, "webhook")

    assert once.notification_id == again.notification_id
    assert once.route_key == again.route_key


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(Destination("teams", disabled_at=DEAD.disabled_at), id="another connector"),
        pytest.param(Destination("slack", disabled_at=AT.timestamp() + 1), id="it died again"),
    ],
)
def test_another_death_is_another_notice(other: Destination) -> None:
    assert notice_entry(DEAD, "webhook").notification_id != notice_entry(other, "webhook").notification_id


def test_a_notice_opens_no_cycle_that_would_be_repeated_or_closed() -> None:
    entry = notice_entry(DEAD, "teams")

    assert entry.closes
    assert entry.reason is Reason.FIRST
    assert entry.schedule_id == "connector:slack"
    assert entry.replaces == ()


def test_a_notice_survives_the_outbox_and_fits_the_evidence() -> None:
    notification = notice_entry(DEAD, "teams").notification

    assert read_notification(write_notification(notification)) == notification
    assert list(record_deliveries(read_reference(notification.event), [], created_at=AT, signer="me"))


@pytest.mark.parametrize(
    ("dead", "connectors", "channel"),
    [
        ([], ["teams", "slack"], "slack"),
        (["slack"], ["teams", "slack", "webhook"], "teams"),
        (["slack"], ["slack"], None),
        (["slack"], [], None),
        (["teams", "slack"], iter(["webhook", "teams", "slack"]), "webhook"),
    ],
)
def test_a_dead_connector_is_told_through_the_first_that_is_alive(
    dead: list[str], connectors: list[str], channel: str | None
) -> None:
    assert choose_channel(dead, connectors) == channel
