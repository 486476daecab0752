"""The data from outside that decisions depend on: versions of zones and holidays, and calendars of people."""

from functools import cache
from pathlib import Path
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from rollback_drills.redaction.computed import Computed

_VERSION_MARK: Final = "# version "


class CalendarFile(msgspec.Struct, frozen=True, gc=False, order=True):
    """A calendar of a person that was read."""

    path: str
    """As the document names it."""
    sha256: Computed
    """Of the file, as hex digits."""


class TimeData(msgspec.Struct, frozen=True, gc=False):
    """With which data times that recur were found."""

    time_zone_data: str
    """The version of the IANA database."""
    holiday_data: str | UnsetType = UNSET
    """The version of the package `holidays`, where holidays count."""
    calendars: tuple[CalendarFile, ...] = ()


@cache
def find_time_zone_version() -> str:
    """Return the version of the IANA database that is in use, such as `2026b`; empty if it does not say.

    The data of the system come first, as `zoneinfo` has it, then those of the package `tzdata`.
    """
    from zoneinfo import TZPATH  # only where something recurs

    for folder in map(Path, TZPATH):
        if not (folder / "UTC").exists() and not (folder / "Etc" / "UTC").exists():
            continue
        try:
            with (folder / "tzdata.zi").open(encoding="ascii", errors="replace") as file:
                first = file.readline().strip()
        except OSError:
            return ""
        return first.removeprefix(_VERSION_MARK) if first.startswith(_VERSION_MARK) else ""
    return _version_of("tzdata")


@cache
def find_holiday_version() -> str:
    """Return the version of the package `holidays`; empty if it is not installed."""
    return _version_of("holidays")


def _version_of(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version  # imports the half of `email`

    try:
        return version(package)
    except PackageNotFoundError:
        return ""
