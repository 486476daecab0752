"""Notices that the checks have stopped although their deployment has a schedule: the follow-up goes on."""

import asyncio
from datetime import datetime, timedelta
from typing import Final

import httpx
from prefect.client.schemas.objects import DeploymentSchedule
from prefect.client.schemas.responses import DeploymentResponse
from prefect.context import SyncClientContext
from prefect.exceptions import ObjectNotFound, PrefectException
from prefect.logging import get_run_logger
from prefect.server.schemas.schedules import SCHEDULE_TYPES
from pydantic import TypeAdapter

from rollback_drills.evidence.checks.last_findings import find_time_of_check
from rollback_drills.rendering.times import write_time
from tasks.evidence import open_existing

_DEPLOYMENT: Final = "drill-check/drill-check"
_PATIENCE: Final = timedelta(hours=2)
"""How late a check may end: it waits for a worker and for the check before it, and takes its time."""
_SCHEDULE: Final = TypeAdapter[SCHEDULE_TYPES](SCHEDULE_TYPES)


def find_missed_check(url: str, *, of_fleet: bool, now: datetime) -> list[str]:
    """Return the problem that no check ended since one was due; nothing if checks have no schedule."""
    try:
        with SyncClientContext.get_or_create() as opened:
            deployment = opened.client.read_deployment_by_name(_DEPLOYMENT)
    except ObjectNotFound:
        return []
    except (httpx.HTTPError, PrefectException) as error:
        get_run_logger().warning("the schedule of the checks cannot be read: %s", type(error).__name__)
        return []
    return explain_missed_check(deployment, _find_last_check(url, of_fleet=of_fleet), now=now)


def explain_missed_check(
    deployment: DeploymentResponse, last: datetime | None, *, now: datetime
) -> list[str]:
    """Compare the last check with the schedule of the deployment, also if it is paused.

    Args:
        deployment: That of the checks.
        last: The time of the last check; None if there was none yet.
        now: The present time.
    """
    active = [each for each in deployment.schedules if each.active]
    due = min(filter(None, (_find_due(each, last) for each in active or deployment.schedules)), default=None)
    if due is None or now - due <= _PATIENCE:
        return []
    if deployment.paused:
        remedy = "it is paused: resume it"
    elif not active:
        remedy = "its schedule is not active: activate it"
    else:
        remedy = "look at its runs, its work queue and its workers"
    since = f"since {write_time(last)}" if last else "yet"
    what = f"no check has ended {since}, though the deployment {_DEPLOYMENT} had one due {write_time(due)}"
    return [f"{what}; {remedy}"]


def _find_due(schedule: DeploymentSchedule, last: datetime | None) -> datetime | None:
    """Return when the first check after the last one is due; what was due before a change is no matter."""
    known = [each for each in (last, schedule.updated or schedule.created) if each]
    if not known:
        return None
    wanted = _SCHEDULE.validate_python(schedule.schedule.model_dump())
    return next(iter(asyncio.run(wanted.get_dates(1, max(known)))), None)


def _find_last_check(url: str, *, of_fleet: bool) -> datetime | None:
    database = open_existing(url)
    if database is None:
        return None
    with database.read() as connection:
        return find_time_of_check(connection, of_fleet=of_fleet)
