"""`drills audit-package --deliver`: runs the flow that delivers the package."""

from datetime import datetime

from rollback_drills_cli.options import parse_now
from rollback_drills_cli.progress import show_waiting
from rollback_drills_cli.quiet_prefect import quieten_prefect
from rollback_drills_cli.run_endings import print_ending


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
    with show_waiting("delivering"):
        from flows.deliver_audit_package import deliver_audit_package  # Prefect takes a second to import

        state = deliver_audit_package(
            provider=provider,
            since=since,
            until=until,
            generated_by=generated_by,
            as_of=parse_now(now) if now else None,
            return_state=True,
        )
    print_ending(state, as_json=as_json)
