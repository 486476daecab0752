"""What a run of the process is asked: the source of forms, bodies and options."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from inspect import cleandoc, getdoc, signature
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from rollback_drills.documents.fields import LONGEST_INTERVAL_DAYS
from rollback_drills.documents.instants import explain_far
from rollback_drills.documents.odd_names import explain_odd_name
from rollback_drills.documents.policy_file import GivenPolicy
from rollback_drills.names.variables import VARIABLES
from rollback_drills.settings import DESCRIPTIONS, Settings

Function = TypeVar("Function", bound=Callable[..., Any])

ModeName = Literal["disabled", "shadow", "enforce", "promoted"]


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
    if problem := explain_odd_name(name or " "):
        raise ValueError(f"it {problem}")
    return name


_NUMBER: Final = re.compile(r"\s*[+-]?[\d_.]+(e[+-]?\d+)?\s*", re.IGNORECASE)
Instant = Annotated[datetime, BeforeValidator(_refuse_number), AfterValidator(_check_instant)]
Signer = Annotated[str, Field(max_length=300), AfterValidator(_check_signer)]
"""Who asked, as the evidence names it: one line that people can read."""
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


class DocumentsRequest(Request):
    """Which documents are meant."""

    schedule: Annotated[str | None, of_setting("schedule")] = Field(
        None, description=DESCRIPTIONS["schedule"]
    )
    history: Annotated[str | None, of_setting("history")] = Field(None, description=DESCRIPTIONS["history"])


class CheckRequest(DocumentsRequest):
    """Which documents are judged, and by what."""

    mode: Annotated[ModeName | None, Otherwise(f"the worker's {VARIABLES['mode']}, else disabled")] = Field(
        None, description=DESCRIPTIONS["mode"]
    )
    changes: Annotated[str | None, of_setting("changes")] = Field(None, description=DESCRIPTIONS["changes"])
    due_soon_days: Annotated[SomeDays | None, of_setting("due_soon_days")] = Field(
        None, description=DESCRIPTIONS["due_soon_days"]
    )
    max_age_days: Annotated[SomeDays | None, of_setting("max_age_days")] = Field(
        None, description=DESCRIPTIONS["max_age_days"]
    )
    as_of: Annotated[Instant | None, Otherwise("now")] = Field(None, description="Judge as of this time.")


class HowToDeliver(Request):
    """How notifications are delivered."""

    provider: str = Field("all", description="Providers to notify: all, or a list separated by commas.")
    retries: Retries = Field(2, description="Attempts after the first.")
    timeout_seconds: TimeoutSeconds = Field(15.0, description="Deadline of one attempt, in seconds.")


class DeliverOptions(HowToDeliver):
    """What the caller of a delivery chooses, wherever the documents are configured."""

    force: bool = Field(
        default=False,
        description="Notify even if healthy or just notified; never in a window or absence.",
    )
    routing_policy: GivenPolicy = Field(
        None, description="Routing policy that adds to the schedule's: the document, or its path."
    )


class DeliverRequest(DeliverOptions, CheckRequest):
    """What is planned and delivered."""

    generated_by: Signer = Field(
        "deliver-notifications", description="Who asked, as recorded in the evidence."
    )
    dry_run: bool = Field(default=False, description="Send nothing, and write only the artifact.")


class DrillCheckRequest(DeliverRequest):
    """What the recurring check is asked."""

    generated_by: Signer = Field("drill-check", description="Who asked, as recorded in the evidence.")
    shard: Annotated[str | None, Otherwise("all of it")] = Field(
        None,
        description="Part of a large fleet, such as 3/8; a check of all of it asks for its parts itself.",
    )


class LookAheadRequest(HowToDeliver, DocumentsRequest):
    """What the weekly look-ahead is asked."""

    due_soon_days: Annotated[SomeDays | None, of_setting("due_soon_days")] = like(
        CheckRequest, "due_soon_days"
    )
    routing_policy: GivenPolicy = like(DeliverOptions, "routing_policy")
    provider: str = Field(
        "all",
        description="Providers to notify: all that open no ticket, or a list separated by commas.",
    )
    generated_by: Signer = Field("look-ahead", description="Who asked, as recorded in the evidence.")
    dry_run: bool = like(DeliverRequest, "dry_run")
    as_of: Annotated[Instant | None, Otherwise("now")] = like(DeliverRequest, "as_of")


class AlarmPathRequest(HowToDeliver, DocumentsRequest):
    """What the monthly drill of the alarm paths is asked."""

    routing_policy: GivenPolicy = like(DeliverOptions, "routing_policy")
    generated_by: Signer = Field("alarm-path-drill", description="Who asked, as recorded in the evidence.")
    dry_run: bool = like(DeliverRequest, "dry_run")
    as_of: Annotated[Instant | None, Otherwise("now")] = like(DeliverRequest, "as_of")


class AuditDeliveryRequest(Request):
    """Which acknowledgement audit package is delivered, and through what."""

    provider: Annotated[str, Otherwise(f"the worker's {VARIABLES['platform_providers']}, else mail")] = Field(
        "", description="Providers that deliver it: a list separated by commas."
    )
    since: Annotated[Instant | None, Otherwise("the last month in UTC")] = Field(
        None, description="Begin of the period."
    )
    until: Annotated[Instant | None, Otherwise("now, if since is given")] = Field(
        None, description="End of the period, without it."
    )
    retries: Retries = like(HowToDeliver, "retries")
    timeout_seconds: TimeoutSeconds = like(HowToDeliver, "timeout_seconds")
    generated_by: Signer = Field(
        "deliver-audit-package", description="Who asked, as recorded in the evidence."
    )
    as_of: Annotated[Instant | None, Otherwise("now")] = Field(None, description="Look back from this time.")


def described_by(request: type[BaseModel]) -> Callable[[Function], Function]:
    """Describe the parameters of a flow by the fields of its request.

    Prefect takes the texts of a form from the section "Args" of the docstring.
    """

    def describe(function: Function) -> Function:
        begin, returns, end = (getdoc(function) or "").partition("\nReturns:\n")
        lines = "\n".join(
            f"    {name}: {explain_field(request, name)}" for name in signature(function).parameters
        )
        function.__doc__ = cleandoc(f"{begin.rstrip()}\n\nArgs:\n{lines}\n{returns}{end}")
        return function

    return describe


def explain_field(request: type[BaseModel], name: str) -> str:
    """Return what a field means, and what holds if it is left out."""
    field = request.model_fields[name]
    unset = [f" Empty: {each.text}." for each in field.metadata if isinstance(each, Otherwise)]
    return f"{field.description}{''.join(unset)}"
