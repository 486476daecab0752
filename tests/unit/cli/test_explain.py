"""`drills explain`, as people call it: now, at another time, and beside what the evidence says."""

import json
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rollback_drills_cli.main import main
from tests.samples.builders import DRILL, NOW, SCHEDULE
from tests.samples.databases import open_sqlite
from tests.samples.world import World

HISTORY = {"schema_version": "cavra.go-backend-rollback-drill-history.v1", "drills": [DRILL]}
Explain = Callable[..., tuple[int, str, str]]


@pytest.fixture
def explain(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Explain:
    (tmp_path / "payments-schedule.json").write_text(json.dumps(SCHEDULE))
    (tmp_path / "payments-history.json").write_text(json.dumps(HISTORY))
    (tmp_path / "search-schedule.json").write_text(json.dumps({**SCHEDULE, "schedule_id": "search"}))
    monkeypatch.setenv("DRILLS_DATABASE_URL", f"sqlite:///{tmp_path / 'evidence.db'}")
    monkeypatch.setenv("DRILLS_SCHEDULE", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")

    def call(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["drills", "explain", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), *capsys.readouterr()

    return call


def document(explain: Explain, *words: str) -> dict[str, Any]:
    code, out, err = explain(*words, "--json")
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


def test_one_screen_has_the_whole_decision(explain: Explain) -> None:
    code, out, _ = explain("payments", "--at", "2026-11-25", "--owner", "team-a")
    assert code == 0
    assert "payments at 25 Nov 2026, 00:00 UTC: due soon" in out
    assert "Due 27 Nov 2026, 09:00 UTC: written as $.next_due_at; due_policy is explicit" in out
    assert "drill-1" in out
    assert "team-a through slack: notified. the drill is due soon." in out
    assert "is a maintenance window open? no" in out
    assert "team-b" not in out


def test_the_document_names_what_was_read(explain: Explain) -> None:
    found = document(explain, "payments", "--at", "2026-11-25")
    assert [each["path"] for each in found["documents"]] == [
        "payments-schedule.json",
        "payments-history.json",
    ]
    assert all(len(each["sha256"]) == 64 for each in found["documents"])
    assert found["recorded"] is None
    assert found["schema_version"] == "rollback-drills.explanation.v1"


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ((), "2 schedules are configured; name one: drills explain SCHEDULE_ID"),
        (
            ("paiments",),
            'there is no schedule "paiments"; there are payments, search. Did',
        ),
        (("payments", "--at", "yesterday"), '--at is "yesterday"; write an ISO 8601 timestamp'),
    ],
)
def test_a_question_that_cannot_be_answered_is_one_line(
    explain: Explain, words: tuple[str, ...], problem: str
) -> None:
    code, out, err = explain(*words)
    assert (code, out) == (2, "")
    assert problem in err
    assert len(err.splitlines()) == 1


def test_without_a_schedule_there_is_nothing_to_explain(
    explain: Explain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DRILLS_SCHEDULE")
    code, _, err = explain()
    assert code == 2
    assert "DRILLS_SCHEDULE is not set" in err


def test_a_schedule_is_found_in_any_spelling(explain: Explain) -> None:
    assert document(explain, "PAYMENTS")["schedule_id"] == "payments"


def test_the_evidence_tells_what_happened_then_and_where_the_documents_differ(
    explain: Explain, tmp_path: Path
) -> None:
    world = World(open_sqlite(tmp_path / "evidence.db"), {"schedule_id": "payments"})
    world.check()
    later = NOW + timedelta(hours=1)

    found = document(explain, "payments", "--at", later.isoformat())
    assert found["recorded"]["status"] == "needs_attention"
    assert {each["category"] for each in found["recorded"]["decisions"]} == {"deliver"}
    assert {each["category"] for each in found["routes"]} == {"already_notified"}
    assert found["differences"] == []

    assert document(explain, "payments", "--at", "2026-11-01")["recorded"] is None

    changed = {
        **SCHEDULE,
        "owners": ["team-a", "team-c"],
        "owner_calendars": {"team-a": {"available": False}},
    }
    (tmp_path / "payments-schedule.json").write_text(json.dumps(changed))
    found = document(explain, "payments", "--at", later.isoformat())
    assert (
        "slack to team-a: recorded as deliver, and owner_calendar by today's documents"
        in found["differences"]
    )
    assert "slack to team-b: was decided then, and is no route of today's documents" in found["differences"]
    assert "slack to team-c: is a route of today's documents, and was none then" in found["differences"]

    _, out, _ = explain("payments", "--at", later.isoformat())
    assert "Recorded in row " in out
    assert "differs: slack to team-b" in out


def test_a_problem_that_ends_with_a_question_has_no_full_stop(explain: Explain, tmp_path: Path) -> None:
    (tmp_path / "payments-history.json").write_text(json.dumps({**HISTORY, "drils": []}))

    _, out, _ = explain("payments")

    assert "payments-history.json: $.drils is an unknown key; did you mean 'drills'?\n" in out


def test_a_broken_history_is_named_whatever_the_state_is(explain: Explain, tmp_path: Path) -> None:
    (tmp_path / "payments-history.json").write_text(
        json.dumps({**HISTORY, "drills": [{**DRILL, "executed_at": "05/11/2026"}]})
    )

    _, out, _ = explain("payments", "--at", "2026-11-25")

    assert "payments at 25 Nov 2026, 00:00 UTC: due soon" in out
    assert 'payments-history.json: $.drills[0].executed_at is "05/11/2026"; must be an ISO 8601' in out
    assert "executed_at" in document(explain, "payments", "--at", "2026-11-25")["warnings"][0]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs POSIX")
def test_what_is_no_file_is_not_read(explain: Explain, tmp_path: Path) -> None:
    (tmp_path / "payments-history.json").unlink()
    os.mkfifo(tmp_path / "payments-history.json")
    (tmp_path / "zero-schedule.json").symlink_to("/dev/zero")

    found = document(explain, "payments")

    assert [bool(each["sha256"]) for each in found["documents"]] == [True, False]
    assert "zero-schedule.json: is not a file" in explain("zero-schedule.json")[1]


@pytest.mark.parametrize(("option", "kind"), [("--owner", "owner"), ("--provider", "provider")])
def test_a_filter_that_matches_no_route_names_those_there_are(
    explain: Explain, option: str, kind: str
) -> None:
    code, out, err = explain("payments", option, "nobody")

    assert (code, out) == (2, "")
    known = "team-a" if kind == "owner" else "slack"
    assert f'there is no {kind} "nobody"; there ' in err
    assert known in err
