"""What a flow run of the check was asked to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What a flow run was asked to do; None leaves a setting to the environment of the worker."""

    schedule: str | None
    history: str | None
    mode: str | None
    due_soon_days: float | None
    max_age_days: float | None
    routing_policy: Mapping[str, Any] | str | None
    provider: str
    force: bool
    retries: int
    timeout_seconds: float
    generated_by: str
    dry_run: bool
    as_of: datetime | None
