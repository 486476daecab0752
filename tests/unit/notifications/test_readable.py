"""Times in messages are in the zone of the owner, and say how far away they are."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.readable import make_readable
from rollback_drills.outbox.rows import read_notification, write_notification
from tests.samples.outbox import make_entry

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)


def write(text: str, zone: str = "UTC", now: datetime = NOW) -> str:
    """Make a text readable."""
    notification = replace(make_entry("payments").notification, summary=text, time_zone=zone)
    return make_readable(notification, now=now).summary


@pytest.mark.parametrize(
    ("zone", "written"),
    [
        ("UTC", "27 Nov 2026, 09:00 UTC (4 days ago)"),
        ("Europe/Berlin", "27 Nov 2026, 10:00 CET (4 days ago)"),
        ("America/Sao_Paulo", "27 Nov 2026, 06:00 UTC-03 (4 days ago)"),
        ("Asia/Kathmandu", "27 Nov 2026, 14:45 UTC+0545 (4 days ago)"),
        ("Nowhere/Unknown", "27 Nov 2026, 09:00 UTC (4 days ago)"),
    ],
)
def test_a_time_is_in_the_zone_of_the_owner(zone: str, written: str) -> None:
    assert write("was due 2026-11-27T09:00:00+00:00.", zone) == f"was due {written}."


@pytest.mark.parametrize(
    ("timestamp", "written"),
    [
        ("2026-03-29T00:59:59Z", "29 Mar 2026, 01:59 CET"),
        ("2026-03-29T01:00:00Z", "29 Mar 2026, 03:00 CEST"),
        ("2026-10-25T00:59:59Z", "25 Oct 2026, 02:59 CEST"),
        ("2026-10-25T01:00:00Z", "25 Oct 2026, 02:00 CET"),
    ],
)
def test_the_name_of_the_zone_tells_both_sides_of_a_change_apart(timestamp: str, written: str) -> None:
    assert write(timestamp, "Europe/Berlin").startswith(f"{written} (")


def test_how_far_away_a_time_is_is_said_when_the_message_is_sent_and_not_when_it_was_planned() -> None:
    texts = [write("2026-12-05T09:00:00+00:00", now=NOW + timedelta(days=days)) for days in (0, 3, 11)]

    assert texts == [
        "5 Dec 2026, 09:00 UTC (in 4 days)",
        "5 Dec 2026, 09:00 UTC (in 1 day)",
        "5 Dec 2026, 09:00 UTC (1 week ago)",
    ]


@pytest.mark.parametrize(
    ("timestamp", "distance"),
    [
        ("2026-12-01T08:59:01Z", "1 minute ago"),
        ("2026-12-01T09:00:04.250931+00:00", "now"),
        ("2026-12-01T09:00:59Z", "now"),
        ("2026-12-01T09:01:00Z", "in 1 minute"),
    ],
)
def test_a_time_is_as_far_away_as_its_minute(timestamp: str, distance: str) -> None:
    """A drill that was performed a moment ago is not said to come in a moment."""
    assert write(timestamp, now=NOW + timedelta(seconds=31)).endswith(f" ({distance})")


def test_every_text_for_people_is_written_and_the_event_stays_as_it_is() -> None:
    due = "2026-11-27T09:00:00+00:00"
    notification = replace(
        make_entry("payments").notification, summary=due, facts=(("Due", due),), acknowledge=due
    )

    readable = make_readable(notification, now=NOW)

    written = "27 Nov 2026, 09:00 UTC (4 days ago)"
    assert (readable.summary, readable.facts, readable.acknowledge) == (written, (("Due", written),), written)
    assert readable.event is notification.event


@pytest.mark.parametrize(
    "text",
    [
        "must be an ISO 8601 timestamp, such as 2026-11-27T09:00:00Z",
        "drill-2026-11-27T09:00:00Z",
        "2026-11-27T09:00:00",
        "2026-13-27T09:00:00Z",
        "2026-11-27",
        "0001-01-01T00:00:00+14:00",
        "at 12:2026-11-27T09:00:00Z",
    ],
)
def test_what_is_no_timestamp_of_its_own_is_left_alone(text: str) -> None:
    assert write(text) == text


@given(st.text())
def test_any_text_can_be_written(text: str) -> None:
    once = write(text)

    assert write(once) == once


def test_a_notification_of_a_former_version_is_read_in_utc() -> None:
    stored = write_notification(make_entry("payments").notification)
    former = stored.replace(',"time_zone":"UTC"', "")

    assert former != stored
    assert read_notification(former).time_zone == "UTC"
    assert isinstance(read_notification(former), Notification)
