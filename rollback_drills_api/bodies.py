"""The bodies of the writes: strict, bounded, and with the fields of contract §7."""

from datetime import timedelta
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from rollback_drills.documents.odd_names import explain_odd_name
from rollback_drills.followup.acknowledging import MOST_AT_ONCE

ONE_LINE: Final = r"^[^\x00-\x1f\x7f]*$"
"""No control characters: names are one line."""
_NAMED: Final = r"^[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?$"


def _check_readable(name: str) -> str:
    if problem := explain_odd_name(name):
        raise ValueError(problem)
    return name


Readable = AfterValidator(_check_readable)
"""No character that nobody sees, as in the names of documents."""
Name = Annotated[str, Field(min_length=1, max_length=1000, pattern=ONE_LINE), Readable]
Who = Annotated[
    str,
    Field(pattern=_NAMED, max_length=200, description="Who asks; beside the name of the token."),
    Readable,
]
SaidState = Literal["acknowledged", "dismissed", "escalated", "resolved"]
ExceptionName = Literal["skip", "postpone", "waive"]


def _such_as(**values: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [values]})


class Body(BaseModel):
    """What every body has in common."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class DeliverBody(Body):
    """What is delivered, and how hard it is tried."""

    model_config = _such_as(provider="slack", retries=2, generated_by="release-governance")

    provider: Annotated[str, Readable] = Field(
        default="all",
        min_length=1,
        max_length=1000,
        pattern=ONE_LINE,
        description="Providers to notify: all, or a comma list.",
    )
    retries: int = Field(default=2, ge=0, le=10, description="Attempts after the first.")
    timeout_seconds: float = Field(default=15.0, ge=0.1, le=300, description="Deadline of one attempt.")
    generated_by: Who | None = None
    force: bool = Field(
        default=False,
        description="Tell even if all is well or was told recently; never in a window or absence.",
    )
    routing_policy: dict[str, Any] | None = Field(
        default=None, description="A routing policy that adds to that of the schedule."
    )


class _Said(Body):
    """What is said of a route."""

    acknowledged_by: Who | None = None
    acknowledgement_state: SaidState = "acknowledged"
    acknowledged_for_days: float | None = Field(
        default=None,
        gt=0,
        le=30,
        description="For how long it holds; else three days, or until the due instant.",
    )
    external_ref: Annotated[str, Readable] = Field(
        default="",
        max_length=1000,
        pattern=ONE_LINE,
        description="Where it is followed up: a ticket number.",
    )
    notes: str = Field(default="", max_length=4000, description="A remark for the evidence.")

    @property
    def duration(self) -> timedelta | None:
        """For how long it shall hold."""
        return None if self.acknowledged_for_days is None else timedelta(days=self.acknowledged_for_days)


class AcknowledgeBody(_Said):
    """An acknowledgement of what was told of a schedule."""

    model_config = _such_as(provider="slack", acknowledged_by="release-manager", external_ref="CHG-456")

    provider: Name | None = Field(default=None, description="Only what came through this provider.")
    owner: Name | None = Field(default=None, description="Only what this owner was told.")
    plan_id: Name | None = Field(default=None, description="A plan of the cycle; else the newest cycle.")
    cycle_id: Name | None = Field(default=None, description="The cycle; else the newest one.")


class ExceptionBody(Body):
    """What is approved for the current cycle of a schedule."""

    model_config = _such_as(
        exception="postpone", until="2026-12-20T09:00:00Z", reason="a change freeze", approver="release-board"
    )

    exception: ExceptionName = Field(
        description="skip: not performed, the next one is; postpone: performed later; waive: not needed."
    )
    until: str = Field(
        min_length=1, max_length=40, description="From this instant on the cycle counts again."
    )
    reason: str = Field(min_length=1, max_length=4000, description="Why, for the evidence.")
    approver: Who | None = None


class RouteBody(Body):
    """Which routes."""

    schedule_id: Name | None = None
    cycle_id: Name | None = None
    plan_id: Name | None = None
    provider: Name | None = None
    owner: Name | None = None

    @model_validator(mode="after")
    def _check_named(self) -> Self:
        if not (self.schedule_id or self.cycle_id or self.plan_id):
            raise ValueError("a route needs schedule_id, cycle_id or plan_id")
        return self


class BulkBody(_Said):
    """One acknowledgement of many routes: of all of them or of none."""

    model_config = _such_as(
        acknowledgement_state="resolved", routes=[{"schedule_id": "payments", "provider": "slack"}]
    )

    routes: list[RouteBody] = Field(min_length=1, max_length=MOST_AT_ONCE)


class PolicyBody(Body):
    """The default of contract §4, for routes without minutes of their own; every route here has some."""

    acknowledgement_minutes: float | None = Field(default=None, gt=0, le=525_600)


class EscalationBody(Body):
    """Who asks for the escalation plan."""

    model_config = _such_as(policy={"acknowledgement_minutes": 60}, generated_by="release-governance")

    policy: PolicyBody | None = None
    generated_by: Who | None = None


class PackageBody(Body):
    """Which routes an audit package is about."""

    model_config = _such_as(owner="release-governance")

    schedule_id: Name | None = None
    provider: Name | None = None
    owner: Name | None = None
    since: str | None = Field(
        default=None, alias="from", min_length=1, max_length=40, description="From this instant or day on."
    )
    until: str | None = Field(
        default=None, alias="to", min_length=1, max_length=40, description="Up to and without it."
    )
    generated_by: Who | None = None
