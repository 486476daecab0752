"""The ids of cycles, plans, routes and notifications: digests of what they belong to."""

import re
from datetime import datetime
from hashlib import sha256


def _digest(prefix: str, *parts: str, digits: int = 16) -> str:
    text = "\x1f".join(parts)  # the unit separator stands in no id
    return f"{prefix}-{sha256(text.encode()).hexdigest()[:digits]}"


def cycle_id(schedule: str, due_at: str) -> str:
    """Name the cycle of a schedule (its id, or its path) that ends at a due instant (contract §8.5)."""
    return _digest("gordcycle", schedule, due_at)


def plan_id(cycle: str, generated_at: datetime) -> str:
    """Name the plan of a cycle that was built at an instant."""
    return _digest("gordn", cycle, generated_at.isoformat())


def route_key(cycle: str, provider: str, owner: str) -> str:
    """Name the route of a cycle to an owner through a provider: the same in every plan of the cycle."""
    return _digest("gordroute", cycle, provider, owner)


def notification_id(plan: str, route: str) -> str:
    """Name one notification: the same over all attempts to deliver it."""
    return _digest("gordmsg", plan, route)


def event_id(plan: str) -> str:
    """Name the event that a plan emits."""
    return _digest("gordevent", plan)


def delivery_session_id(schedule: str, plan: str) -> str:
    """Name the delivery of a plan, `rcd-<slug>-<12 hex>` (contract §5)."""
    slug = re.sub(r"[^a-z0-9]+", "-", schedule.lower()).strip("-")[:48].strip("-") or "schedule"
    return _digest(f"rcd-{slug}", plan, digits=12)


def acknowledgement_id(route: str, acknowledged_at: datetime) -> str:
    """Name an acknowledgement of a route."""
    return _digest("gordack", route, acknowledged_at.isoformat())
