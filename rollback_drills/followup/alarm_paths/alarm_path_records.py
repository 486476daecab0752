"""What the evidence says of alarm paths: that a drill was missed, and that a route is used no more."""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from functools import partial

from msgspec import UNSET, UnsetType

from rollback_drills.documents.utc import write_instant
from rollback_drills.evidence.record import Record, make_once_key
from rollback_drills.evidence.record_kinds import ALARM_PATH_KIND
from rollback_drills.followup.alarm_paths.alarm_path_findings import AlarmPathFinding, EventKind, MissedDrill
from rollback_drills.names import ids
from rollback_drills.names.keys import name_key
from rollback_drills.planning.alarm_path import AlarmPath
from rollback_drills.redaction.computed import Computed


class AlarmPathRecord(Record, frozen=True, kw_only=True, gc=False, tag=ALARM_PATH_KIND):
    """What was found about a route, as the evidence has it."""

    schedule_id: str
    cycle_id: Computed
    owner: str
    provider: str
    route_key: Computed
    notification_id: Computed
    """The drill that was missed; empty if none was."""
    finding: EventKind
    because: str
    assigned_to: str | UnsetType = UNSET
    """Who looks after a missed drill."""
    drilled_at: Computed | UnsetType = UNSET
    """When a missed drill was planned."""
    found_at: Computed

    @property
    def times(self) -> Sequence[datetime]:
        """When it was found."""
        return (datetime.fromisoformat(self.found_at),)


def find_withdrawn(
    findings: Iterable[AlarmPathFinding], paths: Collection[AlarmPath]
) -> list[AlarmPathFinding]:
    """Return the findings about routes that no schedule uses any more."""
    used = {(name_key(each.owner), name_key(each.provider)) for each in paths}
    return [each for each in findings if (name_key(each.owner), name_key(each.provider)) not in used]


def record_missed(
    missed: Iterable[MissedDrill], *, assigned_to: str, now: datetime, created_at: datetime, signer: str
) -> dict[str, Callable[[], AlarmPathRecord]]:
    """Return, by the key under which it is written once, how to make the record of each missed drill.

    Args:
        missed: The drills.
        assigned_to: Who looks after the finding.
        now: When it was found.
        created_at: The clock of the evidence.
        signer: Who runs.
    """
    return {
        make_once_key(ALARM_PATH_KIND, each.drill.notification_id): partial(
            _record_missed, each, assigned_to, now=now, created_at=created_at, signer=signer
        )
        for each in missed
    }


def record_withdrawn(
    findings: Iterable[AlarmPathFinding], *, now: datetime, created_at: datetime, signer: str
) -> dict[str, Callable[[], AlarmPathRecord]]:
    """Return, by the key under which it is written once, how to end each finding about an unused route.

    Args:
        findings: About the routes.
        now: When it was found that nobody uses them.
        created_at: The clock of the evidence.
        signer: Who runs.
    """
    return {
        make_once_key(ALARM_PATH_KIND, each.cycle_id, each.owner, each.provider, each.since): partial(
            _record_withdrawn, each, now=now, created_at=created_at, signer=signer
        )
        for each in findings
    }


def _record_missed(
    missed: MissedDrill, assigned_to: str, *, now: datetime, created_at: datetime, signer: str
) -> AlarmPathRecord:
    drill = missed.drill
    return AlarmPathRecord(
        session_id=drill.session_id,
        created_at=write_instant(created_at),
        signer=signer,
        schedule_id=f"{ids.ALARM_PATH_PREFIX}{drill.owner}",
        cycle_id=drill.cycle_id,
        owner=drill.owner,
        provider=drill.provider,
        route_key=drill.route_key,
        notification_id=drill.notification_id,
        finding=EventKind.MISSED,
        because=missed.because,
        assigned_to=assigned_to,
        drilled_at=write_instant(drill.planned_at),
        found_at=write_instant(now),
    )


def _record_withdrawn(
    finding: AlarmPathFinding, *, now: datetime, created_at: datetime, signer: str
) -> AlarmPathRecord:
    return AlarmPathRecord(
        session_id=ids.delivery_session_id(f"alarm-path-{finding.owner}", finding.cycle_id),
        created_at=write_instant(created_at),
        signer=signer,
        schedule_id=f"{ids.ALARM_PATH_PREFIX}{finding.owner}",
        cycle_id=finding.cycle_id,
        owner=finding.owner,
        provider=finding.provider,
        route_key=ids.route_key(finding.cycle_id, finding.provider, finding.owner),
        notification_id="",
        finding=EventKind.WITHDRAWN,
        because="no schedule uses the route any more",
        found_at=write_instant(now),
    )
