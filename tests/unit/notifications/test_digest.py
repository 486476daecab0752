from dataclasses import replace

import pytest

from rollback_drills.notifications.digest import make_digest
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.reasons import Reason
from tests.samples.outbox import make_entry


def make_notifications(*reasons: Reason) -> list[Notification]:
    """Make one notification of as many schedules."""
    found = []
    for number, reason in enumerate(reasons):
        notification = make_entry(f"payments-{number}", reason=reason).notification
        found.append(notification)
    return found


def test_a_single_notification_is_its_own_message() -> None:
    (single,) = make_notifications(Reason.WORSE)

    assert make_digest([single]) is single


def test_several_become_one_table_with_a_row_for_each_schedule() -> None:
    notifications = make_notifications(Reason.FIRST, Reason.WORSE, Reason.REPEAT)

    digest = make_digest(notifications)

    assert digest.title == "3 rollback drills need attention"
    assert digest.summary == "payments-team owns 3 schedules that need attention or are due soon."
    assert [label for label, _ in digest.facts] == ["payments-0", "payments-1", "payments-2"]
    assert [row for _, row in digest.facts] == [
        f"needs attention · due 2026-11-27T09:00:00+00:00 · {reason}"
        for reason in ("first notification", "overdue since the last notification", "reminder")
    ]
    assert (
        digest.acknowledge
        == "Acknowledge each: drills ack --schedule-id SCHEDULE --owner payments-team --by YOU"
    )


def test_a_row_without_a_due_time_says_why_there_is_none() -> None:
    known, unusable = make_notifications(Reason.ESCALATED, Reason.ESCALATED)
    problem = "Rollback not proven: payments-1.json: $.interval_days is missing; " + "must be a number " * 9
    facts = (("Schedule", "payments-1.json"), ("State", "needs attention"), ("Due", "unknown"))

    _, (_, row) = make_digest([known, replace(unusable, summary=problem, facts=facts)]).facts

    assert row == (
        "needs attention · Rollback not proven: payments-1.json: $.interval_days is missing; …"
        " · escalated, since nobody acknowledged in time"
    )
    assert len(row) <= 150


def test_a_digest_is_known_by_its_first_notification() -> None:
    notifications = make_notifications(Reason.FIRST, Reason.FIRST)

    digest = make_digest(notifications)

    first = notifications[0]
    assert (digest.notification_id, digest.event) == (first.notification_id, first.event)
    assert (digest.provider, digest.owner) == (first.provider, first.owner)


def test_messages_that_close_are_summed_up_as_over_and_ask_for_nothing() -> None:
    digest = make_digest(make_notifications(Reason.RESOLVED, Reason.RESOLVED))

    assert digest.title == "2 rollback drill alerts are over"
    assert digest.summary == "These 2 schedules need nothing from payments-team any more."
    assert digest.acknowledge == ""
    assert digest.is_closing


@pytest.mark.parametrize(
    ("levels", "level"),
    [
        (("warning", "warning"), "warning"),
        (("warning", "critical"), "critical"),
        (("healthy", "warning"), "warning"),
        (("healthy", "healthy"), "healthy"),
    ],
)
def test_the_most_pressing_level_describes_a_digest(levels: tuple[str, ...], level: str) -> None:
    notifications = [
        replace(each, alert_level=its)
        for each, its in zip(make_notifications(Reason.FIRST, Reason.FIRST), levels, strict=True)
    ]

    assert make_digest(notifications).alert_level == level


@pytest.mark.parametrize(
    ("reasons", "reason"),
    [
        ((Reason.REPEAT, Reason.REPEAT), Reason.REPEAT),
        ((Reason.REPEAT, Reason.WORSE), Reason.FIRST),
    ],
)
def test_a_reason_that_all_share_is_kept(reasons: tuple[Reason, ...], reason: Reason) -> None:
    assert make_digest(make_notifications(*reasons)).reason is reason


def test_one_that_may_repeat_marks_the_whole_and_no_single_item_is_named() -> None:
    first, second = make_notifications(Reason.REPEAT, Reason.REPEAT)

    digest = make_digest([replace(first, earlier_ref="OPS-1"), replace(second, may_repeat=True)])

    assert digest.may_repeat
    assert digest.earlier_ref == ""
    assert not make_digest([first, second]).may_repeat


def test_a_fact_that_is_unknown_leaves_no_gap_in_its_row() -> None:
    notifications = [replace(each, facts=()) for each in make_notifications(Reason.FIRST, Reason.FIRST)]

    assert [row for _, row in make_digest(notifications).facts] == [
        "first notification",
        "first notification",
    ]
