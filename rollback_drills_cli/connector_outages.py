"""`drills connectors outages|close-outage`: when connectors delivered nothing, and who ended that."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from rollback_drills.rendering.counts import write_count
from rollback_drills.rendering.times import write_duration, write_time
from rollback_drills_cli.acts import ByOption, ReasonOption, make_writer, read_act
from rollback_drills_cli.database import DatabaseOption, open_existing, open_outbox
from rollback_drills_cli.evidence.signing import report_clock
from rollback_drills_cli.options.filters import explain_filter
from rollback_drills_cli.options.shared import JsonOption
from rollback_drills_cli.terminal.output import print_json, print_line, print_table

if TYPE_CHECKING:
    from rollback_drills.evidence.outages.listing import OutageReport
    from rollback_drills.evidence.outages.records import ActReport

NameArgument = Annotated[str, typer.Argument(help="The connector, by the name of its provider.")]


def list_outages(
    open_only: Annotated[bool, typer.Option("--open", help="Only outages that are open.")] = False,
    provider: Annotated[str | None, typer.Option(help="Only of this connector.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Maximum number of outages.")] = 50,
    offset: Annotated[int, typer.Option(min=0, help="Number of outages to skip.")] = 0,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """List outages of connectors: since when, what waits, who replayed and discarded what.

    The open ones come first, then the newest. Exit code 1 if an outage is open.
    """
    from rollback_drills.database.tables import LEDGER
    from rollback_drills.evidence.outages.listing import OutageFilter, find_outages

    opened = open_existing(database).database
    wanted = OutageFilter(provider, True if open_only else None)
    page = find_outages(opened, wanted, now=opened.now(), limit=limit, offset=offset)
    if provider is not None:
        explain_filter(opened, LEDGER, [("provider", provider)], page.total)
    if as_json:
        print_json(page)
    else:
        columns = ("connector", "began", "ended", "lasted", "waited", "replayed", "discarded", "why")
        print_table("Outages", columns, map(_describe_outage, page.items))
        print_line(f"{len(page.items)} of {write_count(page.total, 'outage')}; open: {page.open_count}.")
    if page.open_count:
        raise typer.Exit(1)


def _describe_outage(outage: "OutageReport") -> tuple[str, ...]:
    return (
        outage.provider,
        write_time(datetime.fromisoformat(outage.opened_at)),
        _describe_end(outage),
        write_duration(outage.duration_seconds),
        _describe_waited(outage),
        _describe_acts(outage.replayed),
        _describe_acts(outage.discarded),
        outage.detail,
    )


def _describe_end(outage: "OutageReport") -> str:
    if outage.closed_at is None:
        return "open"
    by = f", closed by {outage.closed_by}" if outage.closed_by else ""
    return f"{write_time(datetime.fromisoformat(outage.closed_at))}{by}"


def _describe_waited(outage: "OutageReport") -> str:
    left = [
        f"{count} {what}"
        for count, what in ((outage.waiting_count, "waiting"), (outage.dead_letter_count, "dead"))
        if count
    ]
    return f"{outage.waited_count}" + (f" ({', '.join(left)})" if left else "")


def _describe_acts(acts: "Sequence[ActReport]") -> str:
    return ", ".join(f"{each.count} by {each.by}" for each in acts)


def close_outage(
    name: NameArgument, by: ByOption = None, reason: ReasonOption = None, database: DatabaseOption = None
) -> None:
    """Close the outage of a connector that is not used any more. All others end with a delivery.

    Nothing is sent, discarded or enabled. What fails through the connector later begins a new outage.
    """
    from rollback_drills.recovery.outage_end import close_outage as close

    act = read_act(by, reason)
    opened = open_outbox(database, to_write=True)
    written = close(opened, name, act, make_writer(opened))
    record = written.records[-1]
    left = record.waiting_count + record.dead_letter_count
    print_line(f"The outage of {record.provider} is closed; still undelivered: {left}.")
    report_clock(written.appender.went_back)
