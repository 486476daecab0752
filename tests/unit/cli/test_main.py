"""The commands that need no Prefect: exit codes, messages, and what a process of them imports."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.checkout import ROOT
from tests.samples.builders import DRILL, SCHEDULE
from tests.samples.commands import drills

NOW = "2026-12-01T09:00:00Z"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Hold an overdue schedule and its history."""
    history = {"schema_version": "cavra.go-backend-rollback-drill-history.v1", "drills": [DRILL]}
    (tmp_path / "schedule.json").write_text(json.dumps(SCHEDULE))
    (tmp_path / "history.json").write_text(json.dumps(history))
    return tmp_path


@pytest.mark.slow
def test_a_delivery_with_nothing_to_watch_names_the_setting_before_anything_starts(tmp_path: Path) -> None:
    done = drills("deliver", cwd=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("drills: there is nothing to watch: DRILLS_SCHEDULE is not")
    assert "--schedule" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "status"),
    [
        (["check", "--rollback-drill-schedule-path", "schedule.json"], 1, "needs_attention"),
        (["check", "--schedule", "schedule.json", "--now", "2026-11-20T09:00:00Z"], 0, "due_soon"),
        (["check", "--schedule", "schedule.json", "--now", "2026-11-01T09:00:00Z"], 0, "ready"),
        (["check"], 0, "not_requested"),
        (["check", "--mode", "promoted"], 1, "needs_attention"),
        (["history", "--rollback-drill-history-path", "history.json"], 0, "ready"),
        (["history", "--history", "history.json", "--max-age-days", "1"], 1, "needs_attention"),
    ],
)
def test_the_exit_code_says_whether_the_state_is_acceptable(
    arguments: list[str], code: int, status: str, folder: Path
) -> None:
    now = [] if "--now" in arguments else ["--now", NOW]

    done = drills(*arguments, *now, "--json", cwd=folder)

    assert (done.returncode, json.loads(done.stdout)["status"]) == (code, status)
    assert done.stderr == ""


def test_the_same_instant_and_caller_give_the_same_documents(folder: Path) -> None:
    command = ["plan", "--schedule", "schedule.json", "--now", NOW, "--generated-by", "me", "--json"]

    first, second = (drills(*command, cwd=folder).stdout for _ in range(2))

    assert first == second
    documents: dict[str, Any] = json.loads(first)
    assert set(documents) == {"schedule", "plan", "event"}
    assert documents["plan"]["generated_by"] == documents["event"]["generated_by"] == "me"


@pytest.mark.parametrize(
    ("arguments", "environ", "problem"),
    [
        (["check", "--mode", "promted"], {}, '--mode is "promted"; must be one of disabled'),
        (["check", "--now", "soon"], {}, '--now is "soon"; write an ISO 8601 timestamp'),
        (["check", "--due-soon-days", "-1"], {}, "--due-soon-days is -1; must be a number of days"),
        (["check", "--due-soon-days", "nan"], {}, "--due-soon-days is NaN"),
        (["check", "--due-soon-days", "x"], {}, "--due-soon-days"),
        (["check", "--no-such-flag"], {}, "--no-such-flag"),
        (["deliver", "--generated-by", ""], {}, "drills: --generated-by is blank; write a name, or leave"),
        (["plan", "--generated-by", "a\nb"], {}, "drills: --generated-by holds a control character (U+000A)"),
        (
            ["deliver", "--generated-by", "ana@example.com"],
            {},
            "drills: --generated-by holds an e-mail address, which evidence must not name; leave it out",
        ),
        (["deliver", "--timeout-seconds", "nan"], {}, "'--timeout-seconds': 'nan' is not a number"),
        (["connectors", "test", "chat", "--timeout-seconds", "x"], {}, "'x' is not a valid number"),
        (["deliver", "--retries", "1.5"], {}, "'1.5' is not a valid whole number"),
        (["check", "--due-soon-days", "x"], {}, "'x' is not a valid number."),
        (["trends", "--weeks", "x"], {}, "'x' is not a valid whole number."),
        (["check", "--due-soon-days", "-1"], {}, "--due-soon-days is -1; must be a number of days from 0"),
        *(
            ([*command, "--offset", "9" * 20], {}, "is not in the range 0<=x<=1000000000")
            for command in (["evidence", "list"], ["outbox", "list"], ["routes"], ["notifications"])
        ),
        (["check", "--schedule", "none/*.json"], {}, "none/*.json matches no schedule"),
        (["check"], {"DRILLS_SCHEDULE": "no"}, "drills: DRILLS_SCHEDULE no does not exist"),
        (["check"], {"CAVRA_GO_ROLLBACK_DRILL_SCHEDULE": "no"}, "CAVRA_GO_ROLLBACK_DRILL_SCHEDULE no does"),
        *(
            (["check", *given], {"DRILLS_SCHEDULE": "elsewhere"}, "drills: --schedule no does not exist")
            for given in (["--schedule", "no"], ["--schedule=no"], ["--rollback-drill-schedule-path", "no"])
        ),
        (["check"], {"DRILLS_MODE": "on"}, 'DRILLS_MODE is "on"'),
        (["check"], {"DRILLS_MODE": ""}, "DRILLS_MODE is empty"),
        (["check"], {"CAVRA_GO_BACKEND_MODE": "on"}, 'CAVRA_GO_BACKEND_MODE is "on"'),
        (
            ["check"],
            {"DRILLS_MODE": "promoted", "CAVRA_GO_BACKEND_MODE": "shadow"},
            "DRILLS_MODE and CAVRA_GO_BACKEND_MODE are both set, to different values",
        ),
        (["history"], {"DRILLS_MAX_AGE_DAYS": "1,5"}, "DRILLS_MAX_AGE_DAYS is"),
        (["plan", "--schedule", "schedule.json", "--provider", "slcak"], {}, "--provider slcak is unknown"),
        (["plan", "--schedule", "schedule.json", "--routing-policy", "p.json"], {}, "p.json: does not exist"),
        (["plan"], {"DRILLS_CONNECTOR_CONFIG": "c.json"}, "c.json"),
        *(
            ([*command, at], {}, f"{command[-1]} is not in the years 1900 to 9900; use a time")
            for command in (
                ["check", "--now"],
                ["console", "--schedule", "schedule.json", "--out", "out", "--now"],
                ["explain", "--schedule", "schedule.json", "--at"],
                ["simulate", "--schedule", "schedule.json", "--from"],
                ["simulate", "--schedule", "schedule.json", "--to"],
            )
            for at in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z")
        ),
        (["lint", "none.json"], {}, "none.json does not exist"),
        (["evidence", "list"], {"DRILLS_DATABASE_URL": "nonsense"}, "DRILLS_DATABASE_URL is no usable"),
        (["evidence", "list", "--database", "nonsense"], {}, "--database is no usable"),
        (
            ["outbox", "list", "--database=nonsense"],
            {"DRILLS_DATABASE_URL": "sqlite:///e.db"},
            "--database is",
        ),
        (
            ["evidence", "list", "--database", "sqlite:////proc"],
            {},
            "correct the path in --database, or",
        ),
        (
            ["evidence", "list"],
            {"DRILLS_DATABASE_URL": "sqlite:////proc"},
            "correct the path in DRILLS_DATABASE_URL",
        ),
        (["evidence", "list"], {"DRILLS_DATABASE_URL": "sqlite:///none.db"}, "there is no evidence at"),
    ],
)
def test_a_mistake_of_the_caller_is_one_message_and_exit_code_2(
    arguments: list[str], environ: dict[str, str], problem: str, folder: Path
) -> None:
    done = drills(*arguments, cwd=folder, **environ)

    assert done.returncode == 2
    assert done.stdout == ""
    assert problem in done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "none.db").exists()


TOKEN = "ghp_" + "aB3dE5gH7j" * 3 + "aB3dE5"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([TOKEN], "No such command '[redacted]'."),
        (["check", f"--{TOKEN}"], "No such option '--[redacted]'."),
        (["check", "--due-soon-days", TOKEN], "'[redacted]' is not a valid number."),
        (["check", "--schedule", TOKEN], "--schedule [redacted] does not exist"),
        (["check", "--schedule", "https://bob:hunter2@host/x"], "--schedule https://[redacted]@host/x does"),
        (["lint", "https://bob:hunter2@host/x"], "https:/[redacted]@host/x does not exist"),
        (["lint", "https://bob:hunt@hunter2@host/*"], "https:/[redacted]@host/* has no document"),
        (["connectors", "import", "https://bob:hunter2@host/x"], "https:/[redacted]@host/x: does not exist"),
        (
            ["explain", "--schedule", ".", TOKEN],
            "there is no schedule a value that must not be shown;",
        ),
        (["lint", TOKEN], "[redacted] does not exist; fix the path"),
        (["ack", "--by", "maria", "--state", TOKEN], "'[redacted]' is not one of 'acknowledged'"),
        (["explain", "--schedule", ".", "paymnts-ghp_x"], 'there is no schedule "paymnts-ghp_x"; there '),
    ],
)
def test_a_secret_that_was_typed_into_the_wrong_place_is_not_repeated(
    words: list[str], said: str, folder: Path
) -> None:
    done = drills(*words, cwd=folder, COLUMNS="200")

    assert done.returncode == 2
    assert said in done.stderr
    assert not any(secret in done.stderr + done.stdout for secret in (TOKEN, "hunter2"))


@pytest.mark.parametrize(
    "words",
    [
        ["check", "--history"],
        ["check", "--json", "--history"],
        ["gate", "--rollback-plan"],
        ["gate", "--format", "junit", "--promotion-evidence"],
        ["init"],
    ],
)
def test_a_url_in_place_of_a_path_is_shown_without_its_password(words: list[str], folder: Path) -> None:
    done = drills(*words, "https://bob:hunter2@host/x", cwd=folder)

    assert "/[redacted]@host/x" in done.stdout
    assert "hunter2" not in done.stderr + done.stdout


def test_a_page_shows_a_url_without_its_password(folder: Path) -> None:
    done = drills("console", "--out", "pages", "--history", "https://bob:hunter2@host/*", cwd=folder)

    assert done.returncode == 2
    page = (folder / "pages" / "index.html").read_text()
    assert "[redacted]@host/*" in page
    assert "hunter2" not in page


def test_a_fleet_goes_on_after_a_broken_document(folder: Path) -> None:
    (folder / "broken-schedule.json").write_text('{"intervall_days": 3}')

    done = drills("check", "--schedule", ".", "--json", "--now", NOW, cwd=folder)

    assert done.returncode == 1
    items = json.loads(done.stdout)["items"]
    assert len(items) == 2
    assert "did you mean 'interval_days'" in items[0]["schedule"]["message"]
    assert items[1]["history"]["drill_count"] == 1


def test_lint_names_the_place_and_never_the_value(folder: Path) -> None:
    (folder / "bad.json").write_text('{"owners": ["https://hooks.example.com/abc"]}')

    done = drills("lint", ".", cwd=folder)

    assert done.returncode == 1
    assert "bad.json: $.owners[0] holds a URL" in done.stdout
    assert "hooks.example.com" not in done.stdout
    assert drills("lint", "schedule.json", "history.json", cwd=folder).returncode == 0


def test_people_get_a_table(folder: Path) -> None:
    done = drills("plan", "--schedule", "schedule.json", "--now", NOW, cwd=folder)

    assert done.returncode == 1
    assert "team-a" in done.stdout
    assert "4 to notify, 0 suppressed." in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("command", ["check", "gate"])
def test_the_fast_commands_import_neither_prefect_nor_pydantic(command: str, folder: Path) -> None:
    script = (
        "import sys; from rollback_drills_cli.main import main\n"
        f"sys.argv = ['drills', '{command}', '--json']\n"
        "try: main()\nexcept SystemExit: pass\n"
        "assert not {'prefect', 'pydantic', 'httpx', 'sqlalchemy'} & set(sys.modules)"
    )

    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, env=environ, cwd=folder
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_prefect_server_that_is_not_there_is_one_message(folder: Path) -> None:
    record = {
        "schema_version": "cavra.evidence.metadata.v1",
        "session_id": "rcd-x",
        "created_at": "2025-01-01T00:00:00Z",
        "metadata_kind": "x",
    }
    (folder / "index.json").write_text(json.dumps([record]))
    environ = {"PREFECT_API_URL": "http://127.0.0.1:9/api", "DRILLS_DATABASE_URL": f"sqlite:///{folder}/e.db"}

    done = drills("evidence", "import", "index.json", "--by", "maria", cwd=folder, **environ)

    assert done.returncode == 2
    assert "the Prefect server cannot be reached (ConnectError)" in done.stderr
    assert "Traceback" not in done.stderr
