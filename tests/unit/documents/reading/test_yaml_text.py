"""Documents that people write as YAML."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rollback_drills.documents.fleets.fleet import load_fleet
from rollback_drills.documents.policy_file import read_policy
from rollback_drills.documents.reading.reader import read_document
from rollback_drills.documents.reading.yaml_text import to_json
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.unusable_document import UnusableDocumentError
from tests.checkout import ROOT
from tests.samples.builders import SCHEDULE
from tests.samples.commands import drills

FLEET = ROOT / "examples/fleet"


def write_yaml(path: Path, document: Any) -> None:
    path.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))


@pytest.mark.parametrize("ending", ["yaml", "yml"])
def test_a_fleet_in_yaml_gives_the_same_reports_as_in_json(ending: str, tmp_path: Path) -> None:
    for path in FLEET.iterdir():
        write_yaml(tmp_path / path.with_suffix(f".{ending}").name, json.loads(path.read_text()))
    words = ("check", "--now", "2026-12-01T09:00:00Z", "--json")

    in_json = drills(*words, "--schedule", str(FLEET), cwd=tmp_path)
    in_yaml = drills(*words, "--schedule", str(tmp_path), cwd=tmp_path)

    assert in_yaml.returncode == in_json.returncode
    assert in_yaml.stdout.replace(f".{ending}", ".json") == in_json.stdout


def test_yaml_of_other_tools_beside_the_schedules_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "workflow.yaml").write_text("on: push\n")
    (tmp_path / "payments.yaml").write_text("on: push\n")
    write_yaml(tmp_path / "payments-schedule.yaml", SCHEDULE)

    assert [each.name for each in load_fleet(str(tmp_path), None).subjects] == [SCHEDULE["schedule_id"]]
    assert drills("lint", ".", cwd=tmp_path).stdout.startswith("documents: 1; findings: 0")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("status: active\nstatus: retired\n", '"status" is there twice; remove one of them, line 2 column 1'),
        (
            "owners: &all [a]\nnotification_providers: *all\n",
            "an alias stands here; write it out, line 2 column 25",
        ),
        ("environment: no\n", "$.environment is false; must be a text in quotes"),
        (
            "<<: {status: retired}\nstatus: active\n",
            "<< merges keys that may stand here already; write them out",
        ),
        ("interval_days: 030\n", '$.interval_days is "030"; must be a number'),
        ("interval_days: 1:30\n", '$.interval_days is "1:30"; must be a number'),
        ("interval_days: 1_0\n", '$.interval_days is "1_0"; must be a number'),
        ("interval_days: 0x1e\n", '$.interval_days is "0x1e"; must be a number'),
        ("? [a]\n: b\n", "a key is a list or a mapping; write a text, line 1 column 3"),
        ("environment: !!binary aGVsbG8=\n", "has a tag that JSON does not have"),
        ("interval_days: " + "9" * 5000 + "\n", "holds a number that is too long, or cannot be read"),
        ("[" * 1500, "is nested too deeply"),
        ("interval_days: .nan\n", "$.interval_days is NaN; must be a finite number"),
        ("statsu: active\n", "$.statsu is an unknown key"),
        ("!!python/object/apply:os.system [ls]\n", "an unknown tag stands here; remove it, line 1 column 1"),
        ("\x00", "it cannot be parsed"),
        ("a:\n\tb: c\n", "a tab stands here; indent with blanks, line 2 column 1"),
        ("a: @team\n", "a text begins with @; put it in quotes, line 1 column 4"),
        ("a: see: docs\n", "a colon stands within a text; put the text in quotes, or end the line before"),
        ("a: b\n---\nc: d\n", "a second document begins; keep one, line 2 column 1"),
        ("a: 'b\n", "a text in quotes does not end; close it"),
        ("  a: b\n c: d\n", "the indentation differs from that of the lines above; fix it, line 2 column 2"),
        ("<<<<<<< HEAD\na: b\n=======\n", "it has the marks of a merge conflict; resolve it"),
        ("owners: [a\n", "a bracket is not closed; write ], line 2 column 1"),
        ("{status: active\n", "a bracket is not closed; write }, line 2 column 1"),
        ("owners: [a\nstatus: active\n", "a bracket is not closed, or a comma is missing; write it"),
        (
            "owners: - a\n",
            "an item of a list stands behind its key; begin a new line with it, line 1",
        ),
        ("schedule_id:a\nstatus:active\n", "no blank follows a colon; write one, as in status: active"),
        ("", "is empty; a JSON object is needed"),
        ("# nothing\n", "must be a JSON object"),
    ],
)
def test_bad_yaml_is_one_line_with_the_place(text: str, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "schedule.yaml"
    path.write_text(text)

    loaded = read_document(Schedule, str(path))

    assert loaded.document is None
    assert loaded.problem.startswith("schedule.yaml: ")
    assert problem in loaded.problem
    assert "\n" not in loaded.problem


def test_keys_and_clock_times_are_texts_as_they_are_written() -> None:
    text = "on: push\nno: {end: 17:00, 017: x}\n1: 1.10\n2026-01-01: 2026-01-01\nyes: yes\n"

    assert json.loads(to_json(text.encode())) == {
        "on": "push",
        "no": {"end": "17:00", "017": "x"},
        "1": 1.1,
        "2026-01-01": "2026-01-01",
        "yes": True,
    }


def test_yaml_is_utf_8_as_json_is(tmp_path: Path) -> None:
    path = tmp_path / "schedule.YAML"
    path.write_bytes("status: active\n".encode("utf-16"))

    assert "is not UTF-8 text (byte 0); save it as UTF-8" in read_document(Schedule, str(path)).problem


@given(st.binary(max_size=60) | st.text(alphabet="ab:-[]{}&*!|>#\n \"'?,", max_size=60).map(str.encode))
def test_any_bytes_are_json_or_refused(data: bytes) -> None:
    with suppress(UnusableDocumentError):
        json.loads(to_json(data))


def test_a_routing_policy_may_be_yaml(tmp_path: Path) -> None:
    write_yaml(tmp_path / "policy.yaml", json.loads((ROOT / "examples/year-end-freeze.json").read_text()))

    assert read_policy(str(tmp_path / "policy.yaml")) == read_policy(
        str(ROOT / "examples/year-end-freeze.json")
    )


def test_a_drill_is_not_written_into_yaml(tmp_path: Path) -> None:
    write_yaml(tmp_path / "schedule.yaml", SCHEDULE)
    (tmp_path / "history.yaml").write_text("schema_version: cavra.go-backend-rollback-drill-history.v1\n")

    done = drills(
        "record", "--schedule", "schedule.yaml", "--history", "history.yaml", "--status", "pass", cwd=tmp_path
    )

    assert done.returncode == 2
    assert "history.yaml is YAML, which is edited by hand; add the drill there" in done.stderr
    assert (tmp_path / "history.yaml").read_text().count("\n") == 1
