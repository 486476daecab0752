"""Options that take their help and bounds from the field of a request."""

from collections.abc import Callable, Iterable
from datetime import datetime
from enum import Enum
from inspect import Parameter, signature
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

import annotated_types
import typer
from pydantic import BaseModel

from rollback_drills.planning.request_fields import Otherwise
from rollback_drills_cli.options.flags import find_flag

Function = TypeVar("Function", bound=Callable[..., Any])


def option_of(request: type[BaseModel], name: str, *flags: str, metavar: str | None = None) -> Any:
    """Return the option for a field of a request.

    Args:
        request: The request.
        name: The field.
        flags: What else the option is called.
        metavar: How its value is shown.
    """
    field = request.model_fields[name]
    inner = get_args(field.annotation)
    metadata = [*field.metadata, *(each for kind in inner for each in getattr(kind, "__metadata__", ()))]
    otherwise = next((each.text for each in metadata if isinstance(each, Otherwise)), "")
    help_text = f"{field.description}" + (f" (default: {otherwise})" if otherwise else "")
    lowest: Any = None
    highest: Any = None
    if not inner:  # the rules refuse what is given and out of bounds
        lowest = next((each.ge for each in metadata if isinstance(each, annotated_types.Ge)), None)
        highest = next((each.le for each in metadata if isinstance(each, annotated_types.Le)), None)
    flag = find_flag(name)
    if bool in inner:  # yes, no, or not said
        flag = f"{flag}/--no-{flag.removeprefix('--')}"
    names = sorted((flag, *flags), key=len)  # help shows the short ones first
    return typer.Option(*names, metavar=metavar, help=help_text, min=lowest, max=highest)


def with_options_of(request: type[BaseModel], *, after: str) -> Callable[[Function], Function]:
    """Add to a command, which takes them by `**`, an option for each field of a request.

    Args:
        request: The request.
        after: The parameter that they follow.
    """

    def extend(function: Function) -> Function:
        whole = signature(function)
        own = [each for each in whole.parameters.values() if each.kind is not Parameter.VAR_KEYWORD]
        place = 1 + [each.name for each in own].index(after)
        further = [_to_parameter(request, name) for name in request.model_fields]
        ordered = whole.replace(parameters=[*own[:place], *further, *own[place:]])
        function.__signature__ = ordered  # type: ignore[attr-defined]  # typer reads it
        return function

    return extend


def _to_parameter(request: type[BaseModel], name: str) -> Parameter:
    field = request.model_fields[name]
    kind: Any = field.annotation
    metavar, default = None, field.default
    for inner in get_args(kind):
        if datetime in get_args(inner):  # an `Instant`: the rules read it, as they read those of documents
            kind, metavar, default = str, "ISO", ""
        elif get_origin(inner) is Literal:
            kind = _to_choices(get_args(inner))
    option = option_of(request, name, metavar=metavar)
    annotation = Annotated[kind, option]
    return Parameter(name, Parameter.POSITIONAL_OR_KEYWORD, annotation=annotation, default=default)


def _to_choices(values: Iterable[str]) -> Any:
    """Return an enumeration of what may be chosen, which every typer understands."""
    make: Any = Enum
    return make("Choice", {each.upper(): each for each in values}, type=str)
