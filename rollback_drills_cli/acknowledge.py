"""`drills ack`: writes into the evidence who has acknowledged."""

from typing import Annotated

from rollback_drills.followup.acknowledgements.acknowledgement import (
    Acknowledgement,
    AcknowledgementState,
    read_days,
)
from rollback_drills.followup.requests import AcknowledgeRequest
from rollback_drills.rendering.times import write_time
from rollback_drills_cli.database import DatabaseOption, open_existing
from rollback_drills_cli.evidence.signing import append_signed, report_clock
from rollback_drills_cli.options.request_options import option_of
from rollback_drills_cli.options.shared import JsonOption, NowOption, parse_now, parse_said_at
from rollback_drills_cli.terminal.output import print_json, print_line


def ack(
    by: Annotated[str, option_of(AcknowledgeRequest, "acknowledged_by", "--acknowledged-by")],
    cycle: Annotated[str | None, option_of(AcknowledgeRequest, "cycle_id")] = None,
    plan: Annotated[str | None, option_of(AcknowledgeRequest, "plan_id", "--plan-id")] = None,
    schedule_id: Annotated[str | None, option_of(AcknowledgeRequest, "schedule_id")] = None,
    provider: Annotated[str | None, option_of(AcknowledgeRequest, "provider")] = None,
    owner: Annotated[str | None, option_of(AcknowledgeRequest, "owner")] = None,
    state: Annotated[
        AcknowledgementState,
        option_of(AcknowledgeRequest, "acknowledgement_state", "--acknowledgement-state"),
    ] = AcknowledgementState.ACKNOWLEDGED,
    days: Annotated[float | None, option_of(AcknowledgeRequest, "acknowledged_for_days")] = None,
    ref: Annotated[str, option_of(AcknowledgeRequest, "external_ref", "--external-ref")] = "",
    notes: Annotated[str, option_of(AcknowledgeRequest, "notes")] = "",
    database: DatabaseOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Acknowledge notifications of a cycle: one route, all of one owner, or all of the cycle.

    Until the acknowledgement ends, the routes are neither repeated nor escalated. Only an accepted drill
    closes the cycle. `--state escalated` makes the next step due at once.

    Example: drills ack --by maria --schedule-id payments --ref OPS-1234
    """
    from rollback_drills.followup.acknowledgements.bulk_acknowledgement import (
        acknowledge,  # SQLAlchemy takes half a second to import
    )
    from rollback_drills.followup.acknowledgements.route_choice import RouteChoice

    index = open_existing(database, to_write=True)
    given = Acknowledgement(by, state, ref, notes, None if days is None else read_days(days))
    records = acknowledge(
        index,
        [(RouteChoice(cycle, plan, schedule_id, provider, owner), given)],
        now=parse_said_at(now),
        created_at=parse_now(None),
    )
    went_back = append_signed(index.database, records)
    if as_json:
        items = [each.to_wire() for each in records]
        print_json(items[0] if len(items) == 1 else {"items": items, "total": len(items)})
    else:
        for record in records:
            end = (
                "the next step is due"
                if state is AcknowledgementState.ESCALATED
                else f"it holds until {write_time(record.until)}"
            )
            print_line(
                f"{record.acknowledgement_id}: {by} has {state} {record.cycle_id} for {record.owner}"
                f" through {record.provider}; {end}."
            )
    report_clock(went_back)
