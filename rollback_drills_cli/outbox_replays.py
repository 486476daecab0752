"""Replays that need a second person: they are requested, approved and executed."""

from typing import Annotated

import typer

from rollback_drills.rendering.counts import write_count
from rollback_drills.rendering.times import write_time
from rollback_drills_cli.acts import ByOption, ReasonOption, make_writer, read_act, read_by, recorded_refusal
from rollback_drills_cli.database import DatabaseOption, open_outbox
from rollback_drills_cli.evidence.signing import report_record
from rollback_drills_cli.options.shared import JsonOption
from rollback_drills_cli.outbox_choice import DeadOption, IdsArgument, ProviderOption, choose, print_holds
from rollback_drills_cli.terminal.output import print_json, print_table

ReplayArgument = Annotated[str, typer.Argument(metavar="ID", help="The request, gordreplay-….")]


def request_replay(
    ids: IdsArgument = None,
    dead: DeadOption = False,
    provider: ProviderOption = None,
    by: ByOption = None,
    reason: ReasonOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Request a replay, for somebody else to approve. Nothing is due before it is executed.

    Pass ids, or --dead for all dead letters, with --provider for those of one provider.
    """
    from rollback_drills.recovery.replays import request_replay as request

    act = read_act(by, reason)
    opened = open_outbox(database, to_write=True)
    written = request(opened, choose(opened, ids, dead, provider), act, make_writer(opened))
    record = written.records[-1]
    count = write_count(record.notification_count, "notification")
    report_record(
        record,
        written.appender.went_back,
        f"{record.replay_id}: {act.by} asks to replay {count}. Somebody else approves it before"
        f" {write_time(record.until)}:",
        f"  drills outbox approve-replay {record.replay_id} --by NAME",
        as_json=as_json,
    )


def approve_replay(
    replay_id: ReplayArgument,
    by: ByOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Approve a replay that somebody else requested."""
    from rollback_drills.recovery.replays import approve_replay as approve

    opened = open_outbox(database, to_write=True)
    with recorded_refusal():
        written = approve(opened, replay_id, read_by(by), make_writer(opened))
    report_record(
        written.records[-1],
        written.appender.went_back,
        f"{replay_id} is approved by {by}. Anybody can execute it:",
        f"  drills outbox execute-replay {replay_id} --by NAME",
        as_json=as_json,
    )


def execute_replay(
    replay_id: ReplayArgument,
    by: ByOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make the notifications of an approved request due again, once. The next run sends them."""
    from rollback_drills.recovery.replays import execute_replay as execute

    opened = open_outbox(database, to_write=True)
    with recorded_refusal():
        written = execute(opened, replay_id, read_by(by), make_writer(opened))
    record = written.records[-1]
    count = write_count(record.notification_count, "notification")
    said = f"Due again: {count}. The next drill-check or `drills deliver` sends what is due."
    report_record(record, written.appender.went_back, said, as_json=as_json)
    if not as_json:
        print_holds(opened, [record])


def list_requests(database: DatabaseOption = None, as_json: JsonOption = False) -> None:
    """List requests for replays and what became of each, the newest first."""
    from rollback_drills.recovery.found_replays import list_replays

    opened = open_outbox(database)
    found = list_replays(opened, now=opened.now())
    if as_json:
        print_json({"items": found, "total": len(found)})
        return
    columns = ("request", "state", "connectors", "notifications", "requested by", "approved by", "reason")
    rows = [
        (
            *(each.replay_id, each.state, ", ".join(each.providers), str(len(each.notification_ids))),
            *(each.requested_by, each.approved_by or "", each.reason),
        )
        for each in found
    ]
    print_table("Requests for replays", columns, rows)
