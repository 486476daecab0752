"""The ids of cycles, plans, routes and notifications: digests of what they belong to.

Names are hashed by their key, so that a name that is spelt in another way keeps its cycles and routes. Before
names had one identity they were hashed as they were spelt. `spelt_cycle_id` and `spelt_route_key` return the
ids of that time.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from typing import Final, Protocol

from rollback_drills.names.keys import name_key


class RouteNames(Protocol):
    """What names a route in its cycle."""

    @property
    def provider(self) -> str:
        """Through what the owner is notified."""

    @property
    def owner(self) -> str:
        """Who is notified."""


ANY_PROVIDER: Final = "any"
"""Stands for the provider of a route that takes whichever works."""


def _digest(text: str) -> str:
    """Return the SHA-256 of some parts as hex digits; the unit separator between them stands in no id."""
    return sha256(_encode(text)).hexdigest()


def _encode(text: str) -> bytes:
    return text.encode(errors="surrogatepass")  # a name that somebody damaged must not end a verification


def cycle_id(schedule: str, due_at: str | None) -> str:
    """Name the cycle of a schedule that ends at a due instant (contract §8.5)."""
    return spelt_cycle_id(name_key(schedule), due_at)


def spelt_cycle_id(schedule: str, due_at: str | None) -> str:
    """Name the cycle of a document that is known by its path, which is no name (contract §8.6)."""
    return "gordcycle-" + _digest(f"{schedule}\x1f{due_at}")[:16]


def plan_id(cycle: str, generated_at: str) -> str:
    """Name the plan of a cycle that was built at an instant."""
    return "gordn-" + _digest(f"{cycle}\x1f{generated_at}")[:16]


def route_key(cycle: str, provider: str, owner: str) -> str:
    """Name the route of a cycle to an owner through a provider: the same in every plan of the cycle."""
    return _route_key(_encode(cycle) + _end_of_route(provider, owner))


def route_keys(cycle: str, routes: Iterable[RouteNames]) -> list[str]:
    """Name several routes of a cycle, in their order."""
    start = _encode(cycle)
    return [_route_key(start + end) for end in _ends_of_routes(tuple(routes))]


def _route_key(names: bytes) -> str:
    return f"gordroute-{sha256(names).hexdigest()[:16]}"


@lru_cache(maxsize=4096)
def _ends_of_routes(routes: tuple[RouteNames, ...]) -> tuple[bytes, ...]:
    """Return what follows the cycle in the names of routes; a team has many schedules with the same ones."""
    return tuple(_end_of_route(each.provider, each.owner) for each in routes)


@lru_cache(maxsize=4096)
def _end_of_route(provider: str, owner: str) -> bytes:
    return _encode(f"\x1f{name_key(provider)}\x1f{name_key(owner)}")


def spelt_route_key(cycle: str, provider: str, owner: str) -> str:
    """Name the route with provider and owner as they are spelt."""
    return "gordroute-" + _digest(f"{cycle}\x1f{provider}\x1f{owner}")[:16]


def is_route_of_path(route: str, path: str, due_at: str, provider: str, owner: str) -> bool:
    """Whether a route is in the cycle of a document that was known by this path while it had no id."""
    cycle = spelt_cycle_id(path, due_at)
    return route in (route_key(cycle, provider, owner), spelt_route_key(cycle, provider, owner))


def owner_reference(route: str, cycle: str, provider: str, owner: str) -> str:
    """Return what stands for an owner in the references of providers, which must not change within a cycle.

    Args:
        route: The key of the route.
        cycle: Its cycle.
        provider: As the first notification of the route spells it.
        owner: The same.
    """
    is_current = any(route == route_key(cycle, each, owner) for each in (provider, ANY_PROVIDER))
    return name_key(owner) if is_current else owner


def notification_id(route: str, reason: str, occurrence: int) -> str:
    """Name one notification: the same in every run and over all attempts, so that none is committed twice."""
    return "gordmsg-" + _digest(f"{route}\x1f{reason}\x1f{occurrence}")[:16]


def event_id(plan: str) -> str:
    """Name the event that a plan emits."""
    return "gordevent-" + _digest(plan)[:16]


def delivery_session_id(schedule: str, plan: str) -> str:
    """Name the delivery of a plan, `rcd-<slug>-<12 hex>` (contract §5)."""
    slug = re.sub(r"[^a-z0-9]+", "-", name_key(schedule)).strip("-")[:48].strip("-") or "schedule"
    return f"rcd-{slug}-{_digest(plan)[:12]}"


def acknowledgement_id(route: str, acknowledged_at: str) -> str:
    """Name an acknowledgement of a route."""
    return "gordack-" + _digest(f"{route}\x1f{acknowledged_at}")[:16]


def exception_id(cycle: str, kind: str, approved_at: str) -> str:
    """Name an exception that was approved for a cycle at an instant."""
    return "gordexc-" + _digest(f"{cycle}\x1f{kind}\x1f{approved_at}")[:16]


def exception_request_id(cycle: str, kind: str, requested_by: str, requested_at: str) -> str:
    """Name what somebody requested for a cycle at an instant."""
    return "gordexreq-" + _digest(f"{cycle}\x1f{kind}\x1f{name_key(requested_by)}\x1f{requested_at}")[:16]


def retirement_id(schedule: str, change: str, approved_at: str) -> str:
    """Name what was approved at an instant: that a schedule is retired, or restored."""
    return "gordret-" + _digest(f"{name_key(schedule)}\x1f{change}\x1f{approved_at}")[:16]


def escalation_reason(chain_owner: str) -> str:
    """Name why a person in the chain of an owner is notified: two owners may escalate to the same person."""
    return f"escalated\x1f{name_key(chain_owner)}"


def escalation_plan_id(generated_at: str, routes: str) -> str:
    """Name an escalation plan by its instant and what it is about."""
    return "gordesc-" + _digest(f"{generated_at}\x1f{routes}")[:16]


def outage_id(provider: str, opened_at: str) -> str:
    """Name an outage of a connector by when it began."""
    return "gordoutage-" + _digest(f"{name_key(provider)}\x1f{opened_at}")[:16]


def closure_id(outage: str) -> str:
    """Name the closure of an outage: it has one."""
    return "gordclosure-" + _digest(outage)[:16]


def replay_id(by: str, at: str, notifications: str) -> str:
    """Name a replay, or a request for one, by who asked for it, when, and for which notifications."""
    return "gordreplay-" + _digest(f"{by}\x1f{at}\x1f{notifications}")[:16]


LOOK_AHEAD_PREFIX: Final = "look-ahead:"
"""Before the name of an owner, stands for the look-ahead where a schedule stands otherwise."""
ALARM_PATH_PREFIX: Final = "alarm-path:"
"""Before the name of an owner, stands for the drill of the alarm path where a schedule stands otherwise."""
ALARM_FINDING_PREFIX: Final = "alarm-path-finding:"
"""Before the name of the platform owner, stands for what the drills of alarm paths have found."""
AUDIT_PACKAGE_PREFIX: Final = "audit-package:"
"""Before a period, stands for the acknowledgement audit package where a schedule stands otherwise."""
APPROVAL_PREFIX: Final = "approval:"
"""Before the id of a request, stands for what waits for the approval of a second person."""
NO_SCHEDULES: Final = (
    *(LOOK_AHEAD_PREFIX, ALARM_PATH_PREFIX, ALARM_FINDING_PREFIX, AUDIT_PACKAGE_PREFIX),
    APPROVAL_PREFIX,
)
"""What messages are about that are no rows of a table of schedules."""
SOURCE_ID: Final = "source:drill-history"
"""Stands for the source where a schedule stands otherwise: in the outbox, and in notifications about it."""


def find_reserved(schedule_id: str) -> str:
    """Return the beginning of a schedule id that stands for something else; empty if it is free."""
    key = name_key(schedule_id)
    starts = (each for each in NO_SCHEDULES if key.startswith(each))
    return SOURCE_ID if key == SOURCE_ID else next(starts, "")
