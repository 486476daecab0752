"""`drills template`: prints a file that ships, to be edited and used elsewhere."""

from typing import Annotated

import typer

from deployments.templates import TEMPLATES
from rollback_drills.errors import UsageError
from rollback_drills_cli.terminal.output import print_line


def template(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="Which file; without it, list them.", show_default=False),
    ] = None,
) -> None:
    """Print a file to edit: deployments, automations, alert rules or a dashboard."""
    if name is None:
        for each, template in TEMPLATES.items():
            print_line(f"{each:<29}{template.description}")
    elif name not in TEMPLATES:
        raise UsageError(f"there is no template {name!r}; known are {', '.join(TEMPLATES)}")
    else:
        print_line(TEMPLATES[name].path.read_text(encoding="utf-8").removesuffix("\n"))
