"""The state of the drills for Prometheus, read from documents, outbox and evidence when it is asked for."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import Final

from fastapi import APIRouter
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from starlette.responses import Response

from rollback_drills.database.connections import Database
from rollback_drills.database.tables import LEDGER, OUTBOX
from rollback_drills.evidence.checks.last_findings import find_time_of_check
from rollback_drills.evidence.record_kinds import PLAN_KIND
from rollback_drills.followup.dashboard import Dashboard
from rollback_drills.notifications.states import WAITING, State
from rollback_drills.outbox.rows import holds_time
from rollback_drills.outbox.undelivered import find_damaged
from rollback_drills_api.fleet import JudgedFleet
from rollback_drills_api.lookback import find_dashboard
from rollback_drills_api.openapi.operations import described_text
from rollback_drills_api.queries import nothing_asked
from rollback_drills_api.service import Readable, Service

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_PREFIX: Final = "rollback_drills"
_STATES: Final = frozenset(map(str, State))

router = APIRouter(tags=["metrics"], dependencies=[nothing_asked])


@router.get(
    "/metrics",
    response_class=Response,
    responses=described_text("text/plain", "Metrics in the text format.", "rollback_drills_open_cycles 0"),
)
async def metrics(served: Readable) -> Response:
    """Return the metrics in the text format of Prometheus."""
    return await served.answers.give("metrics", served.version, lambda: write_metrics(served), MEDIA_TYPE)


def write_metrics(served: Service) -> bytes:
    """Write everything that is measured, of this moment."""
    registry = CollectorRegistry()
    registry.register(DrillCollector(_measure(served)))
    written: bytes = generate_latest(registry)
    return written


@dataclass(frozen=True, slots=True)
class Measured:
    """What the metrics are made of."""

    fleet: JudgedFleet
    dashboard: Dashboard
    deliveries: Sequence[tuple[str, str, int]]
    """Provider, state and number of its notifications."""
    oldest_waiting_seconds: float
    damaged_count: int
    last_check: datetime | None


class DrillCollector(Collector):
    """Turns what was measured into metrics; labels are ids of schedules, names of providers and states."""

    def __init__(self, measured: Measured) -> None:
        """Collect this."""
        self._measured = measured

    def collect(self) -> Iterator[Metric]:
        """Return every metric."""
        yield InfoMetricFamily(f"{_PREFIX}_build", "The version.", {"version": version("rollback-drills")})
        yield from self._of_schedules()
        yield from self._of_cycles()
        yield from self._of_outbox()

    def _of_schedules(self) -> Iterator[Metric]:
        labels = ("schedule_id", "environment")
        due = GaugeMetricFamily(
            f"{_PREFIX}_next_due_seconds",
            "Seconds until the drill is due; negative if it is late.",
            labels=labels,
        )
        state = GaugeMetricFamily(
            f"{_PREFIX}_schedule_state", "1 for the state that a schedule is in.", labels=(*labels, "state")
        )
        for each in self._measured.fleet.judgements:
            schedule = each.schedule
            names = (each.cycle.schedule_id, schedule.environment)
            state.add_metric((*names, str(each.readiness)), 1)
            if schedule.next_due_at:
                left = datetime.fromisoformat(schedule.next_due_at) - self._measured.fleet.at
                due.add_metric(names, left.total_seconds())
        yield due
        yield state
        states = Counter(str(each.readiness) for each in self._measured.fleet.judgements)
        count = GaugeMetricFamily(f"{_PREFIX}_schedules", "Schedules by state.", labels=("state",))
        for name, number in sorted(states.items()):
            count.add_metric((name,), number)
        yield count

    def _of_cycles(self) -> Iterator[Metric]:
        dashboard = self._measured.dashboard
        cycles = GaugeMetricFamily(f"{_PREFIX}_open_cycles", "Open cycles by state.", labels=("state",))
        for name, number in dashboard.cycles_by_state.items():
            cycles.add_metric((name,), number)
        yield cycles
        for name, what, count in (
            (
                "outstanding",
                "Routes whose owner has to acknowledge, and has not.",
                dashboard.outstanding_count,
            ),
            (
                "breached",
                "Routes with an overdue acknowledgement.",
                dashboard.breached_count,
            ),
        ):
            yield GaugeMetricFamily(f"{_PREFIX}_{name}_acknowledgements", what, value=count)
        failing = GaugeMetricFamily(
            f"{_PREFIX}_connector_failing",
            "1 for a connector whose last delivery failed.",
            labels=("provider",),
        )
        for each in dashboard.failing_connectors:
            failing.add_metric((each.provider,), 1)
        yield failing

    def _of_outbox(self) -> Iterator[Metric]:
        notified = GaugeMetricFamily(
            f"{_PREFIX}_deliveries", "Notifications by provider and outcome.", labels=("provider", "outcome")
        )
        for provider, state, number in self._measured.deliveries:
            notified.add_metric((provider, state), number)
        yield notified
        yield GaugeMetricFamily(
            f"{_PREFIX}_outbox_oldest_waiting_seconds",
            "Age of the notification that waits longest to be sent; 0 if none does.",
            value=self._measured.oldest_waiting_seconds,
        )
        yield GaugeMetricFamily(
            f"{_PREFIX}_outbox_damaged",
            "Notifications whose row cannot be read, so that nobody knows whether they were delivered.",
            value=self._measured.damaged_count,
        )
        if self._measured.last_check:
            yield GaugeMetricFamily(
                f"{_PREFIX}_last_check_timestamp_seconds",
                "When the newest check of the fleet was written into the evidence.",
                value=self._measured.last_check.timestamp(),
            )


def _measure(served: Service) -> Measured:
    fleet, dashboard, database = served.fleet.judged(), find_dashboard(served), served.database()
    if database is None:
        return Measured(fleet, dashboard, (), 0.0, 0, None)
    return Measured(fleet, dashboard, *_read_outbox(database), _find_last_check(database, fleet))


def _read_outbox(database: Database) -> tuple[list[tuple[str, str, int]], float, int]:
    with database.read() as connection:
        counts = select(OUTBOX.c.provider, OUTBOX.c.state, func.count()).group_by(
            OUTBOX.c.provider, OUTBOX.c.state
        )
        rows = connection.execute(counts.order_by(OUTBOX.c.provider, OUTBOX.c.state)).all()
        oldest = connection.scalar(
            select(func.min(OUTBOX.c.queued_at)).where(
                OUTBOX.c.state.in_(WAITING), holds_time(OUTBOX.c.queued_at)
            )
        )
    waiting = max(0.0, time.time() - oldest) if oldest is not None else 0.0
    known = [
        (provider, state, number)
        for provider, state, number in rows
        if isinstance(provider, str) and state in _STATES
    ]
    return known, waiting, len(find_damaged(database))


def _find_last_check(database: Database, fleet: JudgedFleet) -> datetime | None:
    """Return when the fleet was checked last: a drill that is recorded is a check of its schedule alone."""
    with database.read() as connection:
        if at := find_time_of_check(connection, of_fleet=not fleet.is_single):
            return at
        # before each check had a record of its own, each wrote a plan for every schedule
        newest = select(LEDGER.c.created_at).where(LEDGER.c.metadata_kind == PLAN_KIND)
        text = connection.scalar(newest.order_by(LEDGER.c.leaf_index.desc()).limit(1))
    return datetime.fromisoformat(text) if text else None
