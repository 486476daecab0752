"""`drills record --from FILE --as FORMAT`: the result of a tool, and what it cannot tell as options."""

import io
import json
from pathlib import Path

import pytest

from rollback_drills.recording.results.formats import ResultFormat
from rollback_drills_cli import record_result
from tests.samples.builders import open_key
from tests.samples.vendor_results import FIS, GITHUB, RESULTS, VELERO
from tests.unit.cli.test_record import NOW, Record

FURTHER = ("--fallback-verified", "--recovery-minutes", "7", "--max-recovery-minutes", "15")
AFTER = ("--now", "2026-12-01T12:00:00Z")


@pytest.fixture
def record(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Record:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DRILLS_DATABASE_URL", f"sqlite:///{tmp_path / 'evidence.db'}")
    monkeypatch.setattr(record_result, "open_key", open_key)
    called = Record(tmp_path, capsys, monkeypatch)
    called.write()
    for wanted, document in RESULTS.items():
        (tmp_path / f"{wanted}.json").write_text(json.dumps(document))
    return called


@pytest.mark.parametrize("wanted", ResultFormat)
def test_a_result_with_what_it_cannot_tell_is_an_accepted_drill(record: Record, wanted: ResultFormat) -> None:
    assert record("--from", f"{wanted}.json", "--as", wanted, *FURTHER, *AFTER) == 0, record.err

    (_, drill) = record.drills()
    assert drill["drill_id"].startswith(wanted.partition("-")[0])
    assert (drill["status"], drill["recovery_minutes"]) == ("pass", 7)


def test_an_option_wins_over_the_file_which_may_be_the_standard_input(
    record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(json.dumps(VELERO).encode())))

    said = ("--status", "fail", "--drill-id", "mine", "--evidence-ref", "go-rollback-drill://ci/run-3")
    assert record("--from", "-", "--as", "velero-restore", *said, *AFTER) == 1

    (_, drill) = record.drills()
    assert (drill["drill_id"], drill["status"], drill["recovery_minutes"]) == ("mine", "fail", 7.5)
    assert drill["evidence_refs"] == ["go-rollback-drill://ci/run-3"]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--from", "velero-restore.json"), "--from and --as go together"),
        (("--as", "velero-restore"), "--from and --as go together"),
        (
            ("--from", "x.json", "--as", "jenkins"),
            "--as jenkins is unknown; write one of github-workflow-run",
        ),
        (("--from", "x.json", "--as", "velero-restore"), "x.json: does not exist"),
        (
            ("--from", "aws-fis-experiment.json", "--as", "velero-restore"),
            "--from aws-fis-experiment.json: $.kind is missing; is it a velero-restore?",
        ),
        (("--from", "schedule.json", "--as", "gitlab-pipeline"), "$.id is missing; is it a gitlab-pipeline?"),
        (
            ("--from", "a", "--as", "velero-restore", "--drill", "b"),
            "--from and --drill contradict each other",
        ),
        (
            ("--from", "running.json", "--as", "github-workflow-run"),
            '--from running.json: $.status is "in_progress", which is no outcome of a drill; record it when',
        ),
        (
            ("--from", "unbegun.json", "--as", "aws-fis-experiment"),
            "--from unbegun.json: it does not say when it began; say it with --executed-at",
        ),
    ],
)
def test_what_is_no_result_is_one_line_and_writes_nothing(
    record: Record, words: tuple[str, ...], problem: str
) -> None:
    running = {**GITHUB, "status": "in_progress", "conclusion": None}
    (record.folder / "running.json").write_text(json.dumps(running))
    unbegun = {"experiment": {**FIS["experiment"], "startTime": None}}
    (record.folder / "unbegun.json").write_text(json.dumps(unbegun))

    assert record(*words, *NOW) == 2

    assert problem in record.err
    assert record.err.count("\n") == 1
    assert len(record.drills()) == 1
