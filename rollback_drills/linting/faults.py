"""Finds what is wrong with one document, whatever the time is."""

from collections.abc import Iterator
from dataclasses import dataclass

from rollback_drills.documents.changes import Changes, find_change_faults
from rollback_drills.documents.fields import Document
from rollback_drills.documents.history import Drill, History
from rollback_drills.documents.promotion import PromotionDocument
from rollback_drills.documents.routing_policy import RoutingPolicy
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.schema_versions import HISTORY_SCHEMAS, miss_schema
from rollback_drills.gate.promotion_faults import find_promotion_faults
from rollback_drills.linting.odd_times import find_idle_exceptions, find_long_waits
from rollback_drills.readiness.acceptance import FALLBACK, PASSED, RECOVERY, TARGET, find_missing, find_unmet
from rollback_drills.readiness.due import find_latest
from rollback_drills.readiness.history_faults import find_repeats, find_unknown_words
from rollback_drills.readiness.schedule_faults import find_written_faults


@dataclass(frozen=True, slots=True)
class Faults:
    """What is wrong with a document: path, value and remedy."""

    findings: tuple[str, ...] = ()
    """What `drills check` or `drills gate` refuses."""
    warnings: tuple[str, ...] = ()
    """What decides nothing, and is probably a mistake."""


def find_faults(document: Document) -> Faults:
    """Return what is wrong with a document that can be read.

    A fact is no mistake: a drill that failed or took too long, or a promotion that nobody has approved yet.
    """
    if isinstance(document, Schedule):
        faults = find_written_faults(document)
        return Faults(tuple(faults.values()), tuple(_find_in_policy(document)))
    if isinstance(document, RoutingPolicy):
        return Faults(warnings=tuple(_find_in_policy(document)))
    if isinstance(document, History):
        return _find_in_history(document)
    if isinstance(document, Changes):
        return Faults(tuple(find_change_faults(document)))
    if isinstance(document, PromotionDocument):
        return Faults(tuple(find_promotion_faults(document)))
    return Faults()


def _find_in_policy(policy: RoutingPolicy) -> Iterator[str]:
    yield from find_idle_exceptions(policy)
    yield from find_long_waits(policy)


def _find_in_history(history: History) -> Faults:
    missing = miss_schema(history.schema_version, HISTORY_SCHEMAS)
    findings = [missing] if missing else []
    words = list(find_unknown_words(history.drills))
    warnings = [each for each in words if ".source_mode is " in each]  # which no judgement depends on
    findings += [each for each in words if each not in warnings]
    warnings += find_repeats(history.drills)
    latest = find_latest(history)
    for index, drill in enumerate(history.drills):
        problems = _find_in_latest(drill) if drill is latest else _find_in_any(drill)
        places = [f"$.drills[{index}].{each}" for each in problems]
        findings += [each for each in places if not _is_named(each, words)]
    return Faults(tuple(findings), tuple(warnings))


def _is_named(problem: str, words: list[str]) -> bool:
    """Whether an unknown word, which is named already, is the problem."""
    return any(word.startswith(problem.partition("; ")[0]) for word in words)


def _find_in_any(drill: Drill) -> Iterator[str]:
    """Yield what makes a drill count for nothing for good; those of the past are left as they were."""
    if drill.executed_at is None:
        yield from (each for each in find_missing(drill) if each.startswith("executed_at"))


def _find_in_latest(drill: Drill) -> Iterator[str]:
    """Yield what the latest drill lacks; one that says itself that it failed needs no proof."""
    if drill.status == "fail":
        yield from _find_in_any(drill)
        return
    yield from find_missing(drill)
    unmet = find_unmet(drill)
    lacks = {
        PASSED: not drill.status,
        TARGET: not drill.target_mode,
        FALLBACK: drill.fallback_verified is None,
        RECOVERY: drill.recovery_minutes is None or drill.max_recovery_minutes is None,
    }
    yield from (unmet[check_id] for check_id, is_missing in lacks.items() if is_missing)
