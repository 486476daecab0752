"""Which notifications a command of `drills outbox` is about."""

from typing import TYPE_CHECKING, Annotated

import typer

from rollback_drills.documents.quotation import show
from rollback_drills.errors import UsageError
from rollback_drills.rendering.counts import write_count
from rollback_drills_cli.options.filters import explain_filter
from rollback_drills_cli.terminal.output import print_problem, print_sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollback_drills.database.connections import Database
    from rollback_drills.evidence.outages.acts import ExecutionRecord
    from rollback_drills.outbox.rows import OutboxRow

IdsArgument = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Notifications, gordmsg-….")]
DeadOption = Annotated[
    bool, typer.Option("--dead", help="Only dead letters: refused, given up, or of a disabled connector.")
]
ProviderOption = Annotated[str | None, typer.Option(help="Only this provider.")]


def choose(
    database: "Database", ids: list[str] | None, dead: bool, provider: str | None, *, settled: bool = False
) -> list[str]:
    """Return the ids of the notifications that are meant.

    All dead letters are those that still matter; with `settled` also the others, which are named else.

    Raises:
        UsageError: Neither ids nor dead letters are meant, or both, or there is no such notification.
    """
    from rollback_drills.database.tables import OUTBOX
    from rollback_drills.outbox.queries import find_dead_letters

    if bool(ids) == dead:
        raise UsageError("pass ids of notifications, or --dead for all dead letters")
    if not dead and provider is not None:
        raise UsageError("--provider needs --dead; leave it out if you pass ids")
    if dead:
        everything = find_dead_letters(database, provider, settled=True)
        found = everything if settled else find_dead_letters(database, provider)
        if left := len(everything) - len(found):
            print_problem(
                f"{write_count(left, 'dead letter')} {'is' if left == 1 else 'are'} settled, and not sent"
                " again: a newer one says it, or the cycle is over; to send one all the same, pass its id"
            )
        if provider is not None:
            explain_filter(database, OUTBOX, [("provider", provider)], len(found))
        return found
    for each in ids or ():
        read_row(database, each)
    return list(dict.fromkeys(ids or ()))


def print_holds(database: "Database", records: "Sequence[ExecutionRecord]") -> None:
    """Print why nothing is sent through a connector of a replay for now, for each one."""
    from rollback_drills.outbox.destinations import KnownDestinations, explain_hold, find_destinations

    known, now = KnownDestinations(find_destinations(database)), database.now().timestamp()
    providers = {each.provider for record in records for each in record.notifications}
    for provider in sorted(providers):
        if hold := explain_hold(known.of(provider), now=now):
            print_sentence(hold)


def read_row(database: "Database", notification_id: str) -> "OutboxRow":
    """Return one notification.

    Raises:
        UsageError: There is no such notification.
    """
    from rollback_drills.outbox.queries import get_row

    row = get_row(database, notification_id)
    if row is None:
        raise UsageError(
            f"there is no notification {show(notification_id)}; `drills outbox list` shows the ids"
        )
    return row
