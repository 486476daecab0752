"""`drills ack`: writes into the evidence who has taken notice."""

from typing import Annotated

import typer

from rollback_drills.followup.acknowledgement import (
    Acknowledgement,
    AcknowledgementState,
    read_days,
)
from rollback_drills_cli.database import DatabaseOption, open_existing
from rollback_drills_cli.evidence.signing import append_signed, report_clock
from rollback_drills_cli.options import JsonOption, NowOption, parse_now
from rollback_drills_cli.output import print_json, print_line


def ack(
    by: Annotated[str, typer.Option("--by", "--acknowledged-by", help="Who acknowledges.")],
    cycle: Annotated[str | None, typer.Option(help="The cycle, as the notification names it.")] = None,
    plan: Annotated[
        str | None, typer.Option("--plan", "--plan-id", help="Instead of the cycle: a plan of it.")
    ] = None,
    schedule_id: Annotated[
        str | None, typer.Option("--schedule-id", help="Instead of the cycle: a schedule; its newest cycle.")
    ] = None,
    provider: Annotated[
        str | None, typer.Option(help="Only what came through this provider. (default: all)")
    ] = None,
    owner: Annotated[str | None, typer.Option(help="Only what this owner was told. (default: all)")] = None,
    state: Annotated[
        AcknowledgementState, typer.Option("--state", "--acknowledgement-state", help="What is said.")
    ] = AcknowledgementState.ACKNOWLEDGED,
    days: Annotated[
        float | None,
        typer.Option(help="For how long it holds, at most 30. (default 3, or until the due instant)"),
    ] = None,
    ref: Annotated[
        str, typer.Option("--ref", "--external-ref", help="Where it is followed up: a ticket number.")
    ] = "",
    notes: Annotated[str, typer.Option(help="A remark for the evidence.")] = "",
    database: DatabaseOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Acknowledge what was told of a cycle: one route, all of one owner, or all of the cycle.

    It is evidence that somebody knows, and keeps the routes quiet and unescalated while it holds. It does not
    close the cycle: only an accepted drill does. `--state escalated` asks for the next step at once.
    """
    from rollback_drills.followup.acknowledging import acknowledge  # SQLAlchemy takes half a second to import
    from rollback_drills.followup.routes import RouteChoice

    index = open_existing(database)
    given = Acknowledgement(by, state, ref, notes, None if days is None else read_days(days))
    records = acknowledge(
        index,
        [(RouteChoice(cycle, plan, schedule_id, provider, owner), given)],
        now=parse_now(now),
        created_at=parse_now(None),
    )
    went_back = append_signed(index.database, records)
    if as_json:
        print_json(records[0] if len(records) == 1 else {"items": records, "total": len(records)})
    else:
        for record in records:
            end = (
                "the next step is due"
                if state is AcknowledgementState.ESCALATED
                else f"it holds until {record['acknowledged_until']}"
            )
            print_line(
                f"{record['acknowledgement_id']}: {by} has {state} {record['cycle_id']} for {record['owner']}"
                f" through {record['provider']}; {end}."
            )
    report_clock(went_back)
