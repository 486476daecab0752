"""The options by which a person answers for a change of the outbox, and how it is written down."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from rollback_drills.errors import UsageError
from rollback_drills.recovery.act import Act
from rollback_drills_cli.evidence.signing import open_key
from rollback_drills_cli.quiet_prefect import asking_prefect
from rollback_drills_cli.terminal.output import print_problem

if TYPE_CHECKING:
    from rollback_drills.database.connections import Database
    from rollback_drills.recovery.recorded_act import Writer

ByOption = Annotated[str | None, typer.Option(help="Who does it, for the evidence. (required)")]
ReasonOption = Annotated[str | None, typer.Option(help="Why, for the evidence. (required)")]


def read_act(by: str | None, reason: str | None) -> Act:
    """Read who does something, and why.

    Raises:
        UsageError: One of them is missing, empty, or holds what evidence must not.
    """
    for field, value in (("by", by), ("reason", reason)):
        if value is None:
            problem = "is missing; the evidence says who does this and why: add --by NAME --reason TEXT"
            raise UsageError(problem, field=field)
    act = Act(by or "", reason or "")
    act.check()
    return act


def read_by(by: str | None) -> str:
    """Read who does something that has its reason already.

    Raises:
        UsageError: It is missing.
    """
    if by is None:
        raise UsageError("is missing; the evidence says who does this: add --by NAME", field="by")
    return by


def find_replay_approvals() -> frozenset[str]:
    """Ask the Prefect server through which connectors nothing is replayed without an approval."""
    with asking_prefect("asking the Prefect server"):
        from blocks.registry import find_replay_approvals as find

        return find()


@contextmanager
def recorded_refusal() -> Iterator[None]:
    """End with exit code 1 and one line if somebody is refused: the refusal itself is written down."""
    from rollback_drills.recovery.replays import RefusedReplayError

    try:
        yield
    except RefusedReplayError as error:
        print_problem(str(error))
        raise typer.Exit(1) from None


def make_writer(database: "Database") -> "Writer":
    """Return what writes into the evidence, with the key from Prefect and the clock of the database."""
    from rollback_drills.recovery.recorded_act import Writer  # SQLAlchemy takes half a second to import

    return Writer(open_key, "cli", database.now())
