"""The population of a check: every schedule that it looked at, and what it concluded about each."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Final, Self

import msgspec

from rollback_drills.documents.fields import write_instant
from rollback_drills.evidence.ledger.canonical import write_canonical
from rollback_drills.evidence.records import CHECK_KIND, PLAN_KIND, start_record
from rollback_drills.readiness.terms import Readiness, Report

KnownFindings = dict[str, str]
"""By schedule id the digest of the last finding that the evidence has of it."""


def name_population(*watched: str | None, requested: Iterable[str] | None) -> str:
    """Name what a check looks at: the same paths and providers are the same population in every run.

    Args:
        watched: The paths of schedules and histories, as they are configured.
        requested: The keys of the requested providers; None means all.
    """
    asked = [*watched, None if requested is None else sorted(requested)]
    return f"rcpop-{sha256(write_canonical(asked)).hexdigest()[:16]}"


def digest_population(findings: Mapping[str, str]) -> str:
    """Return the SHA-256 of the pairs of schedule id and finding digest, as hex digits.

    The pairs are an array of arrays, sorted by id, in canonical JSON (RFC 8785).
    """
    return sha256(write_canonical(sorted(findings.items()))).hexdigest()


class Concluded(msgspec.Struct, frozen=True):
    """What a check concluded about one schedule, for the evidence."""

    schedule_id: str
    finding_digest: str
    status: Readiness
    is_notified: bool
    """Whether the plan notifies somebody: a plan that was acted on is always recorded."""
    record: Callable[[], Iterable[Report]]
    """Makes the records of the plan and its decisions."""


class Population(msgspec.Struct, frozen=True):
    """What a check looked at. It is a Struct because Prefect does not look into those."""

    population_id: str
    watched: str
    """The configured path of the schedules; empty if none is configured."""
    as_of: datetime
    concluded: Sequence[Concluded]

    @property
    def findings(self) -> KnownFindings:
        """The digest of each finding, by schedule id."""
        return {each.schedule_id: each.finding_digest for each in self.concluded}

    def redacted(self, redact: Callable[[Report], Report]) -> "Population":
        """Return it with the names that its records will have."""
        names = redact({"names": [each.schedule_id for each in self.concluded], "watched": self.watched})
        pairs = zip(self.concluded, names["names"], strict=True)
        return msgspec.structs.replace(
            self,
            watched=names["watched"],
            concluded=[msgspec.structs.replace(each, schedule_id=name) for each, name in pairs],
        )


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

    @property
    def is_any(self) -> bool:
        """Whether anything changed."""
        return bool(self.changed or self.gone)

    def named_as(self, population: Population, redacted: Population) -> Self:
        """Return it with the changed schedules as a population names them, before its names were redacted."""
        pairs = zip(population.concluded, redacted.concluded, strict=True)
        changed = (own.schedule_id for own, each in pairs if each.schedule_id in self.changed)
        return replace(self, changed=frozenset(changed))


NOTHING_CHANGED: Final = Changes(is_first=False, changed=frozenset())


def find_changes(
    known: Mapping[str, str] | None, population: Population, previous_at: datetime | None = None
) -> Changes:
    """Compare findings with those that are known.

    Args:
        known: By schedule id the last recorded digest; None if the evidence has no check of the population.
        population: What the check looked at. Schedules that share a name, because it is redacted, count as
            changed in every run.
        previous_at: When the last check was written down.
    """
    before, findings = known or {}, population.findings
    counts = Counter(each.schedule_id for each in population.concluded)
    changed = frozenset(
        name for name, digest in findings.items() if before.get(name) != digest or counts[name] > 1
    )
    if known is None:
        return Changes(is_first=True, changed=changed)
    came = sorted(findings.keys() - before.keys())
    gone = sorted(before.keys() - findings.keys())
    return Changes(False, changed, came, gone, previous_at)


def record_check(population: Population, changes: Changes, *, created_at: datetime, signer: str) -> Report:
    """Write down that a run looked at a whole population, and what it concluded in all."""
    states = Counter(str(each.status) for each in population.concluded)
    count = len(population.findings)  # by the names of the records: redaction can make several equal
    return {
        **start_record(CHECK_KIND, population.population_id, created_at=created_at, signer=signer),
        "population_id": population.population_id,
        "watched": population.watched,
        "as_of": write_instant(population.as_of),
        "schedule_count": count,
        "state_counts": dict(sorted(states.items())),
        "changed_count": len(changes.changed),
        "unchanged_count": count - len(changes.changed),
        "came": list(changes.came),
        "gone": list(changes.gone),
        "population_digest": digest_population(population.findings),
    }


class SeenPopulations:
    """Follows the records of the ledger in their order, and keeps what is known of each population."""

    def __init__(self) -> None:
        """Begin before the first record."""
        self.known: dict[str, KnownFindings] = {}

    def take(self, record: Report) -> None:
        """Take a record of a plan or a check; others say nothing about populations.

        Raises:
            KeyError, TypeError: It is not as this program writes it.
        """
        kind = record["metadata_kind"]
        if kind == PLAN_KIND and "finding_digest" in record:
            of_population = self.known.setdefault(record["population_id"], {})
            of_population[record["schedule_id"]] = record["finding_digest"]
        elif kind == CHECK_KIND:
            of_population = self.known.setdefault(record["population_id"], {})
            for name in record["gone"]:
                of_population.pop(name, None)
