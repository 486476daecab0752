import json
from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollback_drills.database.connections import Database
from rollback_drills.documents.history import Drill, History
from rollback_drills.documents.plain_json import PlainJson
from rollback_drills.documents.reading.reader import parse_document
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.subject import Subject
from rollback_drills.evidence.drills import DrillRecord, SeenDrills, find_drills
from rollback_drills.evidence.ledger.canonical import write_canonical
from rollback_drills.evidence.outbox_transfer import index_run
from rollback_drills.evidence.record_kinds import DRILL_KIND
from rollback_drills.readiness.acceptance import CLOCK_SKEW, find_problems, is_accepted
from tests.samples.builders import DRILL, NOW, SCHEDULE, make_subject, open_key, written
from tests.samples.plain_records import read_plain
from tests.unit.documents.test_drill_fields import ASKED_FOR

TICK = timedelta(microseconds=1)


def found(*subjects: Subject) -> SeenDrills:
    """Find the drills of subjects, each under its schedule id."""
    names = [
        each.schedule.document.schedule_id for each in subjects if each.schedule and each.schedule.document
    ]
    return find_drills(subjects, names, now=NOW, created_at=NOW + timedelta(minutes=1), signer="me")


def made(seen: SeenDrills) -> list[DrillRecord]:
    """Make the records of drills."""
    return [record for make in seen.values() if isinstance(record := make(), DrillRecord)]


def key_of(drill: Mapping[str, Any] | str, schedule_id: str = "payments") -> str:
    """Return the key of one drill; of a text as it stands in the file."""
    text = drill if isinstance(drill, str) else json.dumps(drill)
    history = parse_document(History, f'{{"drills": [{text}]}}'.encode(), "history.json")
    assert history.document, history.problem
    subject = Subject(make_subject(schedule_id=schedule_id).schedule, history)
    (key,) = found(subject)
    return key


def record_of(drill: Mapping[str, Any], **schedule: Any) -> PlainJson:
    """Return the record of one drill."""
    (make,) = found(make_subject([drill], **schedule)).values()
    return make().to_wire()


def test_a_record_says_whose_drill_it_is_whether_it_is_accepted_and_all_that_it_says() -> None:
    record = record_of({**DRILL, **ASKED_FOR})

    session_id = record.pop("session_id")
    assert session_id.startswith("rcd-payments-")
    assert record == {
        "schema_version": "cavra.evidence.metadata.v1",
        "product": "rollback-drills",
        "created_at": "2026-12-01T09:01:00+00:00",
        "metadata_kind": "go-backend-rollback-drill",
        "signer": "me",
        "schedule_id": "payments",
        "cycle_id": "",
        "drill_id": "drill-1",
        "executed_at": "2026-11-20T09:00:00+00:00",
        "accepted": True,
        "problems": [],
        "environment": "",
        "drill": {
            **DRILL,
            **ASKED_FOR,
            "executed_at": "2026-11-20T09:00:00+00:00",
            "reviewed_at": "2026-11-22T09:00:00+00:00",
            "approved_at": "2026-11-23T09:00:00+00:00",
            "findings": [
                {**ASKED_FOR["findings"][0], "closed_at": "2026-11-21T09:00:00+00:00"},
                {"finding_id": "f-2"},
            ],
        },
    }


def test_a_record_is_canonical_json_and_its_whole_numbers_have_no_fraction() -> None:
    drill = {**DRILL, **ASKED_FOR, "recovery_minutes": 7.0, "rto_achieved_minutes": 12.50, "rpo_minutes": 1e2}

    record = record_of(drill)

    text = json.dumps(record, sort_keys=True, separators=(",", ":"))
    assert write_canonical(record).decode() == text
    assert '"recovery_minutes":7,' in text
    assert '"rto_achieved_minutes":12.5,' in text
    assert '"rpo_minutes":100,' in text
    assert '"rpo_achieved_minutes":0,' in text


def test_what_a_drill_does_not_say_is_left_out_but_whether_the_fallback_was_verified() -> None:
    record = record_of({"drill_id": "", "status": "fail", "evidence_refs": [], "rto_minutes": None})

    assert record["drill"] == {"status": "fail", "fallback_verified": False}
    assert record["drill_id"] == record["executed_at"] == ""


def test_a_drill_that_is_not_accepted_says_all_that_is_missing() -> None:
    drill = {"drill_id": "d", "status": "fail", "target_mode": "shadow", "recovery_minutes": 9}

    record = record_of({**drill, "max_recovery_minutes": 8.5})

    assert record["accepted"] is False
    assert record["problems"] == [
        "executed_at is missing; write when the drill was performed",
        "runbook_ref is missing; name the runbook that was followed",
        "evidence_refs is missing; name the evidence that was kept",
        'status is "fail"; must be "pass"',
        'target_mode is "shadow"; must be "disabled"',
        "fallback_verified is missing; must be true",
        (
            "recovery_minutes is 9, max_recovery_minutes is 8.5;"
            " both are needed, and the first must not exceed the second"
        ),
    ]


MINUTES = st.sampled_from([None, 0.0, 7.0, 15.0, 15.001])
DRILLS = st.builds(
    Drill,
    executed_at=st.sampled_from([None, NOW, NOW + CLOCK_SKEW, NOW + CLOCK_SKEW + TICK]),
    status=st.sampled_from(["pass", "fail", ""]),
    target_mode=st.sampled_from(["disabled", "shadow"]),
    fallback_verified=st.booleans(),
    recovery_minutes=MINUTES,
    max_recovery_minutes=MINUTES,
    runbook_ref=st.sampled_from(["docs/runbook.md", ""]),
    evidence_refs=st.sampled_from([("a",), ()]),
)
ACCEPTED: Drill = msgspec.convert(dict(DRILL), Drill)


@given(DRILLS)
def test_a_drill_has_problems_exactly_if_it_is_not_accepted(drill: Drill) -> None:
    assert bool(find_problems(drill, now=NOW)) is not is_accepted(drill, now=NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"executed_at": None},
        {"executed_at": NOW + CLOCK_SKEW + TICK},
        {"status": "fail"},
        {"target_mode": "shadow"},
        {"fallback_verified": False},
        {"recovery_minutes": 15.001},
        {"max_recovery_minutes": None},
        {"runbook_ref": ""},
        {"evidence_refs": ()},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_each_criterion_alone_is_one_problem_that_names_it(changes: dict[str, Any]) -> None:
    (problem,) = find_problems(msgspec.structs.replace(ACCEPTED, **changes), now=NOW)

    assert next(iter(changes)) in problem


def test_the_key_of_a_drill_stays_the_same_in_every_version_of_the_program() -> None:
    """Another key would write every drill of every user once more."""
    content = (
        '{"actor":"release-agent","drill_id":"drill-1","evidence_refs":["go-rollback-drill://ci/run-1"],'
        '"executed_at":"2026-11-20T09:00:00Z","fallback_verified":true,"max_recovery_minutes":15.0,'
        '"recovery_minutes":7.0,"runbook_ref":"docs/runbook.md","source_mode":"promoted","status":"pass",'
        '"target_mode":"disabled"}'
    )

    assert key_of(DRILL) == sha256(f"payments\x1f{content}".encode()).hexdigest()
    assert (
        key_of({**DRILL, **ASKED_FOR}) == "c7203dbf50d5f1abe414325e26ec66871c9901799ade61499c664d174bd1689d"
    )


@pytest.mark.parametrize(
    "drill",
    [
        pytest.param({**DRILL, "recovery_minutes": 7.0}, id="number with a fraction"),
        pytest.param({**DRILL, "executed_at": "2026-11-20T09:00:00+00:00"}, id="offset of zero"),
        pytest.param({**DRILL, "executed_at": "2026-11-20T10:30:00+01:30"}, id="another offset"),
        pytest.param({**DRILL, "executed_at": "2026-11-20T09:00:00.000Z"}, id="fraction of a second"),
        pytest.param({**DRILL, "executed_at": "2026-11-20T09:00:00"}, id="no offset"),
        pytest.param({**DRILL, "executed_at": "20261120T100000+0100"}, id="basic format"),
        pytest.param(dict(reversed(list(DRILL.items()))), id="order of keys"),
        pytest.param({**DRILL, "scenario": "", "findings": [], "rto_minutes": None}, id="written as empty"),
        pytest.param(json.dumps(DRILL).replace("drill-1", r"\u0064rill-1"), id="escaped character"),
    ],
)
def test_the_same_drill_in_another_spelling_has_the_same_key(drill: dict[str, Any] | str) -> None:
    assert key_of(drill) == key_of(DRILL)


def test_a_key_does_not_depend_on_what_stands_beside_the_drill() -> None:
    mine = {
        **DRILL,
        **ASKED_FOR,
        "executed_at": "2026-11-20T10:00:00+01:00",
        "reviewed_at": "2026-11-20T10:00:00+01:00",
        "approved_at": "2026-11-20T10:00:00+01:00",
        "findings": [{"finding_id": "f", "closed_at": "2026-11-20T10:00:00+01:00"}],
    }
    read_carefully = {**DRILL, "drill_id": "other", "executed_at": "2026-11-20T09:00:00"}

    alone, beside = found(make_subject([mine])), found(make_subject([read_carefully, mine]))

    assert list(alone) == list(beside)[1:]
    assert [make() for make in alone.values()] == [make() for make in beside.values()][1:]


@pytest.mark.parametrize("name", [*DRILL, *ASKED_FOR])
def test_a_change_of_any_field_is_another_key(name: str) -> None:
    everything = {**DRILL, **ASKED_FOR}

    without = {key: value for key, value in everything.items() if key != name}

    assert key_of(without) != key_of(everything)


def test_the_same_drill_of_two_schedules_is_two_and_twice_in_one_history_is_one() -> None:
    two = found(make_subject([DRILL, DRILL]), make_subject([DRILL], schedule_id="billing"))

    assert len(two) == 2
    first, second = made(two)
    assert (first.schedule_id, second.schedule_id) == ("payments", "billing")
    assert first.session_id != second.session_id
    assert first.drill == second.drill


def test_the_records_of_a_drill_that_was_changed_share_their_session_and_those_of_no_other() -> None:
    first, changed, other = (
        record_of({**DRILL, **changes}) for changes in ({}, {"status": "fail"}, {"drill_id": "drill-2"})
    )

    assert first["session_id"] == changed["session_id"] != other["session_id"]
    unnamed = [record_of({"status": status})["session_id"] for status in ("pass", "fail")]
    assert unnamed[0] != unnamed[1]


@pytest.mark.parametrize(
    ("ahead", "is_found"),
    [(timedelta(0), True), (CLOCK_SKEW, True), (CLOCK_SKEW + TICK, False), (timedelta(days=400), False)],
    ids=["now", "skew of clocks", "a tick more", "a year"],
)
def test_a_drill_in_the_future_waits_until_its_date_has_come(ahead: timedelta, is_found: bool) -> None:
    subject = make_subject([{**DRILL, "executed_at": (NOW + ahead).isoformat()}])

    assert bool(found(subject)) is is_found
    later = find_drills([subject], ["payments"], now=NOW + ahead, created_at=NOW, signer="me")
    assert [each.accepted for each in made(later)] == [True]


@pytest.mark.parametrize(
    ("schedule", "is_found"),
    [
        pytest.param(None, True, id="none configured"),
        pytest.param(written(SCHEDULE), True, id="usable"),
        pytest.param(written({**SCHEDULE, "intervall": 3}), False, id="unusable"),
        pytest.param(written({**SCHEDULE, "schedule_id": ""}), False, id="without an id"),
    ],
)
def test_drills_wait_while_the_id_of_their_schedule_cannot_be_read(
    schedule: bytes | None, is_found: bool
) -> None:
    source = None if schedule is None else parse_document(Schedule, schedule, "schedule.json")
    subject = Subject(source, make_subject([DRILL]).history)

    assert bool(find_drills([subject], ["x"], now=NOW, created_at=NOW, signer="me")) is is_found


@pytest.mark.parametrize(
    "history", [None, parse_document(History, b"{", "history.json")], ids=["none", "bad"]
)
def test_without_a_usable_history_there_is_nothing_to_write(history: Any) -> None:
    assert not found(Subject(make_subject().schedule, history))


def test_the_environment_is_that_of_the_history() -> None:
    document = written({"environment": "staging", "drills": [DRILL]})
    subject = Subject(make_subject().schedule, parse_document(History, document, "history.json"))

    (record,) = made(found(subject))

    assert record.environment == "staging"


def test_no_dictionary_is_handed_to_prefect_which_would_look_into_each_of_its_values() -> None:
    assert isinstance(found(make_subject([DRILL])), Mapping)
    assert not isinstance(found(make_subject([DRILL])), dict)


def test_a_drill_is_written_once_and_once_more_when_it_was_changed(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path / 'drills.db'}")

    def run(*drills: Mapping[str, Any]) -> None:
        seen = found(make_subject(list(drills)))
        index_run(
            database,
            [],
            created_at=NOW,
            signer="me",
            redact=lambda each: each,
            open_key=open_key,
            drills=seen,
        )

    changed = {**DRILL, **ASKED_FOR}
    second = {**DRILL, "drill_id": "drill-2", "status": "fail"}
    for drills in ([DRILL], [DRILL], [DRILL, second], [changed, second], [second, changed], [second], []):
        run(*drills)

    records = read_plain(database, DRILL_KIND)
    assert [(each["drill_id"], each["accepted"]) for each in reversed(records)] == [
        ("drill-1", True),
        ("drill-2", False),
        ("drill-1", True),
    ]
    assert records[0]["drill"]["scenario"] == ASKED_FOR["scenario"]
