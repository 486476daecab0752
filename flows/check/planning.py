"""The part of a check that sends nothing: from the documents to the plans."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from prefect.utilities.annotations import quote

from blocks.registry import enabled_connectors
from flows.check.delivery import try_failed_again
from flows.clock import read_now
from flows.platform_owner import check_platform, find_platform
from flows.run_names import Found, tags_of
from rollback_drills.database.connections import Database
from rollback_drills.documents.fleets.shard import Shard
from rollback_drills.documents.policy_file import read_policy
from rollback_drills.documents.reading.reader import Loaded
from rollback_drills.documents.routing_policy import RoutingPolicy
from rollback_drills.documents.schedule import Schedule
from rollback_drills.evidence.appender import OpenSigningKey
from rollback_drills.evidence.checks.population import name_population
from rollback_drills.followup.open_cycles import find_quiet
from rollback_drills.followup.retirements.retirement import apply_retirements, read_retired
from rollback_drills.outbox.commit import find_history
from rollback_drills.outbox.former_names import keep_former_names
from rollback_drills.outbox.known_cycles import keep_known_cycles
from rollback_drills.planning.fleet_check import FleetCheck, ScheduleCheck, start_checks
from rollback_drills.planning.outbox_entries import known_names
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.planning.requests import DeliverRequest
from rollback_drills.planning.routes import check_requested, known_providers, named_providers, parse_requested
from rollback_drills.settings import Settings, require_watched
from rollback_drills.trust.guard import Guard, guard_source
from rollback_drills.trust.notice import Platform
from tasks.documents import load_documents
from tasks.evidence import open_existing, open_key_ahead
from tasks.remembered_head import Comparison
from tasks.rules import apply_windows, build_plans, classify_readiness, derive_due, route_owners


@dataclass(frozen=True, slots=True)
class Run:
    """What a run works with."""

    request: DeliverRequest
    settings: Settings
    database_url: str
    database: Database | None
    """None if no run has written anything yet."""
    now: datetime
    open_key: OpenSigningKey
    comparison: Comparison
    """Of the evidence with its remembered head; the check makes it for all its shards."""
    policy: RoutingPolicy | None
    requested: frozenset[str] | None
    """The keys of the requested providers; None means all."""
    shard: Shard | None = None
    """Which part of the fleet is checked; None means all of it."""

    @property
    def watched(self) -> str:
        """The configured path of the schedules; empty if none is configured."""
        return self.settings.schedule or ""

    @property
    def population_id(self) -> str:
        """What the run looks at, with all other shards of it."""
        return name_population(self.watched, self.settings.history, requested=self.requested)


@dataclass(frozen=True, slots=True)
class Checked:
    """What a run found before it notifies anybody."""

    fleet: FleetCheck
    guard: Guard
    platform: Platform
    plan_request: PlanRequest
    found: Found
    """What is said of it in the name of the run, and in its state."""
    tags: Sequence[str]
    """Of the run, and of its deliveries."""


def begin_run(request: DeliverRequest, settings: Settings, shard: Shard | None = None) -> Run:
    """Open what a run needs.

    Raises:
        UsageError: The routing policy is unusable, no provider is requested, or a recurring run has a time.
    """
    url = settings.evidence_url
    database = open_existing(url, to_write=not request.dry_run)
    now = read_now(request.as_of, url, database)
    open_key = open_key_ahead(None if request.dry_run else database)
    comparison = Comparison(database, is_wanted=not request.dry_run and shard is None)
    policy = read_policy(request.routing_policy)
    requested = parse_requested(request.provider)
    return Run(request, settings, url, database, now, open_key, comparison, policy, requested, shard)


def judge_fleet(run: Run) -> tuple[FleetCheck, Guard, Platform]:
    """Load and judge all schedules, and compare their histories with the evidence.

    Raises:
        UsageError: A document is missing, or a requested provider is unknown.
    """
    loaded = load_documents(run.settings, run.shard)
    subjects = keep_former_names(loaded.subjects, run.database)
    quoted: Any = quote(subjects)  # Prefect looks for futures in every item of a list that is not quoted
    dues: Any = derive_due(quoted, run.now)
    judged: Any = classify_readiness(
        quoted, dues, run.settings.criteria, run.now, run.request.generated_by, loaded.drills_elsewhere
    )
    followed = apply_retirements(judged.unwrap(), read_retired(run.database))
    judgements = keep_known_cycles(run.database, followed)
    platform = find_platform(run.settings)
    if run.shard is None:  # a schedule of another shard may name them
        check_providers(run, platform, (subject.schedule for subject in subjects))
    require_watched(run.settings)
    names = known_names(subjects, judgements)
    if run.database is not None and not run.request.dry_run:
        try_failed_again(run.requested, run.database_url, run.request.generated_by, names)
    share = run.settings.turned_bad_share
    checks = start_checks(subjects, judgements)
    guard = guard_source(
        run.database, checks, turned_bad_share=share, now=run.now, is_partial=run.shard is not None
    )
    return FleetCheck(checks, loaded.is_single, names, loaded.warnings), guard, platform


def check_providers(run: Run, platform: Platform, sources: Iterable[Loaded[Schedule] | None]) -> None:
    """Refuse providers that nobody knows, of the request or for the platform owner.

    Raises:
        UsageError: Names the unknown provider and the known ones.
    """
    named = named_providers(sources)
    check_requested(run.requested, known_providers(named, run.requested, enabled_connectors))
    check_platform(platform, named)


def plan_fleet(run: Run, fleet: FleetCheck, guard: Guard, platform: Platform) -> Checked:
    """Build the plans of all schedules, and return all that was found."""
    known = PlanRequest(
        requested=run.requested,
        force=run.request.force,
        policy=run.policy,
        distrusted=guard.reasons,
        connectors=enabled_connectors() if _needs_connectors(fleet.checks) else (),
    )
    request = _add_past(known, run, fleet)
    route_owners(fleet, request)
    apply_windows(fleet, request, run.now)
    build_plans(fleet)
    judgements = fleet.judgements
    return Checked(fleet, guard, platform, request, Found.of(judgements), tags_of(judgements))


def _needs_connectors(checks: Sequence[ScheduleCheck]) -> bool:
    """Return whether a schedule names no provider, so that the configured connectors stand in."""
    schedules = (check.schedule for check in checks)
    return any(each is None or not each.notification_providers for each in schedules)


def _add_past(request: PlanRequest, run: Run, fleet: FleetCheck) -> PlanRequest:
    """Add earlier notifications, acknowledgements and exceptions; nothing is written."""
    if run.database is None:
        return request
    cycles = [judgement.cycle.cycle_id for judgement in fleet.judgements]
    notified = find_history(run.database, cycles, fleet.known_names)
    acknowledged, excepted = find_quiet(run.database, cycles, now=run.now)
    return replace(request, notified=notified, acknowledged=acknowledged, excepted=excepted)
