"""An unrelated edit of a history with nanoseconds does not move the due instant."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.cases.test_cases import HERE, NOW
from tests.samples.commands import drills


def planned(folder: Path, history: str, **changes: Any) -> tuple[str, str]:
    """Return due instant and cycle of the schedule with changes, judged with a history."""
    document = {**json.loads((folder / "a-schedule.json").read_text()), **changes}
    (folder / "schedule.json").write_text(json.dumps(document))
    done = drills(
        "plan", "--schedule", "schedule.json", "--history", history, "--now", NOW, "--json", cwd=folder
    )
    plan = json.loads(done.stdout)["plan"]
    return plan["next_due_at"], plan["cycle_id"]


@pytest.mark.parametrize("policy", ["explicit", "after_completion", "fixed_sequence"])
def test_an_older_drill_in_another_spelling_opens_no_new_cycle(policy: str, tmp_path: Path) -> None:
    shutil.copytree(HERE / "nanoseconds", tmp_path, dirs_exist_ok=True)

    alone = planned(tmp_path, "history.json", due_policy=policy)
    edited = planned(tmp_path, "history-with-older.json", due_policy=policy)

    assert alone == edited
    assert alone[0].endswith(".123457+00:00")


def test_an_edit_elsewhere_in_the_schedule_opens_no_new_cycle(tmp_path: Path) -> None:
    shutil.copytree(HERE / "nanoseconds", tmp_path, dirs_exist_ok=True)
    window = {"start_at": "2020-01-01 00:00:00", "end_at": "2020-01-02 00:00:00"}

    assert planned(tmp_path, "history.json") == planned(
        tmp_path, "history.json", maintenance_windows=[window]
    )
