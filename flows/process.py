"""The process of a drill check, from the documents to the artifacts; both flows are this."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from prefect import State, tags

from blocks.registry import enabled_connectors
from flows.delivering import Delivered, deliver_due, try_failed_again
from flows.ending import end_run, join_runs, write_down
from flows.failing import fail
from flows.guarding import find_platform
from flows.naming import name_run, tags_of
from rollback_drills.database.connections import Database
from rollback_drills.delivery.retrying import RetryPolicy
from rollback_drills.documents.fields import in_utc
from rollback_drills.documents.fleet import Subject
from rollback_drills.documents.policy_file import read_policy
from rollback_drills.effects import count_effects
from rollback_drills.errors import DrillsError
from rollback_drills.evidence.drills import find_drills
from rollback_drills.evidence.indexing import Indexed
from rollback_drills.followup.reading import find_quiet
from rollback_drills.outbox.commit import find_history
from rollback_drills.outbox.former_names import keep_former_names
from rollback_drills.outbox.known import keep_known_cycles
from rollback_drills.outbox.undelivered import find_undelivered
from rollback_drills.planning.outbox_entries import known_names
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.planning.routes import (
    check_requested,
    known_providers,
    parse_requested,
)
from rollback_drills.readiness.judgement import Judgement
from rollback_drills.recording.retests import find_all_retests
from rollback_drills.settings import Settings, default_database_url, read_settings, require_watched
from rollback_drills.trust.guard import guard_source
from tasks.artifacts import publish_artifacts
from tasks.aside import aside
from tasks.documents import load_documents
from tasks.events import emit_events
from tasks.evidence import index_evidence, open_existing, open_key_ahead, read_clock
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

    What the caller got wrong ends the run as failed, before anything is written or sent. An error that comes
    later says that the run had begun to deliver.
    """
    before = count_effects()
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
        return fail(error, effects_before=before)


def _run(request: RunRequest, settings: Settings) -> State[dict[str, Any]]:
    database_url = settings.database_url or default_database_url()
    database = open_existing(database_url)
    now = in_utc(request.as_of) if request.as_of else read_clock(database_url)
    open_key = open_key_ahead(None if request.dry_run else database)
    policy = read_policy(request.routing_policy)
    fleet = load_documents(settings.schedule, settings.history)
    subjects = keep_former_names(fleet.subjects, database)
    dues = derive_due(subjects, now)
    judged = classify_readiness(subjects, dues, settings.criteria, now, request.generated_by)
    judgements = keep_known_cycles(database, judged)
    requested = parse_requested(request.provider)
    sources = [subject.schedule for subject in subjects]
    check_requested(requested, known_providers(sources, requested, enabled_connectors))
    require_watched(settings)
    platform = find_platform(settings, subjects)
    names = known_names(subjects, judgements)
    if database is not None and not request.dry_run:
        try_failed_again(requested, database_url, names)
    guard = guard_source(database, subjects, judgements, turned_bad_share=settings.turned_bad_share, now=now)
    naming = aside(name_run, judgements, is_single=fleet.is_single, is_distrusted=bool(guard.reasons))
    plan_request = PlanRequest(
        requested=requested,
        force=request.force,
        policy=policy,
        distrusted=guard.reasons,
        connectors=enabled_connectors() if _needs_connectors(subjects) else (),
        **_find_past(database, names, judgements, now),
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
            delivered = deliver_due(requested, retry, database_url, names)
    elif database is not None:
        delivered.left = find_undelivered(database, names, requested, now=database.now().timestamp())
    runs = join_runs(judgements, plans, delivered, guard.reasons)
    created_at = read_clock(database_url)  # the clock of the evidence is the real one
    outcomes = [write_down(run, request.generated_by, created_at) for run in runs]
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
    return end_run(fleet, runs, outcomes, delivered, indexed, guard, dry_run=request.dry_run)


def _needs_connectors(subjects: Sequence[Subject]) -> bool:
    """Whether a schedule names no provider, so that the configured connectors stand in."""
    documents = (subject.schedule.document if subject.schedule else None for subject in subjects)
    return any(document is None or not document.notification_providers for document in documents)


def _find_past(
    database: Database | None, names: Sequence[str], judgements: Sequence[Judgement], now: datetime
) -> dict[str, Any]:
    """Give what was told, acknowledged and excepted; writes nothing, so that a dry run may ask."""
    if database is None:
        return {}
    cycles = [judgement.cycle.cycle_id for judgement in judgements]
    told = find_history(database, cycles, names)
    acknowledged, excepted = find_quiet(database, cycles, now=now)
    return {"told": told, "acknowledged": acknowledged, "excepted": excepted}
