"""The keys under which Prefect keeps the pages of runs."""

import re
from hashlib import sha256
from typing import Final

_PREFIX: Final = "rollback-drill-"
FLEET_KEY: Final = f"{_PREFIX}fleet"
LOOK_AHEAD_KEY: Final = f"{_PREFIX}look-ahead"
FOLLOW_UP_KEY: Final = f"{_PREFIX}follow-up"
CYCLES_KEY: Final = f"{FOLLOW_UP_KEY}-cycles"
ALARM_PATH_KEY: Final = f"{_PREFIX}alarm-paths"
REVIEW_KEY: Final = f"{_PREFIX}review"
WEEKS_KEY: Final = f"{REVIEW_KEY}-weeks"
_OF_NO_SCHEDULE: Final = (
    *(FLEET_KEY, LOOK_AHEAD_KEY, FOLLOW_UP_KEY, CYCLES_KEY),
    *(ALARM_PATH_KEY, REVIEW_KEY, WEEKS_KEY),
)
_GATE: Final = "-gate"


def artifact_key(schedule_id: str) -> str:
    """Return the stable key of a schedule's pages: lower-case letters, digits and dashes.

    It is that of no other schedule, and of no other page: a schedule may be called `fleet`.
    """
    slug = re.sub(r"[^a-z0-9]+", "-", schedule_id.lower()).strip("-")[:60]
    key = f"{_PREFIX}{slug}"
    if slug == schedule_id and key not in _OF_NO_SCHEDULE and not key.endswith(_GATE):
        return key
    return f"{key}-{sha256(schedule_id.encode()).hexdigest()[:6]}"


def gate_key(schedule_id: str | None) -> str:
    """Return the key of the page of a gate: of the only schedule, or of a fleet if it is None."""
    return f"{FLEET_KEY if schedule_id is None else artifact_key(schedule_id)}{_GATE}"
