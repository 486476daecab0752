"""What the fields of requests are made of: their types, bounds, defaults and texts."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from inspect import Parameter, Signature, cleandoc, getdoc
from typing import Annotated, Any, Final, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from rollback_drills.documents.evidence_texts import explain_person
from rollback_drills.documents.fields import LONGEST_INTERVAL_DAYS
from rollback_drills.documents.instants import explain_far
from rollback_drills.names.environment_variables import VARIABLES
from rollback_drills.settings import Settings

R = TypeVar("R", bound=BaseModel)
T = TypeVar("T")


def _refuse_number(given: object) -> object:
    """Refuse what pydantic would take for seconds since 1970: 20261130 is no date, nor is 5 a time."""
    is_number = isinstance(given, int | float) or (isinstance(given, str) and _NUMBER.fullmatch(given))
    if is_number:
        raise ValueError("it is a number; write an ISO 8601 timestamp such as 2026-06-20T15:40:00Z")
    return given


def _check_instant(instant: datetime) -> datetime:
    if problem := explain_far(instant):
        raise ValueError(f"it {problem}")
    return instant


def _check_signer(name: str) -> str:
    if problem := explain_person(name or " "):
        raise ValueError(f"it {problem}")
    return name


_NUMBER: Final = re.compile(r"\s*[+-]?[\d_.]+(e[+-]?\d+)?\s*", re.IGNORECASE)
Instant = Annotated[datetime, BeforeValidator(_refuse_number), AfterValidator(_check_instant)]
Signer = Annotated[str, Field(max_length=300), AfterValidator(_check_signer)]
"""Who asked, as the evidence names it: one line that people can read, and that may be published."""
SomeDays = Annotated[float, Field(ge=0, le=LONGEST_INTERVAL_DAYS)]
Retries = Annotated[int, Field(ge=0, le=10)]
TimeoutSeconds = Annotated[float, Field(ge=0.1, le=300)]


@dataclass(frozen=True, slots=True)
class Otherwise:
    """What holds if a field is left out."""

    text: str


def of_setting(name: str) -> Otherwise:
    """Return what holds if a field that is a setting is left out."""
    default = getattr(Settings(), name)
    return Otherwise(f"the worker's {VARIABLES[name]}" + ("" if default is None else f", else {default:g}"))


def like(request: type[BaseModel], name: str, **bounds: Any) -> Any:
    """Return a field that means what it means in another request; it may have further bounds."""
    of_request = request.model_fields[name]
    return Field(of_request.default, description=of_request.description, **bounds)


class Request(BaseModel):
    """What every request has in common."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def taking(request: type[R], order: str = "") -> Callable[[Callable[[R], T]], Callable[..., T]]:
    """Let a flow that takes a request have the fields of the request as its parameters.

    Prefect makes a form of the signature, and takes its texts from the section "Args" of the docstring.

    Args:
        request: What the flow is asked.
        order: The parameters as the form has them, separated by blanks. (default: all fields, in their order)
    """
    names = order.split() or list(request.model_fields)
    form = Signature([_to_parameter(request, each) for each in names])

    def take(flow: Callable[[R], T]) -> Callable[..., T]:
        @wraps(flow)
        def asked(*values: Any, **named: Any) -> T:
            return flow(request(**form.bind(*values, **named).arguments))

        asked.__signature__ = form  # type: ignore[attr-defined]  # Prefect reads it
        begin, returns, end = (getdoc(flow) or "").partition("\nReturns:\n")
        lines = "\n".join(f"    {each}: {explain_field(request, each)}" for each in names)
        asked.__doc__ = cleandoc(f"{begin.rstrip()}\n\nArgs:\n{lines}\n{returns}{end}")
        return asked

    return take


def _to_parameter(request: type[BaseModel], name: str) -> Parameter:
    field = request.model_fields[name]
    kind: Any = field.annotation
    for each in field.metadata:
        if not isinstance(each, Otherwise):
            kind = Annotated[kind, each]
    default = Parameter.empty if field.is_required() else field.default
    return Parameter(name, Parameter.POSITIONAL_OR_KEYWORD, default=default, annotation=kind)


def explain_field(request: type[BaseModel], name: str) -> str:
    """Return what a field means, and what holds if it is left out."""
    field = request.model_fields[name]
    unset = [f" Empty: {each.text}." for each in field.metadata if isinstance(each, Otherwise)]
    return f"{field.description}{''.join(unset)}"
