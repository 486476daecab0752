"""The types of the flows' parameters; Prefect builds the run form from them and from the docstrings."""

from typing import Annotated, Literal

from pydantic import Field

from rollback_drills.documents.fields import LONGEST_INTERVAL_DAYS

ModeName = Literal["disabled", "shadow", "enforce", "promoted"]
SomeDays = Annotated[float, Field(ge=0, le=LONGEST_INTERVAL_DAYS)]
Retries = Annotated[int, Field(ge=0, le=10)]
Weeks = Annotated[int, Field(ge=1, le=520)]
AcknowledgedDays = Annotated[float, Field(gt=0, le=30)]
OverdueMinutes = Annotated[float, Field(gt=0, le=60 * 24 * 366)]
TimeoutSeconds = Annotated[float, Field(gt=0, le=300)]
