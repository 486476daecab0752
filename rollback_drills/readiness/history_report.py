"""Judges a drill history: the history report of contract §3."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from msgspec import UNSET

from rollback_drills.documents.cadences.interval_cadence import DAY
from rollback_drills.documents.fields import tidy
from rollback_drills.documents.history import Drill, History
from rollback_drills.documents.quotation import show
from rollback_drills.documents.reading.reader import Loaded
from rollback_drills.documents.schema_versions import HISTORY_SCHEMAS, miss_schema
from rollback_drills.documents.utc import write_instant, write_time_of_run
from rollback_drills.names.environment_variables import VARIABLES
from rollback_drills.readiness.acceptance import (
    CLOCK_SKEW,
    OUTCOME,
    find_basic,
    find_unmet,
    is_accepted,
    is_recovery_target_met,
)
from rollback_drills.readiness.checklist import Checklist, list_facts
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.readiness.due import find_latest
from rollback_drills.readiness.history_faults import find_history_faults
from rollback_drills.readiness.open_findings import OpenFinding, find_open_findings
from rollback_drills.readiness.reports import HistoryFacts, HistoryReport
from rollback_drills.readiness.states import Mode, Readiness

# Python 3.11 looks up members of enumerations slowly, and these are needed for every schedule.
_NEEDS_ATTENTION, _READY = Readiness.NEEDS_ATTENTION, Readiness.READY
_PROVEN: Final = "The rollback is proven until the latest drill is too old."
_NOTHING_REQUESTED: Final = "Nothing is asked for: name a history, or set the mode to promoted."
_NO_HISTORY: Final = History()
_NO_DRILL: Final = Drill()
_NOT_CONFIGURED: Final = f"no drill history is configured; set {VARIABLES['history']} or give its path"
FRESHNESS: Final = "go_rollback_drill_freshness"
_CHECKLIST: Final = Checklist(
    "go_rollback_drill_history",
    "a drill history",
    list_facts(OUTCOME) | {FRESHNESS: "the latest drill is not too old"},
)


def report_history(
    source: Loaded[History] | None,
    criteria: Criteria,
    *,
    now: datetime,
    generated_by: str = "cli",
    environment: str = "",
    shared: str = "",
    blocking: Collection[str] = (),
) -> HistoryReport:
    """Judge the history at an instant.

    Args:
        source: What was found at the configured path; None if no path is configured.
        criteria: The mode and the greatest age at which a drill still proves something.
        now: The instant of the judgement, aware.
        generated_by: Who asked, for the report.
        environment: The environment of the schedule that the history belongs to; empty if it is not known.
        shared: Which drills another schedule uses too; empty if there are none.
        blocking: The severities of open findings that need attention.
    """
    history = (source.document if source else None) or _NO_HISTORY
    latest = find_latest(history)
    executed_at = latest.executed_at if latest else None
    age = now - executed_at if executed_at else None
    fresh = age is not None and -CLOCK_SKEW <= age <= criteria.max_age
    problem = _find_problem(source, latest, fresh=fresh, now=now)
    open_findings = find_open_findings(history.drills, now=now)
    facts = _write_facts(history, latest or _NO_DRILL, age, problem, open_findings, fresh=fresh)
    faults = _find_faults(source, environment=environment, shared=shared, blocking=blocking)
    requested = source is not None or criteria.mode is Mode.PROMOTED
    if not requested:
        status, note = Readiness.NOT_REQUESTED, _NOTHING_REQUESTED
    else:
        status, note = (_NEEDS_ATTENTION, facts.message) if problem else (_READY, _PROVEN)
    return HistoryReport(
        generated_at=write_time_of_run(now),
        generated_by=generated_by,
        mode=criteria.mode,
        status=status,
        rollback_drill_history_path=source.path if source else "",
        rollback_drill_max_age_days=criteria.max_age_days,
        checks=_CHECKLIST.fill_in(
            source,
            facts.message,
            _find(source, latest, facts, criteria),
            valid=facts.valid,
            requested=requested,
            warnings=faults,
        ),
        history=facts,
        warnings=_list_warnings(source, latest, facts, list(faults.values()), now=now)
        if problem or faults
        else (),
        operator_notes=(note,),
    )


def _write_facts(
    history: History,
    drill: Drill,
    age: timedelta | None,
    problem: str,
    open_findings: tuple[OpenFinding, ...],
    *,
    fresh: bool,
) -> HistoryFacts:
    """Write the facts of the history and of its latest drill."""
    return HistoryFacts(  # in the order of the fields: keywords take three times as long
        not problem,
        history.schema_version,
        history.environment,
        len(history.drills),
        drill.drill_id,
        drill.status,
        drill.target_mode,
        write_instant(drill.executed_at) if drill.executed_at else "",
        age / DAY if age is not None else None,
        fresh,
        bool(drill.fallback_verified),
        is_recovery_target_met(drill),
        tidy(drill.recovery_minutes),
        tidy(drill.max_recovery_minutes),
        drill.runbook_ref,
        drill.evidence_refs,
        problem or "the latest drill is accepted and fresh",
        open_findings or UNSET,
    )


def _find_problem(source: Loaded[History] | None, latest: Drill | None, *, fresh: bool, now: datetime) -> str:
    """Return what keeps the history from being valid, the most basic reason first; empty if nothing does."""
    if source is None:
        return _NOT_CONFIGURED
    history = source.document
    if history is None:
        return source.problem
    if missing := miss_schema(history.schema_version, HISTORY_SCHEMAS):
        return f"{source.path}: {missing}"
    if latest is None:
        return f"{source.path}: $.drills is empty; perform a rollback drill and record it"
    accepted = is_accepted(latest, now=now)
    if accepted and fresh:
        return ""
    where = _place(source.path, history, latest)
    if basic := next(find_basic(latest, now=now), ""):
        return f"{where}.{basic}"
    if not accepted:
        return f"{where}.{next(iter(find_unmet(latest).values()))}"
    assert latest.executed_at is not None  # noqa: S101 - an accepted drill has a date
    return (
        f"{where}.executed_at is {write_instant(latest.executed_at)}; the drill is too old, perform a new one"
    )


def _find_faults(
    source: Loaded[History] | None, *, environment: str, shared: str, blocking: Collection[str]
) -> dict[str, str]:
    """Return, by the id of a check, file, path and remedy of what may explain why no drill is accepted."""
    if source is None or source.document is None:
        return {}
    faults = find_history_faults(source.document, environment=environment, shared=shared, blocking=blocking)
    return {check_id: f"{source.path}: {fault}" for check_id, fault in faults.items()} if faults else faults


def _list_warnings(
    source: Loaded[History] | None,
    latest: Drill | None,
    facts: HistoryFacts,
    faults: list[str],
    *,
    now: datetime,
) -> tuple[str, ...]:
    """Return what is wrong with the history or its latest drill, and not merely old or not there yet."""
    if source is None or facts.valid:
        return tuple(faults)
    if source.document is not None and (latest is None or is_accepted(latest, now=now)):
        return (*([] if facts.schema_version in HISTORY_SCHEMAS else [facts.message]), *faults)
    fault, _, _ = facts.message.removeprefix(f"{source.path}: ").partition("; ")
    is_named = any(fault in each for each in faults)  # an unknown word makes the drill unacceptable too
    return tuple(faults) if is_named else (facts.message, *faults)


def _place(path: str, history: History, drill: Drill) -> str:
    return f"{path}: $.drills[{history.drills.index(drill)}]"


def _find(
    source: Loaded[History] | None, latest: Drill | None, facts: HistoryFacts, criteria: Criteria
) -> dict[str, str]:
    """Return, by the id of the check, what the latest drill misses, or what keeps it from being known."""
    if facts.valid:
        return {}
    if source is None or source.document is None or latest is None:
        return dict.fromkeys(_CHECKLIST.facts, facts.message)
    where = _place(source.path, source.document, latest)
    faults = find_unmet(latest)
    if not facts.fresh:
        age = "unknown" if facts.age_days is None else f"{facts.age_days:.2f} days"
        faults[FRESHNESS] = (
            f"executed_at is {show(facts.latest_executed_at)}, so the age is {age};"
            f" at most {criteria.max_age_days} days, and not in the future"
        )
    return {name: f"{where}.{fault}" for name, fault in faults.items()}
