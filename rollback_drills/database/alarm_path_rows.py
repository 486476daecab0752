"""Distinguishes the rows of alarm-path drills from those of schedules: they belong to no cycle."""

from sqlalchemy import ColumnElement

from rollback_drills.names.ids import ALARM_FINDING_PREFIX, ALARM_PATH_PREFIX


def is_alarm_path(schedule_id: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether a row is the drill of an alarm path, or is about one.

    Args:
        schedule_id: The column that has the schedule otherwise.
    """
    return schedule_id.startswith(ALARM_PATH_PREFIX, autoescape=True)


def is_no_alarm_path(schedule_id: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether a row belongs to a schedule, or to anything but the drills of alarm paths.

    Args:
        schedule_id: The column that has the schedule otherwise.
    """
    prefixes = (ALARM_PATH_PREFIX, ALARM_FINDING_PREFIX)
    return ~(
        schedule_id.startswith(prefixes[0], autoescape=True)
        | schedule_id.startswith(prefixes[1], autoescape=True)
    )
