"""Many notifications, ready to be committed, for tests and benchmarks of delivery."""

from collections.abc import Iterator
from datetime import UTC, datetime

from rollback_drills.documents.utc import write_instant
from rollback_drills.names import ids
from rollback_drills.notifications.notification import EVENT_SCHEMA, EVENT_TYPE, Notification
from rollback_drills.notifications.outbox_entry import OutboxEntry
from rollback_drills.notifications.reasons import Reason
from rollback_drills.readiness.states import Readiness

PLANNED_AT = datetime(2026, 12, 1, 9, tzinfo=UTC)


def make_entries(
    count: int, *, provider: str = "webhook", owner: str = "payments-team", reason: Reason = Reason.FIRST
) -> Iterator[OutboxEntry]:
    """Return notifications of as many schedules, each of a cycle of its own."""
    for number in range(count):
        yield make_entry(f"payments-{number:05}", provider=provider, owner=owner, reason=reason)


def make_entry(
    schedule_id: str,
    *,
    provider: str = "webhook",
    owner: str = "payments-team",
    reason: Reason = Reason.FIRST,
    due_at: str = "2026-11-27T09:00:00+00:00",
) -> OutboxEntry:
    """Return one notification as a plan would commit it."""
    cycle_id = ids.cycle_id(schedule_id, due_at)
    route_key = ids.route_key(cycle_id, provider, owner)
    notification_id = ids.notification_id(route_key, reason, 1)
    plan_id = ids.plan_id(cycle_id, write_instant(PLANNED_AT))
    title = f"Rollback drill overdue: {schedule_id} (production)"
    notification = Notification(
        notification_id=notification_id,
        provider=provider,
        owner=owner,
        alert_level="critical",
        title=title,
        summary="Rollback not proven: the drill was due four days ago.",
        facts=(
            ("Schedule", schedule_id),
            ("Environment", "production"),
            ("State", "needs attention"),
            ("Due", due_at),
            ("Owner", owner),
            ("Runbook", "docs/runbook.md"),
            ("Cycle", cycle_id),
        ),
        acknowledge=f"Acknowledge within 60 minutes: drills ack --cycle {cycle_id} --by YOU",
        schedule_id=schedule_id,
        cycle_id=cycle_id,
        plan_id=plan_id,
        event={
            "schema_version": EVENT_SCHEMA,
            "event_type": EVENT_TYPE,
            "event_id": ids.event_id(plan_id),
            "product": "rollback-drills",
            "session_id": ids.delivery_session_id(schedule_id, plan_id),
            "schedule_id": schedule_id,
            "plan_id": plan_id,
            "cycle_id": cycle_id,
            "generated_at": write_instant(PLANNED_AT),
            "generated_by": "drill-check",
            "alert_level": "critical",
            "status": "needs_attention",
            "mode": "promoted",
            "title": title,
            "summary": {
                "environment": "production",
                "latest_drill_id": "payments-2026-10",
                "next_due_at": due_at,
                "stale": True,
                "interval_days": 30,
            },
            "owners": [owner],
            "notification_providers": [provider],
            "runbook_ref": "docs/runbook.md",
            "evidence_refs": ["go-rollback-drill://ci/payments-2026-10"],
            "acknowledge": f"drills ack --cycle {cycle_id} --by YOU",
        },
        reason=reason,
    )
    return OutboxEntry(
        notification_id=notification_id,
        route_key=route_key,
        cycle_id=cycle_id,
        schedule_id=schedule_id,
        provider=provider,
        owner=owner,
        reason=reason,
        status=Readiness.NEEDS_ATTENTION,
        cycle_due=due_at,
        planned_at=PLANNED_AT,
        notification=notification,
    )
