"""Switches connectors off and on, each with a record of who did it and why."""

from collections.abc import Collection, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from rollback_drills.connectors.config_file import connector_name
from rollback_drills.database.connections import Database
from rollback_drills.database.errors import repeat_on_conflict
from rollback_drills.errors import UsageError
from rollback_drills.evidence.outages.acts import DisabledRecord, EnabledRecord
from rollback_drills.evidence.outages.watch import once_disabled, record_disabled
from rollback_drills.names import ids
from rollback_drills.outbox.destinations import (
    Destination,
    disable_row,
    enable_rows,
    find_destination,
    list_providers,
    read_disabled,
)
from rollback_drills.outbox.rows import OutboxRow
from rollback_drills.recovery.act import Act
from rollback_drills.recovery.recorded_act import Recording, Writer, describe_rows, may_replay, recording
from rollback_drills.rendering.sentences import one_line


@repeat_on_conflict
def disable(
    database: Database, provider: str, act: Act, writer: Writer, connectors: Collection[str]
) -> Recording[DisabledRecord]:
    """Send nothing through a connector until it is enabled: an outage begins.

    Args:
        database: Keeps outbox and evidence.
        provider: The connector.
        act: Who disables it, and why.
        writer: Writes it down.
        connectors: Those that are configured.

    Raises:
        UsageError: There is no such connector, it is disabled already, or nobody is named.
    """
    act.check()
    if connector_name(provider) not in connectors:
        known = ", ".join(sorted(connectors)) or "none"
        raise UsageError(f"there is no connector {provider}; configured are: {known}")
    with recording(database, writer) as written:
        connection = written.connection
        name = _find_name(connection, provider)
        before = find_destination(connection, name)
        if before.disabled_at is not None:
            raise UsageError(f"{name} is disabled already: {before.disabled_because}")
        now = written.writer.now
        because = f"disabled by {act.by}: {one_line(act.reason)}"
        dead = disable_row(database, connection, name, now=now.timestamp(), because=because)
        record = record_disabled(dead, created_at=now, signer=writer.signer, by=act.by)
        written.add(msgspec.structs.replace(record, reason=act.reason), once_disabled(dead))
        written.look_at(name)
    return written


@repeat_on_conflict
def enable(
    database: Database, provider: str, act: Act, writer: Writer, needs_approval: Collection[str] = ()
) -> Recording[EnabledRecord]:
    """Use a connector again, and make its dead letters due. Its outage ends with the next delivery.

    Args:
        database: Keeps outbox and evidence.
        provider: The connector.
        act: Who enables it, and why.
        writer: Writes it down.
        needs_approval: Connectors whose dead letters stay until a replay of them was approved.

    Raises:
        UsageError: It is not disabled, or nobody is named.
    """
    act.check()
    with recording(database, writer) as written:
        before = find_destination(written.connection, provider)
        written.look_at(provider)
        if not enable_within(written, before, act, needs_approval):
            raise UsageError(
                f"{provider} is not disabled; disabled are: {_name_disabled(written.connection)}"
            )
    return written


def enable_within(
    written: Recording[Any], before: Destination, act: Act, needs_approval: Collection[str]
) -> bool:
    """Enable a connector within a transaction; return whether it was disabled."""
    rows = enable_rows(
        written.connection,
        before.provider,
        now=written.writer.now.timestamp(),
        with_dead_letters=may_replay(before.provider, needs_approval),
    )
    if rows is None:
        return False
    _record_enabled(written, before, act, rows)
    return True


def _find_name(connection: Connection, provider: str) -> str:
    """Return how the notifications of a connector spell its provider; as it is given if there are none."""
    spellings = list_providers(connection)
    return next((each for each in spellings if connector_name(each) == connector_name(provider)), provider)


def _record_enabled(
    written: Recording[Any], before: Destination, act: Act, rows: Sequence[OutboxRow]
) -> None:
    at = written.writer.at
    written.add(
        EnabledRecord(
            session_id=ids.outage_id(before.provider, at),
            created_at=at,
            signer=written.writer.signer,
            provider=before.provider,
            enabled_by=act.by,
            enabled_at=at,
            reason=act.reason,
            disabled_because=before.disabled_because,
            notification_count=len(rows),
            notifications=describe_rows(rows),
        )
    )


def _name_disabled(connection: Connection) -> str:
    return ", ".join(each.provider for each in read_disabled(connection)) or "none"
