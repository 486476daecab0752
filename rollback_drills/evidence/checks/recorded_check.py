"""How a check is recorded: of a whole population, of one of its shards, or of all shards together."""

from collections.abc import Collection, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime
from typing import Protocol

import msgspec
from sqlalchemy import Connection

from rollback_drills.errors import DrillsError
from rollback_drills.evidence.checks.last_findings import keep_findings, read_last_check
from rollback_drills.evidence.checks.population import (
    NOTHING_CHANGED,
    Changes,
    KnownFindings,
    Part,
    Population,
    Summary,
    find_changes,
)
from rollback_drills.evidence.checks.shards import (
    enter_shards,
    find_since,
    forget_shards,
    keep_shard,
    read_plans,
    read_together,
    require_shards,
)
from rollback_drills.evidence.checks.unpublished import find_unpublished, keep_unpublished
from rollback_drills.evidence.record import Record
from rollback_drills.redaction.redactor import Redact


class MissingShardsError(DrillsError):
    """Shards have not looked, or what they recorded is not what they found."""

    def __init__(self, shards: Sequence[str]) -> None:
        super().__init__(f"not recorded: shard {', '.join(shards)}")
        self.shards = list(shards)


class ShardedCheck(msgspec.Struct, frozen=True):
    """A check whose shards have looked; what they found is in the database."""

    population_id: str
    watched: str
    as_of: datetime
    check_id: str
    shards: Sequence[str]


class Check(Protocol):
    """What a check reads and writes within the transaction that records it."""

    @property
    def plan_ids(self) -> AbstractSet[str]:
        """The plans of this run."""

    def begin(self, connection: Connection, taken: AbstractSet[str], /) -> Iterator[Record]:
        """Compare with what the evidence has, and yield the records of the plans that are news.

        Args:
            connection: In the transaction.
            taken: Plans of this run that another run has recorded without their findings.
        """

    def end(self, connection: Connection) -> Summary | None:
        """Keep what was found; return the summary to record, if the whole population was looked at."""

    @property
    def changes(self) -> Changes:
        """What changed since the last check, by the names of the documents."""


def open_check(looked: Population | ShardedCheck, redact: Redact) -> Check:
    """Return how something that was looked at is recorded."""
    if isinstance(looked, ShardedCheck):
        return _CombinedCheck(looked)
    return _WholeCheck(looked, redact) if looked.part is None else _ShardCheck(looked, looked.part, redact)


class _LookedAt:
    """What this process has looked at itself, and how records name it."""

    def __init__(self, population: Population, redact: Redact) -> None:
        self._population, self._seen = population, population.redacted(redact)
        self._summary = self._seen.summary
        self._changes = NOTHING_CHANGED

    @property
    def plan_ids(self) -> AbstractSet[str]:
        return {each.plan_id for each in self._population.concluded}

    @property
    def changes(self) -> Changes:
        return self._changes.named_as(self._population, self._seen)


class _WholeCheck(_LookedAt):
    """Records the check of a whole population."""

    def begin(self, connection: Connection, taken: AbstractSet[str]) -> Iterator[Record]:
        last = read_last_check(connection, self._summary.population_id)
        known = last.findings if last else None
        since = find_since(connection, self._summary.population_id)
        recorded = {} if since is None else read_plans(connection, self._summary.population_id, since)
        changes = find_changes(known, self._summary, last.created_at if last else None, recorded)
        unpublished = find_unpublished(connection, self._summary.population_id)
        self._changes = replace(changes, unpublished=unpublished)
        unrecorded = _find_unrecorded(known, recorded, self._summary) if recorded else changes.changed
        return _find_news(self._seen, unrecorded, taken)

    def end(self, connection: Connection) -> Summary:
        new = self._changes.changed - self._changes.unpublished
        keep_unpublished(connection, self._summary.population_id, new)
        keep_findings(connection, self._summary, self._changes)
        forget_shards(connection, self._summary.population_id)
        return self._summary


class _ShardCheck(_LookedAt):
    """Records the plans of a shard. That everything was looked at is recorded when all shards have."""

    def __init__(self, population: Population, part: Part, redact: Redact) -> None:
        super().__init__(population, redact)
        self._part = part

    def begin(self, connection: Connection, taken: AbstractSet[str]) -> Iterator[Record]:
        population_id, names = self._summary.population_id, list(self._summary.findings)
        since = enter_shards(connection, population_id, self._part)
        last = read_last_check(connection, population_id, names)
        known = last.findings if last else None
        self._changes = find_changes(known, self._summary, last.created_at if last else None)
        recorded = read_plans(connection, population_id, since, names)
        return _find_news(self._seen, _find_unrecorded(known, recorded, self._summary), taken)

    def end(self, connection: Connection) -> None:
        if self._part.check_id:
            keep_shard(connection, self._summary, self._part, len(self._changes.changed))


class _CombinedCheck:
    """Records that all shards have looked, if the ledger has what each of them found."""

    def __init__(self, check: ShardedCheck) -> None:
        self._check = check
        self._summary = Summary(check.population_id, check.watched, check.as_of, {}, {})
        self.changes = NOTHING_CHANGED
        self.plan_ids: AbstractSet[str] = frozenset()

    def begin(self, connection: Connection, _: AbstractSet[str]) -> Iterator[Record]:
        """Compare what the shards found with the ledger.

        Raises:
            ReplacedCheckError: A later check has begun.
            MissingShardsError: Some shards must look again.
        """
        check = self._check
        since = require_shards(connection, check.population_id, check.check_id, "this run")
        found = read_together(connection, check.population_id, check.check_id)
        if missing := [each for each in check.shards if each not in found.names]:
            raise MissingShardsError(missing)
        last = read_last_check(connection, check.population_id)
        known = last.findings if last else None
        recorded = read_plans(connection, check.population_id, since)
        proven = (known or {}) | recorded
        found.findings |= {name: proven[name] for name in found.ambiguous if name in proven}
        wrong = {name for name, digest in found.findings.items() if proven.get(name) != digest}
        if wrong:
            raise MissingShardsError(
                [each for each, names in found.names.items() if not wrong.isdisjoint(names)]
            )
        self._summary = msgspec.structs.replace(
            self._summary,
            states=found.states,
            findings=found.findings,
            ambiguous=frozenset(found.ambiguous),
        )
        self.changes = find_changes(known, self._summary, last.created_at if last else None, recorded)
        return iter(())

    def end(self, connection: Connection) -> Summary:
        keep_findings(connection, self._summary, self.changes)
        forget_shards(connection, self._check.population_id)
        return self._summary


def _find_unrecorded(
    known: KnownFindings | None, recorded: KnownFindings, summary: Summary
) -> Collection[str]:
    """Return the schedules whose newest plan says something else than what was found."""
    return find_changes((known or {}) | recorded, summary).changed


def _find_news(
    population: Population, unrecorded: Collection[str], taken: AbstractSet[str]
) -> Iterator[Record]:
    """Yield the records of the plans that are news: each plan carries the digest of its finding.

    Of a plan that another run has recorded without its finding, only the plan is recorded once more, and only
    if the finding is news.
    """
    for each in population.concluded:
        is_taken, is_unrecorded = each.plan_id in taken, each.schedule_id in unrecorded
        if is_unrecorded or (each.is_notified and not is_taken):
            plan, *decisions = each.record()
            of_check = {"population_id": population.population_id, "finding_digest": each.finding_digest}
            yield msgspec.structs.replace(plan, **of_check)
            if not is_taken:
                yield from decisions
