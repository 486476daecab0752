"""What a run of the process ends with: the documents of every schedule, and the final state."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from prefect.states import Completed

from flows.check.delivery import Delivered
from flows.results import FinalState, RunResult, ScheduleResult, ShardSummary, fail_delivery
from flows.run_names import Found, describe
from flows.state_names import STATE_NAMES, say_if_dry
from rollback_drills.evidence.append_result import Indexed
from rollback_drills.evidence.checks.population import Changes
from rollback_drills.evidence.delivery_records import record_deliveries
from rollback_drills.evidence.plan_records import DecisionRecord, PlanRecord, record_plan
from rollback_drills.names import ids
from rollback_drills.names.keys import name_key
from rollback_drills.notifications.results import Delivery, build_result
from rollback_drills.outbox.rows import OutboxRow
from rollback_drills.planning.event import build_event
from rollback_drills.planning.fleet_check import ScheduleCheck
from rollback_drills.reports.pages.publication import MOST_SCHEDULE_PAGES, sort_by_pressing
from rollback_drills.reports.pages.run_page import ScheduleRun
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
    tried = {name_key(delivery.notification.schedule_id) for delivery in delivered.deliveries}
    return [
        ScheduleRun(
            each.judgement,
            each.plan,
            by_schedule.get(key, ()),
            dead.get(key, ()),
            reasons.get(each.schedule_id, ""),
            is_tried=key in tried,
        )
        for each in checks
        for key in [name_key(each.schedule_id)]
    ]


def find_news(runs: Sequence[ScheduleRun], changes: Changes) -> Sequence[ScheduleRun]:
    """Return the schedules of a fleet that changed, or have notifications; a single one in any case.

    There are no more of them than pages, the most pressing first: Prefect looks through every value, for
    milliseconds of each schedule.
    """
    if len(runs) == 1:
        return runs
    news = [each for each in runs if each.plan.schedule_id in changes.changed or each.deliveries]
    return news if len(news) <= MOST_SCHEDULE_PAGES else sort_by_pressing(news)[:MOST_SCHEDULE_PAGES]


def record_schedule(
    run: ScheduleRun, signer: str, created_at: datetime
) -> Iterator[PlanRecord | DecisionRecord]:
    """Yield the evidence records of the plan and its decisions (contract §5)."""
    session_id = ids.delivery_session_id(run.plan.schedule_id, run.plan.plan_id)
    yield from record_plan(run.plan, run.judgement.schedule, session_id, created_at=created_at, signer=signer)


def write_result(run: ScheduleRun, signer: str, created_at: datetime) -> ScheduleResult:
    """Write the result of a schedule (contract §7), with the records as they are in the evidence."""
    event = build_event(run.judgement.schedule_report, run.plan).reference
    recorded = next(record_schedule(run, signer, created_at))
    deliveries = record_deliveries(event, run.deliveries, created_at=created_at, signer=signer)
    delivery = build_result(event, run.deliveries)
    return ScheduleResult(
        schedule=run.judgement.schedule_report,
        plan=run.plan,
        delivery=delivery,
        plan_metadata=recorded.to_wire(),
        metadata=next(deliveries).to_wire() if run.deliveries else None,
        success=delivery.success,
        event_id=event.event_id,
    )


def end_run(
    found: Found,
    delivered: Delivered,
    indexed: Indexed,
    guard: Guard,
    result: RunResult | ShardSummary,
    unused: Iterable[str],
    *,
    dry_run: bool,
) -> FinalState:
    """Return the final state: failed if something was not delivered, else named after the schedules.

    A dry run delivers nothing, so what waits does not fail it. `unused` says what was asked for in vain.
    """
    left = list(delivered.explain_problems())
    problems = [] if dry_run else left
    problems += indexed.problems
    notes = [*unused, *delivered.explain_elsewhere(), *indexed.notes, *guard.explain()]
    if problems:
        return fail_delivery("; ".join([*problems, *notes]), result)
    news = describe(found, None if dry_run else indexed.changes)
    delivery_count = f"notifications delivered: {len(delivered.deliveries)}"
    message = "; ".join([news, delivery_count, *left, *notes])
    message = say_if_dry(message, dry_run=dry_run)
    return Completed(name=STATE_NAMES[found.worst], message=message, data=result)
