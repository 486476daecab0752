"""Instants in UTC: how every document writes one, and which can be written."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

import msgspec

from rollback_drills.documents.unfit_keys import UnfitKeysError


def write_instant(instant: datetime) -> str:
    """Write an instant as every document has it: RFC 3339 in UTC, `2026-06-20T15:40:00+00:00`.

    Raises:
        OverflowError: In UTC it leaves the years 1 to 9999.
    """
    # gives the text of isoformat() in a third of its time; a report holds a dozen instants
    text: str = msgspec.to_builtins(instant)
    if text[-1] != "Z":
        text = msgspec.to_builtins(instant.astimezone(UTC))
    return text[:-1] + "+00:00"


write_time_of_run: Final = lru_cache(maxsize=16)(write_instant)
"""Writes the time of a run as `write_instant` does, but once: every report and plan of the run has it."""


def in_utc(instant: datetime) -> datetime:
    """Return an instant in UTC; without an offset it is read as UTC (contract §8.1)."""
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def from_seconds(seconds: float) -> datetime:
    """Return an instant in seconds since 1970, as the outbox has it."""
    return datetime.fromtimestamp(seconds, UTC)


def write_seconds(seconds: float | None) -> str | None:
    """Write an instant in seconds since 1970, as every document has it; None if there is none."""
    return None if seconds is None else write_instant(from_seconds(seconds))


ZERO_TIME: Final = datetime.min.replace(tzinfo=UTC)
"""What Go (and .NET) write for a time that was never set; the careful reading takes it as absent."""


def check_in_utc(**instants: datetime | None) -> None:
    """Ensure that instants near the ends of the calendar can be written in UTC.

    Raises:
        UnfitKeysError: One leaves the years 1 to 9999, or is the zero time.
    """
    for key, instant in instants.items():
        if instant is not None and not 1 < instant.year < 9999:
            if instant == ZERO_TIME:
                raise UnfitKeysError("is the zero time, which stands for no time; leave it out", at=(key,))
            try:
                instant.astimezone(UTC)
            except OverflowError:
                raise UnfitKeysError("leaves the years 1 to 9999 in UTC; fix it", at=(key,)) from None
