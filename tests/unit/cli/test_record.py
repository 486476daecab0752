"""`drills record`, as people and pipelines call it."""

import io
import json
from collections.abc import Mapping
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

import pytest

from rollback_drills.database.connections import Database
from rollback_drills.errors import DrillsError
from rollback_drills.evidence.ledger.keys import PublicKey, SigningKey
from rollback_drills.evidence.record_kinds import DRILL_KIND, RETEST_KIND
from rollback_drills_cli import record_result
from rollback_drills_cli.main import main
from rollback_drills_cli.options import shared
from tests.samples.builders import DRILL, SCHEDULE, open_key, written
from tests.samples.plain_records import read_plain

HISTORY: Mapping[str, Any] = {
    "schema_version": "cavra.go-backend-rollback-drill-history.v1",
    "environment": "production",
    "drills": [DRILL],
}
ACCEPTED = (
    *("--status", "pass", "--fallback-verified", "--recovery-minutes", "7", "--max-recovery-minutes", "15"),
    *("--evidence-ref", "go-rollback-drill://ci/run-2", "--executed-at", "2026-12-01T08:00:00Z"),
)
NOW = ("--now", "2026-12-01T09:00:00Z")


class _Clock(datetime):
    """A day on which the drills of the samples have been performed."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return datetime(2026, 12, 2, tzinfo=tz)


class Record:
    """Calls `drills record` in a folder with a schedule and a history; keeps what it printed."""

    def __init__(
        self, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.folder, self._capsys, self._monkeypatch = folder, capsys, monkeypatch
        self.out = self.err = ""
        monkeypatch.setattr(shared, "datetime", _Clock)

    def write(self, **schedule: Any) -> None:
        (self.folder / "schedule.json").write_bytes(written({**SCHEDULE, **schedule}))
        (self.folder / "history.json").write_bytes(written(HISTORY))

    def __call__(self, *words: str) -> int:
        given = ["--schedule", "schedule.json", "--history", "history.json", *words]
        self._monkeypatch.setattr("sys.argv", ["drills", "record", *given])
        with pytest.raises(SystemExit) as ended:
            main()
        self.out, self.err = self._capsys.readouterr()
        return int(ended.value.code or 0)

    def drills(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads((self.folder / "history.json").read_text())["drills"]
        return found

    def evidence(self, kind: str) -> list[dict[str, Any]]:
        return read_plain(Database.open(f"sqlite:///{self.folder / 'evidence.db'}"), kind)


@pytest.fixture
def record(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Record:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DRILLS_DATABASE_URL", f"sqlite:///{tmp_path / 'evidence.db'}")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(record_result, "open_key", open_key)
    made = Record(tmp_path, capsys, monkeypatch)
    made.write()
    return made


def test_an_accepted_drill_is_in_the_history_and_in_the_evidence(record: Record) -> None:
    record.write(due_policy="after_completion")

    assert record(*ACCEPTED, "--drill-id", "drill-2", "--generated-by", "ci", *NOW) == 0

    assert [each["drill_id"] for each in record.drills()] == ["drill-1", "drill-2"]
    newest, _ = record.evidence(DRILL_KIND)
    assert (newest["drill_id"], newest["accepted"], newest["signer"]) == ("drill-2", True, "ci")
    cycle = f"Cycle {_cycle(record)}, due 20 Dec 2026, 09:00 UTC"
    assert record.out.splitlines() == [
        "Drill drill-2 is recorded in history.json and accepted.",
        f"{cycle}, is closed. The next drill is due 31 Dec 2026, 08:00 UTC.",
        "State: ready (it was ready).",
        "To notify the owners: drills deliver --schedule schedule.json --history history.json",
    ]


def _cycle(record: Record) -> str:
    return record.out.partition("Cycle ")[2].partition(",")[0]


def test_a_failed_drill_is_recorded_ends_with_1_and_opens_a_retest(record: Record) -> None:
    assert record("--status", "fail", *NOW) == 1

    assert record.drills()[1]["status"] == "fail"
    assert record.evidence(DRILL_KIND)[0]["accepted"] is False
    (retest,) = record.evidence(RETEST_KIND)
    assert retest["retest_due_at"] == "2026-12-15T09:00:00+00:00"
    assert ", but not accepted:\n" in record.out
    assert '  status is "fail"; must be "pass"\n' in record.out
    assert "Repeat it by 15 Dec 2026, 09:00 UTC.\n" in record.out
    assert "stays open: the drill is due 27 Nov 2026, 09:00 UTC, as before.\n" in record.out


def test_an_explicit_due_instant_is_moved_only_when_asked_for(record: Record) -> None:
    assert record(*ACCEPTED, *NOW) == 0
    assert "To move next_due_at, edit it, or record a drill with --advance" in record.out
    record.write()

    assert record(*ACCEPTED, "--advance", *NOW) == 0

    assert "is closed. The next drill is due 31 Dec 2026, 08:00 UTC." in record.out
    schedule = json.loads((record.folder / "schedule.json").read_text())
    assert schedule["next_due_at"] == "2026-12-31T08:00:00+00:00"


def test_the_document_tells_all_of_it(record: Record) -> None:
    assert record(*ACCEPTED, "--participant", "team-a", "--system", "api", "--json", *NOW) == 0

    document = json.loads(record.out)
    assert document["accepted"] is True
    assert document["evidence_problem"] == ""
    assert document["run"] is None
    assert document["drill"]["participants"] == [{"name": "team-a"}]
    assert document["drill"]["systems_tested"] == ["api"]
    assert document["drill"]["runbook_ref"] == SCHEDULE["runbook_ref"]
    assert record.drills()[1] == document["drill"]


@pytest.mark.parametrize("source", ["a file", "standard input"])
def test_the_drill_may_be_given_as_an_object(
    record: Record, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {**DRILL, "drill_id": "drill-2", "findings": [{"finding_id": "f-1"}], "evidence_refs": ["x"]}
    (record.folder / "drill.json").write_bytes(b"\xef\xbb\xbf" + written(given))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(written(given))))

    assert record("--drill", "drill.json" if source == "a file" else "-", *NOW) == 0, record.err

    assert record.drills()[1] == {**given, "executed_at": "2026-11-20T09:00:00+00:00"}


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        pytest.param((), "--status is missing; must be pass or fail", id="no outcome"),
        pytest.param(
            ("--status", "pass", "--evidence-ref", "a", "--evidence-ref", "https://ci/1"),
            "--evidence-ref[1] holds a URL, which a published document must not name; leave it out",
            id="private text",
        ),
        pytest.param(
            ("--status", "pass", "--participant", "x" * 201), "--participant[0].name is", id="a name too long"
        ),
        pytest.param(
            ("--status", "pass", "--recovery-minutes", "nan"),
            "--recovery-minutes is NaN; must be a finite number",
            id="no number",
        ),
        pytest.param(
            ("--status", "pass", "--executed-at", "2026-12-01T10:00:00Z"),
            "--executed-at is 2026-12-01T10:00:00+00:00; a drill cannot be in the future",
            id="in the future",
        ),
        pytest.param(
            ("--status", "pass", "--drill-id", "drill-1"), '"drill-1" already', id="recorded already"
        ),
        pytest.param(("--drill", "none.json"), "none.json: does not exist", id="no object"),
        pytest.param(
            ("--drill", "schedule.json"),
            "--drill schedule.json: holds a schedule, not a drill",
            id="no drill",
        ),
        pytest.param(
            ("--status", "pass", "--history", "none.json"), "let --create make the history", id="no history"
        ),
        pytest.param(
            ("--status", "pass", "--schedule-id", "search"),
            'not in schedule.json; it has "payments"',
            id="no such",
        ),
        pytest.param(
            ("--status", "pass", "--deliver", "--database", "sqlite:///x.db"),
            "--deliver uses the database of DRILLS_DATABASE_URL",
            id="two databases",
        ),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    record: Record, words: tuple[str, ...], problem: str
) -> None:
    assert record(*words, *NOW) == 2

    assert problem in record.err
    assert record.err.count("\n") == 1
    assert record.drills() == [DRILL]
    assert not (record.folder / "evidence.db").exists()


def test_evidence_that_cannot_be_written_does_not_undo_the_record_and_is_told(
    record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: PublicKey | None) -> SigningKey:
        raise DrillsError("the key is not on this Prefect server")

    monkeypatch.setattr(record_result, "open_key", fail)

    assert record(*ACCEPTED, *NOW) == 1

    assert len(record.drills()) == 2
    assert record.err == (
        "drills: the drill is recorded, but not yet in the evidence; the next check adds it:"
        " the key is not on this Prefect server\n"
    )


def test_recorded_again_it_is_refused_and_the_evidence_has_it_once(record: Record) -> None:
    assert record(*ACCEPTED, *NOW) == 0
    assert record(*ACCEPTED, *NOW) == 2
    assert record(*ACCEPTED, "--drill-id", "another", *NOW) == 2

    assert len(record.drills()) == len(record.evidence(DRILL_KIND)) == 2
