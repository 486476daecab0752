"""What makes a finding another one, and what does not."""

from datetime import timedelta

import pytest

from rollback_drills.documents.subject import Subject
from rollback_drills.planning.finding import Finding, find_finding
from rollback_drills.planning.plan_request import PlanRequest
from tests.samples.builders import DRILL, NOW, SCHEDULE, checked, make_subject, make_told
from tests.samples.ledgers import WINDOW

HOUR = timedelta(hours=1)


def found(subject: Subject, request: PlanRequest | None = None, hours: float = 0) -> Finding:
    return find_finding(checked(subject, request, now=NOW + hours * HOUR))


@pytest.mark.parametrize(
    "subject",
    [
        pytest.param(make_subject([DRILL], next_due_at="2027-01-05T09:00:00Z"), id="ready"),
        pytest.param(make_subject([DRILL], next_due_at="2026-12-05T09:00:00Z"), id="due soon"),
        pytest.param(make_subject([DRILL]), id="overdue"),
        pytest.param(make_subject([{**DRILL, "executed_at": "2026-05-01T00:00:00Z"}]), id="an old drill"),
        pytest.param(make_subject([{**DRILL, "status": "failed"}]), id="a failed drill"),
        pytest.param(make_subject(None, maintenance_windows=[WINDOW]), id="in a window"),
        pytest.param(make_subject([], owners=[]), id="without owners"),
    ],
)
def test_time_alone_changes_no_finding(subject: Subject) -> None:
    assert found(subject).digest() == found(subject, hours=7).digest()


def test_a_notification_that_was_delivered_is_the_same_finding() -> None:
    subject = make_subject([DRILL], owners=["team-a"], notification_providers=["slack"])
    (decision,) = checked(subject).decisions
    told = make_told(at=NOW)
    again = found(subject, PlanRequest(notified={decision.route_key: [told]}), hours=1)

    assert checked(subject, PlanRequest(notified={decision.route_key: [told]})).decisions[0].category == (
        "already_notified"
    )
    assert again.digest() == found(subject).digest()


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(make_subject([DRILL], next_due_at="2026-11-27T09:00:01Z"), id="another due time"),
        pytest.param(make_subject([DRILL], owners=["team-a"]), id="another owner"),
        pytest.param(make_subject([DRILL], owners=["team-b", "team-a"]), id="the order of owners"),
        pytest.param(make_subject([DRILL], notification_providers=["slack"]), id="another provider"),
        pytest.param(make_subject([DRILL], runbook_ref="other.md"), id="another runbook"),
        pytest.param(make_subject([DRILL], environment="staging"), id="another environment"),
        pytest.param(make_subject([DRILL], interval_days=31), id="another interval"),
        pytest.param(make_subject([DRILL], maintenance_windows=[WINDOW]), id="a window"),
        pytest.param(make_subject([{**DRILL, "drill_id": "drill-2"}]), id="another drill"),
        pytest.param(make_subject([{**DRILL, "status": "passed"}]), id="a fault of the history"),
        pytest.param(make_subject([DRILL], status="paused"), id="another status"),
    ],
)
def test_what_people_would_want_to_know_is_another_finding(other: Subject) -> None:
    assert found(other).digest() != found(make_subject([DRILL])).digest()


def test_a_finding_names_state_checks_and_routes() -> None:
    finding = found(make_subject([DRILL]))

    assert (finding.schedule_id, finding.status, finding.environment) == (
        SCHEDULE["schedule_id"],
        "needs_attention",
        SCHEDULE["environment"],
    )
    assert [(each.owner, each.provider) for each in finding.routes] == [
        ("team-a", "slack"),
        ("team-a", "teams"),
        ("team-b", "slack"),
        ("team-b", "teams"),
    ]
    assert ("go_rollback_drill_schedule_not_stale", "warn", "") in finding.checks


def test_a_history_without_a_drill_is_another_finding_than_no_history() -> None:
    due_at = "2027-01-05T09:00:00Z"
    without, empty = make_subject(None, next_due_at=due_at), make_subject([], next_due_at=due_at)
    assert found(without).digest() != found(empty).digest()
