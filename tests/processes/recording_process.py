"""Records drills in processes of their own, which tests kill."""

import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rollback_drills.readiness.criteria import Criteria
from rollback_drills.recording.drill_entry import NOTHING, build_drill, read_fields
from rollback_drills.recording.recorder import record_drill
from rollback_drills.recording.target import find_target
from tests.processes.forked import find_exit_code, fork

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
STEPS = ("open", "write", "fsync", "replace", "unlink", "chown", "close")
"""The functions of `os` that a recording calls, each of which is a step at which it can die."""


def record(schedule: str, history: str, drill_id: str, *, advance: bool = False) -> None:
    """Record one accepted drill."""
    fields = {
        "drill_id": drill_id,
        "status": "pass",
        "fallback_verified": True,
        "recovery_minutes": 5,
        "max_recovery_minutes": 15,
        "evidence_refs": [f"go-rollback-drill://ci/{drill_id}"],
        "actor": "x" * 3000,  # more than a file system writes at once by chance
    }
    target = find_target(schedule, history, None)
    drill = build_drill(NOTHING, read_fields(fields), schedule_id="payments", runbook_ref="r", now=NOW)
    record_drill(target, drill, Criteria(), now=NOW, create=True, advance=advance)


def die_at(step: int, action: Callable[[], None]) -> bool:
    """Do something in a child that is killed before that step; say whether it came to the end."""

    def count_down_and_act() -> None:
        _count_down(step)
        action()

    code = find_exit_code(fork(count_down_and_act))
    assert code in (0, -signal.SIGKILL)
    return code == 0


def _count_down(left: int) -> None:
    def wrap(function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **named: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **named)

        return wrapped

    for name in STEPS:
        setattr(os, name, wrap(getattr(os, name)))


def record_many(schedule: str, history: str, name: str, count: int, said: Path) -> None:
    """Record so many drills one after the other; write the id of each to a file when it is recorded."""
    for number in range(count):
        record(schedule, history, f"{name}-{number}")
        with said.open("a") as file:
            file.write(f"{name}-{number}\n")
