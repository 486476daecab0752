"""`drills requests list|create|approve|decline`: exceptions that one person requests and another approves."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from rollback_drills.followup.exceptions.exception import ExceptionKind, read_end
from rollback_drills.followup.requests import AskRequest, DecideRequest
from rollback_drills.rendering.times import how_long, write_time
from rollback_drills_cli.command_group import CommandGroup
from rollback_drills_cli.database import DatabaseOption, find_evidence, open_existing, open_or_create
from rollback_drills_cli.evidence.signing import append_decision, append_signed, report_record
from rollback_drills_cli.exceptions import keep_cycles
from rollback_drills_cli.options import shared
from rollback_drills_cli.options.filters import ScheduleIdOption, explain_filter
from rollback_drills_cli.options.request_options import option_of
from rollback_drills_cli.terminal.output import print_json, print_line, print_table

if TYPE_CHECKING:
    pass

app = typer.Typer(
    cls=CommandGroup,
    no_args_is_help=True,
    help="Request exceptions, and approve or decline those that somebody else requested.",
)

RequestArgument = Annotated[str, typer.Argument(metavar="ID", help="The request, gordexreq-….")]
ByOption = Annotated[str, option_of(DecideRequest, "decided_by")]


@app.command("list")
def list_requests(
    schedule_id: ScheduleIdOption = None,
    database: DatabaseOption = None,
    now: shared.NowOption = None,
    as_json: shared.JsonOption = False,
) -> None:
    """List the requests that wait for a decision, those that expire first at the top."""
    from rollback_drills.database.tables import LEDGER
    from rollback_drills.followup.exceptions.found_requests import read_open_requests  # with SQLAlchemy

    at = shared.parse_now(now)
    opened = open_existing(database).database
    found = read_open_requests(opened, now=at, schedule_ids=[schedule_id] if schedule_id else None)
    if schedule_id is not None:
        explain_filter(opened, LEDGER, [("schedule_id", schedule_id)], len(found))
    if as_json:
        print_json({"items": found, "total": len(found)})
        return
    columns = ("request", "schedule", "exception", "until", "requested by", "expires", "reason")
    rows = [
        (
            *(each.request_id, each.schedule_id, each.kind, each.until.isoformat()),
            *(each.requested_by, how_long(each.open_until.isoformat(), now=at), each.reason),
        )
        for each in found
    ]
    print_table("Open requests", columns, rows)
    print_line(f"{len(found)} open; `drills requests approve ID --by NAME` approves one.")


@app.command()
def create(
    exception: Annotated[ExceptionKind, typer.Argument(help="What is requested.")],
    until: Annotated[str, option_of(AskRequest, "until", metavar="ISO")],
    reason: Annotated[str, option_of(AskRequest, "reason")],
    requested_by: Annotated[
        str, typer.Option("--by", "--requested-by", help=AskRequest.model_fields["requested_by"].description)
    ],
    schedule_id: Annotated[str | None, option_of(AskRequest, "schedule_id", metavar="ID")] = None,
    schedule_path: shared.ScheduleOption = None,
    history_path: shared.HistoryOption = None,
    database: DatabaseOption = None,
    now: shared.NowOption = None,
    as_json: shared.JsonOption = False,
) -> None:
    """Request an exception for the current cycle of a schedule. Until it is approved, notifications go on.

    Example: drills requests create skip --until 2026-09-01 --reason cold --by ann
    """
    from rollback_drills.followup.exceptions.exception_grants import request_exception
    from rollback_drills.followup.exceptions.exception_requests import Wish
    from rollback_drills.followup.exceptions.found_requests import read_open_requests

    at = shared.parse_said_at(now)
    settings = shared.resolve(history=history_path, schedule=schedule_path)
    known = find_evidence(database)
    record = request_exception(
        Wish(exception, read_end(until), reason, requested_by),
        settings,
        schedule_id,
        partial(keep_cycles, database),
        read_open_requests(known, now=at) if known else (),
        now=at,
        created_at=shared.parse_now(None),
    )
    went_back = append_signed(open_or_create(database), [record])
    asked = record.to_request()
    report_record(
        record,
        went_back,
        f"{record.request_id}: {requested_by} asks to {exception} {record.schedule_id} until"
        f" {write_time(asked.until)}. Somebody else approves it by {write_time(asked.open_until)}:",
        f"  drills requests approve {record.request_id} --by NAME",
        as_json=as_json,
    )


@app.command()
def approve(
    request_id: RequestArgument,
    by: ByOption,
    reason: Annotated[str, typer.Option(help="Remark on the approval, for the evidence.")] = "",
    schedule_path: shared.ScheduleOption = None,
    history_path: shared.HistoryOption = None,
    database: DatabaseOption = None,
    now: shared.NowOption = None,
    as_json: shared.JsonOption = False,
) -> None:
    """Approve a request of somebody else, which grants the exception."""
    from rollback_drills.followup.exceptions.exception_grants import approve_request
    from rollback_drills.followup.exceptions.found_requests import get_request

    at = shared.parse_said_at(now)
    opened = open_existing(database, to_write=True).database
    found = get_request(opened, request_id)
    settings = shared.resolve(history=history_path, schedule=schedule_path)
    keeping = partial(keep_cycles, database)
    record = approve_request(
        found, by, settings, keeping, remark=reason, now=at, created_at=shared.parse_now(None)
    )
    report_record(
        record,
        append_decision(opened, record),
        f"{record.exception_id}: {record.schedule_id} is {found.request.kind.past} until"
        f" {write_time(record.until)}, requested by {found.request.requested_by} and approved by {by}.",
        as_json=as_json,
    )


@app.command()
def decline(
    request_id: RequestArgument,
    by: ByOption,
    reason: Annotated[str, typer.Option(help="Why it is declined, for the evidence.")],
    database: DatabaseOption = None,
    now: shared.NowOption = None,
    as_json: shared.JsonOption = False,
) -> None:
    """Decline a request, or withdraw one of your own."""
    from rollback_drills.followup.exceptions.exception_decisions import record_decline
    from rollback_drills.followup.exceptions.found_requests import get_request

    at, created_at = shared.parse_said_at(now), shared.parse_now(None)
    opened = open_existing(database, to_write=True).database
    found = get_request(opened, request_id)
    record = record_decline(found, by, reason, now=at, created_at=created_at)
    said = f"{by} has declined {request_id} ({found.request.schedule_id})."
    report_record(record, append_decision(opened, record), said, as_json=as_json)
