"""Types of parameters that only one flow has."""

from typing import Annotated

from pydantic import Field

Weeks = Annotated[int, Field(ge=1, le=520)]
OverdueMinutes = Annotated[float, Field(gt=0, le=60 * 24 * 366)]
