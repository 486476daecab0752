"""The types of the flows' parameters; Prefect builds the run form from them and from the docstrings."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from rollback_drills.documents.fields import LONGEST_INTERVAL_DAYS
from rollback_drills.followup.routes import RouteChoice

ModeName = Literal["disabled", "shadow", "enforce", "promoted"]
SomeDays = Annotated[float, Field(ge=0, le=LONGEST_INTERVAL_DAYS)]
Retries = Annotated[int, Field(ge=0, le=10)]
Weeks = Annotated[int, Field(ge=1, le=520)]
AcknowledgedDays = Annotated[float, Field(gt=0, le=30)]
OverdueMinutes = Annotated[float, Field(gt=0, le=60 * 24 * 366)]
TimeoutSeconds = Annotated[float, Field(ge=0.1, le=300)]


class AcknowledgedRoute(BaseModel):
    """Which routes are acknowledged: of a cycle, of that of a plan, or of the newest one of a schedule."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cycle_id: str | None = None
    plan_id: str | None = None
    schedule_id: str | None = None
    provider: str | None = None
    owner: str | None = None

    def to_choice(self) -> RouteChoice:
        """Give what is meant; an empty text, as the form of Prefect has it, means nothing."""
        return RouteChoice(**{name: value or None for name, value in self})
