"""Types of parameters that only one flow has."""

from typing import Annotated

from pydantic import Field

Weeks = Annotated[int, Field(ge=1, le=520)]
