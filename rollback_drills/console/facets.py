"""The environments and owners of a fleet: what its pages can be filtered by."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from rollback_drills.readiness.judgement import Judgement


@dataclass(frozen=True, slots=True)
class Facets:
    """By name how many schedules there are, those with most schedules first."""

    environments: Mapping[str, int]
    owners: Mapping[str, int]


def find_facets(judgements: Sequence[Judgement]) -> Facets:
    """Count the schedules of each environment and each owner; an empty environment is none."""
    environments = Counter([each.schedule.environment for each in judgements])
    owners = Counter(chain.from_iterable([each.schedule.owners for each in judgements]))
    return Facets(_order(environments), _order(owners))


def _order(counts: Counter[str]) -> dict[str, int]:
    ordered = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    return {name: count for name, count in ordered if name}
