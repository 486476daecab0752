"""What people say and approve: the source of forms, bodies and options."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from rollback_drills.documents.policy_file import GivenPolicy
from rollback_drills.followup.acknowledgements.acknowledgement import (
    LONGEST_ACKNOWLEDGED_FOR,
    Acknowledgement,
    AcknowledgementState,
)
from rollback_drills.followup.acknowledgements.route_choice import RouteChoice
from rollback_drills.followup.retirements.retirement import Change, GivenRetirement
from rollback_drills.planning.request_fields import (
    Instant,
    Otherwise,
    Request,
    Retries,
    Signer,
    TimeoutSeconds,
    like,
)
from rollback_drills.planning.requests import DeliverOptions, DeliverRequest, DocumentsRequest

SaidState = Literal["acknowledged", "dismissed", "escalated", "resolved"]
ExceptionName = Literal["skip", "postpone", "waive"]
DecisionName = Literal["approve", "decline"]
AcknowledgedDays = Annotated[float, Field(gt=0, le=LONGEST_ACKNOWLEDGED_FOR.days)]

OverdueMinutes = Annotated[float, Field(gt=0, le=60 * 24 * 366)]


class Said(Request):
    """What is said of a route."""

    acknowledgement_state: SaidState = Field(
        "acknowledged", description="The answer; escalated makes the next step due at once."
    )
    acknowledged_for_days: Annotated[AcknowledgedDays | None, Otherwise("3 days, or until the due time")] = (
        Field(None, description=f"Days until it ends, at most {LONGEST_ACKNOWLEDGED_FOR.days}.")
    )
    external_ref: str = Field("", description="Where it is followed up, such as a ticket number.")
    notes: str = Field("", description="A remark for the evidence; no secret, address or private name.")

    def to_acknowledgement(self, by: str) -> Acknowledgement:
        """Return what somebody says."""
        days = self.acknowledged_for_days
        return Acknowledgement(
            by,
            AcknowledgementState(self.acknowledgement_state),
            self.external_ref,
            self.notes,
            None if days is None else timedelta(days=days),
        )


class AcknowledgedRoute(Request):
    """Which routes are acknowledged: of a cycle, of that of a plan, or of the newest one of a schedule."""

    cycle_id: str | None = Field(None, description="The cycle, as the console and `drills plan` name it.")
    plan_id: str | None = Field(None, description="A plan of the cycle, instead of the cycle.")
    schedule_id: str | None = Field(None, description="A schedule, instead of the cycle: its newest cycle.")
    provider: Annotated[str | None, Otherwise("all")] = Field(
        None, description="Only notifications through this provider."
    )
    owner: Annotated[str | None, Otherwise("all")] = Field(
        None, description="Only notifications to this owner."
    )

    def to_choice(self) -> RouteChoice:
        """Return what is meant; an empty text, as the form of Prefect has it, means nothing."""
        names = AcknowledgedRoute.model_fields
        return RouteChoice(**{name: getattr(self, name) or None for name in names})


class AcknowledgeRequest(Said, AcknowledgedRoute):
    """What is said of which routes."""

    acknowledged_by: str = Field(description="Who acknowledges.")
    routes: list[AcknowledgedRoute] | None = Field(
        None,
        description=(
            "Instead of cycle, plan, schedule, provider and owner: up to 100 of these together. All of them"
            " are acknowledged, or none."
        ),
    )


class ExceptionRequest(DocumentsRequest):
    """What is approved for the current cycle of a schedule."""

    exception: ExceptionName = Field(
        description=(
            "skip: this cycle is not performed, the next one is; postpone: it is performed later; waive:"
            " nobody has to perform it."
        )
    )
    until: Instant = Field(description="When the exception ends.")
    reason: str = Field(description="Reason, for the evidence; no secret, address or private name.")
    approver: str = Field(description="Who approves it.")
    requested_by: str = Field("", description="Who asked for it; cannot be the approver.")
    schedule_id: Annotated[str | None, Otherwise("the only one")] = Field(
        None, description="Which of several schedules."
    )
    generated_by: Signer = Field("grant-exception", description="Who asked, as recorded in the evidence.")


class RetirementRequest(DocumentsRequest):
    """What is approved for a schedule that nobody follows any more."""

    schedule_id: str = Field(description="The schedule, also one whose document is gone.")
    reason: str = like(ExceptionRequest, "reason")
    approver: str = like(ExceptionRequest, "approver")
    requested_by: str = like(ExceptionRequest, "requested_by")
    restore: bool = Field(default=False, description="Follow a retired schedule again.")
    generated_by: Signer = Field("retire-schedule", description="Who asked, as recorded in the evidence.")

    def to_retirement(self) -> GivenRetirement:
        """Return what is approved."""
        change = Change.RESTORED if self.restore else Change.RETIRED
        return GivenRetirement(self.schedule_id, self.reason, self.approver, self.requested_by, change)


class AskRequest(DocumentsRequest):
    """What somebody asks for, and somebody else decides."""

    exception: ExceptionName = like(ExceptionRequest, "exception")
    until: Instant = like(ExceptionRequest, "until")
    reason: str = like(ExceptionRequest, "reason")
    requested_by: str = Field(description="Who asks for it; somebody else approves it.")
    schedule_id: Annotated[str | None, Otherwise("the only one")] = like(ExceptionRequest, "schedule_id")


class DecideRequest(DocumentsRequest):
    """How a request for an exception is decided."""

    request_id: str = Field(description="The request, gordexreq-….")
    decision: DecisionName = Field(description="approve grants the exception; decline does not.")
    decided_by: str = Field(description="Who decides; whoever requested it can only decline it.")
    reason: str = Field(
        "",
        description="Why, for the evidence. Needed to decline; an approval keeps it as a remark.",
    )


class EscalateRequest(DocumentsRequest):
    """What is escalated, and when it is too late."""

    routing_policy: GivenPolicy = like(DeliverOptions, "routing_policy")
    retries: Retries = like(DeliverOptions, "retries")
    timeout_seconds: TimeoutSeconds = like(DeliverOptions, "timeout_seconds")
    overdue_after_minutes: OverdueMinutes = Field(
        1440.0, description="How many minutes the next action of a cycle may be late before the run fails."
    )
    heartbeat_secret: str | None = Field(
        None, description="Secret block with an address that is called when every cycle is looked after."
    )
    generated_by: Signer = Field(
        "escalate-unacknowledged", description="Who asked, as recorded in the evidence."
    )
    dry_run: bool = like(DeliverRequest, "dry_run")
    as_of: Annotated[Instant | None, Otherwise("now")] = like(DeliverRequest, "as_of")
