"""One transaction for what a person changes in the outbox and for the record of it."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic

from sqlalchemy import Connection, select

from rollback_drills.connectors.config_file import connector_name
from rollback_drills.database.connections import Database
from rollback_drills.database.one_of import one_of
from rollback_drills.database.tables import OUTBOX
from rollback_drills.documents.utc import write_instant
from rollback_drills.evidence.appender import Appender, OpenSigningKey, appending
from rollback_drills.evidence.outages.acts import ActedNotification
from rollback_drills.evidence.outages.watch import Touched
from rollback_drills.evidence.outbox_transfer import add_connector_records, find_unknown
from rollback_drills.evidence.record import R, name_run
from rollback_drills.names.keys import first_spellings
from rollback_drills.outbox.rows import OutboxRow, decode_rows
from rollback_drills.redaction.redactor import redactor_in_use


@dataclass(frozen=True, slots=True)
class Writer:
    """How changes by people are written down."""

    open_key: OpenSigningKey
    signer: str
    """Who runs: a command or a flow."""
    now: datetime
    """The clock of the evidence, which is that of the outbox."""
    flow_run_id: str = ""
    """The Prefect flow run that writes; empty outside one."""

    @property
    def at(self) -> str:
        """The time of the change, as records have it."""
        return write_instant(self.now)

    def keep(self, record: R) -> R:
        """Redact a record, and name the flow run."""
        return name_run(redactor_in_use().document(record), self.flow_run_id)


@dataclass(slots=True)
class Recording(Generic[R]):
    """A transaction on outbox and ledger, which ends with a signed head."""

    connection: Connection
    appender: Appender
    writer: Writer
    records: list[R] = field(default_factory=list)
    """What was written down, in order."""

    def add(self, record: R, once_key: str | None = None) -> None:
        """Write a record, redacted; nothing if it was written under its key before."""
        if once_key is not None and not find_unknown(self.connection, [once_key]):
            return
        kept = self.writer.keep(record)
        self.appender.add([kept], None if once_key is None else [once_key])
        self.records.append(kept)

    def look_at(self, *providers: str) -> None:
        """Write what is new of connectors, before something about them is changed."""
        touched = Touched(refusing=first_spellings(providers))
        add_connector_records(
            self.connection,
            self.appender,
            touched,
            self.writer.keep,
            created_at=self.writer.now,
            signer=self.writer.signer,
        )


@contextmanager
def recording(database: Database, writer: Writer) -> Iterator[Recording[Any]]:
    """Change the outbox and write it down, both or nothing.

    Raises:
        DatabaseError: The database cannot be written.
    """
    with appending(database, writer.open_key) as (connection, appender):
        yield Recording(connection, appender, writer)


def read_rows(connection: Connection, notification_ids: Sequence[str]) -> list[OutboxRow]:
    """Return notifications by their ids; those that do not exist are left out."""
    some = one_of(OUTBOX.c.notification_id, notification_ids)
    return [*decode_rows(connection.execute(select(OUTBOX).where(some).order_by(OUTBOX.c.sequence)))]


def may_replay(provider: str, needs_approval: Collection[str]) -> bool:
    """Return whether notifications of a provider may be replayed without an approval.

    Args:
        provider: As documents spell it.
        needs_approval: The connectors that ask for one, by the names of their blocks.
    """
    return connector_name(provider) not in needs_approval


def describe_rows(rows: Iterable[OutboxRow]) -> list[ActedNotification]:
    """Describe notifications as a record has them: as they were before they were changed."""
    return [
        ActedNotification(
            notification_id=each.notification_id,
            schedule_id=each.schedule_id,
            cycle_id=each.cycle_id,
            provider=each.provider,
            owner=each.owner,
            state=each.state,
            attempt_count=each.attempt_count,
        )
        for each in rows
    ]


def name_providers(rows: Iterable[OutboxRow]) -> list[str]:
    """Name the connectors of notifications, each in its first spelling."""
    return list(first_spellings(each.provider for each in rows).values())
