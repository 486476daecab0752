"""Finds the schedules that the last check lost, and that no run has named because it was killed."""

from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

import httpx
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound
from prefect.states import Failed

from rollback_drills.database.connections import Database
from rollback_drills.evidence.checks.last_findings import find_lost_by_last_check
from rollback_drills.evidence.checks.population import Population
from rollback_drills.evidence.checks.recorded_check import ShardedCheck


def find_unnamed(database: Database, looked: Population | ShardedCheck | None) -> Sequence[str]:
    """Return what the last check has lost, if its run was killed before its message could name it."""
    if looked is None:
        return ()
    lost, flow_run_id = find_lost_by_last_check(database, looked.population_id)
    return () if not lost or _has_failed(flow_run_id) else lost


def _has_failed(flow_run_id: str) -> bool:
    """Return whether a run ended as Failed, like a check that names lost schedules, and not as TimedOut.

    If the server does not say so, the schedules are named again.
    """
    with suppress(ValueError, ObjectNotFound, httpx.HTTPError), get_client(sync_client=True) as client:
        state = client.read_flow_run(UUID(flow_run_id)).state
        return state is not None and state.name == Failed().name
    return False
