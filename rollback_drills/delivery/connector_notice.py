"""The message that a connector is dead, which goes out through another one."""

from collections.abc import Collection, Iterable

from rollback_drills.documents.utc import from_seconds, write_instant
from rollback_drills.names import ids
from rollback_drills.names.keys import name_key
from rollback_drills.notifications.notice import Notice
from rollback_drills.notifications.outbox_entry import OutboxEntry
from rollback_drills.outbox.dead_letters import SUBJECT_PREFIX
from rollback_drills.outbox.destinations import Destination, write_enable_command
from rollback_drills.planning.routes import DEFAULT_OWNER

EVENT_TYPE = "cavra.go_backend.rollback_drill.connector_disabled"


def notice_entry(destination: Destination, through: str) -> OutboxEntry:
    """Word the notice of a dead connector; the same in every run that finds it dead since that instant."""
    disabled_at = from_seconds(destination.disabled_at or 0.0)
    name = destination.provider
    cycle_id = ids.cycle_id(f"connector {name}", write_instant(disabled_at))
    notice = Notice(
        subject_id=f"{SUBJECT_PREFIX}{name}",
        subject_name=f"connector-{name}",
        cycle_id=cycle_id,
        event_type=EVENT_TYPE,
        at=disabled_at,
        title=f"Connector disabled: {name}",
        summary=(
            f"Rollback drill notifications no longer go out through {name}:"
            f" {destination.disabled_because.removesuffix('.')}."
            f" Fix it, then run: {write_enable_command(name)}"
        ),
        facts=(("Connector", name), ("Disabled", write_instant(disabled_at)), ("Owner", DEFAULT_OWNER)),
    )
    route_key = ids.route_key(cycle_id, ids.ANY_PROVIDER, DEFAULT_OWNER)
    return notice.address(route_key, provider=through, owner=DEFAULT_OWNER, closes=True)


def choose_channel(dead: Collection[str], connectors: Iterable[str]) -> str | None:
    """Return the first connector that works, for notices of dead ones; None if all are dead."""
    keys = set(map(name_key, dead))
    return next((name for name in sorted(connectors) if name_key(name) not in keys), None)
