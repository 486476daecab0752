"""The options by which a person answers for a change of the outbox, and how it is written down."""

from typing import TYPE_CHECKING, Annotated

import typer

from rollback_drills.errors import UsageError
from rollback_drills.recovery.act import Act
from rollback_drills_cli.evidence.signing import open_key

if TYPE_CHECKING:
    from rollback_drills.database.connections import Database
    from rollback_drills.recovery.recording import Writer

ByOption = Annotated[str | None, typer.Option(help="Who does it, for the evidence. Needed.")]
ReasonOption = Annotated[str | None, typer.Option(help="Why, for the evidence. Needed.")]


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


def make_writer(database: "Database") -> "Writer":
    """Return what writes into the evidence, with the key from Prefect and the clock of the database."""
    from rollback_drills.recovery.recording import Writer  # SQLAlchemy takes half a second to import

    return Writer(open_key, "cli", database.now())
