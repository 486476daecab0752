"""The bodies of most writes: strict, bounded, and with the fields of contract §7."""

from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from rollback_drills.documents.odd_names import explain_odd_name
from rollback_drills.documents.plain_json import PlainJson
from rollback_drills.followup.acknowledgements.bulk_acknowledgement import MOST_AT_ONCE
from rollback_drills.followup.requests import (
    AcknowledgedRoute,
    Said,
)
from rollback_drills.planning.request_fields import like
from rollback_drills.planning.requests import DeliverOptions
from rollback_drills.recording.requests import DrillFacts, OutcomeName, RecordRequest, WhereToRecord

ONE_LINE: Final = r"^[^\x00-\x1f\x7f]*$"
"""No control characters: names are one line."""
_NAMED: Final = r"^[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?$"
PATTERNS: Final = {
    ONE_LINE: "must be one line without control characters",
    _NAMED: "must be one line without blanks around it, and must not be empty",
}
"""What the patterns of bodies and parameters ask for, for people."""


def _check_readable(name: str) -> str:
    if problem := explain_odd_name(name):
        raise ValueError(problem)
    return name


Readable = AfterValidator(_check_readable)
"""No character that nobody sees, as in the names of documents."""
Name = Annotated[str, Field(min_length=1, max_length=1000, pattern=ONE_LINE), Readable]
Who = Annotated[
    Annotated[str, Field(pattern=_NAMED, max_length=200), Readable] | None,
    Field(description="Whom the caller acts for; the evidence names them before the token."),
]
OnlySchedule = Annotated[Name | None, Field(description="Only this schedule.")]
OnlyProvider = Annotated[Name | None, Field(description="Only this provider.")]
OnlyOwner = Annotated[Name | None, Field(description="Only this owner.")]


def such_as(**values: Any) -> ConfigDict:
    """Return the example of a body, for the OpenAPI document."""
    return ConfigDict(json_schema_extra={"examples": [values]})


STRICT: Final = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Body(BaseModel):
    """What every body has in common."""

    model_config = STRICT


class DeliverBody(DeliverOptions):
    """What is delivered, and with how many attempts."""

    model_config = STRICT | such_as(provider="slack", retries=2, generated_by="release-governance")

    provider: Annotated[str, Readable] = like(
        DeliverOptions, "provider", min_length=1, max_length=1000, pattern=ONE_LINE
    )
    routing_policy: PlainJson | None = Field(
        default=None, description="Routing policy that adds to the schedule's."
    )
    generated_by: Who = None


class SaidBody(Said):
    """The answer to notifications, and who gives it."""

    model_config = STRICT

    acknowledged_by: Who = None
    external_ref: Annotated[str, Readable] = like(Said, "external_ref", max_length=1000, pattern=ONE_LINE)
    notes: str = like(Said, "notes", max_length=4000)


class AcknowledgeBody(SaidBody):
    """An acknowledgement of the notifications of a schedule."""

    model_config = such_as(provider="slack", acknowledged_by="release-manager", external_ref="CHG-456")

    provider: Name | None = like(AcknowledgedRoute, "provider")
    owner: Name | None = like(AcknowledgedRoute, "owner")
    plan_id: Name | None = Field(default=None, description="A plan of the cycle; else the newest cycle.")
    cycle_id: Name | None = Field(default=None, description="The cycle; else the newest one.")


class RecordBody(Body):
    """A drill that was performed, and its schedule."""

    model_config = such_as(
        schedule_id="payments",
        drill_id="payments-2026-12-01",
        executed_at="2026-12-01T09:00:00Z",
        status="pass",
        fallback_verified=True,
        recovery_minutes=7,
        max_recovery_minutes=15,
        evidence_refs=["drill://ci/run-2"],
    )

    schedule_id: Name = Field(description="The schedule whose drill it is.")
    drill_id: Name = like(DrillFacts, "drill_id")
    executed_at: str = like(DrillFacts, "executed_at", min_length=1, max_length=40)
    status: OutcomeName = like(RecordRequest, "status")
    fallback_verified: bool = like(RecordRequest, "fallback_verified")
    recovery_minutes: float | None = like(DrillFacts, "recovery_minutes", ge=0)
    max_recovery_minutes: float | None = like(DrillFacts, "max_recovery_minutes", ge=0)
    evidence_refs: list[str] | None = like(DrillFacts, "evidence_refs", max_length=100)
    actor: str = like(DrillFacts, "actor", max_length=200, pattern=ONE_LINE)
    source_mode: str = like(DrillFacts, "source_mode", max_length=40)
    target_mode: str = like(RecordRequest, "target_mode", max_length=40)
    runbook_ref: str = like(DrillFacts, "runbook_ref", max_length=1000, pattern=ONE_LINE)
    further: PlainJson | None = like(RecordRequest, "further")
    advance: bool = like(WhereToRecord, "advance")
    generated_by: Who = None


class RouteBody(Body):
    """The routes of one cycle, or those of them through a provider or to an owner."""

    schedule_id: Name | None = Field(default=None, description="A schedule: its newest cycle.")
    cycle_id: Name | None = Field(default=None, description="A cycle.")
    plan_id: Name | None = Field(default=None, description="A plan of the cycle.")
    provider: OnlyProvider = None
    owner: OnlyOwner = None

    @model_validator(mode="after")
    def _check_named(self) -> Self:
        if not (self.schedule_id or self.cycle_id or self.plan_id):
            raise ValueError("a route needs schedule_id, cycle_id or plan_id")
        return self


class BulkBody(SaidBody):
    """One acknowledgement of many routes: of all of them or of none."""

    model_config = such_as(
        acknowledgement_state="resolved", routes=[{"schedule_id": "payments", "provider": "slack"}]
    )

    routes: list[RouteBody] = Field(
        min_length=1, max_length=MOST_AT_ONCE, description="The routes to acknowledge."
    )


class PolicyBody(Body):
    """The default of contract §4, for routes without minutes of their own; every route here has some."""

    acknowledgement_minutes: float | None = Field(
        default=None, gt=0, le=525_600, description="Has no effect: every route has its own minutes."
    )


class EscalationBody(Body):
    """Who asks for the escalation plan."""

    model_config = such_as(policy={"acknowledgement_minutes": 60}, generated_by="release-governance")

    policy: PolicyBody | None = Field(
        default=None, description="Has no effect; taken because contract §7 names it."
    )
    generated_by: Who = None


class PackageBody(Body):
    """Which routes an audit package is about."""

    model_config = such_as(owner="release-governance")

    schedule_id: OnlySchedule = None
    provider: OnlyProvider = None
    owner: OnlyOwner = None
    since: str | None = Field(
        default=None, alias="from", min_length=1, max_length=40, description="From this time or day on."
    )
    until: str | None = Field(
        default=None, alias="to", min_length=1, max_length=40, description="Only before this time or day."
    )
    generated_by: Who = None
