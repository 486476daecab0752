"""What the page behind a link shows: the route as it stands, if it can still be acknowledged."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from rollback_drills.database.connections import Database
from rollback_drills.database.tables import LEDGER, OUTBOX
from rollback_drills.documents.utc import write_instant
from rollback_drills.errors import UsageError
from rollback_drills.evidence.index import EvidenceFilter
from rollback_drills.evidence.record import Record
from rollback_drills.evidence.record_kinds import LINK_REVOCATION_KIND
from rollback_drills.followup.acknowledgements.acknowledgement import (
    Acknowledgement,
    AcknowledgementRecord,
    check_texts,
    find_end,
)
from rollback_drills.followup.acknowledgements.route_choice import RouteChoice
from rollback_drills.followup.cycle_facts import CycleFacts, RouteFacts
from rollback_drills.followup.open_cycles import read_alarm_path, read_open_cycles
from rollback_drills.names.ids import ALARM_PATH_PREFIX, delivery_session_id
from rollback_drills.redaction.computed import Computed


@dataclass(frozen=True, slots=True)
class LinkedRoute:
    """A route of an open cycle."""

    cycle: CycleFacts
    route: RouteFacts

    @property
    def said(self) -> AcknowledgementRecord | None:
        """What was acknowledged last."""
        return self.route.said

    def holds_until(self, now: datetime) -> datetime:
        """Return until when an acknowledgement would hold."""
        return find_end(Acknowledgement(self.route.owner), now, self.cycle.due_at)

    @property
    def is_drill(self) -> bool:
        """Whether it is the drill of an alarm path: acknowledging it says only that it arrived."""
        return self.cycle.schedule_id.startswith(ALARM_PATH_PREFIX)

    @property
    def choice(self) -> RouteChoice:
        """Exactly this route."""
        route = self.route
        return RouteChoice(cycle_id=self.cycle.cycle_id, provider=route.provider, owner=route.owner)


def find_linked_route(database: Database, route_key: str, *, now: datetime) -> LinkedRoute:
    """Return the route that a link is about.

    Raises:
        UsageError: Its cycle is over, or its links were revoked.
    """
    with database.read() as connection:
        schedule_id = connection.scalar(
            select(OUTBOX.c.schedule_id).where(OUTBOX.c.route_key == route_key).limit(1)
        )
    alarm_path = read_alarm_path(database, route_key, now=now)
    cycles = [alarm_path] if alarm_path else []
    if schedule_id and not alarm_path:
        cycles = read_open_cycles(database, now=now, schedule_ids=[schedule_id])
    for cycle in cycles:
        for route in cycle.routes:
            if route.route_key == route_key:
                _refuse_revoked(database, cycle.cycle_id)
                return LinkedRoute(cycle, route)
    raise UsageError("this cycle is over; there is nothing to acknowledge any more")


def _refuse_revoked(database: Database, cycle_id: str) -> None:
    revocations = EvidenceFilter(metadata_kind=LINK_REVOCATION_KIND, cycle_id=cycle_id)
    with database.read() as connection:  # whatever the row says: nobody can use a link by changing it
        rows = select(LEDGER.c.leaf_index).where(*revocations.to_sql(connection)).limit(1)
        is_revoked = connection.scalar(rows) is not None
    if is_revoked:
        raise UsageError("the links of this cycle were revoked; acknowledge in another way")


class LinkRevocationRecord(Record, frozen=True, kw_only=True, gc=False, tag=LINK_REVOCATION_KIND):
    """That no link of a cycle can be used any more, as the evidence has it."""

    schedule_id: str
    cycle_id: Computed
    revoked_by: str
    reason: str


def record_revocation(
    cycle_id: str, schedule_id: str, *, by: str, reason: str, created_at: datetime
) -> LinkRevocationRecord:
    """Write down that no link of a cycle can be used any more.

    Raises:
        UsageError: A text holds what evidence must not, or nobody is named.
    """
    if not by.strip():
        raise UsageError("is empty; say who revokes", field="by")
    check_texts(by=by, reason=reason)
    return LinkRevocationRecord(
        session_id=delivery_session_id(schedule_id, cycle_id),
        created_at=write_instant(created_at),
        signer=by,
        schedule_id=schedule_id,
        cycle_id=cycle_id,
        revoked_by=by,
        reason=reason,
    )
