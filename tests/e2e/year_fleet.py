"""A hundred schedules, and who performs their drills when, through a year."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from tests.samples.builders import DRILL

ZONE: Final = ZoneInfo("Europe/Berlin")
START: Final = datetime(2026, 1, 1, 7, tzinfo=ZONE)
FIRST_HOUR, LAST_HOUR = 7, 19
_HOUR: Final = 10
"""At which drills are performed."""
_EVENTFUL_HOURS: Final = (FIRST_HOUR, 11, 15)
FOLLOWED: Final = "payments"
"""The schedule whose year is looked at in the Prefect UI."""
_TEAMS: Final = (
    "billing",
    "catalog",
    "identity",
    "ledger",
    "orders",
    "pricing",
    "reports",
    "search",
    "shipping",
)
_PARTS: Final = (
    *("api", "batch", "cache", "events", "gateway", "jobs"),
    *("mail", "store", "sync", "web", "worker"),
)
_INTERVAL: Final = timedelta(days=90)
_LATE_DRILL: Final = datetime(2026, 12, 1, 14, tzinfo=ZONE)
_FREEZE: Final = {
    "window_id": "quarter-end-freeze",
    "start_at": "2026-11-26T00:00:00+01:00",
    "end_at": "2026-11-29T00:00:00+01:00",
    "owners": ["release-governance"],
    "reason": "quarter end: no change, no drill",
}
_PAYMENTS: Final[Mapping[str, Any]] = {
    "cadence": {
        "rrule": "FREQ=MONTHLY;BYMONTHDAY=27",
        "start": "2026-01-27T10:00",
        "time_zone": "Europe/Berlin",
    },
    "maintenance_windows": [_FREEZE],
}


@dataclass
class _Service:
    """A schedule, and how its people perform its drills."""

    name: str
    number: int
    drills: list[dict[str, Any]] = field(default_factory=list)
    next_drill: datetime = START

    def schedule(self) -> dict[str, Any]:
        """Return the schedule; the one of payments goes by the calendar."""
        usual = {"interval_days": _INTERVAL.days, "due_policy": "after_completion"}
        return {
            "schema_version": "cavra.go-backend-rollback-drill-schedule.v1",
            "schedule_id": self.name,
            "environment": "production",
            "status": "active",
            "owners": [f"{self.name.partition('-')[0]}-team", "release-governance"],
            "notification_providers": ["webhook"],
            "runbook_ref": "docs/runbook.md",
            **(usual if self.number else _PAYMENTS),
        }

    def perform(self, at: datetime) -> None:
        """Perform a drill, and choose when the next one will be: up to 14 days early, or a day late."""
        drill = {"drill_id": f"{self.name}-{at:%Y-%m-%d}", "executed_at": at.isoformat()}
        self.drills.append(
            {**DRILL, **drill, "evidence_refs": [f"go-rollback-drill://ci/{drill['drill_id']}"]}
        )
        lead = timedelta(days=(self.number * 7) % 16 - 1)
        following = at + _INTERVAL - lead
        self.next_drill = following.replace(hour=_HOUR) if self.number else _next_of_payments(at)


def _next_of_payments(at: datetime) -> datetime:
    """Return when payments performs its next drill: on the 20th, but in November only when it is overdue."""
    if at == _LATE_DRILL:
        return at.replace(day=20)
    following = (at.replace(day=1) + timedelta(days=32)).replace(day=20, hour=14)
    return _LATE_DRILL if (following.year, following.month) == (2026, 11) else following


class YearOfDrills:
    """The documents of the fleet in a folder, as they change through a year."""

    def __init__(self, folder: Path) -> None:
        """Write all schedules; each has had a drill some time ago."""
        folder.mkdir()
        self._folder = folder
        names = [FOLLOWED, *(f"{team}-{part}" for part in _PARTS for team in _TEAMS)]
        self._services = [_Service(name, number) for number, name in enumerate(names)]
        for each in self._services:
            ago = _INTERVAL * (each.number * 37 % 100) / 100 if each.number else timedelta(days=12)
            each.perform((START - ago).replace(hour=_HOUR) - timedelta(days=1))
            (folder / f"{each.name}-schedule.json").write_text(json.dumps(each.schedule()))
            self._write(each)

    def live_until(self, now: datetime) -> int:
        """Perform the drills that are performed before a time; return how many there were."""
        count = 0
        for each in self._services:
            while each.next_drill < now:
                each.perform(each.next_drill)
                self._write(each)
                count += 1
        return count

    def _write(self, service: _Service) -> None:
        history = {
            "schema_version": "cavra.go-backend-rollback-drill-history.v1",
            "environment": "production",
            "drills": service.drills,
        }
        (self._folder / f"{service.name}-history.json").write_text(json.dumps(history))


def hours(days: int) -> Iterator[tuple[datetime, bool]]:
    """Yield when the checks of some days run: every hour from 7 to 19 by the clock on the wall.

    With each comes whether anything can have changed since the hour before: drills are performed and come due
    at 10 and at 14, and windows end in the night.
    """
    for day in range(days):
        for hour in range(FIRST_HOUR, LAST_HOUR + 1):
            yield (START + timedelta(days=day)).replace(hour=hour), hour in _EVENTFUL_HOURS
