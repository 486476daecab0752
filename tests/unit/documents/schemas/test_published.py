"""The published JSON Schemas, against the documents of this project and a validator of others."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from rollback_drills.documents.reading.reader import parse_document
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.schemas.published import SCHEMAS, read_schema
from tests.checkout import ROOT
from tests.samples.commands import drills
from tools.json_schemas import FOLDER, MODELS, write

GOOD = {
    "schedule": [
        "examples/fleet/[bps]*-schedule.json",
        "tests/cases/lint/good-schedule.json",
        "tests/cases/lint/retired-schedule.json",
    ],
    "history": ["examples/fleet/*-history.json", "tests/cases/nanoseconds/history.json"],
    "policy": ["examples/year-end-freeze.json", "tests/cases/names/policy.json"],
    "expectations": ["examples/expectations.yaml"],
}
BAD = {
    "schedule": [
        f"tests/cases/lint/{name}-schedule.json"
        for name in (
            "no-id",
            "no-owners",
            "no-providers",
            "no-runbook",
            "no-schema",
            "status",
            "interval",
            "zero",
        )
    ]
    + ["examples/fleet/ledger-schedule.json"],
    "history": [
        "tests/cases/lint/no-schema-history.json",
        "tests/cases/lint/undated-history.json",
        "tests/cases/history-faults/status-history.json",
        "tests/cases/history-faults/date-history.json",
    ],
}


def list_files(patterns: dict[str, list[str]]) -> Iterator[Any]:
    for name, each in patterns.items():
        for pattern in each:
            found = sorted(ROOT.glob(pattern))
            assert found, pattern
            yield from (pytest.param(name, path, id=str(path.relative_to(ROOT))) for path in found)


def read(path: Path) -> Any:
    if path.suffix == ".yaml":  # times stay as they are written, as for every reader of this program
        return yaml.load(path.read_text(), yaml.BaseLoader)
    return json.loads(path.read_text())


def find_errors(name: str, document: Any) -> list[str]:
    return [
        each.message for each in Draft202012Validator(json.loads(read_schema(name))).iter_errors(document)
    ]


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_as_the_models_have_it_and_is_one(name: str) -> None:
    assert read_schema(name) == write(name), "run `make schemas`"
    Draft202012Validator.check_schema(json.loads(read_schema(name)))
    assert SCHEMAS.keys() == MODELS.keys()


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_field_is_described(name: str) -> None:
    components = json.loads(read_schema(name))["$defs"]

    assert [title for title, each in components.items() if not each.get("description")] == []
    fields = {
        (title, field): says
        for title, each in components.items()
        for field, says in each.get("properties", {}).items()
    }
    assert [
        field for field, says in fields.items() if not re.fullmatch(r"\S.*[.:]", says.get("description", ""))
    ] == []


@pytest.mark.parametrize(("name", "path"), list_files(GOOD))
def test_a_schema_takes_what_the_program_takes(name: str, path: Path) -> None:
    assert find_errors(name, read(path)) == []


@pytest.mark.parametrize(("name", "path"), list_files(BAD))
def test_a_schema_refuses_what_lint_refuses(name: str, path: Path) -> None:
    assert find_errors(name, read(path)) != []


@pytest.mark.parametrize(
    ("cadence", "is_good"),
    [
        ({"rrule": "FREQ=MONTHLY", "start": "2026-01-06T10:00", "time_zone": "UTC"}, True),
        ({"once_per": "year", "start": "2026-01-01", "time_zone": "UTC", "year_starts": 4}, True),
        ({"rrule": "FREQ=MONTHLY", "start": "2026-01-06", "time_zone": "UTC", "year_starts": 4}, False),
        ({"rrule": "FREQ=MONTHLY", "once_per": "year", "start": "2026-01-01", "time_zone": "UTC"}, False),
        ({"once_per": "year", "time_zone": "UTC"}, False),
    ],
)
def test_a_schema_and_the_program_agree_on_the_keys_of_a_cadence(
    cadence: dict[str, Any], is_good: bool
) -> None:
    document = read(ROOT / "tests/cases/lint/good-schedule.json")
    keys = {key: each for key, each in document.items() if key not in ("interval_days", "next_due_at")}
    schedule = {**keys, "cadence": cadence}

    assert (find_errors("schedule", schedule) == []) is is_good
    assert (parse_document(Schedule, json.dumps(schedule).encode(), "x.json").problem == "") is is_good


def test_a_document_may_name_its_schema(tmp_path: Path) -> None:
    document = read(ROOT / "tests/cases/lint/good-schedule.json")
    (tmp_path / "schedule.json").write_text(json.dumps({"$schema": "./schedule.schema.json", **document}))

    done = drills("lint", "schedule.json", cwd=tmp_path)

    assert done.returncode == 0, done.stdout
    assert find_errors("schedule", {"$schema": "./schedule.schema.json", **document}) == []


def test_the_command_prints_a_schema_and_lists_them(tmp_path: Path) -> None:
    assert drills("schema", "history", cwd=tmp_path).stdout == read_schema("history")
    assert [line.split()[0] for line in drills("schema", cwd=tmp_path).stdout.splitlines()] == list(SCHEMAS)
    refused = drills("schema", "shedule", cwd=tmp_path)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "known are schedule, history" in refused.stderr


def test_the_schemas_are_written_where_they_are_read() -> None:
    assert {each.name for each in FOLDER.glob("*.json")} == {f"{name}.schema.json" for name in SCHEMAS}
