"""Notices of a run for the platform owner about its source, and the connector that sends them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from blocks.registry import enabled_connectors
from rollback_drills.database.connections import Database
from rollback_drills.delivery.connector_notice import choose_channel
from rollback_drills.notifications.outbox_entry import Departure, OutboxEntry
from rollback_drills.notifications.sent_notification import SentNotification
from rollback_drills.outbox.commit import find_history
from rollback_drills.outbox.destinations import find_disabled
from rollback_drills.planning.plan import Plan
from rollback_drills.planning.routes import DEFAULT_PROVIDER
from rollback_drills.trust.guard import Guard, find_over
from rollback_drills.trust.known_history import find_unsettled
from rollback_drills.trust.notice import Platform, find_closings, find_notices, find_open_cycles


def find_guard_entries(
    database: Database,
    guard: Guard,
    platform: Platform,
    histories: Mapping[str, Sequence[SentNotification]],
    plans: Sequence[Plan],
    now: datetime,
) -> tuple[list[OutboxEntry], list[Departure]]:
    """Return the notifications for the platform owner, and the routes that are closed without one."""
    open_cycles = find_open_cycles(histories)
    if not guard.distrusts and not open_cycles:
        return [], []
    if guard.distrusts:
        # also of a cycle that was closed by a run that was killed before it had written that down
        histories = {**histories, **find_history(database, guard.cycle_ids, ())}
    if guard.distrusts and not platform.providers:
        platform = replace(platform, any_provider=_find_provider(database, guard, plans))
    unsettled = find_unsettled(database, open_cycles) if open_cycles else {}
    closing, departures = find_closings(find_over(guard, open_cycles, unsettled), histories, now=now)
    return [*find_notices(guard, histories, platform, now=now), *closing], departures


def choose_provider(database: Database, avoided: Collection[str]) -> str:
    """Choose a connector that works: one that is not to be avoided, else any that is switched on."""
    dead = {each.provider for each in find_disabled(database)}
    enabled = enabled_connectors()
    return choose_channel({*dead, *avoided}, enabled) or choose_channel(dead, enabled) or DEFAULT_PROVIDER


def _find_provider(database: Database, guard: Guard, plans: Sequence[Plan]) -> str:
    """Choose a connector that works: one that the distrusted schedules name, else any that is switched on."""
    dead = {each.provider for each in find_disabled(database)}
    reasons = guard.reasons
    eligible = {name for plan in plans if plan.schedule_id in reasons for name in plan.eligible_providers}
    enabled = set(enabled_connectors())
    return (
        choose_channel(dead, eligible & enabled)
        or choose_channel(dead, enabled)
        or choose_channel(dead, eligible)
        or DEFAULT_PROVIDER
    )
