import shlex
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.text import paragraphs, plain_text
from rollback_drills.documents.plain_json import to_plain
from rollback_drills.documents.reading.reader import read_document
from rollback_drills.documents.routing_policy import RoutingPolicy
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.subject import Subject
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.readable import make_readable
from rollback_drills.planning.event import build_event
from rollback_drills.planning.outbox_entries import find_entries
from rollback_drills.planning.plan_request import PlanRequest
from tests.samples.builders import DRILL, NOW, build_notifications, checked, judged, make_subject, planned

READY: dict[str, Any] = {"next_due_at": "2027-06-01T00:00:00Z"}
DUE_SOON: dict[str, Any] = {"next_due_at": (NOW + timedelta(days=3)).isoformat()}


def notified(subject: Subject, request: PlanRequest | None = None) -> list[Notification]:
    """Judge and plan a subject, and give what is sent."""
    return list(build_notifications(judged(subject).schedule_report, planned(subject, request)))


@pytest.mark.parametrize(
    ("changes", "title", "alert_level"),
    [
        pytest.param({}, "Rollback drill overdue: payments (production)", "critical", id="late"),
        pytest.param(DUE_SOON, "Rollback drill due soon: payments (production)", "warning", id="due soon"),
        pytest.param(READY, "Rollback drill ready: payments (production)", "healthy", id="forced"),
        pytest.param(
            {**READY, "status": "paused"},
            "Rollback drill needs attention: payments (production)",
            "critical",
            id="a finding in the content",
        ),
        pytest.param(
            {**DUE_SOON, "environment": ""},
            "Rollback drill due soon: payments",
            "warning",
            id="no environment",
        ),
    ],
)
def test_the_title_says_the_state_the_schedule_and_the_environment(
    changes: dict[str, Any], title: str, alert_level: str
) -> None:
    notification = notified(make_subject(**changes), PlanRequest(force=True))[0]

    assert notification.title == title
    assert notification.alert_level == notification.event["alert_level"] == alert_level


@given(st.text(max_size=30), st.text(max_size=30), st.text(min_size=1, max_size=30))
def test_whatever_the_names_the_title_is_one_line_and_no_fact_is_blank(
    schedule_id: str, environment: str, owner: str
) -> None:
    changes: dict[str, Any] = {"schedule_id": schedule_id, "environment": environment, "owners": [owner]}
    try:
        subject = make_subject(**changes)
    except AssertionError:  # the text is private by chance; the document is refused
        return

    for each in notified(subject):
        assert len(each.title.splitlines()) == 1
        assert all(label.strip() and value.strip() for label, value in each.facts)
        assert len({label for label, _ in each.facts}) == len(each.facts)


def test_an_absent_fact_is_left_out_and_an_unknown_due_instant_is_said() -> None:
    facts = dict(notified(make_subject(environment="", runbook_ref="", next_due_at=None))[0].facts)

    assert facts.keys() & {"Environment", "Runbook", "Latest drill"} == set()
    assert facts["Due"] == "unknown"
    assert facts["State"] == "needs attention"


def test_the_facts_tell_all_that_a_person_needs() -> None:
    rule = {"escalation_owner": "platform-lead", "acknowledgement_minutes": 30}
    subject = make_subject([DRILL], owners=["team-a"], owner_routes={"team-a": rule})

    notification = notified(subject)[0]

    assert dict(notification.facts) == {
        "Schedule": "payments",
        "Environment": "production",
        "State": "needs attention",
        "Due": "2026-11-27T09:00:00+00:00",
        "Latest drill": "drill-1, 2026-11-20T09:00:00+00:00: accepted",
        "Owner": "team-a",
        "Escalates to": "platform-lead",
        "Runbook": "docs/runbook.md",
    }
    assert notification.acknowledge == (
        "Acknowledge within 30 minutes, or platform-lead is notified:"
        " drills ack --schedule-id payments --owner team-a --by YOU"
    )
    assert notification.summary == (
        "Rollback not proven: the drill was due 2026-11-27T09:00:00+00:00. Perform it and record it."
    )


@pytest.mark.parametrize("escalation_owner", ["", "team-a", "Team-A "])
def test_nobody_escalates_to_himself(escalation_owner: str) -> None:
    rule = {"escalation_owner": escalation_owner, "acknowledgement_minutes": 120}

    notification = notified(make_subject(owners=["team-a"], owner_routes={"team-a": rule}))[0]

    assert "Escalates to" not in dict(notification.facts)
    assert notification.acknowledge.startswith("Acknowledge within 2 hours, or you are notified again: ")


def test_a_place_in_a_document_stays_behind_its_file() -> None:
    notification = notified(make_subject(status="paused"))[0]

    assert notification.summary.startswith('Rollback not proven: schedule.json: $.status is "paused"')


def test_a_message_is_in_the_time_zone_of_its_owner() -> None:
    calendars = {"Team-A": {"time_zone": "Asia/Tokyo"}}
    policy = msgspec.convert({"owner_calendars": {"team-a": {"time_zone": "Europe/Berlin"}}}, RoutingPolicy)
    subject = make_subject(owners=["team-a", "team-b"], owner_calendars=calendars)

    def zones(request: PlanRequest) -> set[tuple[str, str]]:
        entries = find_entries(checked(subject, request), request)
        return {(each.owner, each.notification.time_zone) for each in entries}

    assert zones(PlanRequest()) == {("team-a", "Asia/Tokyo"), ("team-b", "UTC")}
    assert zones(PlanRequest(policy=policy)) == {("team-a", "Europe/Berlin"), ("team-b", "UTC")}


def test_the_command_to_acknowledge_survives_a_shell() -> None:
    owner = "O'Brien; rm -rf ."
    notification = notified(make_subject(owners=[owner]))[0]

    words = shlex.split(notification.event["acknowledge"])

    assert words[words.index("--owner") + 1] == owner
    assert words[words.index("--cycle") + 1] == notification.cycle_id


def test_a_suppressed_owner_is_not_named_in_the_message_of_another() -> None:
    away = {"team-b": {"available": False, "reason": "on leave"}}
    rules = {"team-b": {"providers": ["jira"], "escalation_owner": "lead-b"}}
    notifications = notified(make_subject(owner_calendars=away, owner_routes=rules))

    assert {each.owner for each in notifications} == {"team-a"}
    for each in notifications:
        text = repr(asdict(each))
        assert not [word for word in ("team-b", "on leave", "lead-b", "jira") if word in text]


def test_each_message_names_its_own_owner_and_provider_alone() -> None:
    notifications = notified(make_subject())

    assert len(notifications) == 4
    for each in notifications:
        (other,) = {"team-a", "team-b"} - {each.owner}
        assert other not in repr(each)
        assert each.event["notification_providers"] == [each.provider]
        assert [route["owner"] for route in each.event["owner_routes"]] == [each.owner]


def test_a_notification_keeps_its_id_in_a_plan_and_shares_it_with_no_other() -> None:
    once, again = notified(make_subject()), notified(make_subject())

    assert [each.notification_id for each in once] == [each.notification_id for each in again]
    assert len({each.notification_id for each in once}) == len(once)


def test_the_summary_of_an_unusable_document_does_not_tell_its_folder(tmp_path: Path) -> None:
    file = tmp_path / "ledger.json"
    file.write_text('{"owners": "team"}')
    notification = notified(Subject(read_document(Schedule, str(file)), None))[0]

    assert 'ledger.json: $.owners is "team"' in notification.summary
    assert str(tmp_path) not in notification.summary


def test_the_event_has_the_fields_of_the_contract() -> None:
    subject = make_subject([DRILL])

    event = to_plain(build_event(judged(subject).schedule_report, planned(subject)))

    assert event["schema_version"] == "cavra.go-backend-pilot.rollback-drill-notification.v1"
    assert event["event_type"] == "cavra.go_backend.rollback_drill.notification"
    assert event["summary"] == {
        "environment": "production",
        "latest_drill_id": "drill-1",
        "latest_executed_at": "2026-11-20T09:00:00+00:00",
        "next_due_at": "2026-11-27T09:00:00+00:00",
        "days_until_due": -4.0,
        "stale": True,
        "due_soon": False,
        "interval_days": 30,
    }
    wanted = (
        "product session_id schedule_id generated_at generated_by alert_level status mode title owners"
        " notification_providers owner_routes runbook_ref evidence_refs controls plan_id cycle_id acknowledge"
    )
    assert set(wanted.split()) <= event.keys()


def test_a_message_is_as_the_documentation_shows_it() -> None:
    rule = {"escalation_owner": "platform-lead"}
    subject = make_subject(
        [{**DRILL, "drill_id": "payments-2026-q4", "recovery_minutes": 41}],
        owners=["payments-team"],
        notification_providers=["slack"],
        owner_routes={"payments-team": rule},
        owner_calendars={"payments-team": {"time_zone": "Europe/Berlin"}},
    )
    (entry,) = find_entries(checked(subject), PlanRequest())

    message = make_readable(entry.notification, now=NOW)

    text = paragraphs(message.title, plain_text(message)).removesuffix(f"\n\n{message.footer}")
    assert text in Path("docs/how-to/acknowledge-and-escalate.md").read_text()
