"""What the gate is asked: the source of its form."""

from typing import Annotated

from pydantic import Field

from rollback_drills.planning.request_fields import Signer, of_setting
from rollback_drills.planning.requests import CheckRequest
from rollback_drills.settings import DESCRIPTIONS


class GateRequest(CheckRequest):
    """Which documents decide about a release."""

    promotion_evidence: Annotated[str | None, of_setting("promotion_evidence")] = Field(
        None, description=DESCRIPTIONS["promotion_evidence"]
    )
    rollback_plan: Annotated[str | None, of_setting("rollback_plan")] = Field(
        None, description=DESCRIPTIONS["rollback_plan"]
    )
    rollback_rehearsal: Annotated[str | None, of_setting("rollback_rehearsal")] = Field(
        None, description=DESCRIPTIONS["rollback_rehearsal"]
    )
    require_current_proof: bool = Field(
        default=False, description="Block unless an accepted drill came after everything promoted."
    )
    generated_by: Signer = Field("release-gate", description="Who asked, as recorded in the documents.")
