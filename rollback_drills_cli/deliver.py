"""`drills deliver`: runs the on-demand flow here, on the Prefect server that is configured."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
import typer

from rollback_drills.documents.plain_json import PlainJson
from rollback_drills.errors import UsageError
from rollback_drills.notifications.results import DeliveryResult
from rollback_drills.planning.requests import DeliverRequest
from rollback_drills.rendering.counts import write_count
from rollback_drills.rendering.long_lists import MOST_ROWS
from rollback_drills.settings import require_watched
from rollback_drills_cli.options import shared
from rollback_drills_cli.options.request_options import option_of
from rollback_drills_cli.quiet_prefect import asking_prefect
from rollback_drills_cli.run_endings import read_result
from rollback_drills_cli.terminal.output import print_json, print_line, print_table

if TYPE_CHECKING:
    from prefect import State

_USUAL: Final = DeliverRequest()


class _Plan(msgspec.Struct, frozen=True, gc=False):
    schedule_id: str
    suppressed_route_count: int


class _Run(msgspec.Struct, frozen=True, gc=False):
    """What is printed of a result."""

    plan: _Plan
    delivery: DeliveryResult


def deliver(
    mode: shared.ModeOption = None,
    history_path: shared.HistoryOption = None,
    schedule_path: shared.ScheduleOption = None,
    changes: shared.ChangesOption = None,
    due_soon_days: shared.DueSoonOption = None,
    max_age_days: shared.MaxAgeOption = None,
    routing_policy: shared.PolicyOption = None,
    provider: Annotated[str, option_of(DeliverRequest, "provider", metavar="NAMES")] = _USUAL.provider,
    force: Annotated[bool, option_of(DeliverRequest, "force")] = False,
    retries: Annotated[int, option_of(DeliverRequest, "retries")] = _USUAL.retries,
    timeout_seconds: Annotated[float, option_of(DeliverRequest, "timeout_seconds")] = _USUAL.timeout_seconds,
    dry_run: Annotated[bool, option_of(DeliverRequest, "dry_run")] = False,
    now: shared.NowOption = None,
    generated_by: shared.GeneratedByOption = "cli",
    as_json: shared.JsonOption = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show the log of the flow run.")] = False,
) -> None:
    """Plan and deliver notifications now, as a flow run on the configured Prefect server.

    Without a server (PREFECT_API_URL), a temporary one is started for the run. Exit code 0 if nothing is left
    to deliver, 1 if a delivery failed.

    Example: drills deliver --schedule schedules/payments.json --dry-run
    """
    judged = {
        "schedule": schedule_path,
        "history": history_path,
        "mode": mode,
        "changes": changes,
        "due_soon_days": due_soon_days,
        "max_age_days": max_age_days,
    }
    require_watched(shared.resolve(**judged))
    as_of = shared.parse_now(now) if now else None
    if routing_policy is not None and not Path(routing_policy).exists():
        raise UsageError(f"{routing_policy} does not exist", field="routing_policy")
    result, state = run_delivery(
        verbose=verbose,
        **judged,
        routing_policy=routing_policy,
        provider=provider,
        force=force,
        retries=retries,
        timeout_seconds=timeout_seconds,
        generated_by=generated_by,
        dry_run=dry_run,
        as_of=as_of,
    )
    if as_json:
        print_json(result)
    else:
        print_result(result, state.message or "")
    if state.is_failed():
        raise typer.Exit(1)


def run_delivery(*, verbose: bool = False, **parameters: Any) -> "tuple[PlainJson, State[Any]]":
    """Run the on-demand flow with its parameters; return its result and the state in which it ended.

    Raises:
        UsageError: It ended without a result, because of what it was given.
    """
    with asking_prefect("delivering", verbose=verbose):
        from flows.deliver_notifications import deliver_notifications

        state = deliver_notifications(**parameters, return_state=True)
    return read_result(state), state


def print_result(result: PlainJson, message: str) -> None:
    """Print what was delivered, for people."""
    runs = msgspec.convert(result.get("runs", [result]), list[_Run])
    rows = [
        (run.plan.schedule_id, each.provider, each.owner, each.outcome, each.error)
        for run in runs
        for each in run.delivery.deliveries
    ]
    print_table("Deliveries", ("schedule", "provider", "owner", "outcome", "error"), rows, most=MOST_ROWS)
    suppressed = sum(run.plan.suppressed_route_count for run in runs)
    print_line(
        f"{message}; {write_count(suppressed, 'route')} {'was' if suppressed == 1 else 'were'} suppressed."
    )
