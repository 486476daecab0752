"""What people say of a drill that was performed: the source of the form and of the options."""

from typing import Annotated, Literal

from pydantic import Field

from rollback_drills.documents.history import ExerciseType, Trigger
from rollback_drills.documents.plain_json import PlainJson
from rollback_drills.planning.request_fields import Instant, Otherwise, Request, Signer
from rollback_drills.planning.requests import CheckRequest, HowToDeliver

OutcomeName = Literal["pass", "fail"]


class DrillFacts(Request):
    """The facts by which a drill is judged."""

    status: OutcomeName | None = Field(None, description="How the drill ended.")
    fallback_verified: bool | None = Field(None, description="Whether the drill verified the fallback.")
    recovery_minutes: float | None = Field(None, description="Time that the rollback took, in minutes.")
    max_recovery_minutes: float | None = Field(None, description="Maximum recovery time, in minutes.")
    evidence_refs: list[str] | None = Field(None, description="Reference to evidence; may be repeated.")
    executed_at: Annotated[Instant | None, Otherwise("now")] = Field(
        None, description="When it was performed."
    )
    actor: str = Field("", description="Who performed it.")
    source_mode: str = Field("", description="The mode before the rollback.")
    target_mode: Annotated[str, Otherwise("disabled")] = Field("", description="The mode after it.")
    runbook_ref: Annotated[str, Otherwise("that of the schedule")] = Field(
        "", description="The runbook that was followed."
    )
    drill_id: Annotated[str, Otherwise("made of schedule, day and content")] = Field(
        "", description="The id of the drill."
    )


class DrillDetails(DrillFacts):
    """All that the command line takes of a drill; no judgement depends on what is added here."""

    scenario: str = Field("", description="What was assumed to go wrong.")
    objective: str = Field("", description="What the drill was meant to show.")
    exercise_type: ExerciseType | None = Field(None, description="Kind of exercise.")
    trigger: Trigger | None = Field(
        None, description="Why the drill was performed: at its interval, or after a change."
    )
    participants: list[str] | None = Field(None, description="Who took part; may be repeated.")
    rto_minutes: float | None = Field(None, description="Recovery time objective, in minutes.")
    rto_achieved_minutes: float | None = Field(None, description="Recovery time achieved, in minutes.")
    rpo_minutes: float | None = Field(None, description="Recovery point objective, in minutes of data.")
    rpo_achieved_minutes: float | None = Field(None, description="Data loss measured, in minutes.")
    plan_version: str = Field("", description="Version of the recovery plan that was followed.")
    plan_version_after: str = Field("", description="Version of the revised plan.")
    systems_tested: list[str] | None = Field(None, description="A system that was tested; may be repeated.")
    covers_third_party: bool | None = Field(None, description="Whether a third party took part.")
    key_person_absent: bool | None = Field(None, description="Whether a key person was absent.")
    restore_checksum: str = Field("", description="Checksum of the data that was restored.")
    reviewed_by: str = Field("", description="Who reviewed it.")
    reviewed_at: Instant | None = Field(None, description="When it was reviewed.")
    approved_by: str = Field("", description="Who approved it.")
    approved_at: Instant | None = Field(None, description="When it was approved.")
    report_sha256: str = Field("", description="SHA-256 digest of the report about it.")


class WhereToRecord(Request):
    """Where a drill is recorded."""

    schedule_id: Annotated[str | None, Otherwise("the only one")] = Field(
        None, description="Which of several schedules."
    )
    create: bool = Field(default=False, description="Create the history if there is none.")
    advance: bool = Field(
        default=False,
        description="Move next_due_at by the interval if the drill is accepted (due_policy explicit).",
    )


class RecordRequest(DrillFacts, WhereToRecord, HowToDeliver, CheckRequest):
    """What is recorded, and how the owners are notified."""

    status: OutcomeName = Field(description="How the drill ended.")
    fallback_verified: bool = Field(default=False, description="Whether the drill verified the fallback.")
    target_mode: str = Field("disabled", description="The mode after it.")
    further: PlainJson | None = Field(
        None,
        description="Other fields of a drill as the history has them, such as participants and findings.",
    )
    generated_by: Signer = Field("record-drill", description="Who recorded it, for the evidence.")

    @property
    def drill_fields(self) -> dict[str, object]:
        """The facts of the drill as the history has them."""
        fields = {name: getattr(self, name) for name in DrillFacts.model_fields}
        return {**fields, "executed_at": self.executed_at and self.executed_at.isoformat()}
