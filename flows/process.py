"""The process of a drill check, from the documents to the artifacts; both flows are this."""

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from prefect import State, tags
from prefect.states import Completed, Failed

from blocks.registry import enabled_connectors
from flows.delivering import Delivered, deliver_due
from flows.guarding import find_platform
from flows.naming import STATE_NAMES, name_run, tags_of
from rollback_drills.committing import known_names
from rollback_drills.database import Database
from rollback_drills.delivery.results import (
    Delivery,
    DeliveryFailedError,
    build_result,
)
from rollback_drills.delivery.retrying import RetryPolicy
from rollback_drills.documents.fields import in_utc
from rollback_drills.documents.fleet import Fleet, Subject
from rollback_drills.documents.policy_file import read_policy
from rollback_drills.errors import DrillsError
from rollback_drills.evidence.drills import find_drills
from rollback_drills.evidence.indexing import Indexed, explain_clock
from rollback_drills.evidence.records import record_deliveries, record_plan
from rollback_drills.followup.reading import find_quiet
from rollback_drills.guarding.guard import Guard, guard_source
from rollback_drills.judging import Judgement
from rollback_drills.notification import build_event
from rollback_drills.outbox.intake import find_history
from rollback_drills.outbox.item import Item
from rollback_drills.outbox.letters import find_dead
from rollback_drills.readiness.terms import Report
from rollback_drills.recording.retests import find_all_retests
from rollback_drills.routing.decisions import PlanRequest
from rollback_drills.routing.routes import (
    BUILTIN_PROVIDERS,
    check_requested,
    named_providers,
    parse_requested,
)
from rollback_drills.run_report import ScheduleRun, worst
from rollback_drills.settings import Settings, default_database_url, read_settings
from tasks.artifacts import publish_artifacts
from tasks.aside import aside
from tasks.documents import load_documents
from tasks.events import emit_events
from tasks.evidence import index_evidence, open_database, open_existing, open_key_ahead
from tasks.logs import redacting
from tasks.outbox import commit_notifications
from tasks.rules import apply_windows, build_plans, classify_readiness, derive_due, route_owners


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What a flow run was asked to do; None leaves a setting to the environment of the worker."""

    schedule: str | None
    history: str | None
    mode: str | None
    due_soon_days: float | None
    max_age_days: float | None
    routing_policy: Mapping[str, Any] | str | None
    provider: str
    force: bool
    retries: int
    timeout_seconds: float
    generated_by: str
    dry_run: bool
    as_of: datetime | None


@redacting
def run_process(request: RunRequest) -> State[dict[str, Any]]:
    """Run the whole process, and say in which state the flow run ends.

    What the caller got wrong ends the run as failed, before anything is written or sent.
    """
    try:
        settings = read_settings(
            os.environ,
            mode=request.mode,
            history=request.history,
            schedule=request.schedule,
            due_soon_days=request.due_soon_days,
            max_age_days=request.max_age_days,
        )
        return _run(request, settings)
    except DrillsError as error:
        return Failed(message=str(error))


def _run(request: RunRequest, settings: Settings) -> State[dict[str, Any]]:
    now = in_utc(request.as_of) if request.as_of else datetime.now(UTC)
    database_url = settings.database_url or default_database_url()
    database = open_existing(database_url)
    open_key = open_key_ahead(None if request.dry_run else database)
    policy = read_policy(request.routing_policy)
    fleet = load_documents(settings.schedule, settings.history)
    subjects = fleet.subjects
    dues = derive_due(subjects, now)
    judgements = classify_readiness(subjects, dues, settings.criteria, now, request.generated_by)
    requested = parse_requested(request.provider)
    check_requested(requested, _known_providers(subjects, requested))
    platform = find_platform(settings, subjects)
    guard = guard_source(database, subjects, judgements, turned_bad_share=settings.turned_bad_share, now=now)
    naming = aside(name_run, judgements, is_single=fleet.is_single, is_distrusted=bool(guard.reasons))
    plan_request = PlanRequest(
        requested=requested,
        force=request.force,
        policy=policy,
        distrusted=guard.reasons,
        connectors=enabled_connectors() if _needs_connectors(subjects) else (),
        **_find_past(database, subjects, judgements, now),
    )
    routings = route_owners(subjects, plan_request)
    decisions = apply_windows(subjects, judgements, routings, plan_request, now)
    plans = build_plans(judgements, routings, decisions)
    delivered = Delivered()
    if not request.dry_run:
        commit_notifications(subjects, judgements, plans, plan_request, guard, platform, now, database_url)
        retry = RetryPolicy(request.retries, request.timeout_seconds)
        # Only these task runs: for each that has a tag, Prefect asks the server whether it may run.
        with tags(*tags_of(judgements)):
            delivered = deliver_due(requested, retry, database_url)
        database = open_database(database_url)
    runs = _runs_of(judgements, plans, delivered.deliveries, database, guard.reasons)
    created_at = datetime.now(UTC)  # the clock of the evidence is the real one
    outcomes = [_write_down(run, request.generated_by, created_at) for run in runs]
    indexed = Indexed(0, None, None)
    if not request.dry_run:
        records = [record for outcome in outcomes for record in outcome.records]
        records += guard.records(created_at=created_at, signer=request.generated_by)
        names = [judgement.cycle.schedule_id for judgement in judgements]
        by = request.generated_by
        drills = find_drills(subjects, names, now=now, created_at=created_at, signer=by)
        drills.followed_by(find_all_retests(subjects, judgements, now=now, created_at=created_at, signer=by))
        indexed = index_evidence(records, drills, created_at, by, database_url, open_key)
    publish_artifacts(runs, fleet.is_single, request.dry_run, indexed.head_note)
    emit_events(runs, delivered.deliveries, request.dry_run)
    naming.result()
    return _end(fleet, runs, outcomes, delivered, indexed, guard)


def _needs_connectors(subjects: Sequence[Subject]) -> bool:
    """Whether a schedule names no provider, so that the configured connectors stand in."""
    documents = (subject.schedule.document if subject.schedule else None for subject in subjects)
    return any(document is None or not document.notification_providers for document in documents)


def _known_providers(subjects: Sequence[Subject], requested: frozenset[str] | None) -> frozenset[str]:
    known = BUILTIN_PROVIDERS | named_providers(subject.schedule for subject in subjects)
    return known if requested is None or requested <= known else known | set(enabled_connectors())


def _find_past(
    database: Database | None, subjects: Sequence[Subject], judgements: Sequence[Judgement], now: datetime
) -> dict[str, Any]:
    """Give what was told, acknowledged and excepted; writes nothing, so that a dry run may ask."""
    if database is None:
        return {}
    cycles = [judgement.cycle.cycle_id for judgement in judgements]
    told = find_history(database, cycles, known_names(subjects, judgements))
    acknowledged, excepted = find_quiet(database, cycles, now=now)
    return {"told": told, "acknowledged": acknowledged, "excepted": excepted}


def _runs_of(
    judgements: Sequence[Judgement],
    plans: Sequence[Report],
    deliveries: Sequence[Delivery],
    database: Database | None,
    reasons: Mapping[str, str],
) -> list[ScheduleRun]:
    """Put together what the run found and did, by schedule, with the dead letters that are left."""
    by_schedule: dict[str, list[Delivery]] = defaultdict(list)
    for delivery in deliveries:
        by_schedule[delivery.notification.schedule_id].append(delivery)
    dead: dict[str, list[Item]] = defaultdict(list)
    for item in find_dead(database, [plan["schedule_id"] for plan in plans]) if database else ():
        dead[item.schedule_id].append(item)
    return [
        ScheduleRun(judgement, plan, by_schedule[name], dead[name], reasons.get(name, ""))
        for judgement, plan in zip(judgements, plans, strict=True)
        for name in [plan["schedule_id"]]
    ]


class _Outcome(msgspec.Struct, frozen=True):
    """The documents of contract §5 and §7 for one schedule."""

    records: list[Report]
    result: dict[str, Any]


def _write_down(run: ScheduleRun, signer: str, created_at: datetime) -> _Outcome:
    """Build the evidence records of the plan, and the result of a schedule."""
    event = build_event(run.judgement.schedule, run.plan)
    schedule = run.judgement.schedule["schedule"]
    records = list(record_plan(run.plan, schedule, event["session_id"], created_at=created_at, signer=signer))
    of_deliveries = (
        list(record_deliveries(event, run.deliveries, created_at=created_at, signer=signer))
        if run.deliveries
        else []
    )
    delivery = build_result(event, run.deliveries)
    result = {
        "schedule": run.judgement.schedule,
        "plan": run.plan,
        "delivery": delivery,
        "plan_metadata": records[0],
        "metadata": of_deliveries[0] if of_deliveries else None,
        "success": delivery["success"],
        "event_id": event["event_id"],
    }
    return _Outcome(records, result)


def _end(
    fleet: Fleet,
    runs: Sequence[ScheduleRun],
    outcomes: Sequence[_Outcome],
    delivered: Delivered,
    indexed: Indexed,
    guard: Guard,
) -> State[dict[str, Any]]:
    results = [outcome.result for outcome in outcomes]
    data = results[0] if fleet.is_single else {"runs": results}
    failed = list(delivered.explain_failures())
    problems = [f"could not deliver through {'; '.join(failed)}"] if failed else []
    if indexed.went_back:
        problems.append(explain_clock(indexed.went_back))
    if problems:
        message = "; ".join([*problems, *guard.explain()])
        return Failed(message=message, data=DeliveryFailedError(message, data))
    name = STATE_NAMES[worst(run.judgement.readiness for run in runs)]
    counts = f"schedules: {len(runs)}; notifications delivered: {len(delivered.deliveries)}"
    message = "; ".join([counts, *guard.explain()])
    return Completed(name=name, message=message, data=data)
