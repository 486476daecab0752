"""The acknowledgement of contract §6: one (cycle, provider, owner), by one person, for a bounded time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from rollback_drills.documents.evidence_texts import check_person, check_text
from rollback_drills.documents.utc import write_instant
from rollback_drills.errors import UsageError
from rollback_drills.evidence.record import Record
from rollback_drills.evidence.record_kinds import ACKNOWLEDGEMENT_KIND
from rollback_drills.names import ids
from rollback_drills.redaction.computed import Computed

ACKNOWLEDGEMENT_SCHEMA: Final = "cavra.go-backend-pilot.rollback-drill-notification-ack.v1"
ACKNOWLEDGED_FOR: Final = timedelta(days=3)
"""How long an acknowledgement holds unless it says otherwise; the due instant ends it earlier."""
LONGEST_ACKNOWLEDGED_FOR: Final = timedelta(days=30)


class AcknowledgementState(StrEnum):
    """What the person says. None of it closes the cycle: only an accepted drill does."""

    ACKNOWLEDGED = "acknowledged"
    DISMISSED = "dismissed"
    ESCALATED = "escalated"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What one person says about one route of a cycle."""

    acknowledged_by: str
    state: AcknowledgementState = AcknowledgementState.ACKNOWLEDGED
    external_ref: str = ""
    notes: str = ""
    acknowledged_for: timedelta | None = None
    """How long it shall hold; None: as long as it may by default."""


class NotifiedRoute(msgspec.Struct, frozen=True, gc=False):
    """A route that is acknowledged, as its latest decision has it."""

    session_id: str
    schedule_id: str
    cycle_id: str
    plan_id: str
    provider: str
    owner: str
    route_key: str


class AcknowledgementRecord(Record, frozen=True, kw_only=True, gc=False, tag=ACKNOWLEDGEMENT_KIND):
    """An acknowledgement as the evidence has it."""

    ack_schema_version: Computed = ACKNOWLEDGEMENT_SCHEMA
    acknowledgement_id: Computed
    schedule_id: str
    cycle_id: Computed
    plan_id: Computed
    provider: str
    owner: str
    route_key: Computed
    acknowledged_by: str
    acknowledgement_state: AcknowledgementState
    acknowledged_at: Computed
    acknowledged_until: Computed | None = None
    """None in records from before acknowledgements had an end."""
    external_ref: str = ""
    notes: str = ""

    @property
    def at(self) -> datetime:
        """When it was said."""
        return datetime.fromisoformat(self.acknowledged_at)

    @property
    def until(self) -> datetime:
        """The time up to which the route is quiet; that of an `escalated` one is when it was said."""
        end = self.acknowledged_until
        return datetime.fromisoformat(end) if end else self.at + ACKNOWLEDGED_FOR

    @property
    def times(self) -> Sequence[datetime]:
        """When it was said, and until when the route is quiet."""
        return self.at, self.until

    @property
    def because(self) -> str:
        """Explain in one line why the route is quiet."""
        return f"{self.acknowledgement_state} by {self.acknowledged_by} until {write_instant(self.until)}"


def read_days(days: float) -> timedelta:
    """Read for how many days an acknowledgement shall hold.

    Raises:
        UsageError: It asks for no time, for more than thirty days, or for no number.
    """
    if not 0 < days <= LONGEST_ACKNOWLEDGED_FOR.days:
        raise UsageError(
            f"must be more than 0 and at most {LONGEST_ACKNOWLEDGED_FOR.days}; to put a drill off for longer"
            " there is `drills postpone`",
            field="acknowledged_for_days",
        )
    return timedelta(days=days)


def find_end(given: Acknowledgement, at: datetime, due_at: datetime | None) -> datetime:
    """Return until when an acknowledgement holds: the time it asks for, and not beyond a due instant to come.

    Raises:
        UsageError: It asks for no time, or for more than thirty days.
    """
    asked = given.acknowledged_for
    if asked is not None:
        read_days(asked / timedelta(days=1))
    if given.state is AcknowledgementState.ESCALATED:
        return at
    end = at + (asked or ACKNOWLEDGED_FOR)
    return min(end, due_at) if due_at is not None and due_at > at else end


def record_acknowledgement(
    given: Acknowledgement,
    route: NotifiedRoute,
    *,
    now: datetime,
    created_at: datetime,
    due_at: datetime | None = None,
) -> AcknowledgementRecord:
    """Write down an acknowledgement of a route.

    Args:
        given: What is said.
        route: The route.
        now: When it is said.
        created_at: The clock of the evidence.
        due_at: The due instant of the cycle, if it is known.

    Raises:
        UsageError: The texts hold what evidence must not, nobody is named, or the time is out of bounds.
    """
    if not given.acknowledged_by.strip():
        raise UsageError("is empty; say who acknowledges", field="acknowledged_by")
    check_texts(acknowledged_by=given.acknowledged_by, external_ref=given.external_ref, notes=given.notes)
    return write_acknowledgement(given, route, now=now, created_at=created_at, due_at=due_at)


def write_acknowledgement(
    given: Acknowledgement,
    route: NotifiedRoute,
    *,
    now: datetime,
    created_at: datetime,
    due_at: datetime | None,
) -> AcknowledgementRecord:
    """Return the record of an acknowledgement whose texts are checked already.

    Raises:
        UsageError: The time is out of bounds.
    """
    until = find_end(given, now, due_at)
    return AcknowledgementRecord(
        session_id=route.session_id,
        created_at=write_instant(created_at),
        signer=given.acknowledged_by,
        acknowledgement_id=ids.acknowledgement_id(route.route_key, write_instant(now)),
        schedule_id=route.schedule_id,
        cycle_id=route.cycle_id,
        plan_id=route.plan_id,
        provider=route.provider,
        owner=route.owner,
        route_key=route.route_key,
        acknowledged_by=given.acknowledged_by,
        acknowledgement_state=given.state,
        acknowledged_at=write_instant(now),
        acknowledged_until=write_instant(until),
        external_ref=given.external_ref,
        notes=given.notes,
    )


_PEOPLE: Final = frozenset({"acknowledged_by", "approver", "by", "requested_by", "decided_by"})


def check_texts(**texts: str) -> None:
    """Ensure that no text holds what evidence must not.

    Args:
        texts: The texts by their fields.

    Raises:
        UsageError: One does; the message names the field and never the text.
    """
    for field, text in texts.items():
        if field in _PEOPLE:
            check_person(text, field=field)
        else:
            check_text(text, field=field)


def find_current(said: Iterable[AcknowledgementRecord]) -> dict[str, AcknowledgementRecord]:
    """Return, by route, what was said last; the order in which it was written down does not matter."""
    by_route: dict[str, list[AcknowledgementRecord]] = {}
    for each in said:
        by_route.setdefault(each.route_key, []).append(each)
    return {key: max(some, key=_when) for key, some in by_route.items()}


def find_last(said: Iterable[AcknowledgementRecord]) -> AcknowledgementRecord | None:
    """Return what was said last; None if nothing was."""
    return max(said, key=_when, default=None)


def _when(said: AcknowledgementRecord) -> tuple[datetime, str]:
    return said.at, said.acknowledgement_id
