"""`drills evidence head` and `prove`: what others keep, and what convinces them of one row."""

from typing import Annotated

import typer

from rollback_drills.errors import UsageError
from rollback_drills_cli.database import DatabaseOption, open_existing
from rollback_drills_cli.options.shared import JsonOption
from rollback_drills_cli.terminal.output import print_json


def head(
    key: Annotated[bool, typer.Option("--key", help="Print the public key instead.")] = False,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the newest signed head, a C2SP checkpoint. Keep it where this machine cannot change it."""
    from rollback_drills.evidence.heads import find_head

    found = find_head(open_existing(database).database)
    if found is None:
        raise UsageError("there is no evidence yet; run `drills deliver` or the drill-check flow")
    if as_json:
        size, root = found.checkpoint.short.split()
        print_json(
            {
                "origin": found.checkpoint.origin,
                "size": int(size),
                "root": root,
                "created_at": found.created_at,
                "public_key": found.public_key.text,
                "checkpoint": str(found.note),
            }
        )
    else:
        typer.echo(found.public_key.text if key else str(found.note), nl=key)


def prove(
    row: Annotated[int | None, typer.Argument(metavar="[ROW]", min=0, help="Number of the row.")] = None,
    from_size: Annotated[
        int | None, typer.Option(metavar="ROWS", help="Prove that the ledger grew from this size.")
    ] = None,
    size: Annotated[
        int | None, typer.Option(metavar="ROWS", help="Size of the tree. (default: that of the newest head)")
    ] = None,
    database: DatabaseOption = None,
) -> None:
    """Print as JSON the proof that a ROW is in the ledger, or that the ledger only grew (RFC 6962)."""
    from rollback_drills.evidence.proofs import prove_consistency, prove_inclusion

    if (row is None) == (from_size is None):
        raise UsageError("pass either ROW or --from-size")
    opened = open_existing(database).database
    if row is not None:
        print_json(prove_inclusion(opened, row, size))
    elif from_size is not None:
        print_json(prove_consistency(opened, from_size, size))
