"""Delivers at once what a person replayed, and says what came of it."""

import os
from collections.abc import Callable

import msgspec
from prefect.states import Completed

from flows.check.delivery import deliver_due
from flows.failing import fail, refuse
from flows.results import FinalState, ReplayResult, fail_delivery
from rollback_drills.delivery.retries import RetryPolicy
from rollback_drills.errors import DrillsError
from rollback_drills.errors.effects import count_effects
from rollback_drills.evidence.outages.acts import ExecutionRecord
from rollback_drills.names.keys import name_key
from rollback_drills.recovery.replays import RefusedReplayError
from rollback_drills.settings import find_database_url
from tasks.evidence import index_evidence, read_clock


def deliver_replayed(
    write: Callable[[str], ExecutionRecord], retries: RetryPolicy, flow_name: str
) -> FinalState:
    """Write that notifications are replayed, deliver them, and return the state in which the run ends.

    Args:
        write: Makes the notifications due in the database of a URL, and returns the record of the execution.
        retries: How often and how long a delivery is tried.
        flow_name: Signs the evidence.
    """
    before = count_effects()
    try:
        url = find_database_url(os.environ)
        record = write(url)
        requested = frozenset(map(name_key, record.providers))
        wanted = {each.notification_id for each in record.notifications}
        delivered = deliver_due(requested, retries, url)
        indexed = index_evidence([], {}, read_clock(url), flow_name, url)
    except RefusedReplayError as error:
        return refuse(error)
    except DrillsError as error:
        return fail(error, effects_before=before)
    own = {
        each.notification.notification_id: each
        for each in delivered.deliveries
        if each.notification.notification_id in wanted
    }
    deliveries = {name: each.summary for name, each in own.items()}
    result = ReplayResult(**msgspec.structs.asdict(record), deliveries=deliveries)
    count = sum(each.succeeded for each in own.values())
    problems = [*delivered.broken, *indexed.problems]
    message = "; ".join([f"{count} of {len(wanted)} replayed notifications are delivered", *problems])
    if problems or count < len(wanted):
        return fail_delivery(message, result)
    return Completed(name="Replayed", message=message, data=result)
