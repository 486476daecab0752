"""Which owners are notified through which providers, before anything suppresses a route."""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import chain
from typing import Final

import msgspec

from rollback_drills.connectors.types import ALL_CONNECTORS, CONNECTOR_TYPES
from rollback_drills.documents.fields import tidy
from rollback_drills.documents.owner_rules import OwnerRule
from rollback_drills.documents.reading.reader import Loaded
from rollback_drills.documents.routing_policy import RoutingPolicy
from rollback_drills.documents.schedule import Schedule
from rollback_drills.errors import UsageError
from rollback_drills.names.keys import first_spellings, name_key

BUILTIN_PROVIDERS: Final = frozenset(CONNECTOR_TYPES)
DEFAULT_OWNER: Final = "release-governance"
DEFAULT_PROVIDER: Final = "webhook"
DEFAULT_ACKNOWLEDGEMENT_MINUTES: Final = 60


class Route(msgspec.Struct, frozen=True, gc=False, cache_hash=True):
    """One owner through one provider."""

    owner: str
    provider: str
    acknowledgement_minutes: float | int
    escalation_owner: str


def parse_requested(text: str) -> frozenset[str] | None:
    """Return the keys of the providers that are asked for: `all` (None), or a list separated by commas.

    Raises:
        UsageError: It names none; a variable that is empty by accident must not notify everybody.
    """
    names = frozenset(name_key(name) for name in text.split(",") if name.strip())
    if not names:
        raise UsageError("names no provider; write all, or a list such as slack,jira", field="provider")
    return None if ALL_CONNECTORS in names else names


def named_providers(sources: Iterable[Loaded[Schedule] | None]) -> frozenset[str]:
    """Return every provider that the schedules name, in their lists or owner rules."""
    documents = [each.document for each in sources if each is not None and each.document is not None]
    rules = (rule for each in documents if each.owner_routes for rule in each.rules_by_owner.values())
    lists = {each.notification_providers for each in documents}.union(each.providers for each in rules)
    return frozenset(chain.from_iterable(lists))


def known_providers(
    named: frozenset[str],
    requested: frozenset[str] | None,
    find_connectors: Callable[[], Iterable[str]],
) -> frozenset[str]:
    """Return every provider that may be requested; connectors are looked for only if one is still unknown."""
    known = BUILTIN_PROVIDERS | named
    if requested is None or requested <= first_spellings(known).keys():
        return known
    return known | frozenset(find_connectors())


def check_requested(requested: frozenset[str] | None, known: frozenset[str]) -> None:
    """Refuse a request for providers that nobody knows; `requested` has their keys.

    Raises:
        UsageError: Names the unknown provider and the known ones.
    """
    unknown = sorted((requested or frozenset()) - first_spellings(known).keys())
    if unknown:
        raise UsageError(f"{unknown[0]} is unknown; known are {', '.join(sorted(known))}", field="provider")


def eligible_providers(
    schedule: Schedule | None, connectors: Sequence[str], requested: frozenset[str] | None
) -> list[str]:
    """Return the requested ones of the schedule's providers, else of the connectors, else `webhook`."""
    named = (schedule.notification_providers if schedule else ()) or tuple(connectors) or (DEFAULT_PROVIDER,)
    return list(_choose(named, requested))


@lru_cache(maxsize=1024)
def _choose(names: tuple[str, ...], requested: frozenset[str] | None) -> tuple[str, ...]:
    """Return the requested names, each in its first spelling; many schedules name the same few."""
    return tuple(
        name for key, name in first_spellings(names).items() if requested is None or key in requested
    )


def resolve_routes(
    schedule: Schedule | None,
    policy: RoutingPolicy | None,
    eligible: Sequence[str],
    requested: frozenset[str] | None,
) -> list[Route]:
    """Return every route in the order of the owners, each owner's providers sorted (contract §4).

    A caller's policy replaces the rule of each owner it names (contract §8.10).
    """
    rules = rules_of(schedule, policy)
    minutes = _find_default_minutes(schedule, policy)
    owners = (schedule.owners if schedule else ()) or (DEFAULT_OWNER,)
    if not rules:
        return list(_cross(owners, tuple(eligible), minutes))
    providers = tuple(sorted(eligible))
    routes = []
    for key, owner in first_spellings(owners).items():
        rule = rules.get(key)
        if rule is None:
            routes += [Route(owner, provider, minutes, owner) for provider in providers]
            continue
        own_minutes = minutes if rule.acknowledgement_minutes is None else tidy(rule.acknowledgement_minutes)
        routes += [
            Route(owner, provider, own_minutes, rule.escalation_owner or owner)
            for provider in (sorted(_choose(rule.providers, requested)) if rule.providers else providers)
        ]
    return routes


@lru_cache(maxsize=4096)
def _cross(owners: tuple[str, ...], eligible: tuple[str, ...], minutes: float) -> tuple[Route, ...]:
    """Return the routes of owners without rules; a team has many schedules."""
    providers = sorted(eligible)
    return tuple(
        Route(owner, provider, minutes, owner)
        for owner in first_spellings(owners).values()
        for provider in providers
    )


def rules_of(*sources: RoutingPolicy | None) -> dict[str, OwnerRule]:
    """Return the rule of each owner by the key of the name; the last source, the caller's policy, wins."""
    rules: dict[str, OwnerRule] = {}
    for source in sources:
        if source is not None and source.owner_routes:
            rules |= {name_key(owner): rule for owner, rule in source.rules_by_owner.items()}
    return rules


def find_owners(schedule: Schedule | None) -> frozenset[str]:
    """Return the keys of the owners whom a schedule has; empty if its document cannot be read."""
    owners = (schedule.owners or (DEFAULT_OWNER,)) if schedule else ()
    return frozenset(map(name_key, owners))


def _find_default_minutes(schedule: Schedule | None, policy: RoutingPolicy | None) -> float | int:
    """Return within how many minutes an owner without a rule acknowledges; the caller's policy wins."""
    sources = [source for source in (policy, schedule) if source is not None]
    for source in sources:
        if source.acknowledgement_minutes is not None:
            return tidy(source.acknowledgement_minutes)
    for source in sources:
        if source.default_slo is not None and source.default_slo.acknowledgement_minutes is not None:
            return tidy(source.default_slo.acknowledgement_minutes)
    return DEFAULT_ACKNOWLEDGEMENT_MINUTES
