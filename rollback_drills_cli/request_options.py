"""Options that take their help and bounds from the field of a request."""

from typing import Any, get_args

import annotated_types
import typer
from pydantic import BaseModel

from rollback_drills.planning.requests import Otherwise
from rollback_drills_cli.flags import find_flag


def option_of(
    request: type[BaseModel], name: str, *flags: str, metavar: str | None = None, default: str = ""
) -> Any:
    """Return the option for a field of a request.

    Args:
        request: The request.
        name: The field.
        flags: What else the option is called.
        metavar: How its value is shown.
        default: What holds without the option, if the request does not say it.
    """
    field = request.model_fields[name]
    inner = get_args(field.annotation)
    metadata = [*field.metadata, *(each for kind in inner for each in getattr(kind, "__metadata__", ()))]
    otherwise = default or next((each.text for each in metadata if isinstance(each, Otherwise)), "")
    help_text = f"{field.description}" + (f" (default: {otherwise})" if otherwise else "")
    lowest = highest = None
    if not inner:  # the rules refuse what is given and out of bounds
        lowest = next((each.ge for each in metadata if isinstance(each, annotated_types.Ge)), None)
        highest = next((each.le for each in metadata if isinstance(each, annotated_types.Le)), None)
    limits: dict[str, Any] = {"min": lowest, "max": highest}
    return typer.Option(find_flag(name), *flags, metavar=metavar, help=help_text, **limits)
