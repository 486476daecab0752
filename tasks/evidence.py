"""Adds to the evidence what this run decided, and what became of every notification."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache, partial

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger
from prefect.runtime import flow_run

from blocks.ledger_key import count_other_ledgers, open_signing_key
from rollback_drills.database.connections import Database
from rollback_drills.database.tables import OUTBOX
from rollback_drills.evidence.append_result import Indexed
from rollback_drills.evidence.appender import OpenSigningKey
from rollback_drills.evidence.checks.population import Population
from rollback_drills.evidence.checks.recorded_check import ShardedCheck
from rollback_drills.evidence.heads import find_head
from rollback_drills.evidence.ledger.keys import PublicKey, SigningKey
from rollback_drills.evidence.outbox_transfer import index_run
from rollback_drills.evidence.record import Record
from rollback_drills.redaction.redactor import redactor_in_use
from rollback_drills.rendering.counts import write_count
from rollback_drills.settings import read_settings
from rollback_drills.trust.lost_schedules import find_lost
from tasks.background import aside
from tasks.lost_schedules import find_unnamed
from tasks.remembered_head import Comparison


@cache
def _share(url: str) -> Database:
    """Return the one engine of this process for a URL: each holds connections, files and caches."""
    return Database.at(url)


@cache
def open_database(url: str) -> Database:
    """Open a database for writing once per process; create or upgrade it first."""
    database = _share(url)
    database.prepare(upgrade=read_settings(os.environ).auto_upgrade)
    return database


def open_existing(url: str, table: str = OUTBOX.name, *, to_write: bool = False) -> Database | None:
    """Return a database that has a table, an outbox by default; create nothing.

    With `to_write` a database of an earlier version is upgraded first. A dry run writes nothing.
    """
    database = _share(url)
    if to_write and database.is_outdated():
        open_database(url)
    return database if database.has(table) else None


def read_clock(url: str, found: Database | None = None) -> datetime:
    """Return the time by the clock of the database, which all its hosts share; of this host without one.

    Args:
        url: Of the database.
        found: The database, if it was there before; to look for it again takes several statements.
    """
    database = found or open_existing(url)
    return database.now() if database else datetime.now(UTC)


def open_key_ahead(database: Database | None) -> OpenSigningKey:
    """Begin to open the key that signs the evidence, and return what waits for it.

    While a run judges, the server has little to do; later this would wait behind the states of its tasks.
    """
    if database is None:
        return open_signing_key
    opening = aside(_open_current_key, database)

    def give(public_key: PublicKey | None) -> SigningKey:
        key = None if opening.exception() else opening.result()
        # whatever was wrong then is tried again, and raised here
        return key if key and key.public == public_key else open_signing_key(public_key)

    return give


def _open_current_key(database: Database) -> SigningKey | None:
    head = find_head(database)
    return open_signing_key(head.public_key) if head else None


def count_ledgers_before(database: Database) -> int:
    """Return how many other ledgers there are if this one has not begun; 0 if it has."""
    return 0 if find_head(database) else count_other_ledgers(None)


@task(task_run_name="index-evidence", cache_policy=NO_CACHE)
def index_evidence(
    records: Sequence[Record],
    drills: Mapping[str, Callable[[], Record]],
    created_at: datetime,
    signer: str,
    url: str,
    open_key: OpenSigningKey = open_signing_key,
    looked: Population | ShardedCheck | None = None,
    comparison: Comparison | None = None,
) -> Indexed:
    """Append redacted records of decisions, outcomes and drills, all of them or none, and sign the head.

    The ledger is compared with the head that the Prefect server remembers. A check passes the comparison that
    it has begun, and updates the remembered head after it has published what is missing.
    """
    database = open_database(url)
    own = comparison or Comparison(database)
    setback = own.setback
    if setback and comparison:
        records = [*records, setback.record(created_at=created_at, signer=signer)]
    indexed = index_run(
        database,
        records,
        drills=drills,
        created_at=created_at,
        signer=signer,
        redact=redactor_in_use().document,
        open_key=open_key,
        looked=looked,
        find_lost=partial(find_lost, database, find_unnamed(database, looked)),
        flow_run_id=flow_run.id or "",
    )
    if indexed.is_new and indexed.head:
        indexed = replace(indexed, other_ledgers=count_other_ledgers(indexed.head.public_key))
    indexed = replace(indexed, setback=setback)
    if not comparison and not setback:
        own.remember(indexed.head).result()
    logger = get_run_logger()
    logger.info("%s", write_count(indexed.count, "record"))
    for each in (*indexed.refused, *indexed.notes):
        logger.warning("%s", each)
    if indexed.head:
        logger.info("head of the evidence: %s", indexed.head.checkpoint.short)
    return indexed
