"""The population of a check: every schedule that it looked at, and what it concluded about each."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from types import MappingProxyType
from typing import Final, Self

import msgspec

from rollback_drills.evidence.ledger.canonical import digest_canonical
from rollback_drills.evidence.record import Record
from rollback_drills.readiness.states import Readiness
from rollback_drills.redaction.redactor import Redact

KnownFindings = dict[str, str]
"""By schedule id the digest of the last finding that the evidence has of it."""


def name_population(*watched: str | None, requested: Iterable[str] | None) -> str:
    """Name what a check looks at: the same paths and providers are the same population in every run.

    Args:
        watched: The paths of schedules and histories, as they are configured.
        requested: The keys of the requested providers; None means all.
    """
    asked = [*watched, None if requested is None else sorted(requested)]
    return f"rcpop-{digest_canonical(asked)[:16]}"


def digest_population(findings: Mapping[str, str]) -> str:
    """Return the SHA-256 of the pairs of schedule id and finding digest, as hex digits.

    The pairs are an array of arrays, sorted by id, in canonical JSON (RFC 8785).
    """
    return digest_canonical(sorted(findings.items()))


class Concluded(msgspec.Struct, frozen=True):
    """What a check concluded about one schedule, for the evidence."""

    schedule_id: str
    finding_digest: str
    status: Readiness
    plan_id: str
    is_notified: bool
    """Whether the plan notifies somebody: a plan that was acted on is always recorded."""
    record: Callable[[], Iterable[Record]]
    """Makes the records of the plan and its decisions."""


class Summary(msgspec.Struct, frozen=True):
    """What a check concluded in all, by the names of the records."""

    population_id: str
    watched: str
    as_of: datetime
    states: Mapping[str, int]
    """How many schedules are in each state."""
    findings: KnownFindings
    ambiguous: frozenset[str] = frozenset()
    """Names that several schedules share, because they are redacted. They count as changed in every run."""
    is_fleet: bool = True
    """Whether its documents are those of a fleet, and not of one schedule."""


class ShardReport(msgspec.Struct, frozen=True):
    """What a shard did, for the run that asked for it."""

    flow_run_id: str = ""
    delivery_count: int = 0
    broken: Sequence[str] = ()
    """Providers whose deliveries broke, with the reason."""
    left: Sequence[str] = ()
    """Ids of notifications that have not reached their owners."""
    distrust: Sequence[str] = ()
    """Which histories are not trusted, and why."""
    names: Mapping[str, str] = {}
    """By state the name of a schedule in it."""
    pressing: Sequence[Sequence[str]] = ()
    """Rows for the page of the fleet."""
    warnings: Sequence[str] = ()
    """What of its documents is left out or unclear, a sentence each."""
    environments: Sequence[str] = ()
    """Of its schedules, if changes may name them."""
    uses_changes: bool = False
    """Whether changes make a drill of its schedules due earlier."""
    unused: Sequence[str] = ()
    """Requested providers through which nobody is notified of its schedules."""
    providers: Sequence[str] = ()
    """Those that its schedules have, if there are unused ones."""


class Part(msgspec.Struct, frozen=True):
    """Which part of a population a run looked at."""

    shard: str
    check_id: str
    """The check that asked for the shard; empty if a person started it alone."""
    report: ShardReport


class Population(msgspec.Struct, frozen=True):
    """What a check looked at. It is a Struct because Prefect does not look into those."""

    population_id: str
    watched: str
    """The configured path of the schedules; empty if none is configured."""
    as_of: datetime
    concluded: Sequence[Concluded]
    part: Part | None = None
    """None if the run looked at the whole population."""
    is_fleet: bool = True
    """Whether its documents are those of a fleet, and not of one schedule."""

    @property
    def summary(self) -> Summary:
        """What was concluded in all."""
        states = Counter(each.status for each in self.concluded)
        names = Counter(each.schedule_id for each in self.concluded)
        return Summary(
            self.population_id,
            self.watched,
            self.as_of,
            {str(state): count for state, count in states.items()},
            {each.schedule_id: each.finding_digest for each in self.concluded},
            frozenset(name for name, count in names.items() if count > 1),
            self.is_fleet,
        )

    def redacted(self, redact: Redact) -> "Population":
        """Return it with the names that its records will have."""
        names = [each.schedule_id for each in self.concluded]
        concluded, redacted = self.concluded, redact(names)
        if redacted != names:
            pairs = zip(concluded, redacted, strict=True)
            concluded = [msgspec.structs.replace(each, schedule_id=name) for each, name in pairs]
        return msgspec.structs.replace(self, watched=redact(self.watched), concluded=concluded)


@dataclass(frozen=True, slots=True)
class Changes:
    """How a population differs from what the evidence knew of it."""

    is_first: bool
    """Whether the evidence knew nothing of it."""
    changed: frozenset[str]
    """Schedules with another finding than the last recorded one, new schedules included."""
    came: Sequence[str] = ()
    gone: Sequence[str] = ()
    previous_at: datetime | None = None
    """When the last check of the population was written down."""
    unpublished: frozenset[str] = frozenset()
    """Schedules whose change an earlier check recorded, and was killed before it published that."""

    def find_news(self) -> frozenset[str]:
        """Return the schedules of which people and automations have to hear."""
        return self.changed | self.unpublished

    @property
    def is_any(self) -> bool:
        """Whether anything changed."""
        return bool(self.changed or self.gone)

    def named_as(self, population: Population, redacted: Population) -> Self:
        """Return it with the changed schedules as a population names them, before its names were redacted."""
        if not self.find_news():
            return self
        pairs = zip(population.concluded, redacted.concluded, strict=True)
        names = [(own.schedule_id, each.schedule_id) for own, each in pairs]
        return replace(
            self,
            changed=frozenset(own for own, each in names if each in self.changed),
            unpublished=frozenset(own for own, each in names if each in self.unpublished),
        )


NOTHING_CHANGED: Final = Changes(is_first=False, changed=frozenset())


def find_changes(
    known: Mapping[str, str] | None,
    summary: Summary,
    previous_at: datetime | None = None,
    recorded: Mapping[str, str] = MappingProxyType({}),
) -> Changes:
    """Compare findings with those of the last check.

    Args:
        known: By schedule id the digest in the last check; None if there was no check of the population.
        summary: What the check concluded.
        previous_at: When the last check was written down.
        recorded: By schedule id the digest of a plan that shards have recorded since then, also for a check
            that was killed.
    """
    before, findings = known or {}, summary.findings
    changed = summary.ambiguous | {name for name, digest in findings.items() if before.get(name) != digest}
    came = sorted(changed - before.keys()) if known is not None else []
    gone = sorted({name for name in chain(before, recorded) if name not in findings})
    return Changes(known is None, changed, came, gone, previous_at)
