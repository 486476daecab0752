import json
from pathlib import Path
from typing import Any

import pytest

from rollback_drills.documents.schema_versions import (
    HISTORY_SCHEMAS,
    SCHEDULE_SCHEMAS,
    history_schema_for,
    miss_schema,
)
from tests.samples.builders import DRILL, SCHEDULE
from tests.samples.commands import drills


@pytest.mark.parametrize("known", [SCHEDULE_SCHEMAS, HISTORY_SCHEMAS], ids=["schedule", "history"])
def test_our_name_and_that_of_cavra_are_known(known: tuple[str, ...]) -> None:
    assert [miss_schema(each, known) for each in known] == ["", ""]


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ("", '$.schema_version is missing; must be "rollback-drills.schedule.v1"'),
        ("v1", '$.schema_version is "v1"; must be "rollback-drills.schedule.v1"'),
        (
            "rollback-drills.schedul.v1",
            '$.schema_version is "rollback-drills.schedul.v1"; must be "rollback-drills.schedule.v1"',
        ),
        (
            "cavra.go-backend-rollback-drill-schedule.v2",
            (
                '$.schema_version is "cavra.go-backend-rollback-drill-schedule.v2"; must be'
                ' "rollback-drills.schedule.v1"; did you mean "cavra.go-backend-rollback-drill-schedule.v1"?'
            ),
        ),
    ],
)
def test_an_unknown_name_is_named_with_ours_and_a_similar_one(found: str, message: str) -> None:
    assert miss_schema(found, SCHEDULE_SCHEMAS) == message


@pytest.mark.parametrize(
    ("schedule", "history"), [*zip(SCHEDULE_SCHEMAS, HISTORY_SCHEMAS, strict=True), ("", HISTORY_SCHEMAS[0])]
)
def test_a_new_history_can_be_read_by_whoever_reads_its_schedule(schedule: str, history: str) -> None:
    assert history_schema_for(schedule) == history


def test_both_names_give_the_same_reports(tmp_path: Path) -> None:
    reports = []
    for schedule_schema, history_schema in zip(SCHEDULE_SCHEMAS, HISTORY_SCHEMAS, strict=True):
        documents: dict[str, dict[str, Any]] = {
            "schedule": {**SCHEDULE, "schema_version": schedule_schema},
            "history": {"schema_version": history_schema, "environment": "production", "drills": [DRILL]},
        }
        for name, document in documents.items():
            (tmp_path / f"{name}.json").write_text(json.dumps(document))
        done = drills(
            *("plan", "--schedule", "schedule.json", "--history", "history.json"),
            *("--now", "2026-11-20T09:00:00Z", "--json"),
            cwd=tmp_path,
        )
        assert drills("lint", "schedule.json", "history.json", cwd=tmp_path).returncode == 0
        report = json.loads(done.stdout)
        assert report["schedule"]["schedule"].pop("schema_version") == schedule_schema
        assert report["schedule"]["history"].pop("schema_version") == history_schema
        reports.append(report)

    ours, theirs = reports
    assert ours == theirs
    assert ours["schedule"]["schema_version"] == "cavra.go-backend-pilot.rollback-drill-schedule.v1"
