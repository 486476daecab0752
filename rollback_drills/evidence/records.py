"""The index records of contract §5: what is kept of a plan, its decisions and its deliveries."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

import msgspec

from rollback_drills import PRODUCT
from rollback_drills.documents.fields import write_instant
from rollback_drills.evidence.record import RECORD_SCHEMA
from rollback_drills.notifications.results import Delivery, EventReference, build_result, failed_providers
from rollback_drills.planning.plan import Plan
from rollback_drills.readiness.reports import CadenceFacts, ScheduleFacts
from rollback_drills.readiness.terms import Report

PLAN_KIND: Final = "go-backend-rollback-drill-notification-plan"
DECISION_KIND: Final = "go-backend-rollback-drill-route-decision"
DELIVERY_KIND: Final = "release-connector-delivery"
ROUTE_DELIVERY_KIND: Final = "go-backend-rollback-drill-route-delivery"
ACKNOWLEDGEMENT_KIND: Final = "go-backend-rollback-drill-notification-ack"
EXCEPTION_KIND: Final = "go-backend-rollback-drill-exception"
EXCEPTION_REQUEST_KIND: Final = "go-backend-rollback-drill-exception-request"
EXCEPTION_DECLINE_KIND: Final = "go-backend-rollback-drill-exception-decline"
ESCALATION_KIND: Final = "go-backend-rollback-drill-escalation"
DRILL_KIND: Final = "go-backend-rollback-drill"
RETEST_KIND: Final = "go-backend-rollback-drill-retest"
UNTRUSTED_KIND: Final = "go-backend-rollback-drill-history-untrusted"
TRUSTED_KIND: Final = "go-backend-rollback-drill-history-trusted"
RETIREMENT_KIND: Final = "go-backend-rollback-drill-retirement"
ALARM_PATH_KIND: Final = "rollback-drills-alarm-path-finding"
LINK_REVOCATION_KIND: Final = "rollback-drills-link-revocation"
REPLAY_REQUEST_KIND: Final = "go-backend-rollback-drill-replay-request"
REPLAY_APPROVAL_KIND: Final = "go-backend-rollback-drill-replay-approval"
REPLAY_REFUSAL_KIND: Final = "go-backend-rollback-drill-replay-refusal"
FEED_KIND: Final = "rollback-drills-calendar-feed"
FEED_REVOCATION_KIND: Final = "rollback-drills-calendar-feed-revocation"
REPLAY_EXECUTION_KIND: Final = "go-backend-rollback-drill-replay-execution"
REPLAY_OUTCOME_KIND: Final = "go-backend-rollback-drill-replay-outcome"
DISCARD_KIND: Final = "go-backend-rollback-drill-notification-discard"
DISABLED_KIND: Final = "go-backend-rollback-drill-connector-disabled"
ENABLED_KIND: Final = "go-backend-rollback-drill-connector-enabled"
OUTAGE_KIND: Final = "go-backend-rollback-drill-connector-outage"
CLOSURE_KIND: Final = "go-backend-rollback-drill-connector-recovery-closure"
CHECK_KIND: Final = "rollback-drills-check"
KEY_KIND: Final = "rollback-drills-ledger-key"
CLOCK_KIND: Final = "rollback-drills-ledger-clock"
PRUNING_KIND: Final = "rollback-drills-ledger-pruning"
IMPORT_KIND: Final = "rollback-drills-imported-record"
LEDGER_KINDS: Final = (KEY_KIND, CLOCK_KIND, PRUNING_KIND)
"""What the ledger says of itself."""
ONCE_KINDS: Final = (
    *(DRILL_KIND, RETEST_KIND, ESCALATION_KIND, IMPORT_KIND, ALARM_PATH_KIND),
    *(REPLAY_OUTCOME_KIND, DISABLED_KIND, OUTAGE_KIND, CLOSURE_KIND),
)
"""What is written once, under a key."""
KINDS: Final = (
    *(PLAN_KIND, DECISION_KIND, DELIVERY_KIND, ROUTE_DELIVERY_KIND, ACKNOWLEDGEMENT_KIND, DRILL_KIND),
    *(EXCEPTION_KIND, EXCEPTION_REQUEST_KIND, EXCEPTION_DECLINE_KIND, ESCALATION_KIND),
    *(REPLAY_REQUEST_KIND, REPLAY_APPROVAL_KIND, REPLAY_REFUSAL_KIND),
    *(CHECK_KIND, LINK_REVOCATION_KIND, FEED_KIND, FEED_REVOCATION_KIND, ALARM_PATH_KIND),
    RETIREMENT_KIND,
    *(REPLAY_EXECUTION_KIND, REPLAY_OUTCOME_KIND, DISCARD_KIND),
    *(DISABLED_KIND, ENABLED_KIND, OUTAGE_KIND, CLOSURE_KIND),
    *(RETEST_KIND, UNTRUSTED_KIND, TRUSTED_KIND, IMPORT_KIND, *LEDGER_KINDS),
)

DELIVERY_SOURCE: Final = "go_backend_rollback_drill_notification"


_OF_SCHEDULE: Final = ("environment", "interval_days", "next_due_at", "runbook_ref")


def start_record(kind: str, session_id: str, *, created_at: datetime, signer: str) -> Report:
    """Return what every index record carries."""
    return {
        "schema_version": RECORD_SCHEMA,
        "product": PRODUCT,
        "session_id": session_id,
        "created_at": write_instant(created_at),
        "metadata_kind": kind,
        "signer": signer,
    }


def record_plan(
    plan: Plan, schedule: ScheduleFacts, session_id: str, *, created_at: datetime, signer: str
) -> Iterator[Report]:
    """Yield the records of a plan: first the one of the plan itself, then one of every decision.

    Args:
        plan: The plan of contract §4.
        schedule: The facts of the schedule in the report that it was made from.
        session_id: The session of the delivery.
        created_at: The clock of the evidence.
        signer: Who runs.
    """
    facts = {
        "schedule_id": plan.schedule_id,
        "cycle_id": plan.cycle_id,
        "plan_id": plan.plan_id,
        "status": str(plan.status),
        "alert_level": plan.alert_level,
    }
    written = plan.to_wire()
    yield {
        **start_record(PLAN_KIND, session_id, created_at=created_at, signer=signer),
        **facts,
        "schedule": _write_facts(schedule),
        "plan": written,
    }
    for decision in written["route_decisions"]:
        start = start_record(DECISION_KIND, session_id, created_at=created_at, signer=signer)
        yield {**start, **facts, **decision}


def _write_facts(schedule: ScheduleFacts) -> Report:
    facts = {name: getattr(schedule, name) for name in _OF_SCHEDULE}
    if isinstance(schedule.cadence, CadenceFacts):  # with the versions of the data that it depends on
        facts["cadence"] = msgspec.to_builtins(schedule.cadence)
    return facts


def record_deliveries(
    event: EventReference, deliveries: Sequence[Delivery], *, created_at: datetime, signer: str
) -> Iterator[Report]:
    """Yield the records of what a plan sent: first the one of contract §5, then one of every route."""
    attempts = [each.attempt_count for each in deliveries]
    facts = {
        "schedule_id": event.schedule_id,
        "cycle_id": event.cycle_id,
        "plan_id": event.plan_id,
        "status": event.status,
        "event_id": event.event_id,
        "event_type": event.event_type,
    }
    result = build_result(event, deliveries).to_wire()
    yield {
        **start_record(DELIVERY_KIND, event.session_id, created_at=created_at, signer=signer),
        "connector_delivery_source": DELIVERY_SOURCE,
        **facts,
        "delivery_success": result["success"],
        "providers": sorted({each.notification.provider for each in deliveries}),
        "failed_providers": failed_providers(deliveries),
        "attempt_count": sum(attempts),
        "max_attempt_count": max(attempts, default=0),
        "status_codes": [each.verdict.status_code for each in deliveries],
        "delivery": result,
    }
    for report in result["deliveries"]:
        start = start_record(ROUTE_DELIVERY_KIND, event.session_id, created_at=created_at, signer=signer)
        whole = {"generated_at": event.generated_at, "delivery_success": report["success"]}
        yield {**start, **facts, **whole, **report}
