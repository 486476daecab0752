import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from rollback_drills.documents.history import (
    Drill,
    ExerciseType,
    Finding,
    History,
    Participant,
    Trigger,
)
from rollback_drills.documents.reading.reader import Loaded, parse_document
from rollback_drills.documents.schema_versions import HISTORY_SCHEMA
from rollback_drills_cli.main import app
from tests.checkout import ROOT
from tests.samples.builders import DRILL, judged, make_subject

DOCS = ROOT / "docs"
FINDING = {
    "finding_id": "f-1",
    "summary": "the switch was renamed",
    "severity": "low",
    "ticket": "PAY-1207",
    "closed_at": "2026-11-21T09:00:00Z",
}
ASKED_FOR: dict[str, Any] = {
    "scenario": "the new backend answers wrongly",
    "objective": "the fallback serves within 15 minutes",
    "exercise_type": "full",
    "trigger": "change",
    "participants": [{"name": "on-call", "role": "performs"}, {"name": "release manager"}],
    "rto_minutes": 30,
    "rto_achieved_minutes": 12.5,
    "rpo_minutes": 5,
    "rpo_achieved_minutes": 0,
    "plan_version": "v7",
    "plan_version_after": "v8",
    "systems_tested": ["payments-api"],
    "covers_third_party": False,
    "key_person_absent": True,
    "restore_checksum": "sha256:" + "0a" * 32,
    "reviewed_by": "governance",
    "reviewed_at": "2026-11-22T09:00:00Z",
    "approved_by": "head of payments",
    "approved_at": "2026-11-23T09:00:00Z",
    "report_sha256": "0a" * 32,
    "findings": [FINDING, {"finding_id": "f-2"}],
}


def read(**changes: Any) -> Loaded[History]:
    """Read a history of two drills, of which the second has the given fields."""
    document = {"drills": [DRILL, {**DRILL, **changes}]}
    return parse_document(History, json.dumps(document).encode(), "history.json")


def test_a_drill_holds_what_auditors_ask_for() -> None:
    loaded = read(**ASKED_FOR)

    assert loaded.document, loaded.problem
    drill = loaded.document.drills[1]
    assert json.loads(msgspec.json.encode(drill)) == {**DRILL, **ASKED_FOR}
    assert drill.exercise_type is ExerciseType.FULL
    assert drill.trigger is Trigger.CHANGE
    assert drill.participants[1] == Participant("release manager", role="")
    assert drill.findings[1] == Finding("f-2", closed_at=None)


@pytest.mark.parametrize("name", ASKED_FOR)
def test_each_may_stand_alone_and_be_absent(name: str) -> None:
    with_it, without = read(**{name: ASKED_FOR[name]}), read()

    assert with_it.document
    assert without.document
    defaults = {field.name: field.default for field in msgspec.structs.fields(Drill)}
    assert getattr(with_it.document.drills[1], name) != defaults[name]
    assert getattr(without.document.drills[1], name) == defaults[name]


def test_no_report_changes_with_them_but_for_open_findings() -> None:
    with_them, without = judged(make_subject([{**DRILL, **ASKED_FOR}])), judged(make_subject([DRILL]))

    assert [each.finding_id for each in with_them.history.open_findings or ()] == ["f-2"]
    assert msgspec.structs.replace(with_them.history, open_findings=without.history.open_findings) == (
        without.history
    )
    assert with_them.schedule == without.schedule


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        pytest.param(
            {"exercise_type": "table top"},
            '.exercise_type is "table top"; must be one of walkthrough, tabletop, call_tree, functional,'
            " simulation, full",
            id="no exercise type",
        ),
        pytest.param({"exercise_type": ""}, '.exercise_type is ""; must be one of', id="empty type"),
        pytest.param({"exercise_type": 3}, ".exercise_type is 3; must be a text", id="type as number"),
        pytest.param(
            {"trigger": "Change"}, '.trigger is "Change"; must be one of interval, change', id="no trigger"
        ),
        pytest.param(
            {"partisipants": []},
            ".partisipants is an unknown key; did you mean 'participants'?",
            id="typo",
        ),
        pytest.param(
            {"participants": ["Ada"]}, '.participants[0] is "Ada"; must be a JSON object', id="name"
        ),
        pytest.param(
            {"participants": [{"name": "a"}, {"role": "b"}]},
            ".participants[1].name is missing; it is needed",
            id="nobody",
        ),
        pytest.param({"participants": [{"name": ""}]}, '.participants[0].name is ""; must be', id="blank"),
        pytest.param(
            {"participants": [{"name": "a", "rôle": "b"}]},
            ".participants[0].rôle is an unknown key; did you mean 'role'?",
            id="nested typo",
        ),
        pytest.param({"rto_minutes": "30"}, '.rto_minutes is "30"; must be a number', id="RTO as text"),
        pytest.param({"rpo_achieved_minutes": -1}, ".rpo_achieved_minutes is -1; must be", id="negative"),
        pytest.param({"plan_version": 7}, ".plan_version is 7; must be a text", id="version as number"),
        pytest.param({"systems_tested": "all"}, '.systems_tested is "all"; must be a list', id="no list"),
        pytest.param({"key_person_absent": "no"}, '.key_person_absent is "no"; must be true', id="no flag"),
        pytest.param({"covers_third_party": 0}, ".covers_third_party is 0; must be true or", id="zero"),
        pytest.param(
            {"report_sha256": "0A" * 32}, "must be a text of 64 hexadecimal", id="digest in capitals"
        ),
        pytest.param({"report_sha256": "0a" * 31}, ".report_sha256 is ", id="short digest"),
        pytest.param({"reviewed_at": "soon"}, '.reviewed_at is "soon"; must be an ISO', id="no review date"),
        pytest.param({"approved_at": 1764579600}, ".approved_at is 1764579600; must be", id="epoch"),
        pytest.param({"findings": [{}]}, ".findings[0].finding_id is missing; it is needed", id="no id"),
        pytest.param(
            {"findings": [FINDING, {**FINDING, "tickett": "x"}]},
            ".findings[1].tickett is an unknown key; did you mean 'ticket'?",
            id="typo in a finding",
        ),
        pytest.param(
            {"findings": [{**FINDING, "drill_id": "x"}]},
            ".findings[0].drill_id is an unknown key; it belongs to $.drills[].drill_id",
            id="key of the drill in a finding",
        ),
        pytest.param(
            {"findings": [{**FINDING, "closed_at": "2026-02-30T09:00:00Z"}]},
            '.findings[0].closed_at is "2026-02-30T09:00:00Z"; must be an ISO 8601 timestamp',
            id="no such day",
        ),
        pytest.param(
            {"findings": [FINDING, {**FINDING, "ticket": "https://tickets/1"}]},
            ".findings[1].ticket holds a URL, which a published document must not name",
            id="URL in a ticket",
        ),
        pytest.param(
            {"participants": [{"name": "ada@example.com"}]},
            ".participants[0].name holds an e-mail address",
            id="e-mail address",
        ),
        pytest.param({"systems_tested": ["db1.corp"]}, ".systems_tested[0] holds a host name", id="host"),
    ],
)
def test_what_is_wrong_is_told_with_its_place_and_remedy(changes: dict[str, Any], problem: str) -> None:
    loaded = read(**changes)

    assert loaded.document is None
    assert loaded.problem.startswith("history.json: $.drills[1].")
    assert problem in loaded.problem


@pytest.mark.parametrize("instant", ["9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+05:00"])
@pytest.mark.parametrize("place", ["executed_at", "reviewed_at", "approved_at", "findings[0].closed_at"])
def test_no_date_may_leave_the_calendar_in_utc(place: str, instant: str) -> None:
    field, _, inner = place.partition("[0].")

    loaded = read(**{field: [{**FINDING, inner: instant}] if inner else instant})

    assert f'$.drills[1].{place} is "{instant}"; must be an ISO 8601' in loaded.problem


def test_dates_without_an_offset_are_read_as_utc_and_named() -> None:
    finding = {**FINDING, "closed_at": "2026-11-21T09:00:00"}

    loaded = read(approved_at="2026-11-23T09:00:00", findings=[finding])

    assert loaded.without_offset == ("$.drills[1].approved_at", "$.drills[1].findings[0].closed_at")
    assert loaded.document == getattr(
        read(approved_at="2026-11-23T09:00:00Z", findings=[FINDING]), "document", None
    )


def test_lint_finds_a_url_in_the_ticket_of_a_finding_and_does_not_show_it(tmp_path: Path) -> None:
    drill = {**DRILL, **ASKED_FOR, "findings": [{**FINDING, "ticket": "https://tickets/PAY-1207"}]}
    path = tmp_path / "history.json"
    document = {"schema_version": HISTORY_SCHEMA, "drills": [{**DRILL, **ASKED_FOR}]}
    path.write_text(json.dumps(document))
    assert CliRunner().invoke(app, ["lint", str(path)]).exit_code == 0
    path.write_text(json.dumps({**document, "drills": [DRILL, drill]}))

    done = CliRunner().invoke(app, ["lint", str(path)])

    assert done.exit_code == 1
    assert "$.drills[1].findings[0].ticket holds a URL" in done.output
    assert "tickets/PAY" not in done.output


def test_every_field_is_documented_and_mapped_to_who_asks_for_it() -> None:
    reference = (DOCS / "reference" / "documents.md").read_text()
    mapping = (DOCS / "reference" / "audit-fields.md").read_text()
    rows = [line for line in mapping.splitlines() if line.startswith("|")]

    assert ASKED_FOR.keys() | DRILL.keys() == set(Drill.__struct_fields__)
    for name in Drill.__struct_fields__ + Participant.__struct_fields__ + Finding.__struct_fields__:
        assert f"`{name}`" in reference, name
    for name in ASKED_FOR:
        assert any(f"`{name}`" in row for row in rows), name


def test_the_mapping_names_no_field_that_does_not_exist() -> None:
    mapping = (DOCS / "reference" / "audit-fields.md").read_text()
    cells = [line.split("|")[3] for line in mapping.splitlines() if line.startswith("|")][2:]
    named = {word for cell in cells for word in cell.split("`")[1::2]}

    known = {*Drill.__struct_fields__, *Participant.__struct_fields__, *Finding.__struct_fields__}
    assert len(named) > 20
    assert named <= known | set(ExerciseType)
