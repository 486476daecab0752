"""Lint finds what `drills check` and `drills gate` refuse whatever the time is, and no fact."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from rollback_drills.documents.expectations import Expectations
from rollback_drills.documents.history import History
from rollback_drills.documents.promotion import PromotionEvidence, RollbackPlan, RollbackRehearsal
from rollback_drills.documents.routing_policy import RoutingPolicy
from rollback_drills.documents.schedule import Schedule
from rollback_drills.linting.files import Linted, lint_files
from rollback_drills.linting.kinds import guess_model
from rollback_drills.simulation.performed_drills import PerformedDrills
from tests.samples.builders import DRILL, NOW, SCHEDULE, judged, make_subject
from tests.samples.promotion import EVIDENCE, PLAN, REHEARSAL

TOKEN = "ghp_" + "aB3dE5gH7j" * 3 + "aB3dE5"
CADENCE = {
    "rrule": "FREQ=MONTHLY",
    "start": "2026-01-06",
    "time_zone": "UTC",
    "shift": {"to": "next_business_day", "calendar": "b"},
}
EXPECTATIONS = {"schema_version": "rollback-drills.expectations.v1"}
HISTORY = {"schema_version": "cavra.go-backend-rollback-drill-history.v1", "drills": [DRILL]}


def lint(folder: Path, document: Any, name: str = "document.json") -> Linted:
    """Lint one document."""
    (folder / name).write_text(json.dumps(document))
    return lint_files([str(folder / name)], now=NOW)


@pytest.mark.parametrize(
    ("raw", "name", "model"),
    [
        ({"schema_version": "cavra.go-backend-rollback-plan.v1"}, "x.json", RollbackPlan),
        ({"schedule_id": "a", "owner_routes": {}}, "x.json", Schedule),
        ({"cadence": {}, "calendars": {}}, "x.json", Schedule),
        ({"schema_version": "typo", "interval_days": 3}, "x.json", Schedule),
        ({"drills": []}, "x.json", History),
        ({"schema_version": "rollback-drills.expectations.v1"}, "x.json", Expectations),
        ({"schema_version": "rollback-drills.performed-drills.v1", "drills": []}, "x.json", PerformedDrills),
        ({"owner_routes": {}, "owner_calendars": {}}, "payments-schedule.json", RoutingPolicy),
        ({"parity_status": "pass"}, "x.json", PromotionEvidence),
        ({"plan_approval_id": "a", "simulated": True}, "x.json", RollbackRehearsal),
        ({}, "payments-schedule.json", Schedule),
        ({}, "payments-drills.json", History),
        ({}, "routing.json", RoutingPolicy),
        ([], "history.json", History),
    ],
)
def test_the_kind_of_a_document_is_that_of_its_schema_keys_or_name(raw: Any, name: str, model: type) -> None:
    assert guess_model(raw, name) is model


@pytest.mark.parametrize(
    "changes",
    [
        {"schema_version": "v2"},
        {"schedule_id": ""},
        {"status": ""},
        {"status": "paused"},
        {"interval_days": None},
        {"interval_days": 0},
        {"owners": []},
        {"notification_providers": []},
        {"runbook_ref": ""},
        {"due_policy": "fixed_sequence", "next_due_at": None},
    ],
)
def test_lint_says_what_check_says(tmp_path: Path, changes: dict[str, Any]) -> None:
    document = {key: value for key, value in {**SCHEDULE, **changes}.items() if value is not None}

    found = lint(tmp_path, document)

    message = judged(make_subject(**changes), now=NOW).schedule.message
    assert [each.partition(": ")[2] for each in found.findings] == [message.partition(": ")[2]]
    assert found.warnings == []


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"maintenance_windows": [{"start_at": "2026-01-01T00:00:00Z", "end_at": "soon"}]}, "end_at is "),
        ({"maintenance_windows": [{"start_at": "2026-01-01T00:00:00Z", "end": "soon"}]}, "end is an unknown"),
        ({"reviewed_values": [{"sha_256": "a"}]}, "sha_256 is an unknown"),
        ({"OWNERS": ["payments-team"], "owners": []}, "OWNERS is an unknown"),
        (
            {
                "maintenance_windows": [
                    {"recurrence": {"rrule": "x", "start": "2026-01-01", "time_zone": "UTC"}}
                ]
            },
            "recurrence.end is missing",
        ),
        (
            {"owner_routes": {"a": {"escalation_steps": [{"owner": "b", "after_minutes": -1}]}}},
            "after_minutes is",
        ),
        (
            {
                "owner_calendars": {"a": {"business_hours": {"calendar": "berlin"}}},
                "calendars": {"berlin": {"closed": ["1 May"]}},
            },
            'calendars.berlin.closed[0] is "1 May", which is no day',
        ),
    ],
)
def test_one_mistake_is_one_finding(tmp_path: Path, changes: dict[str, Any], place: str) -> None:
    (finding,) = lint(tmp_path, {**SCHEDULE, **changes}).findings

    assert place in finding


@pytest.mark.parametrize(
    ("changes", "places"),
    [
        (
            {"owner_routes": {"both": {"acknowledgement_minutes": "x"}}, "cadence": CADENCE},
            ["$.owner_routes.both.acknowledgement_minutes is", "$ has both interval_days and cadence"],
        ),
        (
            {"owner_routes": {"team a": {"ack_minutes": "x"}, "team b": {"ack_minutes": "x"}}},
            ['$.owner_routes["team a"].ack_minutes is', '$.owner_routes["team b"].ack_minutes is'],
        ),
        (
            {"maintenance_windows": [{"start_at": "2026-01-01", "end_at": end} for end in (5, 6)]},
            ["$.maintenance_windows[0].end_at is 5", "$.maintenance_windows[1].end_at is 6"],
        ),
        (
            {"owners": ["a", 1, "b", 2], "retest_within_days": 0},
            ["$.owners[1] is 1", "$.owners[3] is 2", "$.retest_within_days is 0"],
        ),
        (
            {
                "owner_routes": {"a": {"escalation_steps": [{"after_minutes": 3}, {"owner": 5}, {"a": 1}]}},
                "next_due_at": "9999-12-31T23:59:59-14:00",
            },
            [
                "$.next_due_at is",
                "$.owner_routes.a.escalation_steps[0].owner is missing",
                "$.owner_routes.a.escalation_steps[1].owner is 5",
                "$.owner_routes.a.escalation_steps[2].a is an unknown key",
                "$.owner_routes.a.escalation_steps[2].owner is missing",
            ],
        ),
        (
            {
                "calendars": {"Berlin": {"closed": ["2026-01-01"], "open": ["2026-01-01"]}},
                "owner_calendars": {
                    "a": {"business_hours": {"calendar": "berlin"}},
                    "b": {"business_hours": {"calendar": "paris"}},
                },
            },
            ["$.calendars.Berlin.closed and open", '$.owner_calendars.b.business_hours.calendar is "paris"'],
        ),
    ],
    ids=["key named as a word", "names with blanks", "items", "texts in a list", "steps", "calendars"],
)
def test_two_mistakes_are_two_findings(tmp_path: Path, changes: dict[str, Any], places: list[str]) -> None:
    findings = lint(tmp_path, {**SCHEDULE, **changes}).findings

    assert len(findings) == len(places), findings
    for finding, place in zip(findings, places, strict=True):
        assert place in finding


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ({"id": "a"}, "schedule_id"),
        ({"intervalDays": 3}, "interval_days"),
        ({"runbook": "a"}, "runbook_ref"),
        ({"providers": []}, "notification_providers"),
        ({"severities": []}, "blocking_severities"),
        ({"drills": [{"rto": 5}]}, "rto_minutes"),
        ({"drills": [{"id": "a"}]}, "drill_id"),
        ({"drills": [{"notes": ""}]}, ""),
        ({"drills": [{"drill_status": "pass"}]}, "status"),
        ({"drills": [{"findings": [{"id": "a"}]}]}, "finding_id"),
        ({"maintenance_windows": [{"start": "2026-01-01", "end_at": "2026-01-02"}]}, "start_at"),
    ],
)
def test_a_key_that_says_part_of_another_one_or_is_like_it_means_that(
    tmp_path: Path, written: dict[str, Any], meant: str
) -> None:
    drills = {"drills": [{**DRILL, **each} for each in written.get("drills", ())]}
    document = {**HISTORY, **drills} if "drills" in written else {**SCHEDULE, **written}

    (finding,) = lint(tmp_path, document).findings

    assert finding.endswith(f"is an unknown key; did you mean {meant!r}?" if meant else "; remove it")


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"cadence": {**CADENCE, "rule": CADENCE["rrule"], "rrule": None}}, "did you mean 'rrule'?"),
        ({"cadence": CADENCE, "calendars": {"c": {}}}, '$.cadence.shift.calendar is "b", which is not in'),
        ({"interval_days": "30"}, '$.interval_days is "30"; must be a number'),
        ({"status": "Active"}, '$.status is "Active"; must be "active"'),
    ],
)
def test_a_mistake_is_said_once_and_plainly(tmp_path: Path, changes: dict[str, Any], finding: str) -> None:
    document = {**SCHEDULE, **changes}
    if "cadence" in changes:
        del document["interval_days"], document["next_due_at"]

    (found,) = lint(tmp_path, document).findings

    assert finding in found
    assert "null" not in found


@pytest.mark.parametrize(
    ("document", "name", "finding"),
    [
        (
            {"schedule": SCHEDULE, "history": HISTORY},
            "a.json",
            "a record of a fleet, not a schedule; write it on",
        ),
        (
            {"schedules": [SCHEDULE]},
            "a.json",
            "a whole fleet, not a schedule; write each schedule into a file",
        ),
        ({"connectors": {}}, "a.json", "connectors, not a schedule; fix the path"),
        (DRILL, "a-history.json", "a drill, not a rollback rehearsal; write it into the drills of a history"),
    ],
    ids=["record", "fleet", "connectors", "drill"],
)
def test_a_document_of_another_kind_is_one_finding(
    tmp_path: Path, document: Any, name: str, finding: str
) -> None:
    (found,) = lint(tmp_path, document, name).findings

    assert f"{name}: holds {finding}" in found


def test_a_schedule_with_a_key_of_another_kind_stays_a_schedule(tmp_path: Path) -> None:
    document = {key: each for key, each in SCHEDULE.items() if key not in ("schema_version", "schedule_id")}

    findings = lint(tmp_path, {**document, "schedule": "payments"}).findings

    assert ["$.schedule is an unknown key; did you mean 'schedule_id'?" in each for each in findings] == [
        True,
        False,
    ]


def test_a_record_over_several_lines_says_what_a_record_is(tmp_path: Path) -> None:
    (tmp_path / "fleet.jsonl").write_text(json.dumps(SCHEDULE, indent=1))

    first, *_ = lint_files([str(tmp_path / "fleet.jsonl")], now=NOW).findings

    assert first.endswith(
        "the record does not end on its line (write each record on one line), line 1 column 2"
    )


def test_a_comma_behind_a_record_is_one_too_many(tmp_path: Path) -> None:
    (tmp_path / "fleet.jsonl").write_text(json.dumps(SCHEDULE) + ",\n")

    (finding,) = lint_files([str(tmp_path / "fleet.jsonl")], now=NOW).findings

    assert "is not JSON: a comma too many (remove it), line 1 column" in finding


def test_a_name_that_its_list_has_already_is_warned_of(tmp_path: Path) -> None:
    window = {"start_at": "2026-01-01T00:00:00Z", "end_at": "2026-01-02T00:00:00Z", "owners": ["a", "a"]}
    document = {**SCHEDULE, "owners": ["team-a", "b", " Team-A"], "maintenance_windows": [window]}

    found = [each.partition(": ")[2] for each in lint(tmp_path, document).warnings]

    assert '$.owners[2] is " Team-A", as $.owners[0] is already; keep one of them' in found
    place = "$.maintenance_windows[0].owners"
    assert f'{place}[1] is "a", as {place}[0] is already; keep one of them' in found
    assert sum("is already" in each for each in found) == 2


def test_a_misspelt_key_hides_no_other_that_ends_alike(tmp_path: Path) -> None:
    document = {key: each for key, each in SCHEDULE.items() if key not in ("owners", "schedule_id")}

    findings = lint(tmp_path, {**document, "d": 1}).findings

    assert ["$.d is an unknown" in findings[0], "$.schedule_id is missing" in findings[1]] == [True, True]


def test_an_item_that_is_wrong_moves_no_other_place(tmp_path: Path) -> None:
    drills = [5, {**DRILL, "executed_at": None}, {**DRILL, "recovery_minutes": -1}]

    findings = lint(tmp_path, {**HISTORY, "drills": drills}, "history.json").findings

    assert [each.partition(": ")[2].partition(" is ")[0] for each in findings] == [
        "$.drills[0]",
        "$.drills[2].recovery_minutes",
    ]


def test_a_wrong_limit_is_not_missing_as_well(tmp_path: Path) -> None:
    drill = {**DRILL, "max_recovery_minutes": "15"}

    (finding,) = lint(tmp_path, {**HISTORY, "drills": [drill]}, "history.json").findings
    (of_rehearsal,) = lint(tmp_path, {**REHEARSAL, "max_recovery_minutes": -1}).findings

    assert '$.drills[0].max_recovery_minutes is "15"; must be a number' in finding
    assert "$.max_recovery_minutes is -1; must be a number, at least 0" in of_rehearsal


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ({**SCHEDULE, "calendars": {"a": {"holidays": TOKEN}}}, "$.calendars.a.holidays"),
        ({"calendars": {"a": {}, TOKEN: {}}, "cadence": CADENCE}, "which is not in calendars"),
        ({"schema_version": TOKEN, "expectations": []}, "$.schema_version"),
        ({**EXPECTATIONS, "expectations": [{"name": "a", "at": TOKEN, "status": "ready"}]}, "$.expectations"),
    ],
    ids=["holidays", "calendar", "version", "time"],
)
def test_no_message_repeats_a_secret(tmp_path: Path, document: dict[str, Any], place: str) -> None:
    findings = lint(tmp_path, document).findings

    assert any(place in each for each in findings)
    assert not any(TOKEN in each for each in findings)


def test_a_time_until_which_nothing_is_expected_is_read_like_every_other(tmp_path: Path) -> None:
    def lint_until(until: str) -> list[str]:
        route = {"provider": "slack", "owner": "a", "until": until}
        each = {"name": "a", "at": "2026-12-01", "silent": [route]}
        return lint(tmp_path, {**EXPECTATIONS, "expectations": [each]}).findings

    assert lint_until("2026-12-26 09:00:00+01") == []
    (finding,) = lint_until("soon")
    assert '$.expectations[0].silent[0].until is "soon"; must be an ISO 8601 timestamp' in finding


def test_a_fact_of_a_rehearsal_that_is_not_written_is_missing(tmp_path: Path) -> None:
    rehearsal = {
        key: value for key, value in REHEARSAL.items() if key not in ("simulated", "fallback_verified")
    }

    assert [each.partition(": ")[2] for each in lint(tmp_path, rehearsal).findings] == [
        "$.simulated is missing; must be true",
        "$.fallback_verified is missing; must be true",
    ]


def test_a_review_of_a_value_that_the_document_no_longer_has_is_warned_of(tmp_path: Path) -> None:
    def review(text: str) -> dict[str, str]:
        digest = sha256(text.encode()).hexdigest()
        return {"sha256": digest, "reviewed_by": "a", "reviewed_at": "2026-01-01T00:00:00Z", "reason": "b"}

    document = {
        **SCHEDULE,
        "runbook_ref": "acme.it",
        "reviewed_values": [review("acme.it"), review("acme.me")],
    }
    found = lint(tmp_path, document)

    assert found.findings == []
    assert [each.partition(": ")[2] for each in found.warnings] == [
        "$.reviewed_values[1].sha256 is the digest of no text of this document; correct or remove it"
    ]


def test_everything_is_found_at_once(tmp_path: Path) -> None:
    found = lint(tmp_path, {"schema_version": SCHEDULE["schema_version"]})

    assert [each.partition("$.")[2].partition(" ")[0] for each in found.findings] == [
        "schedule_id",
        "status",
        "interval_days",
        "owners",
        "notification_providers",
        "runbook_ref",
    ]


def test_mistakes_of_every_kind_are_found_at_once(tmp_path: Path) -> None:
    changes = {
        "status": "actve",
        "interval_days": -1,
        "runbook_ref": "see acme.it",
        "next_due_at": "5.11.2026",
    }
    text = json.dumps({**SCHEDULE, **changes, "ownners": None, "owners": ["a\nb"]})
    (tmp_path / "schedule.json").write_text(text[:-1] + ', "environment": "x"}')

    found = lint_files([str(tmp_path / "schedule.json")], now=NOW)

    assert [each.partition(": ")[2].partition("; ")[0].partition(", at")[0] for each in found.findings] == [
        "$.environment is there twice",
        '$.next_due_at is "5.11.2026"',
        "$.runbook_ref holds a host name or address, which a published document must not name",
        "$.ownners is an unknown key",
        "$.owners[0] holds a control character (U+000A)",
        '$.status is "actve"',
        "$.interval_days is -1",
    ]


def test_an_item_that_is_wrong_hides_no_other_mistake(tmp_path: Path) -> None:
    found = lint(tmp_path, {**SCHEDULE, "owners": ["a", 1], "interval_days": "30", "runbook_ref": ""})

    assert [each.partition(": ")[2].partition("; ")[0] for each in found.findings] == [
        '$.interval_days is "30"',
        "$.owners[1] is 1",
        "$.runbook_ref is missing",
    ]


def test_a_misspelt_key_is_not_missing_too(tmp_path: Path) -> None:
    document = {("intervall_days" if key == "interval_days" else key): each for key, each in SCHEDULE.items()}

    (finding,) = lint(tmp_path, document).findings

    assert "$.intervall_days is an unknown key; did you mean 'interval_days'?" in finding


def test_a_place_is_named_once_whatever_else_is_wrong(tmp_path: Path) -> None:
    changes = {"changes": [{"change_id": "a", "promoted_at": "5.11.2026"}]}

    (finding,) = lint(tmp_path, {"schema_version": "rollback-drills.changes.v1", **changes}).findings

    assert '$.changes[0].promoted_at is "5.11.2026"; must be' in finding


@pytest.mark.parametrize("at", ["2026-11-05", "2026-11-05T09:00:00", "20261105T0900"])
def test_a_time_without_an_offset_is_warned_of(tmp_path: Path, at: str) -> None:
    found = lint(tmp_path, {**HISTORY, "drills": [{**DRILL, "executed_at": at}]})

    assert found.findings == []
    assert [each.partition(": ")[2] for each in found.warnings] == [
        "$.drills[0].executed_at has no offset, and is read as UTC; write it with one, such as Z"
    ]


@pytest.mark.parametrize(
    "drill",
    [
        {**DRILL, "status": "fail"},
        {**DRILL, "recovery_minutes": 41},
        {**DRILL, "fallback_verified": False},
        {**DRILL, "target_mode": "shadow"},
    ],
)
def test_a_fact_is_no_mistake(tmp_path: Path, drill: dict[str, Any]) -> None:
    assert lint(tmp_path, {**HISTORY, "drills": [drill]}) == Linted()


def test_drills_of_the_past_are_left_as_they_were(tmp_path: Path) -> None:
    old = {**DRILL, "drill_id": "old", "executed_at": "2025-01-01T00:00:00Z", "evidence_refs": []}

    assert lint(tmp_path, {**HISTORY, "drills": [old, DRILL]}) == Linted()


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"status": ""}, '$.drills[0].status is missing; must be "pass"'),
        ({"target_mode": ""}, '$.drills[0].target_mode is missing; must be "disabled"'),
        ({"target_mode": "disabeld"}, 'did you mean "disabled"?'),
        ({"fallback_verified": None}, "$.drills[0].fallback_verified is missing; must be true"),
        ({"recovery_minutes": None}, "both are needed"),
        ({"runbook_ref": ""}, "name the runbook that was followed"),
        ({"executed_at": None}, "$.drills[0].executed_at is missing"),
    ],
)
def test_what_the_latest_drill_lacks_is_found(tmp_path: Path, changes: dict[str, Any], finding: str) -> None:
    drill = {key: value for key, value in {**DRILL, **changes}.items() if value is not None}

    (found,) = lint(tmp_path, {**HISTORY, "drills": [drill]}).findings

    assert finding in found


@pytest.mark.parametrize(
    ("document", "finding"),
    [
        ({**EVIDENCE, "parity_status": "passed"}, '$.parity_status is "passed"; must be "pass"'),
        ({**EVIDENCE, "parity_status": "fail"}, ""),
        ({**EVIDENCE, "approved": False}, ""),
        ({**PLAN, "approved": False}, ""),
        ({**PLAN, "target_mode": "disbled"}, '$.target_mode is "disbled"; must be "disabled"'),
        ({**PLAN, "rollback_steps": []}, "write down at least one step"),
        ({**REHEARSAL, "status": "fail", "fallback_verified": False}, ""),
        ({**REHEARSAL, "evidence_refs": []}, "name the evidence that was kept"),
    ],
)
def test_documents_of_a_promotion(tmp_path: Path, document: dict[str, Any], finding: str) -> None:
    found = lint(tmp_path, document).findings

    assert len(found) == bool(finding)
    assert finding in "".join(found)


@pytest.mark.parametrize("spelt", [SCHEDULE["schedule_id"], SCHEDULE["schedule_id"].upper()])
def test_two_schedules_of_one_id_in_a_folder_are_named_and_those_of_two_folders_are_not(
    tmp_path: Path, spelt: str
) -> None:
    paths = []
    for name, schedule_id in (
        ("a.json", SCHEDULE["schedule_id"]),
        ("b.json", spelt),
        ("other/a.json", spelt),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(json.dumps({**SCHEDULE, "schedule_id": schedule_id}))
        paths.append(str(tmp_path / name))

    (warning,) = lint_files(paths, now=NOW).warnings

    assert warning.startswith(f"{tmp_path}/b.json: $.schedule_id is ")


def test_a_line_that_is_wrong_stops_no_other_line_and_no_other_file(tmp_path: Path) -> None:
    (tmp_path / "fleet.jsonl").write_text("{\n" + json.dumps({**SCHEDULE, "interval_days": -1}) + "\n")
    (tmp_path / "empty.jsonl").write_text("")
    (tmp_path / "z.json").write_text("{")

    found = lint_files(
        [str(tmp_path / name) for name in ("fleet.jsonl", "empty.jsonl", "z.json", "none.json")], now=NOW
    )

    assert [each.removeprefix(f"{tmp_path}/").partition(": ")[0] for each in found.findings] == [
        "empty.jsonl has no record; write one JSON object on each line",
        "fleet.jsonl:1",
        "fleet.jsonl:2",
        "z.json",
        "none.json",
    ]


def test_a_link_to_a_document_beside_it_is_named_as_a_link(tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text(json.dumps(SCHEDULE))
    (tmp_path / "a.json").symlink_to("b.json")

    linted = lint_files([str(tmp_path / "a.json"), str(tmp_path / "b.json")], now=NOW)

    assert linted.warnings == [f"{tmp_path}/a.json is a link to {tmp_path}/b.json; remove the link"]


@pytest.mark.parametrize("cadence", [{"rrule": "FREQ=HOURLY"}, {"once_per": "year", "start": 5}, "yearly"])
def test_of_a_cadence_that_is_wrong_no_interval_is_missed(tmp_path: Path, cadence: Any) -> None:
    document = {key: each for key, each in SCHEDULE.items() if key not in ("interval_days", "next_due_at")}
    path = tmp_path / "a-schedule.json"
    path.write_text(json.dumps({**document, "cadence": cadence}))

    findings = lint_files([str(path)], now=NOW).findings

    assert findings
    assert not [each for each in findings if "$.cadence" not in each]


@pytest.mark.parametrize(
    ("until", "warning"),
    [
        ("20260601", "$.cadence ended with 2026-06-01T08:00:00+00:00; nothing is due after it"),
        ("20270201T120000", "$.cadence ends with 2027-02-01T09:00:00+00:00; nothing is due after it"),
        ("20271231", ""),
    ],
)
def test_a_cadence_that_ends_within_a_quarter_is_warned_of(tmp_path: Path, until: str, warning: str) -> None:
    cadence = {
        "rrule": f"FREQ=DAILY;UNTIL={until}",
        "start": "2026-01-06T10:00",
        "time_zone": "Europe/Berlin",
    }
    document = {
        name: value for name, value in SCHEDULE.items() if name not in ("interval_days", "next_due_at")
    }
    linted = lint(tmp_path, {**document, "cadence": cadence})
    assert not linted.findings
    assert [warning in each for each in linted.warnings] == ([True] if warning else [])


def test_a_due_time_that_lies_centuries_ahead_is_warned_of(tmp_path: Path) -> None:
    linted = lint(tmp_path, {**SCHEDULE, "next_due_at": "2300-01-01T00:00:00Z"})

    assert not linted.findings
    assert ["$.next_due_at is 2300-01-01T00:00:00+00:00" in each for each in linted.warnings] == [True]


@pytest.mark.parametrize(
    ("end_at", "is_odd"),
    [("2027-11-02T00:00:00Z", False), ("2027-11-02T00:00:01Z", True), ("2900-01-01T00:00:00Z", True)],
    ids=["a year", "more than a year", "centuries"],
)
def test_a_window_or_absence_of_more_than_a_year_is_warned_of(
    tmp_path: Path, end_at: str, is_odd: bool
) -> None:
    period = {"start_at": "2026-11-01T00:00:00Z", "end_at": end_at, "reason": "freeze"}
    rules: dict[str, Any] = {
        "maintenance_windows": [period],
        "owner_calendars": {"team-a": {"unavailable_windows": [period]}},
    }

    for document in ({**SCHEDULE, **rules}, rules):
        found = [each for each in lint(tmp_path, document).warnings if "more than a year, until" in each]
        assert len(found) == (2 if is_odd else 0)


@pytest.mark.parametrize(
    ("promoted_at", "is_far"), [("2027-12-02T09:00:00Z", False), ("2207-01-01T00:00:00Z", True)]
)
def test_a_change_that_is_dated_far_ahead_is_warned_of(
    tmp_path: Path, promoted_at: str, is_far: bool
) -> None:
    change = {"change_id": "release-1", "promoted_at": promoted_at}

    linted = lint(tmp_path, {"schema_version": "rollback-drills.changes.v1", "changes": [change]})

    assert not linted.findings
    assert ["$.changes[0].promoted_at is" in each for each in linted.warnings] == [True] * is_far


def test_a_wait_for_an_acknowledgement_of_more_than_a_year_is_warned_of(tmp_path: Path) -> None:
    year = 366 * 24 * 60
    rule = {
        "acknowledgement_minutes": year + 1,
        "escalation_steps": [
            {"owner": "lead", "after_minutes": year},
            {"owner": "cto", "after_minutes": 5e7},
        ],
    }
    rules: dict[str, Any] = {
        "acknowledgement_minutes": 1e7,
        "default_slo": {"acknowledgement_minutes": 1e7},
        "owner_routes": {"team-a": {**rule, "escalation_owner": "board"}},
    }

    found = [each.partition(": ")[2] for each in lint(tmp_path, {**SCHEDULE, **rules}).warnings]

    assert [each.partition(" is ")[0] for each in found if "more than a year in which" in each] == [
        "$.acknowledgement_minutes",
        "$.default_slo.acknowledgement_minutes",
        '$.owner_routes["team-a"].acknowledgement_minutes',
        '$.owner_routes["team-a"].escalation_steps[1].after_minutes',
    ]


def test_a_long_window_that_is_over_is_left_as_it_was(tmp_path: Path) -> None:
    window = {"start_at": "2020-01-01T00:00:00Z", "end_at": "2023-01-01T00:00:00Z"}

    assert not lint(tmp_path, {**SCHEDULE, "maintenance_windows": [window]}).warnings


def test_an_exception_on_a_day_without_an_occurrence_is_warned_of(tmp_path: Path) -> None:
    weekend = {
        "rrule": "FREQ=WEEKLY;BYDAY=FR",
        "start": "2026-01-02T18:00",
        "end": "2026-01-05T08:00",
        "time_zone": "America/New_York",
        "except": ["2026-05-01", "2026-05-02", "2025-12-26"],
    }
    rules: dict[str, Any] = {
        "maintenance_windows": [{"recurrence": weekend}],
        "owner_calendars": {"team-a": {"unavailable_windows": [{"recurrence": weekend}]}},
    }
    places = ["maintenance_windows[0]", 'owner_calendars["team-a"].unavailable_windows[0]']
    idle = [
        f"$.{place}.recurrence.except[{index}] is {day}, on which no occurrence starts;"
        " write the day of its start"
        for place in places
        for index, day in ((1, "2026-05-02"), (2, "2025-12-26"))
    ]

    for name, document in (("schedule.json", {**SCHEDULE, **rules}), ("policy.json", rules)):
        found = lint(tmp_path, document, name)
        assert found.findings == []
        assert [each.partition(": ")[2] for each in found.warnings] == idle


@pytest.mark.parametrize(
    ("changes", "drill", "warning"),
    [
        ({"environment": "staging"}, {}, '$.environment is "production", but the schedule is for "staging"'),
        (
            {"blocking_severities": ["critcal"]},
            {"findings": [{"finding_id": "F1", "severity": "critical"}]},
            '$.drills[0].findings[0].severity is "critical", but blocking_severities has "critcal"',
        ),
        ({}, {}, ""),
    ],
)
@pytest.mark.parametrize("is_record", [True, False], ids=["record", "files"])
def test_what_shows_beside_the_schedule_alone_is_warned_of(
    tmp_path: Path, changes: dict[str, Any], drill: dict[str, Any], warning: str, *, is_record: bool
) -> None:
    schedule = {**SCHEDULE, "environment": "production", **changes}
    history = {**HISTORY, "environment": "production", "drills": [{**DRILL, **drill}]}
    texts = (
        {"fleet.jsonl": {"schedule": schedule, "history": history}}
        if is_record
        else {"a-schedule.json": schedule, "a-history.json": history, "b-history.json": HISTORY}
    )
    for name, document in texts.items():
        (tmp_path / name).write_text(json.dumps(document))

    linted = lint_files([str(tmp_path / name) for name in texts], now=NOW)

    assert linted.findings == []
    assert [warning in each for each in linted.warnings] == ([True] if warning else [])


def test_drills_that_two_schedules_use_are_warned_of(tmp_path: Path) -> None:
    paths = []
    for name in ("a", "b"):
        (tmp_path / f"{name}-schedule.json").write_text(json.dumps({**SCHEDULE, "schedule_id": name}))
        (tmp_path / f"{name}-history.json").write_text(json.dumps(HISTORY))
        paths += [str(tmp_path / f"{name}-{kind}.json") for kind in ("schedule", "history")]

    assert [
        "which b uses too" in each or "which a uses too" in each
        for each in lint_files(paths, now=NOW).warnings
    ] == [True, True]


@pytest.mark.parametrize(
    ("comment", "kind"),
    [
        ("# token: ghp_abcdefghijklmnopqrst0123456789", "what looks like a credential"),
        ("status: active  # ask admin@acme.it", "an e-mail address"),
        ("#see db-1.acme.it", "a host name or address"),
        ("# the runbook is in the wiki", ""),
        ("# yaml-language-server: $schema=https://acme.it/schedule.schema.json", ""),
        ("# yaml-language-server: token=ghp_abcdefghijklmnopqrst0123456789", "what looks like a credential"),
        ("runbook_ref: docs/a#b", ""),
    ],
)
def test_comments_of_yaml_are_published_too(tmp_path: Path, comment: str, kind: str) -> None:
    key, colon, _ = comment.partition(": ")
    text = "".join(
        f"{name}: {json.dumps(each)}\n" for name, each in SCHEDULE.items() if f"{name}{colon}" != f"{key}: "
    )
    (tmp_path / "a-schedule.yaml").write_text(f"{text}{comment}\n")

    findings = lint_files([str(tmp_path / "a-schedule.yaml")], now=NOW).findings

    line = text.count("\n") + 1
    assert [each.partition(": ")[2] for each in findings] == [
        f"line {line} has a comment with {kind}, which a published document must not name; leave it out"
    ] * bool(kind)


@pytest.mark.parametrize(
    ("name", "what"), [("a\x07b", "a control character"), ("a\ud83d", "half of a surrogate pair")]
)
def test_a_name_that_nobody_can_read_is_named_once(tmp_path: Path, name: str, what: str) -> None:
    (finding,) = lint(tmp_path, {**SCHEDULE, "environment": name}).findings

    assert f"$.environment holds {what}" in finding


@pytest.mark.parametrize("path", ["", " "])
def test_an_empty_path_in_a_record_is_missing(tmp_path: Path, path: str) -> None:
    (tmp_path / "fleet.jsonl").write_text(json.dumps({"schedule": SCHEDULE, "history": path}))

    (finding,) = lint_files([str(tmp_path / "fleet.jsonl")], now=NOW).findings

    assert "fleet.jsonl:1: $.history is " in finding
    assert finding.endswith("; must be a document, or the path of one")


def test_a_record_that_ends_too_early_has_the_number_of_its_line(tmp_path: Path) -> None:
    (tmp_path / "fleet.jsonl").write_text("{\n" + json.dumps(SCHEDULE) + "\n")

    (finding,) = lint_files([str(tmp_path / "fleet.jsonl")], now=NOW).findings

    assert finding.endswith(", line 1 column 2")
