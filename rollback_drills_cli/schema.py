"""`drills schema`: prints the JSON Schema of a document, for editors and other validators."""

from typing import Annotated

import typer

from rollback_drills.documents.schemas.published import SCHEMAS, read_schema
from rollback_drills.errors import UsageError
from rollback_drills_cli.terminal.output import print_line


def schema(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="Which document; without it, list them.", show_default=False),
    ] = None,
) -> None:
    """Print the JSON Schema of a document, with which editors complete and check it."""
    if name is None:
        for each, says in SCHEMAS.items():
            print_line(f"{each:<14}{says}")
    elif name not in SCHEMAS:
        raise UsageError(f"there is no schema {name!r}; known are {', '.join(SCHEMAS)}")
    else:
        print_line(read_schema(name).removesuffix("\n"))
