"""Writes into the evidence for commands, with the key from Prefect."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import typer

from rollback_drills_cli.quiet_prefect import asking_prefect
from rollback_drills_cli.terminal.output import print_json, print_line, print_problem

if TYPE_CHECKING:
    from rollback_drills.database.connections import Database
    from rollback_drills.evidence.ledger.keys import PublicKey, SigningKey
    from rollback_drills.evidence.record import Record
    from rollback_drills.followup.exceptions.exception import ExceptionRecord
    from rollback_drills.followup.exceptions.exception_requests import DeclineRecord


def append_signed(database: "Database", records: "Sequence[Record]") -> timedelta | None:
    """Add records to the evidence and sign its head; return how far the clock went back, if it did."""
    from rollback_drills.evidence.appender import append  # SQLAlchemy takes half a second to import

    return append(database, records, open_key).went_back


def append_decision(database: "Database", record: "ExceptionRecord | DeclineRecord") -> timedelta | None:
    """Add the decision about a request, of which there is one; return how far the clock went back, if it did.

    Raises:
        UsageError: Somebody else has decided it meanwhile.
    """
    from rollback_drills.evidence.outbox_transfer import index_run  # SQLAlchemy takes half a second to import
    from rollback_drills.followup.exceptions.found_requests import ensure_decided
    from rollback_drills.redaction.redactor import redactor_in_use

    indexed = index_run(
        database,
        (),
        drills={str(record.request_id): lambda: record},
        created_at=datetime.fromisoformat(record.created_at),
        signer=record.signer,
        redact=redactor_in_use().document,
        open_key=open_key,
    )
    ensure_decided(database, record)
    return indexed.went_back


def open_key(public_key: "PublicKey | None") -> "SigningKey":
    """Open the key of the evidence on the configured Prefect server."""
    with asking_prefect("opening the key of the evidence"):
        from blocks.ledger_key import open_signing_key

        return open_signing_key(public_key)


def make_key(origin: str) -> "SigningKey":
    """Make a new key for the evidence, and save it on the configured Prefect server."""
    with asking_prefect("saving a new key of the evidence"):
        from blocks.ledger_key import save_new_key

        return save_new_key(origin)


def report_record(record: "Record", went_back: timedelta | None, *lines: str, as_json: bool) -> None:
    """Print a record that was written down, as JSON or in words, and fail if the clock had gone back.

    Args:
        record: The record.
        went_back: By how much the clock had gone back; None if it had not.
        lines: What it says, in words.
        as_json: Print the record itself.
    """
    if as_json:
        print_json(record.to_wire())
    else:
        for line in lines:
            print_line(line)
    report_clock(went_back)


def report_clock(went_back: timedelta | None) -> None:
    """Warn that the clock went back, and end with exit code 1; do nothing if it did not."""
    if went_back:
        from rollback_drills.evidence.append_result import explain_clock

        print_problem(explain_clock(went_back))
        raise typer.Exit(1)
