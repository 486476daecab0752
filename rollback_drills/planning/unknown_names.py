"""Finds names in routing rules that match nothing: a rule, window or calendar that silently does nothing."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rollback_drills.connectors.types import ALL_CONNECTORS
from rollback_drills.documents.duplicate_keys import Location
from rollback_drills.documents.maintenance_windows import MaintenanceWindow
from rollback_drills.documents.owner_rules import OwnerRule
from rollback_drills.documents.quotation import json_path, show
from rollback_drills.documents.routing_policy import RoutingPolicy
from rollback_drills.documents.schedule import Schedule
from rollback_drills.names.keys import find_spelling, name_key
from rollback_drills.names.similar_names import find_similar
from rollback_drills.planning.misspelt_owners import find_misspelt_owners
from rollback_drills.planning.routes import BUILTIN_PROVIDERS, DEFAULT_OWNER, DEFAULT_PROVIDER

"""Stands for every provider in commands, and for none in a document."""
_SEPARATORS: Final = frozenset(",;")
_MOST_KNOWN_SHOWN: Final = 5
_NOWHERE: Final[Mapping[str, str]] = {}
_SIMILAR_PROVIDER: Final = 0.8
_STANDS_ELSEWHERE: Final = (
    "stands in another schedule, and so has no effect; move it there, or into a routing policy"
)


@dataclass(frozen=True, slots=True)
class KnownNames:
    """The names that rules, windows and calendars can match."""

    owners: frozenset[str]
    """Owners, and whoever is escalated to."""
    of_schedules: frozenset[str]
    """Owners alone."""
    schedules: frozenset[str]
    routed: frozenset[str] | None
    """The providers in use; None if that depends on connectors that are not known."""
    connectors: frozenset[str] | None
    """The names of the configured connectors; None if they are not known."""

    @property
    def providers(self) -> frozenset[str]:
        """Every provider that is known by name."""
        return BUILTIN_PROVIDERS | (self.connectors or frozenset())


def know_names(
    schedules: Sequence[Schedule], policies: Sequence[RoutingPolicy], connectors: Collection[str] | None
) -> KnownNames:
    """Return the names of these schedules, and of the policies that add to them.

    Args:
        schedules: The schedules.
        policies: Routing policies in files of their own.
        connectors: The names of the configured connectors; None if they are not known.
    """
    of_schedules = frozenset(owner for each in schedules for owner in each.owners or (DEFAULT_OWNER,))
    owners = set(of_schedules)
    routed = {name for each in schedules for name in each.notification_providers}
    for source in (*schedules, *policies):
        for rule in source.rules_by_owner.values():
            steps = rule.escalation_steps
            owners |= {rule.escalation_owner, *(step.owner for step in steps)} - {""}
            routed |= {*rule.providers, *(name for step in steps for name in step.providers)}
    is_open = any(not each.notification_providers for each in schedules)
    if is_open and connectors is not None:
        routed |= set(connectors) or {DEFAULT_PROVIDER}
    return KnownNames(
        frozenset(owners),
        of_schedules,
        frozenset(each.schedule_id for each in schedules if each.schedule_id),
        None if is_open and connectors is None else frozenset(routed),
        None if connectors is None else frozenset(connectors),
    )


def find_unknown_names(
    source: RoutingPolicy, known: KnownNames, *, elsewhere: Mapping[str, str] = _NOWHERE
) -> Iterator[str]:
    """Yield path, name and remedy of every name in a document that matches nothing.

    Args:
        source: A schedule, or a routing policy.
        known: The names of the schedules that it applies to.
        elsewhere: The ids of all schedules by key. A window may name them besides one that it applies to.
    """
    if isinstance(source, Schedule):
        places = (
            (("notification_providers", index), name)
            for index, name in enumerate(source.notification_providers)
        )
        yield from _find_unknown_providers(places, known)
    for loc, owner in _ruled_owners_of(source):
        yield from _find_unmatched(loc, "rule", owner, "owner", known.owners)
    for loc, rule in _rules_of(source):
        yield from _find_in_rule(loc, rule, known)
        yield from find_misspelt_owners(loc, rule, known.of_schedules)
    for index, window in enumerate(source.maintenance_windows):
        window_loc: Location = ("maintenance_windows", index)
        for key, names, kind, match in _matchers_of(window, known):
            for place, name in enumerate(names):
                yield from _find_unmatched((*window_loc, key, place), "window", name, kind, match)
        yield from _find_unmatched_schedules((*window_loc, "schedule_ids"), window, known, elsewhere)
    for owner in source.owner_calendars:
        yield from _find_unmatched(("owner_calendars", owner), "calendar", owner, "owner", known.owners)
    yield from _find_twins("owner_calendars", source.owner_calendars)
    yield from _find_twins("calendars", source.calendars, "calendar")
    if isinstance(source.owner_routes, dict):  # of a list, later rules win (contract §1)
        yield from _find_twins("owner_routes", source.owner_routes)


def _matchers_of(
    window: MaintenanceWindow, known: KnownNames
) -> Iterator[tuple[str, Sequence[str], str, Collection[str]]]:
    """Yield the key, the names, and what each must match, of the matchers for owners and providers."""
    yield "owners", window.owners, "owner", known.owners
    if known.routed is not None:
        yield "providers", window.providers, "provider in use", known.routed


def _find_unmatched_schedules(
    loc: Location, window: MaintenanceWindow, known: KnownNames, elsewhere: Mapping[str, str]
) -> Iterator[str]:
    """Yield the schedules that a window names in vain; of thousands, only their keys are looked up."""
    matched = [_is_known(name, known.schedules) for name in window.schedule_ids]
    for place, name in enumerate(window.schedule_ids):
        if matched[place]:
            continue
        if name_key(name) not in elsewhere:
            match = known.schedules.union(elsewhere.values()) if any(matched) else known.schedules
            yield from _find_unmatched((*loc, place), "window", name, "schedule", match)
        elif not any(matched):
            yield f"{json_path((*loc, place))}: the window for {show(name)} {_STANDS_ELSEWHERE}"


def _rules_of(source: RoutingPolicy) -> Iterator[tuple[Location, OwnerRule]]:
    rules = source.owner_routes
    for place, rule in rules.items() if isinstance(rules, dict) else enumerate(rules):
        yield ("owner_routes", place), rule


def _ruled_owners_of(source: RoutingPolicy) -> Iterator[tuple[Location, str]]:
    if isinstance(source.owner_routes, dict):
        yield from ((("owner_routes", owner), owner) for owner in source.owner_routes)
        return
    for index, shared in enumerate(source.owner_routes):
        for place, owner in enumerate(shared.owners):
            yield ("owner_routes", index, "owners", place), owner


def _find_in_rule(loc: Location, rule: OwnerRule, known: KnownNames) -> Iterator[str]:
    places: list[tuple[Location, str]] = [
        ((*loc, "providers", index), name) for index, name in enumerate(rule.providers)
    ]
    for number, step in enumerate(rule.escalation_steps):
        start = (*loc, "escalation_steps", number, "providers")
        places += [((*start, index), name) for index, name in enumerate(step.providers)]
    yield from _find_unknown_providers(places, known)


def _find_unknown_providers(places: Iterable[tuple[Location, str]], known: KnownNames) -> Iterator[str]:
    """Yield providers without a connector; if connectors are not known, only likely typing errors."""
    for loc, name in places:
        if _is_known(name, known.providers):
            continue
        if name_key(name) == ALL_CONNECTORS or not _SEPARATORS.isdisjoint(name):
            yield f"{json_path(loc)} is {show(name)}, which is no name of a connector; list each on its own"
            continue
        near = find_similar(name, known.providers, similar=_SIMILAR_PROVIDER)
        if known.connectors is not None:
            remedy = _remedy(name, known.providers)
            yield f"{json_path(loc)} is {show(name)}, which is not a configured connector{remedy}"
        elif near and not _extends(name, near):
            found = f"{json_path(loc)} is {show(name)}, which is not a type of connector"
            yield f'{found}; did you mean "{near}"?'


def _extends(name: str, known: str) -> bool:
    """Whether a name is a known one with an addition, such as `slack-payments` or `jira2`."""
    rest = name.casefold().removeprefix(known.casefold())
    return rest != name.casefold() and not rest[:1].isalpha()


def _find_twins(key: str, names: Iterable[str], kind: str = "owner") -> Iterator[str]:
    """Yield the spellings of a name that stands under another spelling too: only one of them counts."""
    first: dict[str, str] = {}
    for name in names:
        known = first.setdefault(name_key(name), name)
        if known != name:
            yield f"{json_path((key, name))} is the same {kind} as {show(known)}; keep one of them"


def _find_unmatched(loc: Location, what: str, name: str, kind: str, known: Collection[str]) -> Iterator[str]:
    if not _is_known(name, known):
        yield f"{json_path(loc)}: the {what} for {show(name)} matches no {kind}{_remedy(name, known)}"


def _remedy(name: str, known: Collection[str]) -> str:
    if near := find_similar(name, known):
        return f"; did you mean {show(near)}?"
    if not known:
        return "; remove it, or correct the name"
    more = " …" if len(known) > _MOST_KNOWN_SHOWN else ""
    return f"; known are {', '.join(sorted(known)[:_MOST_KNOWN_SHOWN])}{more}"


def _is_known(name: str, known: Collection[str]) -> bool:
    return find_spelling(name, known) is not None
