"""`drills audit-package --deliver`: runs the flow that delivers the package."""

from datetime import datetime

import typer

from rollback_drills_cli.deliver import read_result
from rollback_drills_cli.options import parse_now
from rollback_drills_cli.output import console, print_json, print_line
from rollback_drills_cli.quiet_prefect import quieten_prefect


def run_delivery(
    provider: str,
    since: datetime | None,
    until: datetime | None,
    now: str | None,
    generated_by: str,
    *,
    as_json: bool,
) -> None:
    """Deliver the package of a period, and print what came of it.

    Raises:
        UsageError: It cannot be delivered as it was asked for.
    """
    quieten_prefect(verbose=False)
    with console(stderr=True).status("delivering"):
        from flows.deliver_audit_package import deliver_audit_package  # Prefect takes a second to import

        state = deliver_audit_package(
            provider=provider,
            since=since,
            until=until,
            generated_by=generated_by,
            as_of=parse_now(now) if now else None,
            return_state=True,
        )
    result = read_result(state)
    if as_json:
        print_json(result)
    else:
        print_line(state.message or "")
    if state.is_failed():
        raise typer.Exit(1)
