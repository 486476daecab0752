"""The evidence of performed drills: each written once, at first sight, and again only if it was changed."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Any

import msgspec

from rollback_drills.documents.fleet import Subject
from rollback_drills.documents.history import Drill
from rollback_drills.evidence.records import DRILL_KIND, start_record
from rollback_drills.readiness.due import is_accepted
from rollback_drills.readiness.terms import Report, tidy

_encoder = msgspec.json.Encoder()


def find_drills(
    subjects: Sequence[Subject], names: Sequence[str], *, now: datetime, created_at: datetime, signer: str
) -> Mapping[str, Callable[[], Report]]:
    """Give for every drill of the histories the key under which it is written once, and how to record it.

    Args:
        subjects: The schedules with their histories.
        names: The ids of the schedules, in the same order.
        now: The instant at which it is judged whether a drill is accepted.
        created_at: The clock of the evidence.
        signer: Who runs, for the records.
    """
    found: dict[str, Callable[[], Report]] = {}
    for subject, schedule_id in zip(subjects, names, strict=True):
        history = subject.history.document if subject.history else None
        for drill in history.drills if history else ():
            key = sha256(schedule_id.encode() + b"\x1f" + _encoder.encode(drill)).hexdigest()
            found[key] = partial(
                record_drill, drill, schedule_id, key, now=now, created_at=created_at, signer=signer
            )
    return found


def record_drill(
    drill: Drill, schedule_id: str, key: str, *, now: datetime, created_at: datetime, signer: str
) -> Report:
    """Write down one drill as it stands in the history."""
    written = {name: _tidied(value) for name, value in msgspec.to_builtins(drill).items() if value}
    return {
        **start_record(DRILL_KIND, f"rcd-drill-{key[:12]}", created_at=created_at, signer=signer),
        "schedule_id": schedule_id,
        "drill_id": drill.drill_id,
        "accepted": is_accepted(drill, now=now),
        "drill": written,
    }


def _tidied(value: Any) -> Any:
    return tidy(value) if isinstance(value, float) else value
