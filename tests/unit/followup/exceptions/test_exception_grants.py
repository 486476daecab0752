"""Exceptions by the documents of now: how far a schedule lets its drill be postponed."""

from datetime import timedelta
from pathlib import Path

import pytest

from rollback_drills.errors import UsageError
from rollback_drills.followup.exceptions.exception import ExceptionKind, ExceptionRecord, Grant
from rollback_drills.followup.exceptions.exception_grants import grant_exception
from rollback_drills.settings import Settings
from tests.samples.builders import NOW, SCHEDULE, written

DUE = NOW + timedelta(days=3)


def postpone(folder: Path, days: float, limit: float | None) -> ExceptionRecord:
    """Postpone the drill of a schedule by so many days."""
    document = {**SCHEDULE, "next_due_at": DUE.isoformat(), "postpone_limit_days": limit}
    file = folder / "schedule.json"
    file.write_bytes(written(document))
    return grant_exception(
        Grant(ExceptionKind.POSTPONE, DUE + timedelta(days=days), "a freeze", "board"),
        Settings(schedule=str(file)),
        None,
        now=NOW,
        created_at=NOW,
        signer="test",
    )


@pytest.mark.parametrize(("limit", "longest"), [(None, 30), (2, 2), (90, 90)])
def test_a_drill_is_postponed_as_far_as_its_schedule_allows(
    tmp_path: Path, limit: float | None, longest: int
) -> None:
    record = postpone(tmp_path, longest, limit)

    assert (record.next_due_at, record.until) == (DUE.isoformat(), DUE + timedelta(days=longest))
    with pytest.raises(UsageError, match=rf"its schedule allows {longest} days after the due time"):
        postpone(tmp_path, longest + 0.01, limit)
