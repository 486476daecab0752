"""`drills routes`, `trends`, `notifications` and `audit-package`, as people call them."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from rollback_drills.database.connections import Database
from rollback_drills.outbox.commit import commit
from rollback_drills_cli.main import main
from tests.samples.databases import open_sqlite
from tests.samples.ledgers import WINDOW, append_plan, at
from tests.samples.outbox import make_entry

COMMANDS = ("routes", "trends", "notifications", "audit-package")


class Drills:
    """Calls the command; keeps what it printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys, self._monkeypatch = capsys, monkeypatch
        self.out = self.err = ""

    def __call__(self, *words: str) -> int:
        self._monkeypatch.setattr("sys.argv", ["drills", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        self.out, self.err = self._capsys.readouterr()
        return int(ended.value.code or 0)

    def document(self, *words: str) -> dict[str, Any]:
        assert self(*words, "--json") == 0, self.err
        found: dict[str, Any] = json.loads(self.out)
        return found


@pytest.fixture
def drills(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Drills:
    monkeypatch.setenv("DRILLS_DATABASE_URL", f"sqlite:///{tmp_path / 'evidence.db'}")
    monkeypatch.setenv("COLUMNS", "200")
    return Drills(capsys, monkeypatch)


@pytest.fixture
def database(drills: Drills, tmp_path: Path) -> Database:
    """Put evidence of two plans and a notification where the commands look."""
    opened = open_sqlite(tmp_path / "evidence.db")
    append_plan(opened, at("2026-12-24"), maintenance_windows=[WINDOW])
    append_plan(opened, at("2027-01-01"), schedule_id="search")
    commit(opened, [make_entry("payments")], [], now=time.time())
    return opened


@pytest.mark.usefixtures("database")
def test_people_see_who_was_told_and_why_not(drills: Drills) -> None:
    assert drills("routes") == 0
    assert "maintenance_window: maintenance window freeze: production change freeze" in drills.out
    assert "8 of 8 decisions" in drills.out

    assert drills("trends", "--weeks", "3", "--now", "2027-01-05") == 0
    assert "2026-W53" in drills.out
    assert "2027-W01 (in part)" in drills.out
    assert "2 of 8 route decisions notified nobody from 21 Dec 2026, 00:00 UTC" in drills.out

    assert drills("notifications") == 0
    assert "1 of 1 notification;" in drills.out
    assert "pending" in drills.out

    assert drills("audit-package") == 0
    assert "Routes: 6; not acknowledged: 6; acknowledgements: 0." in drills.out
    assert "not delivered" in drills.out


@pytest.mark.slow
@pytest.mark.usefixtures("database")
def test_programs_get_the_documents(drills: Drills) -> None:
    routes = drills.document("routes", "--schedule-id", "search", "--limit", "2", "--offset", "1")
    assert (len(routes["items"]), routes["total"], routes["limit"], routes["offset"]) == (2, 4, 2, 1)
    assert drills.document("routes", "--from", "2027-01-01")["total"] == 4
    assert drills.document("routes", "--to", "2027-01-01")["total"] == 4
    assert (
        drills.document("routes", "--action", "suppress", "--owner", "team-b", "--provider", "teams")["total"]
        == 1
    )

    trend = drills.document("trends", "--from", "2026-12-21", "--to", "2027-01-04", "--generated-by", "maria")
    assert [each["suppression_event_count"] for each in trend["weeks"]] == [2, 0]
    assert trend["generated_by"] == "maria"
    assert len(drills.document("trends")["weeks"]) == 12
    assert len(drills.document("trends", "--weeks", "2", "--to", "2027-01-04")["weeks"]) == 2
    since = drills.document("trends", "--from", "2026-12-21", "--now", "2027-01-05T00:00:00.5")
    assert since["period"]["to"] == "2027-01-05T00:00:01+00:00"

    assert drills.document("notifications", "--reason", "first", "--state", "pending")["total"] == 1
    assert drills.document("notifications", "--cycle", "gordcycle-0")["total"] == 0
    assert drills.document("audit-package", "--schedule-id", "search")["route_count"] == 4


@pytest.mark.usefixtures("database")
def test_a_package_is_written_whole_or_not_at_all(drills: Drills, tmp_path: Path) -> None:
    out = tmp_path / "package.json"

    printed = drills.document("audit-package", "--out", str(out), "--now", "2027-01-05")

    assert json.loads(out.read_text()) == printed
    assert drills("audit-package", "--out", str(tmp_path / "no" / "package.json")) == 2
    assert "package.json cannot be written: no such file or directory" in drills.err
    assert [each.name for each in tmp_path.glob("package*")] == ["package.json"]


@pytest.mark.parametrize("command", COMMANDS)
def test_without_evidence_the_document_is_empty_and_people_are_told(
    command: str, drills: Drills, tmp_path: Path
) -> None:
    assert drills(command) == 0
    missing = "yet; run `drills deliver` or the drill-check flow\n"
    assert drills.err.startswith("drills: there is no evidence at sqlite:///")
    assert drills.err.endswith(missing)
    document = drills.document(command)
    assert drills.err.endswith(missing)
    assert document["schema_version"].startswith("cavra.go-backend-pilot.rollback-drill-")
    assert not any(document.get(name) for name in ("items", "routes", "decision_count", "latest_events"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_question_that_nothing_answers_says_so(command: str, drills: Drills) -> None:
    assert drills(command, "--schedule", "nobody") == 0
    assert "Nothing in the evidence matches." in drills.out


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("routes", "--limit", "0"), "0 is not in the range 1<=x<=1000"),
        (("routes", "--limit", "1001"), "1001 is not in the range"),
        (("notifications", "--offset", "-1"), "-1 is not in the range 0<=x<=1000000000"),
        (("notifications", "--offset", "9" * 30), "is not in the range 0<=x<=1000000000"),
        (("routes", "--action", "tell"), 'action is "tell"; must be one of deliver, suppress'),
        (
            ("trends", "--category", "window"),
            'category is "window"; must be one of deliver, healthy_schedule',
        ),
        (("notifications", "--state", "sent"), 'state is "sent"; must be one of suppressed, pending'),
        (("routes", "--from", "yesterday"), '--from is "yesterday"; write a day'),
        (("audit-package", "--to", ""), '--to is ""; write a day'),
        (("routes", "--from", "2026-12-02", "--to", "2026-12-01"), "is not before --to"),
        (("routes", "--from", "2026-12-02T00:00:00.5"), "write whole seconds"),
        (("trends", "--weeks", "0"), "the number of weeks is 0; must be from 1 to 520"),
        (("trends", "--weeks", "3", "--from", "2026-12-01"), "give one of them"),
        (("trends", "--from", "2030-01-01", "--now", "2027-01-05"), "its end must be after its start"),
        (("trends", "--from", "1990-01-01", "--to", "2027-01-05"), "choose one of at most 520"),
        (("routes", "--database", "postgres;drop"), "no usable database URL"),
    ],
)
def test_a_mistake_is_one_message_and_exit_code_2(
    words: tuple[str, ...], problem: str, drills: Drills
) -> None:
    assert drills(*words) == 2
    assert problem in " ".join(drills.err.replace("│", " ").split())
    assert "Traceback" not in drills.err


@pytest.mark.slow
@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("routes", "--owner", "team-x"), 'for the owner "team-x"; there are team-a, team-b'),
        (("routes", "--schedule-id", "serach"), "there are payments, search. Did you mean search?"),
        (("trends", "--provider", "slak", "--weeks", "520"), "there are slack, teams. Did you mean slack?"),
        (("notifications", "--owner", "payment-team"), "there is payments-team. Did you mean payments-team?"),
        (("audit-package", "--schedule-id", "x"), 'for the schedule "x"; there are payments, search'),
        (("evidence", "list", "--provider", "x"), 'for the provider "x"; there are slack, teams'),
        (("outbox", "list", "--schedule-id", "x"), 'for the schedule "x"; there is payments'),
        (("outbox", "list", "--cycle", "x"), 'for the cycle "x"; there is gordcycle-'),
        (("notifications", "--cycle", "x"), 'for the cycle "x"; there is gordcycle-'),
        (("evidence", "list", "--cycle", "x"), 'for the cycle "x"; there are gordcycle-'),
        (("evidence", "list", "--kind", "plan"), 'for the kind "plan"; there are go-backend-'),
        (("evidence", "list", "--action", "sent"), 'for the action "sent"; there are deliver, suppress'),
        (("evidence", "list", "--category", "x"), 'nothing is recorded for the category "x"; there are '),
        (("connectors", "outages", "--provider", "slak"), "there are slack, teams. Did you mean slack?"),
        (("requests", "list", "--schedule-id", "x"), 'for the schedule "x"; there are payments, search'),
    ],
)
def test_a_filter_that_matches_nothing_says_which_names_there_are(
    words: tuple[str, ...], said: str, drills: Drills
) -> None:
    assert drills(*words) == 0
    assert said in drills.err
    drills.document(*words)
    assert said in drills.err


@pytest.mark.usefixtures("database")
def test_a_filter_whose_names_exist_says_nothing_of_them(drills: Drills) -> None:
    assert drills("routes", "--owner", "TEAM-A", "--from", "2030-01-01") == 0
    assert drills.err == ""


@pytest.mark.usefixtures("database")
def test_the_id_of_a_schedule_is_accepted_as_schedule_unless_it_is_a_path(
    drills: Drills, tmp_path: Path
) -> None:
    assert drills.document("routes", "--schedule", "search")["total"] == 4
    for path in ("schedule.json", str(tmp_path)):
        assert drills("routes", "--schedule", path) == 2
        assert "use --schedule-id" in drills.err
    assert drills("routes", "--schedule", "search", "--schedule-id", "search") == 2
    assert "leave --schedule out" in drills.err
