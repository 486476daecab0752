"""`drills ack`: writes into the evidence who has taken notice."""

from typing import Annotated

import typer

from rollback_drills.acknowledgement import Acknowledgement, AcknowledgementState, record_acknowledgement
from rollback_drills.errors import UsageError
from rollback_drills_cli.evidence_commands import DatabaseOption, open_existing
from rollback_drills_cli.evidence_writing import append_signed, report_clock
from rollback_drills_cli.options import JsonOption, NowOption, parse_now
from rollback_drills_cli.output import print_json, print_line


def ack(
    cycle: Annotated[str, typer.Option(help="The cycle, as the notification names it.")],
    provider: Annotated[str, typer.Option(help="The provider that brought the notification.")],
    owner: Annotated[str, typer.Option(help="The owner who was told.")],
    by: Annotated[str, typer.Option(help="Who acknowledges.")],
    state: Annotated[
        AcknowledgementState, typer.Option(help="What is said.")
    ] = AcknowledgementState.ACKNOWLEDGED,
    ref: Annotated[str, typer.Option(help="Where it is followed up: a ticket number.")] = "",
    notes: Annotated[str, typer.Option(help="A remark for the evidence.")] = "",
    database: DatabaseOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Acknowledge a notification: this one cycle, provider and owner.

    It is evidence that somebody knows. It does not close the cycle: only an accepted drill does.
    """
    from rollback_drills.evidence.index import EvidenceFilter  # SQLAlchemy takes half a second to import
    from rollback_drills.evidence.records import DECISION_KIND

    at = parse_now(now)
    index = open_existing(database)
    wanted = EvidenceFilter(cycle_id=cycle, provider=provider, owner=owner, metadata_kind=DECISION_KIND)
    decisions, _ = index.find(wanted, limit=1)
    if not decisions:
        routes, _ = index.find(EvidenceFilter(cycle_id=cycle, metadata_kind=DECISION_KIND), limit=1000)
        known = sorted({f"{each['provider']}/{each['owner']}" for each in routes})
        raise UsageError(
            f"cycle {cycle} has no route {provider}/{owner}; it has {', '.join(known)}"
            if known
            else f"cycle {cycle} is not in the evidence; `drills evidence list` shows the cycles"
        )
    given = Acknowledgement(by, state, ref, notes)
    record = record_acknowledgement(given, decisions[0], now=at, created_at=parse_now(None))
    went_back = append_signed(index.database, [record])
    if as_json:
        print_json(record)
    else:
        print_line(
            f"{record['acknowledgement_id']}: {by} has {state} {cycle} for {owner} through {provider}."
        )
    report_clock(went_back)
