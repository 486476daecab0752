"""What a run says of the notifications that a provider did not take."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from rollback_drills.delivery.undelivered_text import explain_damaged, explain_failed, explain_waiting
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Outcome, Verdict
from rollback_drills.notifications.results import Delivery
from rollback_drills.notifications.states import State
from tests.samples.builders import NOW, build_notifications, judged, make_subject, planned

SUBJECT = make_subject()
NOTIFICATION: Notification = next(build_notifications(judged(SUBJECT).schedule_report, planned(SUBJECT)))


def failed(state: State, minutes: int | None = None) -> Delivery:
    """Return an attempt that failed, with the minutes until the next one."""
    verdict = Verdict(Outcome.RETRY, f"detail {minutes}")
    again = None if minutes is None else NOW + timedelta(minutes=minutes)
    return Delivery(NOTIFICATION, verdict, 1, NOW, NOW, state, again)


@pytest.mark.parametrize(
    ("deliveries", "explained"),
    [
        ([failed(State.RETRY, 2)], ["retry: detail 2; next attempt 1 Dec 2026, 09:02 UTC"]),
        (
            [failed(State.RETRY, 4), failed(State.RETRY, 2)],
            ["2 notifications, retry: detail 2; next attempt 1 Dec 2026, 09:02 UTC"],
        ),
        (
            [failed(State.PERMANENT), failed(State.RETRY, 2), failed(State.RETRY)],
            [
                "1 notification, permanent: detail None",
                "2 notifications, retry: detail 2; next attempt 1 Dec 2026, 09:02 UTC",
            ],
        ),
    ],
)
def test_a_refusal_does_not_hide_what_waits(deliveries: Sequence[Delivery], explained: list[str]) -> None:
    assert list(explain_failed(deliveries)) == explained


def test_why_something_waits_is_said_by_what_nobody_is_sending() -> None:
    (explained,) = explain_waiting([failed(State.SENDING), failed(State.RETRY, 4), failed(State.RETRY, 2)])

    assert explained == (
        f"3 notifications wait for {NOTIFICATION.provider}, to {NOTIFICATION.owner} (detail 4);"
        " next attempt 1 Dec 2026, 09:02 UTC"
    )
    (alone,) = explain_waiting([failed(State.SENDING)])
    assert alone == (
        f"1 notification waits for {NOTIFICATION.provider}, to {NOTIFICATION.owner} (detail None);"
        " the next run looks again"
    )


@pytest.mark.parametrize(
    ("damaged", "what", "whom"),
    [
        (["gordmsg-1"], "the row of a notification", "its owner was notified: gordmsg-1"),
        (
            ["gordmsg-1", "gordmsg-2"],
            "the rows of 2 notifications",
            "their owners were notified: gordmsg-1, gordmsg-2",
        ),
    ],
)
def test_notifications_that_cannot_be_read_are_named(damaged: list[str], what: str, whom: str) -> None:
    assert list(explain_damaged([])) == []
    (explained,) = explain_damaged(damaged)
    assert explained == (
        f"{what} in the outbox cannot be read, so that nobody knows whether {whom}; restore from a backup"
    )
