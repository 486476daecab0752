"""Recording a drill: where it goes, what it changes, and what the evidence then says."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rollback_drills.database.connections import Database
from rollback_drills.documents.fleets.fleet import load_fleet
from rollback_drills.documents.plain_json import to_plain
from rollback_drills.errors import DrillsError, UsageError
from rollback_drills.evidence.drills import find_drills
from rollback_drills.evidence.outbox_transfer import index_run
from rollback_drills.evidence.record_kinds import DRILL_KIND, RETEST_KIND
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.recording import written_due
from rollback_drills.recording.drill_entry import NOTHING, build_drill, read_fields
from rollback_drills.recording.recorder import Recorded, record_drill
from rollback_drills.recording.report import write_report
from rollback_drills.recording.retests import find_retests
from rollback_drills.recording.target import Target, find_target
from tests.samples.builders import DRILL, NOW, SCHEDULE, open_key, written
from tests.samples.plain_records import read_plain

HISTORY: Mapping[str, Any] = {
    "schema_version": "cavra.go-backend-rollback-drill-history.v1",
    "environment": "production",
    "drills": [DRILL],
}
PERFORMED: Mapping[str, Any] = {
    **DRILL,
    "drill_id": "drill-2",
    "executed_at": "2026-12-01T08:00:00Z",
    "evidence_refs": ["go-rollback-drill://ci/run-2"],
}


class Folder:
    """A schedule and its history on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.schedule, self.history = path / "schedule.json", path / "history.json"

    def write(self, history: Mapping[str, Any] | None = HISTORY, **schedule: Any) -> None:
        self.schedule.write_bytes(written({**SCHEDULE, **schedule}))
        if history is not None:
            self.history.write_bytes(written(history))

    @property
    def target(self) -> Target:
        return find_target(str(self.schedule), str(self.history), None)

    def record(
        self, *, now: datetime = NOW, create: bool = False, advance: bool = False, **drill: Any
    ) -> Recorded:
        fields = read_fields({**PERFORMED, **drill})
        performed = build_drill(
            NOTHING, fields, schedule_id="payments", runbook_ref="docs/runbook.md", now=now
        )
        return record_drill(self.target, performed, Criteria(), now=now, create=create, advance=advance)

    def drills(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.history.read_text())["drills"]
        return found

    def due(self) -> str:
        found: str = json.loads(self.schedule.read_text())["next_due_at"]
        return found


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path)
    made.write()
    return made


def test_the_drill_stands_in_the_history_after_those_that_were_there(folder: Folder) -> None:
    folder.record()

    assert folder.drills() == [DRILL, {**PERFORMED, "executed_at": "2026-12-01T08:00:00+00:00"}]
    assert json.loads((folder.path / "history.json.bak").read_text()) == HISTORY


@pytest.mark.parametrize(
    ("schedule", "performed", "closes", "due"),
    [
        pytest.param({}, {}, False, "2026-11-27T09:00:00+00:00", id="explicit"),
        pytest.param(
            {"next_due_at": None}, {}, True, "2026-12-31T08:00:00+00:00", id="explicit, not written"
        ),
        pytest.param(
            {"due_policy": "after_completion"}, {}, True, "2026-12-31T08:00:00+00:00", id="after completion"
        ),
        pytest.param(
            {"due_policy": "after_completion"},
            {"executed_at": "2026-11-10T08:00:00Z"},
            False,
            "2026-12-20T09:00:00+00:00",
            id="after completion, of an earlier day",
        ),
        pytest.param(
            {"due_policy": "fixed_sequence", "next_due_at": "2026-11-01T09:00:00Z"},
            {},
            True,
            "2026-12-31T09:00:00+00:00",
            id="fixed sequence",
        ),
        pytest.param(
            {"due_policy": "fixed_sequence", "next_due_at": "2026-12-19T09:00:00Z"},
            {},
            False,
            "2027-01-18T09:00:00+00:00",
            id="fixed sequence, too early for the next instant",
        ),
        pytest.param(
            {"due_policy": "after_completion"},
            {"status": "fail"},
            False,
            "2026-12-20T09:00:00+00:00",
            id="not accepted",
        ),
    ],
)
def test_it_closes_the_cycle_when_it_moves_the_due_instant(
    folder: Folder, schedule: dict[str, Any], performed: dict[str, Any], closes: bool, due: str
) -> None:
    folder.write(**schedule)

    recorded = folder.record(**performed)

    report = to_plain(write_report(recorded))
    assert (report["closes_cycle"], report["next_due_at"]) == (closes, due)
    assert (report["next_due_at_before"] != due) is closes


def test_the_report_says_all_that_came_of_it(folder: Folder) -> None:
    folder.write(due_policy="after_completion")

    report = to_plain(write_report(folder.record()))

    cycle_id = report.pop("cycle_id")
    assert cycle_id.startswith("gordcycle-")
    assert report == {
        "schema_version": "rollback-drills.record.v1",
        "product": "rollback-drills",
        "recorded_at": "2026-12-01T09:00:00+00:00",
        "schedule_id": "payments",
        "history_path": "history.json",
        "drill_id": "drill-2",
        "drill": {**PERFORMED, "executed_at": "2026-12-01T08:00:00+00:00"},
        "is_new": True,
        "accepted": True,
        "problems": [],
        "due_policy": "after_completion",
        "closes_cycle": True,
        "status_before": "ready",
        "status": "ready",
        "next_due_at_before": "2026-12-20T09:00:00+00:00",
        "next_due_at": "2026-12-31T08:00:00+00:00",
        "advanced_to": "",
        "not_advanced_because": "",
        "retest_due_at": "",
    }


def test_a_drill_that_is_not_accepted_is_recorded_with_its_problems_and_a_date_for_the_next(
    folder: Folder,
) -> None:
    folder.write(retest_within_days=1.5)

    report = to_plain(write_report(folder.record(status="fail", fallback_verified=False)))

    assert folder.drills()[1]["status"] == "fail"
    assert folder.drills()[1]["fallback_verified"] is False
    assert report["problems"] == [
        'status is "fail"; must be "pass"',
        "fallback_verified is false; must be true",
    ]
    assert report["retest_due_at"] == "2026-12-02T20:00:00+00:00"


@pytest.mark.parametrize(
    ("history", "problem"),
    [
        pytest.param(
            {**HISTORY, "drills": [{**DRILL, "drill_id": "drill-2"}]}, '"drill-2" already', id="the same id"
        ),
        pytest.param({**HISTORY, "drils": []}, "$.drils is an unknown key", id="unreadable"),
        pytest.param({"drills": []}, "$.schema_version is missing; must be", id="of no version"),
        pytest.param(
            {**HISTORY, "environment": "ssh://prod"}, "$.environment holds a URL", id="private already"
        ),
    ],
)
def test_what_a_history_does_not_allow_is_refused_and_nothing_is_written(
    folder: Folder, history: dict[str, Any], problem: str
) -> None:
    folder.write(history)
    before = folder.history.read_bytes()

    with pytest.raises(DrillsError) as refused:
        folder.record()

    assert problem in str(refused.value)
    assert str(refused.value).startswith("history.json")
    assert folder.history.read_bytes() == before
    assert not (folder.path / "history.json.bak").exists()


def test_a_history_is_made_only_when_asked_for(folder: Folder) -> None:
    folder.history.unlink()

    with pytest.raises(UsageError, match="does not exist; fix the path, or let create make the history"):
        folder.record()
    assert [each.name for each in folder.path.iterdir()] == ["schedule.json"]

    folder.record(create=True)

    assert json.loads(folder.history.read_text()) == {
        **HISTORY,
        "drills": [{**PERFORMED, "executed_at": "2026-12-01T08:00:00+00:00"}],
    }
    folder.record(create=True, drill_id="drill-3", actor="somebody")  # one that is there is added to
    assert [each["drill_id"] for each in folder.drills()] == ["drill-2", "drill-3"]


def test_a_document_that_would_become_too_large_is_refused(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rollback_drills.recording.recorder.LARGEST_DOCUMENT_BYTES", 600)

    with pytest.raises(UsageError, match="would have more than 600 bytes; begin a new history"):
        folder.record()
    assert folder.drills() == [DRILL]


@pytest.mark.parametrize(
    "edited",
    [b"{", written(HISTORY), written({**HISTORY, "drills": [PERFORMED]})],
    ids=["half", "old", "lost"],
)
def test_a_new_text_that_does_not_say_what_it_should_is_never_written(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, edited: bytes
) -> None:
    monkeypatch.setattr("rollback_drills.recording.recorder.append_drill", lambda *_: edited)

    with pytest.raises(DrillsError, match=r"nothing was written|add the drill by hand"):
        folder.record()
    assert folder.drills() == [DRILL]


class TestFindTarget:
    def test_without_a_schedule(self) -> None:
        with pytest.raises(UsageError, match="no drill schedule is configured; set DRILLS_"):
            find_target(None, "history.json", None)

    def test_without_a_history(self, folder: Folder) -> None:
        with pytest.raises(UsageError, match="no drill history is configured; set DRILLS_"):
            find_target(str(folder.schedule), None, None)

    @pytest.mark.parametrize(
        ("schedule", "problem"),
        [({"schedule_id": None}, "$.schedule_id is missing"), ({"ownres": []}, "$.ownres is an unknown key")],
    )
    def test_a_schedule_that_has_no_lasting_name(
        self, folder: Folder, schedule: dict[str, Any], problem: str
    ) -> None:
        folder.write(**schedule)

        with pytest.raises(UsageError) as refused:
            folder.target  # noqa: B018 - it is what is tried
        assert problem in str(refused.value)

    def test_of_several_the_id_chooses(self, tmp_path: Path) -> None:
        for name in ("payments", "search"):
            (tmp_path / f"{name}-schedule.json").write_bytes(written({**SCHEDULE, "schedule_id": name}))
        (tmp_path / "search-history.json").write_bytes(written(HISTORY))

        target = find_target(str(tmp_path), None, "search")

        assert target.schedule.schedule_id == "search"
        assert target.history_path == str(tmp_path / "search-history.json")
        assert target.run_paths == (str(tmp_path / "search-schedule.json"), target.history_path)
        with pytest.raises(
            UsageError, match='has 2 schedules; choose one by schedule_id: "payments", "search"'
        ):
            find_target(str(tmp_path), None, None)
        with pytest.raises(
            UsageError, match=r'schedule_id "serch" is not in .*; it has "payments", "search"'
        ):
            find_target(str(tmp_path), None, "serch")
        with pytest.raises(
            UsageError, match=r"no history belongs to .*payments-schedule.json; name both files"
        ):
            find_target(str(tmp_path), None, "payments")

    def test_in_json_lines_the_history_must_be_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "history.json").write_bytes(written(HISTORY))
        lines = [
            {"schedule": {**SCHEDULE, "schedule_id": "a"}, "history": "history.json"},
            {"schedule": {**SCHEDULE, "schedule_id": "b"}, "history": HISTORY},
        ]
        path = tmp_path / "fleet.jsonl"
        path.write_text("\n".join(map(json.dumps, lines)))

        target = find_target(str(path), None, "a")

        assert target.history_path == str(tmp_path / "history.json")
        assert target.run_paths == (str(path), None)
        with pytest.raises(UsageError, match="stands inside a JSON Lines record; move it to a file"):
            find_target(str(path), None, "b")
        with pytest.raises(UsageError, match="is no file of its own"):
            written_due.check_advance(target)


class TestAdvance:
    def test_an_accepted_drill_moves_the_due_instant_that_is_written(self, folder: Folder) -> None:
        folder.write(interval_days=30)
        before = folder.schedule.read_bytes()

        report = to_plain(write_report(folder.record(advance=True, executed_at="2026-12-01T09:30:00+01:00")))

        assert folder.due() == report["advanced_to"] == report["next_due_at"] == "2026-12-31T08:30:00+00:00"
        assert report["closes_cycle"]
        assert report["not_advanced_because"] == ""
        assert folder.schedule.read_bytes() == before.replace(
            b"2026-11-27T09:00:00Z", b"2026-12-31T08:30:00+00:00"
        )
        assert (folder.path / "schedule.json.bak").read_bytes() == before

    def test_a_drill_that_is_not_accepted_moves_nothing(self, folder: Folder) -> None:
        report = to_plain(write_report(folder.record(advance=True, status="fail")))

        assert folder.due() == SCHEDULE["next_due_at"]
        assert report["advanced_to"] == ""

    def test_it_is_never_moved_back(self, folder: Folder) -> None:
        folder.write(next_due_at="2027-06-01T09:00:00Z")

        report = to_plain(write_report(folder.record(advance=True)))

        assert folder.due() == "2027-06-01T09:00:00Z"
        assert report["not_advanced_because"] == (
            "an interval after the latest accepted drill is 2026-12-31T08:00:00+00:00, no later"
        )

    @pytest.mark.parametrize(
        ("schedule", "problem"),
        [
            ({"due_policy": "after_completion"}, r"\$.due_policy after_completion drills move"),
            ({"due_policy": "fixed_sequence"}, r"\$.due_policy fixed_sequence drills move"),
            ({"next_due_at": None}, r"without \$.next_due_at drills move the due time"),
            ({"interval_days": None}, r"needs \$.interval_days of more than 0"),
            ({"interval_days": 0}, r"needs \$.interval_days of more than 0"),
        ],
    )
    def test_where_it_makes_no_sense_nothing_is_written_at_all(
        self, folder: Folder, schedule: dict[str, Any], problem: str
    ) -> None:
        folder.write(**schedule)

        with pytest.raises(UsageError, match=problem):
            folder.record(advance=True)
        assert folder.drills() == [DRILL]

    @pytest.mark.parametrize(
        ("change", "problem"),
        [
            ({"schedule_id": "another"}, "became another schedule meanwhile"),
            ({"due_policy": "fixed_sequence"}, "drills move the due time; leave it out"),
            ({"ownres": []}, "$.ownres is an unknown key; did you mean 'owners'?"),
        ],
    )
    def test_a_schedule_that_was_changed_meanwhile_is_left_alone_and_the_drill_stays(
        self, folder: Folder, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], problem: str
    ) -> None:
        target = folder.target
        folder.write(**change)
        monkeypatch.setattr(Folder, "target", target)

        report = to_plain(write_report(folder.record(advance=True)))

        assert report["not_advanced_because"].endswith(problem)
        assert folder.due() == SCHEDULE["next_due_at"]
        assert len(folder.drills()) == 2


def write_evidence(database: Database, recorded: Recorded) -> int:
    once = recorded.find_evidence(created_at=NOW, signer="me")
    return index(database, once)


def index(database: Database, once: Mapping[str, Any]) -> int:
    return index_run(
        database,
        (),
        drills=once,
        created_at=NOW,
        signer="me",
        redact=lambda record: record,
        open_key=open_key,
    ).count


def test_the_evidence_has_the_drill_at_once_and_a_later_check_adds_nothing(
    folder: Folder, database: Database
) -> None:
    recorded = folder.record(status="fail")
    assert write_evidence(database, recorded) == 3  # both drills and the re-test

    subjects = load_fleet(str(folder.schedule), str(folder.history)).subjects
    later = NOW + timedelta(hours=1)
    seen = find_drills(subjects, ["payments"], now=later, created_at=later, signer="check")
    retests = find_retests(subjects[0], "gordcycle-x", now=later, created_at=later, signer="check")

    assert index(database, {**seen, **retests}) == 0
    assert len(seen) == 2
    assert len(retests) == 1


def test_the_record_of_a_retest_says_what_failed_and_by_when_it_is_due(
    folder: Folder, database: Database
) -> None:
    recorded = folder.record(status="fail")
    write_evidence(database, recorded)

    (retest,) = read_plain(database, RETEST_KIND)
    drills = read_plain(database, DRILL_KIND)

    assert retest["session_id"] == drills[0]["session_id"]
    assert retest["leaf_index"] == drills[0]["leaf_index"] + 1
    wanted = ("schedule_id", "cycle_id", "drill_id", "failed_at", "retest_due_at", "problems")
    assert {name: retest[name] for name in wanted} == {
        "schedule_id": "payments",
        "cycle_id": recorded.before.cycle.cycle_id,
        "drill_id": "drill-2",
        "failed_at": "2026-12-01T08:00:00+00:00",
        "retest_due_at": "2026-12-15T08:00:00+00:00",
        "problems": ['status is "fail"; must be "pass"'],
    }


def test_a_check_writes_what_a_process_that_died_has_left_out(folder: Folder, database: Database) -> None:
    folder.record(status="fail")  # and it dies before the evidence

    (subject,) = load_fleet(str(folder.schedule), str(folder.history)).subjects
    seen = find_drills([subject], ["payments"], now=NOW, created_at=NOW, signer="check")
    retests = find_retests(subject, "gordcycle-x", now=NOW, created_at=NOW, signer="check")

    assert index(database, {**seen, **retests}) == 3


def test_at_the_end_of_the_calendar_the_date_of_a_retest_is_its_end(folder: Folder) -> None:
    now = datetime(9999, 12, 31, tzinfo=UTC)

    report = to_plain(write_report(folder.record(now=now, status="fail", executed_at="9999-12-30T00:00:00Z")))

    assert report["retest_due_at"].startswith("9999-12-31T23:59:59")
