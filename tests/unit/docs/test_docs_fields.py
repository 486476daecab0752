"""The documents have the fields that clients of CAVRA read; what differs is listed in the docs."""

import re
from datetime import timedelta

import msgspec
import pytest

from rollback_drills.database.connections import Database
from rollback_drills.documents.plain_json import PlainJson, to_plain
from rollback_drills.documents.schedule import Schedule
from rollback_drills.followup.connector_health import read_connectors
from rollback_drills.followup.dashboard import build_dashboard
from rollback_drills.followup.totals import read_totals
from rollback_drills.planning.event import build_event
from rollback_drills.reports.audit.audit_reading import find_package
from rollback_drills.reports.filters import PackageFilter, RouteFilter
from rollback_drills.reports.period import Period
from rollback_drills.reports.routes import find_routes
from rollback_drills.reports.trend import find_trend
from tests.checkout import ROOT
from tests.reading.documentation import TEXTS, rows
from tests.samples.builders import DRILL, NOW, judged, make_subject, planned
from tests.samples.ledgers import append_plan
from tests.samples.world import World

# As https://github.com/Huzefaaa2/cavra/blob/main/src/cavra/go_backend.py writes them.
NAMES = {
    "history report": """
        schema_version mode status rollback_drill_history_path rollback_drill_max_age_days
        checks history operator_notes
    """,
    "history": """
        valid schema_version environment drill_count latest_drill_id latest_status
        latest_target_mode latest_executed_at age_days fresh fallback_verified recovery_sla_met
        recovery_minutes max_recovery_minutes runbook_ref evidence_refs message
    """,
    "schedule report": """
        schema_version mode status rollback_drill_schedule_path rollback_drill_due_soon_days
        checks schedule history operator_notes
    """,
    "schedule": """
        valid schema_version schedule_id environment status active cadence_valid interval_days
        next_due_at days_until_due stale due_soon notification_routes_valid owners
        notification_providers owner_routes maintenance_windows owner_calendars runbook_ref
        message
    """,
    "event": """
        schema_version product event_type session_id schedule_id generated_at generated_by
        alert_level status mode title summary owners notification_providers owner_routes
        runbook_ref evidence_refs controls
    """,
    "summary": """
        environment latest_drill_id latest_executed_at next_due_at days_until_due stale due_soon
        interval_days
    """,
    "plan": """
        schema_version product plan_id schedule_id generated_at generated_by status alert_level
        eligible_providers selected_providers acknowledgement_required_providers
        suppressed_providers owners owner_routes route_decisions deliverable_route_count
        suppressed_route_count maintenance_suppressed_count calendar_suppressed_count
        next_due_at reason controls
    """,
    "route decision": """
        route_key schedule_id provider owner acknowledgement_minutes escalation_owner
        maintenance_window owner_availability action reason
    """,
    "dashboard": """
        schema_version product generated_at alert_level plan_count delivery_count
        notification_delivery_count failed_delivery_count acknowledgement_count
        outstanding_acknowledgement_count outstanding_acknowledgements
    """,
    "outstanding acknowledgement": "schedule_id provider plan_id",
    "escalation plan": """
        schema_version product plan_id generated_at generated_by alert_level
        acknowledgement_minutes route_count outstanding_count breached_count routes
    """,
    "escalation route": """
        schedule_id plan_id provider owner acknowledgement_state acknowledged age_minutes
        acknowledgement_minutes breached recommended_action
    """,
    "trend": """
        schema_version product trend_id generated_at generated_by alert_level
        suppression_event_count category_counts owner_counts provider_counts schedule_counts
        maintenance_suppressed_count calendar_suppressed_count healthy_schedule_suppressed_count
        filters latest_events
    """,
    "routing history": "schema_version product items total limit offset filters",
    "routing history item": """
        created_at plan_id schedule_id alert_level provider owner escalation_owner action
        category reason acknowledgement_minutes maintenance_window_id maintenance_window_reason
        owner_available owner_availability_reason
    """,
    "audit package": """
        schema_version product audit_id generated_at generated_by filters route_count
        acknowledgement_count acknowledged_count resolved_count escalated_count dismissed_count
        outstanding_count alert_level routes controls
    """,
    "audit package route": """
        route_id schedule_id plan_id provider owner escalation_owner route_action
        route_created_at acknowledgement_state acknowledged acknowledged_by acknowledged_at
        external_ref notes acknowledgement_id
    """,
}


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, PlainJson]:
    database = Database.open(f"sqlite:///{tmp_path_factory.mktemp('ledger')}/ledger.db")
    world = World(database, {"next_due_at": "2026-11-01T00:00:00Z"})
    subject = make_subject([DRILL], next_due_at="2026-11-01T00:00:00Z")
    judgement, plan = judged(subject), planned(subject)
    append_plan(database)
    world.check()
    event, written = to_plain(build_event(judgement.schedule_report, plan)), to_plain(plan)
    period = Period(NOW - timedelta(days=1), NOW + timedelta(days=1))
    package = to_plain(find_package(database, PackageFilter(), period, now=NOW, generated_by="test"))
    routes = to_plain(find_routes(database, RouteFilter(), period))
    dashboard = to_plain(
        build_dashboard(
            world.open_cycles(),
            read_connectors(database),
            now=NOW,
            generated_by="test",
            totals=read_totals(database),
        )
    )
    escalation = world.escalation_plan()
    return {
        "history report": to_plain(judgement.history_report),
        "history": to_plain(judgement.history),
        "schedule report": to_plain(judgement.schedule_report),
        "schedule": to_plain(judgement.schedule),
        "event": event,
        "summary": event["summary"],
        "plan": written,
        "route decision": written["route_decisions"][0],
        "dashboard": dashboard,
        "outstanding acknowledgement": dashboard["outstanding_acknowledgements"][0],
        "escalation plan": escalation,
        "escalation route": escalation["routes"][0],
        "trend": to_plain(find_trend(database, RouteFilter(), period, now=NOW, generated_by="test")),
        "routing history": routes,
        "routing history item": routes["items"][0],
        "audit package": package,
        "audit package route": package["routes"][0],
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_document_has_the_fields_that_clients_of_cavra_read(
    name: str, documents: dict[str, PlainJson]
) -> None:
    assert set(NAMES[name].split()) - documents[name].keys() == set()


def test_the_dashboard_counts_under_both_names(documents: dict[str, PlainJson]) -> None:
    dashboard = documents["dashboard"]

    assert dashboard["outstanding_acknowledgement_count"] == dashboard["outstanding_count"] > 0
    assert len(dashboard["outstanding_acknowledgements"]) == len(dashboard["outstanding"])
    assert dashboard["plan_count"] > 0
    assert dashboard["notification_delivery_count"] == dashboard["delivery_count"]
    assert dashboard["acknowledgement_count"] == 0


@pytest.mark.parametrize("field", ["provider_payloads", "route_id", "active_message", "latest"])
def test_a_field_that_is_not_written_is_listed_as_a_difference(field: str) -> None:
    differences = ROOT / "docs" / "differences.md"
    assert f"`{field}`" in differences.read_text(encoding="utf-8")


def test_the_page_for_those_who_move_lists_every_key_that_cavra_does_not_have() -> None:
    of_cavra = """
        schema_version schedule_id environment status interval_days next_due_at owners notification_providers
        owner_routes maintenance_windows owner_calendars runbook_ref acknowledgement_minutes default_slo
        blackout_windows
    """.split()
    keys = {each.encode_name for each in msgspec.structs.fields(Schedule)}
    page = TEXTS["docs/how-to/move-from-cavra.md"]

    (listed,) = (words for document, words in rows(page, "| document | keys |") if document == "schedule")

    assert set(re.findall(r"`([^`]+)`", listed)) == keys - set(of_cavra)
