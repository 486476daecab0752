"""`drills audit-package`: who was notified, who acknowledged and who did not, for an auditor."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rollback_drills.errors import UsageError
from rollback_drills.rendering.long_lists import MOST_ROWS
from rollback_drills_cli.database import DatabaseOption, look_back
from rollback_drills_cli.options.filters import (
    FromOption,
    OldScheduleIdOption,
    OwnerOption,
    ProviderOption,
    ScheduleIdOption,
    ToOption,
    explain_filter,
    explain_nothing,
    parse_period,
    read_schedule_id,
)
from rollback_drills_cli.options.shared import GeneratedByOption, JsonOption, NowOption, parse_now
from rollback_drills_cli.quiet_prefect import asking_prefect
from rollback_drills_cli.run_endings import print_ending
from rollback_drills_cli.terminal.output import format_json, print_json, print_line, print_table
from rollback_drills_cli.terminal.output_file import write_whole

if TYPE_CHECKING:
    from rollback_drills.reports.audit.audit_document import PackageRoute


def audit_package(
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The file to write, whole or not at all.")
    ] = None,
    schedule_id: ScheduleIdOption = None,
    provider: ProviderOption = None,
    owner: OwnerOption = None,
    since: FromOption = None,
    until: ToOption = None,
    deliver: Annotated[
        str | None,
        typer.Option("--deliver", metavar="NAMES", help="Deliver it through these providers, once a period."),
    ] = None,
    now: NowOption = None,
    generated_by: GeneratedByOption = "cli",
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    schedule: OldScheduleIdOption = None,
) -> None:
    """Show who was notified, who acknowledged and who did not, for an auditor.

    With --deliver, summary, digest and signed head of the last month, or of the period, go out as a message.
    """
    if deliver is not None:
        if any((out, schedule_id, schedule, provider, owner, database)):
            raise UsageError("--deliver goes with --from, --to, --now, --generated-by and --json alone")
        start, end = parse_period(since, until)
        with asking_prefect("delivering"):
            from flows.deliver_audit_package import deliver_audit_package

            state = deliver_audit_package(
                provider=deliver,
                since=start,
                until=end,
                generated_by=generated_by,
                as_of=parse_now(now) if now else None,
                return_state=True,
            )
        print_ending(state, as_json=as_json)
        return
    from rollback_drills.database.tables import LEDGER
    from rollback_drills.reports.audit.audit_reading import find_package
    from rollback_drills.reports.filters import PackageFilter
    from rollback_drills.reports.period import Period

    period = Period(*parse_period(since, until))
    opened = look_back(database)
    wanted = PackageFilter(read_schedule_id(schedule_id, schedule), provider, owner)
    package = find_package(opened, wanted, period, now=parse_now(now), generated_by=generated_by)
    explain_filter(opened, LEDGER, wanted.given, package.route_count)
    if out:
        write_whole(format_json(package), out)
    if as_json:
        print_json(package)
        return
    open_routes = [each for each in package.routes if not each.acknowledged]
    columns = ("schedule", "cycle", "provider", "owner", "first notified", "answer")
    print_table("Not acknowledged", columns, [_to_open_row(each) for each in open_routes], most=MOST_ROWS)
    print_line(
        f"Routes: {package.route_count}; not acknowledged: {package.outstanding_count};"
        f" acknowledgements: {package.acknowledgement_count}."
    )
    print_line(f"SHA-256 of the content: {package.content_sha256}")
    explain_nothing(opened, package.route_count)


def _to_open_row(route: "PackageRoute") -> Sequence[str]:
    said = f"{route.acknowledgement_state} by {route.acknowledged_by}" if route.acknowledged_by else "nothing"
    notified = route.first_delivered_at or "not delivered"
    return (route.schedule_id, route.cycle_id, route.provider, route.owner, notified, said)
