"""The evidence of performed drills: each written once, at first sight, and again only if it was changed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from itertools import chain
from typing import Any, Final, Self

import msgspec
from sqlalchemy import Connection

from rollback_drills.database.tables import LEDGER
from rollback_drills.documents.fields import tidy
from rollback_drills.documents.history import Drill, Finding
from rollback_drills.documents.plain_json import PlainJson
from rollback_drills.documents.subject import Subject
from rollback_drills.documents.utc import write_instant
from rollback_drills.evidence.record import Record
from rollback_drills.evidence.record_kinds import DRILL_KIND
from rollback_drills.names import ids
from rollback_drills.names.keys import name_key
from rollback_drills.names.spellings import group_spellings
from rollback_drills.readiness.acceptance import find_problems, is_accepted, is_in_future
from rollback_drills.redaction.computed import Computed

# Sorted, and without what is absent: a field that a later version adds changes no key.
_encoder: Final = msgspec.json.Encoder(order="sorted")


class DrillRecord(Record, frozen=True, kw_only=True, gc=False, tag=DRILL_KIND):
    """The record of a drill as it stands in the history; what is absent or empty there is left out."""

    schedule_id: str
    cycle_id: Computed = ""
    drill_id: str
    executed_at: Computed
    """Empty if it is not known."""
    accepted: bool
    problems: Sequence[str]
    """Why it is not accepted."""
    environment: str
    drill: PlainJson


class SeenDrill(msgspec.Struct, frozen=True, gc=False):
    """A drill, and whose it is."""

    schedule_id: str
    environment: str
    drill: Drill

    def once_key(self, schedule_id: str) -> str:
        """Return the key under which it is written once as a drill of a schedule."""
        return sha256(f"{schedule_id}\x1f".encode() + _encoder.encode(_in_utc(self.drill))).hexdigest()


class SeenDrills(Mapping[str, Callable[[], Record]]):
    """By the key under which a drill is written once, how to make its record; in the order of the histories.

    Of a large fleet most drills are written already, so a record is made only when it is asked for.
    """

    def __init__(
        self, seen: Mapping[str, SeenDrill], *, now: datetime, created_at: datetime, signer: str
    ) -> None:
        """Make records of the drills that were seen."""
        self._seen = seen
        self._further: Mapping[str, Callable[[], Record]] = {}
        self._record = partial(record_drill, now=now, created_at=created_at, signer=signer)

    def followed_by(self, further: Mapping[str, Callable[[], Record]]) -> Self:
        """Add what else is written once, after the drills; changes this object, and returns it."""
        self._further = further
        return self

    def find_earlier(self, connection: Connection) -> dict[str, list[str]]:
        """Return by key the other keys under which a drill may be written already.

        Those are the keys of the other spellings that the evidence has of its schedule.
        """
        ids = dict.fromkeys(each.schedule_id for each in self._seen.values())
        spellings = group_spellings(connection, LEDGER.c.schedule_id, ids)
        others = {name: [each for each in spellings[name_key(name)] if each != name] for name in ids}
        return {
            key: [each.once_key(other) for other in others[each.schedule_id]]
            for key, each in self._seen.items()
            if others[each.schedule_id]
        }

    def __getitem__(self, key: str) -> Callable[[], Record]:
        """Return what makes the record of a drill."""
        return self._further[key] if key in self._further else partial(self._record, self._seen[key], key)

    def __iter__(self) -> Iterator[str]:
        """Yield the keys."""
        return chain(self._seen, self._further)

    def __len__(self) -> int:
        """Count the records; drills that are the same in everything are one."""
        return len(self._seen) + len(self._further)


def find_drills(
    subjects: Sequence[Subject], names: Sequence[str], *, now: datetime, created_at: datetime, signer: str
) -> SeenDrills:
    """Find every drill of the histories, to be written down once.

    Two kinds wait. Drills of a schedule whose id cannot be read: under the path that the schedule is known by
    meanwhile, all of them would be written a second time. And drills that lie in the future: of the others it
    is known for good whether they are accepted, also when a check is repeated as of an instant in the past.

    Args:
        subjects: The schedules with their histories.
        names: The ids of the schedules, in the same order.
        now: The instant of the check.
        created_at: The clock of the evidence.
        signer: Who runs, for the records.
    """
    seen: dict[str, SeenDrill] = {}
    for subject, schedule_id in zip(subjects, names, strict=True):
        history = subject.history.document if subject.history else None
        if history is None or not _is_known(subject):
            continue
        for drill in history.drills:
            if is_in_future(drill, now=now):
                continue
            each = SeenDrill(schedule_id, history.environment, drill)
            seen[each.once_key(schedule_id)] = each
    return SeenDrills(seen, now=now, created_at=created_at, signer=signer)


def _is_known(subject: Subject) -> bool:
    """Whether the schedule has its lasting name: its id, or that of having none configured."""
    source = subject.schedule
    return source is None or bool(source.document and source.document.schedule_id)


def _in_utc(drill: Drill) -> Drill:
    """Return the drill with its timestamps in UTC.

    A document that is read carefully, for the sake of any timestamp in it, has all of them in UTC: the key
    must not depend on what stands beside the drill.
    """
    changes: dict[str, object] = {}
    for name in ("executed_at", "reviewed_at", "approved_at"):
        instant = getattr(drill, name)
        if _is_elsewhere(instant):
            changes[name] = instant.astimezone(UTC)
    if any(_is_elsewhere(each.closed_at) or _is_elsewhere(each.due_at) for each in drill.findings):
        changes["findings"] = tuple(map(_write_in_utc, drill.findings))
    return msgspec.structs.replace(drill, **changes) if changes else drill


def _is_elsewhere(instant: datetime | None) -> bool:
    return instant is not None and instant.tzinfo is not UTC


def _write_in_utc(finding: Finding) -> Finding:
    due_at = finding.due_at.astimezone(UTC) if finding.due_at else None
    closed_at = finding.closed_at.astimezone(UTC) if finding.closed_at else None
    return msgspec.structs.replace(finding, due_at=due_at, closed_at=closed_at)


def record_drill(
    seen: SeenDrill, key: str, *, now: datetime, created_at: datetime, signer: str
) -> DrillRecord:
    """Write down one drill.

    The records of a drill that was changed afterwards share their session.
    """
    drill, schedule_id = seen.drill, seen.schedule_id
    session_id = ids.delivery_session_id(schedule_id, f"{schedule_id}\x1f{drill.drill_id or key}")
    return DrillRecord(
        session_id=session_id,
        created_at=write_instant(created_at),
        signer=signer,
        schedule_id=schedule_id,
        drill_id=drill.drill_id,
        executed_at=write_instant(drill.executed_at) if drill.executed_at else "",
        accepted=is_accepted(drill, now=now),
        problems=find_problems(drill, now=now),
        environment=seen.environment,
        drill=write_drill(drill),
    )


def write_drill(drill: Drill) -> PlainJson:
    """Write a drill as JSON has it, with instants in UTC; what is absent or empty is left out."""
    written = _write(msgspec.to_builtins(drill, builtin_types=(datetime,)))
    # an absent `fallback_verified` is judged as false, and a false one must not look absent
    return {"fallback_verified": bool(drill.fallback_verified), **written}


def _write(value: Any) -> Any:
    """Write a value as every document has it: instants in UTC, whole numbers without a fraction."""
    if isinstance(value, dict):
        return {name: _write(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_write(inner) for inner in value]
    if isinstance(value, datetime):
        return write_instant(value)
    return tidy(value) if isinstance(value, float) else value
