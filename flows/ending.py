"""What a run of the process ends with: the documents of every schedule, and the final state."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from prefect import State
from prefect.states import Completed, Failed

from flows.delivery import Delivered
from flows.naming import STATE_NAMES
from rollback_drills.evidence.outbox_transfer import Indexed, explain_lag
from rollback_drills.evidence.records import record_deliveries, record_plan
from rollback_drills.names.keys import name_key
from rollback_drills.notifications.results import Delivery, DeliveryFailedError, build_result
from rollback_drills.outbox.rows import OutboxRow
from rollback_drills.planning.event import build_event
from rollback_drills.planning.fleet_check import ScheduleCheck
from rollback_drills.readiness.reports import to_plain
from rollback_drills.readiness.terms import Report, worst
from rollback_drills.reports.run_page import ScheduleRun
from rollback_drills.trust.guard import Guard


def join_runs(
    checks: Sequence[ScheduleCheck], delivered: Delivered, reasons: Mapping[str, str]
) -> list[ScheduleRun]:
    """Put together what the run found and did, by schedule, with what waits and the dead letters."""
    by_schedule: dict[str, list[Delivery]] = defaultdict(list)
    for delivery in delivered.everything:
        by_schedule[name_key(delivery.notification.schedule_id)].append(delivery)
    dead: dict[str, list[OutboxRow]] = defaultdict(list)
    for item in [*delivered.left.dead, *delivered.left.other_dead]:
        dead[name_key(item.schedule_id)].append(item)
    return [
        ScheduleRun(each.judgement, each.plan, by_schedule[key], dead[key], reasons.get(each.schedule_id, ""))
        for each in checks
        for key in [name_key(each.schedule_id)]
    ]


class Outcome(msgspec.Struct, frozen=True):
    """The documents of contract §5 and §7 for one schedule."""

    records: list[Report]
    result: dict[str, Any]


def write_down(run: ScheduleRun, signer: str, created_at: datetime) -> Outcome:
    """Build the evidence records of the plan, and the result of a schedule."""
    event = build_event(run.judgement.schedule_report, run.plan).reference
    schedule = run.judgement.schedule
    records = list(record_plan(run.plan, schedule, event.session_id, created_at=created_at, signer=signer))
    of_deliveries = (
        list(record_deliveries(event, run.deliveries, created_at=created_at, signer=signer))
        if run.deliveries
        else []
    )
    delivery = build_result(event, run.deliveries)
    result = {
        "schedule": to_plain(run.judgement.schedule_report),
        "plan": records[0]["plan"],
        "delivery": delivery.to_wire(),
        "plan_metadata": records[0],
        "metadata": of_deliveries[0] if of_deliveries else None,
        "success": delivery.success,
        "event_id": event.event_id,
    }
    return Outcome(records, result)


def end_run(
    runs: Sequence[ScheduleRun],
    outcomes: Sequence[Outcome],
    delivered: Delivered,
    indexed: Indexed,
    guard: Guard,
    *,
    is_single: bool,
    dry_run: bool,
) -> State[dict[str, Any]]:
    """Return the final state: failed if something was not delivered, else named after the schedules.

    A dry run delivers nothing, so what waits does not fail it.
    """
    results = [outcome.result for outcome in outcomes]
    data = results[0] if is_single else {"runs": results}
    left = list(delivered.explain_problems())
    problems = [] if dry_run else left
    problems += indexed.problems
    if problems:
        message = "; ".join([*problems, *guard.explain()])
        return Failed(message=message, data=DeliveryFailedError(message, data))
    name = STATE_NAMES[worst(run.judgement.readiness for run in runs)]
    counts = f"schedules: {len(runs)}; notifications delivered: {len(delivered.deliveries)}"
    lag = [explain_lag(indexed.behind)] if indexed.behind else []
    message = "; ".join([counts, *left, *lag, *guard.explain()])
    return Completed(name=name, message=message, data=data)
