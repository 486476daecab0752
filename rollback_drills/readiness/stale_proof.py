"""A proof is stale once something was promoted after it: the next drill is then due earlier."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
from msgspec import UNSET, UnsetType

from rollback_drills.documents.changes import Change
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.subject import Subject
from rollback_drills.documents.utc import write_instant
from rollback_drills.readiness.due import derive_due, find_latest_accepted_at
from rollback_drills.readiness.reports import ChangeFacts


class StaleProof(msgspec.Struct, frozen=True, gc=False):
    """What was promoted since the latest accepted drill."""

    changes: Sequence[Change]
    """At least one, the earliest first."""
    redrill_at: datetime | None
    """By when the schedule demands a drill; None if it demands none."""


def find_stale_proof(subject: Subject, *, now: datetime) -> StaleProof | None:
    """Return what was promoted since the latest accepted drill; None if that drill proves what runs now.

    A change that is dated later is not promoted yet. A drill proves what was promoted before it, not
    what was promoted at the same time.
    """
    schedule, known = subject.document, subject.changes
    if schedule is None or known is None or not known.changes:
        return None
    history = subject.history.document if subject.history else None
    proven_at = find_latest_accepted_at(history, now=now) if history else None
    changes = [
        each
        for each in known.changes
        if each.promoted_at <= now and (proven_at is None or each.promoted_at >= proven_at)
    ]
    return StaleProof(changes, _find_redrill(schedule, changes[0])) if changes else None


def bring_forward(due_at: datetime | None, subject: Subject, *, now: datetime) -> datetime | None:
    """Return the due time of a schedule: that of its cadence, or an earlier one because of a change.

    A due time that is not known stays unknown, because that is a mistake to fix. A cadence that has ended
    makes nothing due, and a change does.
    """
    schedule = subject.document
    if schedule is None or schedule.redrill_after_change_days is None:
        return due_at
    stale = find_stale_proof(subject, now=now)
    if stale is None or stale.redrill_at is None:
        return due_at
    if due_at is None:
        return stale.redrill_at if schedule.cadence.ends else None
    return min(due_at, stale.redrill_at)


def write_change(subject: Subject, due_at: datetime | None, *, now: datetime) -> ChangeFacts | UnsetType:
    """Write what makes the proof of a schedule stale; UNSET if it is not.

    Args:
        subject: The schedule, with the changes that concern it.
        due_at: When the next drill is due, as `bring_forward` returns it.
        now: The instant of the judgement.
    """
    stale, schedule = find_stale_proof(subject, now=now), subject.document
    if stale is None or schedule is None:
        return UNSET
    history = subject.history.document if subject.history else None
    by_cadence = derive_due(schedule, history, now=now)
    change = stale.changes[0]
    return ChangeFacts(
        change_id=change.change_id,
        promoted_at=write_instant(change.promoted_at),
        what=change.what,
        reference=change.reference,
        further_count=len(stale.changes) - 1,
        redrill_due_at=write_instant(stale.redrill_at) if stale.redrill_at else "",
        cadence_due_at=write_instant(by_cadence) if by_cadence else "",
        moves_due=due_at is not None and due_at != by_cadence,
    )


def find_next_promotion(subject: Subject, *, now: datetime) -> datetime | None:
    """Return when the next change is promoted that is known already; None if none is known."""
    changes = subject.changes.changes if subject.changes else ()
    return next((each.promoted_at for each in changes if each.promoted_at > now), None)


def _find_redrill(schedule: Schedule, change: Change) -> datetime | None:
    days = schedule.redrill_after_change_days
    if days is None:
        return None
    try:
        return change.promoted_at.astimezone(UTC) + timedelta(days=days)
    except OverflowError:  # beyond the year 9999, so that the cadence comes first
        return None
