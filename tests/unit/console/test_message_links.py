"""The links of a message."""

from dataclasses import replace

import pytest

from rollback_drills.console.message_links import MessageLinks
from rollback_drills.notifications.notification import Link, Notification
from tests.samples.outbox import make_entry

LINKS = MessageLinks(
    "https://drills.example/base/", "https://docs.example/runbooks", "https://prefect.example/runs/1"
)


def make(schedule_id: str = "payments", **event: str) -> Notification:
    """Make a notification with changes of its event."""
    notification = make_entry(schedule_id).notification
    return replace(
        notification, event={**notification.event, "runbook_ref": "docs/runbook.md#undo it", **event}
    )


def test_a_message_links_to_its_schedule_its_runbook_and_the_run() -> None:
    assert LINKS.find([make("pay ments/ä&b")]) == (
        Link("Schedule", "https://drills.example/base/console/schedule?id=pay+ments%2F%C3%A4%26b"),
        Link("Runbook", "https://docs.example/runbooks/docs/runbook.md#undo%20it"),
        Link("Run", "https://prefect.example/runs/1"),
    )


def test_a_digest_links_to_the_console() -> None:
    assert [link.label for link in LINKS.find([make("a"), make("b")])] == ["Console", "Run"]


def test_a_notice_about_a_connector_has_no_schedule() -> None:
    notice = make(event_type="cavra.go_backend.rollback_drill.connector_disabled")

    assert [link.label for link in LINKS.find([notice])] == ["Console", "Run"]


@pytest.mark.parametrize("runbook", ["", "go-rollback-drill://runbooks/7"])
def test_what_is_no_path_is_not_linked(runbook: str) -> None:
    assert "Runbook" not in [link.label for link in LINKS.find([make(runbook_ref=runbook)])]


def test_what_nobody_has_configured_is_not_linked() -> None:
    assert MessageLinks().find([make()]) == ()
