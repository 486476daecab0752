"""Names in the document of changes that match nothing: no drill becomes due for such a change."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from rollback_drills.documents.fleets.fleet import load_fleet
from tests.samples.builders import SCHEDULE
from tests.samples.commands import drills

ENVIRONMENT = SCHEDULE["environment"]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Write two schedules of a fleet."""
    (tmp_path / "fleet").mkdir()
    for name in ("payments", "search"):
        document = {**SCHEDULE, "schedule_id": name}
        (tmp_path / f"fleet/{name}-schedule.json").write_text(json.dumps(document))
    return tmp_path


def warn(place: Path, schedules: str, *changes: Mapping[str, Any]) -> tuple[str, ...]:
    """Write changes, and return what is warned of."""
    listed = [
        {"change_id": str(number), "promoted_at": "2026-11-01T09:00:00Z", **each}
        for number, each in enumerate(changes)
    ]
    document = {"schema_version": "rollback-drills.changes.v1", "changes": listed}
    (place / "changes.json").write_text(json.dumps(document))
    return load_fleet(str(place / schedules), None, str(place / "changes.json")).warnings


def test_names_that_match_in_any_spelling_and_changes_for_all_are_fine(place: Path) -> None:
    scoped = {"schedule_ids": [" Payments"], "environments": [ENVIRONMENT.upper()]}

    assert warn(place, "fleet", scoped, {}) == ()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            {"schedule_ids": ["payment"]},
            '$.changes[0].schedule_ids[0] is "payment", which matches no schedule;',
        ),
        ({"schedule_ids": ["search", "billing"]}, '.schedule_ids[1] is "billing", which matches no schedule'),
        (
            {"environments": ["no such place"]},
            '.environments[0] is "no such place", which matches no environment',
        ),
    ],
)
def test_a_name_that_matches_nothing_in_a_fleet_is_named(
    change: Mapping[str, Any], problem: str, place: Path
) -> None:
    (warning,) = warn(place, "fleet", change)

    assert warning.startswith("changes.json: $.changes[0].")
    assert problem in warning
    assert warning in drills("lint", "fleet", "changes.json", cwd=place).stdout


def test_beside_one_schedule_changes_of_others_are_fine(place: Path) -> None:
    one = "fleet/payments-schedule.json"

    assert warn(place, one, {"schedule_ids": ["search"]}) == ()
    assert warn(place, one, {"schedule_ids": ["payment"]}, {"schedule_ids": ["payments"]}) == ()
    (warning,) = warn(place, one, {"schedule_ids": ["payment"]})
    assert warning.endswith('did you mean "payments"?')
