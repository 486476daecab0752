"""`drills outbox`: look at what was and is to be delivered, and step in."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from rollback_drills.documents.utc import from_seconds
from rollback_drills.notifications.states import DEAD, WAITING, State
from rollback_drills.rendering.counts import count_of, write_count
from rollback_drills.rendering.times import how_long
from rollback_drills_cli.acts import (
    ByOption,
    ReasonOption,
    find_replay_approvals,
    make_writer,
    read_act,
    recorded_refusal,
)
from rollback_drills_cli.command_group import CommandGroup
from rollback_drills_cli.database import DatabaseOption, open_outbox
from rollback_drills_cli.evidence.signing import report_clock
from rollback_drills_cli.options.filters import (
    OffsetOption,
    OldScheduleIdOption,
    ScheduleIdOption,
    explain_filter,
    read_schedule_id,
)
from rollback_drills_cli.options.shared import JsonOption
from rollback_drills_cli.outbox_choice import (
    DeadOption,
    IdsArgument,
    ProviderOption,
    choose,
    print_holds,
    read_row,
)
from rollback_drills_cli.outbox_replays import approve_replay, execute_replay, list_requests, request_replay
from rollback_drills_cli.terminal.output import print_json, print_line, print_table

if TYPE_CHECKING:
    from rollback_drills.evidence.outages.acts import DiscardRecord, ExecutionRecord
    from rollback_drills.outbox.destinations import KnownDestinations
    from rollback_drills.outbox.rows import OutboxRow
    from rollback_drills.recovery.recorded_act import Recording

app = typer.Typer(
    cls=CommandGroup,
    no_args_is_help=True,
    help="List notifications before and after they are sent, and replay dead letters.",
)


@app.command("list")
def list_items(
    state: Annotated[
        list[State] | None,
        typer.Option(metavar="STATE", help=f"Only this state; may be repeated: {', '.join(State)}."),
    ] = None,
    dead: DeadOption = False,
    provider: ProviderOption = None,
    owner: Annotated[str | None, typer.Option(help="Only this owner.")] = None,
    schedule_id: ScheduleIdOption = None,
    cycle: Annotated[str | None, typer.Option(help="Only this cycle id.")] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=10_000, help="Maximum number of rows, the newest first.")
    ] = 50,
    offset: OffsetOption = 0,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    schedule: OldScheduleIdOption = None,
) -> None:
    """List notifications with their outcome, the newest first."""
    from rollback_drills.database.tables import OUTBOX
    from rollback_drills.delivery.undelivered_text import explain_attempt
    from rollback_drills.outbox.destinations import (
        KnownDestinations,
        find_destinations,
        write_enable_command,
    )
    from rollback_drills.outbox.queries import OutboxFilter, find_rows

    opened = open_outbox(database)
    named = read_schedule_id(schedule_id, schedule)
    wanted = OutboxFilter(
        states=[*(state or ()), *(DEAD if dead else ())],
        provider=provider,
        owner=owner,
        schedule_ids=[named] if named else (),
        cycle_id=cycle,
    )
    items, total = find_rows(opened, wanted, limit=limit, offset=offset)
    given = {"schedule_id": named, "cycle_id": cycle, "provider": provider, "owner": owner}
    explain_filter(opened, OUTBOX, [(name, each) for name, each in given.items() if each], total)
    destinations = KnownDestinations(find_destinations(opened))
    disabled = [each for each in destinations if each.disabled_at is not None]
    if as_json:
        print_json(
            {
                "items": [_write(item, destinations) for item in items],
                "total": total,
                "limit": limit,
                "offset": offset,
                "disabled_connectors": [each.provider for each in disabled],
            }
        )
        return
    now = datetime.now(UTC)
    rows = [
        (
            *(item.notification_id, item.schedule_id, f"{item.owner}, through {item.provider}"),
            *(item.reason, item.state, _describe_attempts(item, now)),
            explain_attempt(item.state, item.detail, _find_next_attempt(item, destinations), now=now),
        )
        for item in items
    ]
    print_table("Outbox", ("notification", "schedule", "to", "reason", "state", "when", "what"), rows)
    print_line(f"{len(items)} of {write_count(total, 'notification')}; `drills outbox show ID` shows one.")
    for each in disabled:
        print_line(f"{each.provider} is disabled ({each.disabled_because}): fix it, then")
        print_line(f"  {write_enable_command(each.provider)}")


@app.command()
def show(
    notification: Annotated[str, typer.Argument(metavar="ID", help="A notification, gordmsg-….")],
    database: DatabaseOption = None,
) -> None:
    """Print one notification with its message as JSON."""
    from rollback_drills.outbox.destinations import KnownDestinations, find_destinations

    opened = open_outbox(database)
    item = read_row(opened, notification)
    written = _write(item, KnownDestinations(find_destinations(opened)))
    print_json({**written, "notification": _decode(item.notification)})


@app.command()
def replay(
    ids: IdsArgument = None,
    dead: DeadOption = False,
    provider: ProviderOption = None,
    by: ByOption = None,
    reason: ReasonOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make notifications due again. The next run sends them. One that may arrive twice says so.

    Pass their ids, or --dead for all dead letters, with --provider for those of one provider.

    A connector with replay_approval needs a second person: see request-replay.

    Example: drills outbox replay --dead --by maria --reason "slack is up"
    """
    from rollback_drills.recovery.replays import replay as replay_items

    act = read_act(by, reason)
    opened = open_outbox(database, to_write=True)
    wanted = choose(opened, ids, dead, provider)
    needing = find_replay_approvals()
    with recorded_refusal():
        written = replay_items(opened, wanted, act, make_writer(opened), needing)
    what = "due again, for the next drill-check or `drills deliver` to send"
    _report(written, len(wanted), what, as_json)
    if not as_json:
        print_holds(opened, written.records)


app.command("request-replay")(request_replay)
app.command("approve-replay")(approve_replay)
app.command("execute-replay")(execute_replay)
app.command("requests")(list_requests)


@app.command()
def discard(
    ids: IdsArgument = None,
    dead: DeadOption = False,
    provider: ProviderOption = None,
    by: ByOption = None,
    reason: ReasonOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Discard notifications that were not delivered. They stay in the list, and can be replayed.

    Pass their ids, or --dead for all dead letters, with --provider for those of one provider.
    """
    from rollback_drills.recovery.replays import discard as discard_items

    act = read_act(by, reason)
    opened = open_outbox(database, to_write=True)
    wanted = choose(opened, ids, dead, provider, settled=True)
    written = discard_items(opened, wanted, act, make_writer(opened))
    _report(written, len(wanted), "discarded", as_json)


def _report(
    written: "Recording[ExecutionRecord] | Recording[DiscardRecord]", asked: int, what: str, as_json: bool
) -> None:
    changed = sum(each.notification_count for each in written.records)
    if as_json:
        print_json(
            {
                "items": [each.to_wire() for each in written.records],
                "changed_count": changed,
                "asked_count": asked,
            }
        )
    else:
        print_line(f"{count_of(changed, asked, 'notification')} {what}.")
        if changed < asked:
            print_line("The rest stays as it was; `drills outbox list` shows the state of each.")
    report_clock(written.appender.went_back)


def _describe_attempts(item: "OutboxRow", now: datetime) -> str:
    """Write when the last attempt was, and how many there were; without one, when it was committed."""
    if item.completed_at is None:
        return f"committed {_ago(item.planned_at, now)}"
    tried = f"tried {_ago(item.completed_at, now)}"
    return tried if item.attempt_count == 1 else f"{tried}, {item.attempt_count} times"


def _ago(seconds: float, now: datetime) -> str:
    return how_long(from_seconds(seconds).isoformat(), now=now)


def _find_next_attempt(item: "OutboxRow", destinations: "KnownDestinations") -> datetime | None:
    """Return when a waiting notification can be tried; None if it does not wait, or nothing is sent there."""
    if item.state not in WAITING:
        return None
    at = destinations.of(item.provider).find_next_attempt(item.due_at)
    return None if at is None else from_seconds(at)


def _write(item: "OutboxRow", destinations: "KnownDestinations") -> dict[str, object]:
    instants = ("planned_at", "queued_at", "due_at", "started_at", "completed_at")
    written = {name: getattr(item, name) for name in item.__struct_fields__ if name != "notification"}
    return {
        **written,
        **{name: _instant(getattr(item, name)) for name in instants},
        "next_attempt_at": at.isoformat(timespec="seconds")
        if (at := _find_next_attempt(item, destinations))
        else None,
        "request": _decode(item.request),
    }


def _decode(text: str) -> object:
    """Return what a column holds as JSON; its text if somebody changed it, and None if it is empty."""
    try:
        return msgspec.json.decode(text) if text else None
    except (msgspec.MsgspecError, RecursionError):
        return text


def _instant(seconds: float | None) -> str | None:
    return None if seconds is None else from_seconds(seconds).isoformat(timespec="seconds")
