"""The process of a drill check, from the documents to the artifacts; both flows are this."""

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from prefect import State, tags
from prefect.states import Completed, Failed

from blocks.registry import configured_connectors
from flows.naming import name_run, tags_of
from rollback_drills.delivery.backoff import RetryPolicy
from rollback_drills.delivery.outcome import Outcome, Verdict
from rollback_drills.delivery.results import (
    Delivery,
    DeliveryFailedError,
    ProviderDeliveries,
    build_result,
    failed_providers,
)
from rollback_drills.documents.fleet import Fleet, Subject
from rollback_drills.documents.policy_file import read_policy
from rollback_drills.errors import DrillsError
from rollback_drills.evidence.records import record_deliveries, record_plan
from rollback_drills.judging import Judgement
from rollback_drills.notification import Notification, build_event, build_notifications
from rollback_drills.readiness.terms import Readiness, Report
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
from tasks.delivery import deliver_to_provider
from tasks.documents import load_documents
from tasks.evidence import find_told, index_evidence
from tasks.rules import apply_windows, build_plans, classify_readiness, derive_due, route_owners

_STATE_NAMES = {
    Readiness.READY: "Ready",
    Readiness.DUE_SOON: "DueSoon",
    Readiness.NEEDS_ATTENTION: "NeedsAttention",
    Readiness.NOT_REQUESTED: "NotRequested",
}


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
    now = _as_instant(request.as_of) if request.as_of else datetime.now(UTC)
    database_url = settings.database_url or default_database_url()
    policy = read_policy(request.routing_policy)
    fleet = load_documents(settings.schedule, settings.history)
    subjects = fleet.subjects
    dues = derive_due(subjects, now)
    judgements = classify_readiness(subjects, dues, settings.criteria, now, request.generated_by)
    with tags(*tags_of(judgements)):
        requested = parse_requested(request.provider)
        check_requested(requested, _known_providers(subjects, requested))
        plan_request = PlanRequest(
            requested=requested,
            force=request.force,
            policy=policy,
            connectors=_connector_names() if _needs_connectors(subjects) else (),
            told=find_told(database_url, _pressing(judgements)),
        )
        routings = route_owners(subjects, plan_request)
        decisions = apply_windows(subjects, judgements, routings, plan_request, now)
        plans = build_plans(judgements, routings, decisions)
        deliveries = {} if request.dry_run else _deliver(judgements, plans, request)
        runs = [
            ScheduleRun(judgement, plan, deliveries.get(plan["plan_id"], ()))
            for judgement, plan in zip(judgements, plans, strict=True)
        ]
        outcomes = [_write_down(run, request.generated_by) for run in runs]
        if not request.dry_run:
            index_evidence([record for outcome in outcomes for record in outcome.records], database_url)
        publish_artifacts(runs, fleet.is_single, request.dry_run)
    name_run(runs, is_single=fleet.is_single)
    return _end(fleet, runs, outcomes)


def _as_instant(given: datetime) -> datetime:
    return given.replace(tzinfo=UTC) if given.tzinfo is None else given.astimezone(UTC)


def _needs_connectors(subjects: Sequence[Subject]) -> bool:
    """Whether a schedule names no provider, so that the configured connectors stand in."""
    documents = (subject.schedule.document if subject.schedule else None for subject in subjects)
    return any(document is None or not document.notification_providers for document in documents)


def _connector_names() -> tuple[str, ...]:
    return tuple(connector.name for connector in configured_connectors() if connector.enabled)


def _known_providers(subjects: Sequence[Subject], requested: frozenset[str] | None) -> frozenset[str]:
    known = BUILTIN_PROVIDERS | named_providers(subject.schedule for subject in subjects)
    return known if requested is None or requested <= known else known | set(_connector_names())


def _pressing(judgements: Sequence[Judgement]) -> list[str]:
    """Name the schedules that may have been told before: healthy ones need no look at the evidence."""
    return [
        judgement.cycle.schedule_id
        for judgement in judgements
        if judgement.readiness in (Readiness.DUE_SOON, Readiness.NEEDS_ATTENTION)
    ]


def _deliver(
    judgements: Sequence[Judgement], plans: Sequence[Report], request: RunRequest
) -> dict[str, list[Delivery]]:
    """Deliver all notifications, each provider in a task run of its own; give the deliveries by plan."""
    by_provider: dict[str, list[Notification]] = defaultdict(list)
    for judgement, plan in zip(judgements, plans, strict=True):
        for notification in build_notifications(judgement.schedule, plan):
            by_provider[notification.provider].append(notification)
    policy = RetryPolicy(request.retries, request.timeout_seconds)
    futures = [
        (notifications, deliver_to_provider.submit(provider, notifications, policy))
        for provider, notifications in sorted(by_provider.items())
    ]
    by_plan: dict[str, list[Delivery]] = defaultdict(list)
    for notifications, future in futures:
        future.wait()
        for delivery in _outcome_of(future.state, notifications):
            by_plan[delivery.notification.plan_id].append(delivery)
    return by_plan


def _outcome_of(state: State[Any], notifications: Sequence[Notification]) -> list[Delivery]:
    """Give the deliveries of a task run; if it broke, nobody knows what was sent."""
    deliveries = state.result(raise_on_failure=False)
    if isinstance(deliveries, ProviderDeliveries):
        return list(deliveries)
    now = datetime.now(UTC)
    verdict = Verdict(Outcome.AMBIGUOUS, f"the delivery task broke ({type(deliveries).__name__})")
    return [Delivery(notification, verdict, 1, now, now) for notification in notifications]


class _Outcome(msgspec.Struct, frozen=True):
    """The documents of contract §5 and §7 for one schedule."""

    records: list[Report]
    result: dict[str, Any]


def _write_down(run: ScheduleRun, signer: str) -> _Outcome:
    """Build the evidence records and the result of a schedule; the clock of the evidence is the real one."""
    created_at = datetime.now(UTC)
    event = build_event(run.judgement.schedule, run.plan)
    records = list(record_plan(run.plan, event["session_id"], created_at=created_at, signer=signer))
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
    return _Outcome(records + of_deliveries, result)


def _end(fleet: Fleet, runs: Sequence[ScheduleRun], outcomes: Sequence[_Outcome]) -> State[dict[str, Any]]:
    results = [outcome.result for outcome in outcomes]
    data = results[0] if fleet.is_single else {"runs": results}
    failed = list(_explain_failures(runs))
    if failed:
        message = f"could not deliver through {'; '.join(failed)}"
        return Failed(message=message, data=DeliveryFailedError(message, data))
    told = sum(len(run.deliveries) for run in runs)
    name = _STATE_NAMES[worst(run.judgement.readiness for run in runs)]
    return Completed(name=name, message=f"schedules: {len(runs)}; notifications delivered: {told}", data=data)


def _explain_failures(runs: Sequence[ScheduleRun]) -> Iterator[str]:
    """Name each provider that failed, with what went wrong first."""
    deliveries = [delivery for run in runs for delivery in run.deliveries]
    for provider in failed_providers(deliveries):
        first = next(
            each.verdict
            for each in deliveries
            if each.notification.provider == provider and not each.verdict.succeeded
        )
        yield f"{provider} ({first.outcome}: {first.detail})"
