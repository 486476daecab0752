"""The commands of the follow-up, as people and pipelines call them."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rollback_drills.database.connections import Database
from rollback_drills.evidence.record_kinds import ACKNOWLEDGEMENT_KIND, EXCEPTION_KIND, EXCEPTION_REQUEST_KIND
from rollback_drills_cli.evidence import signing
from rollback_drills_cli.main import main
from tests.samples.builders import SCHEDULE, open_key, written
from tests.samples.databases import empty_sqlite
from tests.samples.plain_records import read_plain
from tests.samples.world import World

NOW = datetime(2025, 12, 1, 9, tzinfo=UTC)  # past by any clock: what is written down has the real one
RULES = {
    "next_due_at": "2025-11-27T09:00:00Z",
    "owner_routes": {"team-a": {"escalation_owner": "lead-a"}},
}
DURING, AFTER = (["--now", (NOW + timedelta(minutes=each)).isoformat()] for each in (10, 61))


class Drills:
    """Calls `drills` in a folder with a schedule that was told; keeps what it printed."""

    def __init__(
        self, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.folder, self._capsys, self._monkeypatch = folder, capsys, monkeypatch
        self.url = empty_sqlite(folder / "evidence.db")
        self.world = World(Database.at(self.url), RULES, now=NOW)
        self.out = self.err = ""

    def __call__(self, *words: str) -> int:
        self._monkeypatch.setattr("sys.argv", ["drills", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        self.out, self.err = self._capsys.readouterr()
        return int(ended.value.code or 0)

    def document(self, *words: str, code: int = 0) -> dict[str, Any]:
        assert self(*words, "--json") == code, self.err
        found: dict[str, Any] = json.loads(self.out)
        return found

    def evidence(self, kind: str) -> list[dict[str, Any]]:
        return read_plain(self.world.database, kind)

    def find_problem(self) -> str:
        """Return what was refused, as one line."""
        return " ".join(self.err.replace("│", " ").split())


@pytest.fixture
def drills(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Drills:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "250")
    monkeypatch.setattr(signing, "open_key", open_key)
    made = Drills(tmp_path, capsys, monkeypatch)
    monkeypatch.setenv("DRILLS_DATABASE_URL", made.url)
    (tmp_path / "schedule.json").write_bytes(written({**SCHEDULE, **RULES}))
    made.world.check()
    return made


@pytest.mark.parametrize("by", ["--cycle", "--plan", "--schedule-id"])
def test_all_routes_are_acknowledged_by_cycle_plan_or_schedule(drills: Drills, by: str) -> None:
    (decision, *_) = drills.world.escalation_plan()["routes"]
    name = {"--cycle": "cycle_id", "--plan": "plan_id", "--schedule-id": "schedule_id"}[by]

    said = drills.document("ack", by, decision[name], "--by", "maria", *DURING)

    assert said["total"] == 4
    assert {(each["owner"], each["provider"]) for each in said["items"]} == {
        (owner, provider) for owner in ("team-a", "team-b") for provider in ("slack", "teams")
    }
    assert len(drills.evidence(ACKNOWLEDGEMENT_KIND)) == 4


def test_the_routes_of_one_owner_or_one_route_alone(drills: Drills) -> None:
    words = ("ack", "--schedule-id", "payments", "--by", "maria", *DURING, "--owner", "team-a")

    assert drills(*words, "--days", "2") == 0
    assert drills.out.count("maria has acknowledged gordcycle-") == 2
    assert "for team-a through slack; it holds until 3 Dec 2025, 09:10 UTC." in drills.out
    one = drills.document(*words, "--provider", "slack", "--state", "resolved", "--ref", "OPS-7")
    assert (one["acknowledgement_state"], one["external_ref"]) == ("resolved", "OPS-7")
    assert drills(*words, "--provider", "slack", "--state", "escalated") == 0
    assert "for team-a through slack; the next step is due." in drills.out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ((), "say which one: --cycle, --plan or --schedule-id"),
        (
            ("--cycle", "gordcycle-none"),
            '--cycle "gordcycle-none" is not in the evidence; the newest are gordcycle-',
        ),
        (("--cycle", ""), '--cycle "" is not in the evidence; the newest are gordcycle-'),
        (("--schedule-id", "payments", "--now", "9999-12-31T23:59:59Z"), "--now is not in the years 1900 to"),
        (("--plan", "gordn-none"), '--plan "gordn-none" is not in the evidence; the newest are gordn-'),
        (
            ("--schedule-id", "paymnts"),
            '--schedule-id "paymnts" is not in the evidence; the newest are payments',
        ),
        (("--schedule-id", "payments", "--owner", "x"), 'has no route of owner "x"; it has slack/team-a'),
        (("--schedule-id", "payments", "--days", "31"), "--days must be more than 0 and at most 30"),
        (("--schedule-id", "payments", "--days", "0"), "--days must be more than 0 and at most 30"),
        (("--schedule-id", "payments", "--days", "nan"), "--days must be more than 0 and at most 30"),
        (
            ("--schedule-id", "payments", "--notes", "token=hunter2"),
            "--notes holds what looks like a cred",
        ),
        (("--schedule-id", "payments", "--ref", "https://x.example"), "--ref holds a URL"),
        (
            ("--schedule-id", "payments", "--notes", " "),
            "--notes has nothing that people can read; write some words",
        ),
    ],
)
def test_what_cannot_be_acknowledged_is_refused_and_nothing_is_written(
    drills: Drills, words: tuple[str, ...], problem: str
) -> None:
    assert drills("ack", "--by", "maria", *words) == 2

    assert problem in drills.find_problem()
    assert "hunter2" not in drills.err
    assert drills.evidence(ACKNOWLEDGEMENT_KIND) == []


def test_a_cycle_and_a_plan_of_another_one_do_not_go_together(drills: Drills) -> None:
    (route, *_) = drills.world.escalation_plan()["routes"]

    code = drills("ack", "--by", "maria", "--cycle", "gordcycle-x", "--plan", route["plan_id"])

    assert code == 2
    assert (
        f'--plan "{route["plan_id"]}" is of cycle {route["cycle_id"]}; leave one out' in drills.find_problem()
    )


@pytest.mark.slow
@pytest.mark.parametrize(("count", "code"), [(50, 0), (51, 2)])
def test_at_most_a_hundred_routes_at_once_all_or_none(drills: Drills, count: int, code: int) -> None:
    owners = [f"team-{number:02}" for number in range(count)]
    drills.world.schedules["search"] = {"owners": owners, "next_due_at": RULES["next_due_at"]}
    drills.world.drills["search"] = []
    drills.world.check()

    assert drills("ack", "--schedule-id", "search", "--by", "maria") == code

    assert len(drills.evidence(ACKNOWLEDGEMENT_KIND)) == (100 if code == 0 else 0)
    if code:
        assert "102 routes are meant; acknowledge 1 to 100 at once" in drills.find_problem()
        assert drills("ack", "--schedule-id", "search", "--by", "maria", "--provider", "slack") == 0


@pytest.mark.slow
def test_the_escalation_plan_says_who_is_next_and_ends_with_1_when_one_is_out_of_time(drills: Drills) -> None:
    assert drills("escalate", *DURING) == 0
    assert "Acknowledgements outstanding: 4; too late: 0." in drills.out
    line = next(" ".join(each.split()) for each in drills.out.splitlines() if "team-a" in each)
    assert "pending" in line
    assert "10 of 60 min" in line
    assert "lead-a in 50 minutes" in line

    assert drills("escalate", *AFTER) == 1
    assert "Acknowledgements outstanding: 4; too late: 4." in drills.out
    plan = drills.document("escalate", *AFTER, code=1)
    assert plan["schema_version"] == ("cavra.go-backend-pilot.rollback-drill-notification-escalation-plan.v1")
    assert (plan["alert_level"], plan["breached_count"], plan["acknowledgement_minutes"]) == (
        "critical",
        4,
        60,
    )
    assert {each["recommended_action"] for each in plan["routes"]} == {"escalate_missed_drill_notification"}
    assert plan == drills.document("escalate", *AFTER, code=1)
    assert drills.world.told("escalated") == []  # asking sends nothing

    drills("ack", "--schedule-id", "payments", "--by", "maria", *AFTER)
    acknowledged = drills.document("escalate", *AFTER)
    assert (acknowledged["alert_level"], acknowledged["outstanding_count"]) == ("healthy", 0)
    assert {each["recommended_action"] for each in acknowledged["routes"]} == {"no_action"}


@pytest.mark.slow
@pytest.mark.parametrize("source", ["flag", "variable", "policy"])
@pytest.mark.parametrize("command", ["escalate", "dashboard"])
def test_an_absent_person_is_not_named_as_next(
    drills: Drills, monkeypatch: pytest.MonkeyPatch, command: str, source: str
) -> None:
    away = {"owner_calendars": {"lead-a": {"available": False, "reason": "on leave"}}}
    (drills.folder / "policy.json").write_bytes(written(away))
    documents = {**SCHEDULE, **RULES} | ({} if source == "policy" else away)
    (drills.folder / "schedule.json").write_bytes(written(documents))
    words = {"flag": ["--schedule", "schedule.json"], "policy": ["--routing-policy", "policy.json"]}
    if source == "variable":
        monkeypatch.setenv("DRILLS_SCHEDULE", "schedule.json")

    report = drills.document(command, *words.get(source, []), *AFTER, code=1)

    routes = report["routes" if command == "escalate" else "outstanding"]
    assert {(each["owner"], each["next_step_owner"]) for each in routes} == {
        ("team-a", None),
        ("team-b", "team-b"),
    }


@pytest.mark.slow
def test_the_dashboard_shows_open_cycles_and_failing_connectors(drills: Drills) -> None:
    drills.world.schedules["payments"] = {**RULES, "notification_providers": ["slack", "teams", "email"]}
    drills.world.refusing = {"email"}
    drills.world.check()

    assert drills("dashboard", *AFTER) == 1
    assert "Open cycles: 1" in drills.out
    assert "connector email fails: its last delivery failed" in drills.out
    report = drills.document("dashboard", *AFTER, code=1)
    assert report["cycles_by_state"] == {"notified": 1}
    assert report["cycles"][0]["next_action"]["action"] == "escalate"
    assert [each["provider"] for each in report["failing_connectors"]] == ["email"]
    assert drills.document("dashboard", *DURING)["alert_level"] == "warning"


@pytest.mark.parametrize("command", ["escalate", "dashboard"])
def test_without_evidence_there_is_nothing_to_look_at(drills: Drills, tmp_path: Path, command: str) -> None:
    assert drills(command, "--database", f"sqlite:///{tmp_path / 'none.db'}") == 2

    assert "there is no evidence at" in drills.find_problem()
    assert not (tmp_path / "none.db").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "past"), [("skip", "skipped"), ("postpone", "postponed"), ("waive", "waived")]
)
def test_an_exception_is_evidence_and_shows_on_the_dashboard(drills: Drills, command: str, past: str) -> None:
    words = ("--until", "2025-12-20T09:00:00Z", "--reason", "a freeze", "--approver", "release-board")

    code = drills(command, *words, "--schedule", "schedule.json", *AFTER)

    assert code == 0
    assert f"of payments is {past} until 20 Dec 2025, 09:00 UTC" in drills.out
    (row,) = drills.evidence(EXCEPTION_KIND)
    assert {
        "exception": command,
        "reason": "a freeze",
        "approver": "release-board",
        "approved_at": "2025-12-01T10:01:00+00:00",
        "next_due_at": "2025-11-27T09:00:00+00:00",
        "expires_at": "2025-12-20T09:00:00+00:00",
    }.items() <= row.items()
    report = drills.document("dashboard", *AFTER)
    assert report["cycles_by_state"] == {past: 1}
    assert report["cycles"][0]["next_action"] == {
        "action": "end_exception",
        "at": "2025-12-20T09:00:00+00:00",
        "owner": None,
        "step": None,
    }


GIVEN = {"--until": "2025-12-20T09:00:00Z", "--reason": "a freeze", "--approver": "board"}


@pytest.mark.parametrize("missing", GIVEN)
def test_an_exception_needs_an_end_a_reason_and_somebody_who_approves(drills: Drills, missing: str) -> None:
    words = [word for flag, value in GIVEN.items() if flag != missing for word in (flag, value)]

    assert drills("skip", *words, "--schedule", "schedule.json") == 2

    assert f"Missing option '{missing}'" in drills.find_problem()
    assert drills.evidence(EXCEPTION_KIND) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "changes", "problem"),
    [
        ("skip", {"--until": "soon"}, '--until is "soon"; write an ISO 8601 timestamp'),
        ("skip", {"--until": "2025-12-01T10:01:00Z"}, "is past; an exception ends in the future"),
        ("waive", {"--until": "2026-12-03T10:01:00Z"}, "is more than 366 days away"),
        ("postpone", {"--until": "2025-12-27T09:00:01Z"}, "is beyond 2025-12-27T09:00:00+00:00, the limit"),
        ("skip", {"--reason": " "}, "--reason is empty"),
        ("skip", {"--approver": ""}, "--approver is empty"),
        ("skip", {"--reason": "see https://x.example"}, "--reason holds a URL"),
        ("skip", {"--approver": "maria@example.com"}, "--approver holds an e-mail address"),
        (
            "skip",
            {"--schedule-id": "paymnts"},
            '--schedule-id "paymnts" is not in schedule.json; it has "payments"',
        ),
    ],
)
def test_an_exception_that_cannot_be_approved_is_refused(
    drills: Drills, command: str, changes: dict[str, str], problem: str
) -> None:
    words = [word for pair in (GIVEN | changes).items() for word in pair]

    assert drills(command, *words, "--schedule", "schedule.json", *AFTER) == 2

    assert problem in drills.find_problem()
    assert drills.evidence(EXCEPTION_KIND) == []


def test_of_several_schedules_one_is_named(drills: Drills, tmp_path: Path) -> None:
    fleet = tmp_path / "fleet"
    fleet.mkdir()
    for name in ("payments", "search"):
        (fleet / f"{name}.json").write_bytes(written({**SCHEDULE, "schedule_id": name}))
    words = [word for pair in GIVEN.items() for word in pair]

    assert drills("waive", *words, "--schedule", "fleet", *AFTER) == 2
    assert 'choose one by --schedule-id: "payments", "search"' in drills.find_problem()
    assert drills("waive", *words, "--schedule", "fleet", "--schedule-id", "search", *AFTER) == 0
    assert [each["schedule_id"] for each in drills.evidence(EXCEPTION_KIND)] == ["search"]


def test_the_dashboard_is_of_the_instant_that_is_asked(drills: Drills) -> None:
    report = drills.document("dashboard", *DURING)

    assert datetime.fromisoformat(report["generated_at"]) == NOW + timedelta(minutes=10)


ASKED = ("--until", "2025-12-20T09:00:00Z", "--reason", "a freeze", "--schedule", "schedule.json")


@pytest.mark.slow
def test_one_person_requests_and_another_one_approves(drills: Drills) -> None:
    assert drills("requests", "create", "postpone", "--by", "maria", *ASKED, *AFTER) == 0
    (asked,) = drills.evidence(EXCEPTION_REQUEST_KIND)
    assert f"drills requests approve {asked['request_id']} --by NAME" in drills.out
    assert drills.document("dashboard", *AFTER, code=1)["open_requests"][0]["requested_by"] == "maria"
    assert drills("dashboard", *AFTER) == 1
    line = "payments: maria asks to postpone until 2025-12-20T09:00:00+00:00: a freeze; decide "
    assert line + asked["request_id"] in drills.out
    assert drills.document("requests", "list", *AFTER)["total"] == 1
    assert drills.document("requests", "list", "--schedule-id", "search", *AFTER)["items"] == []

    words = ("requests", "approve", asked["request_id"], "--schedule", "schedule.json", *AFTER)
    for same in ("maria", "MARIA ", "m\u0430ria"):
        assert drills(*words, "--by", same) == 2
        assert "somebody else must approve it" in drills.find_problem()
        assert "--by is" in drills.find_problem()
    assert drills.evidence(EXCEPTION_KIND) == []
    assert drills(*words, "--by", "anna", "--reason", "this once") == 0

    assert "payments is postponed until 20 Dec 2025, 09:00 UTC" in drills.out
    (row,) = drills.evidence(EXCEPTION_KIND)
    assert (row["requested_by"], row["approver"], row["request_id"]) == ("maria", "anna", asked["request_id"])
    assert row["remark"] == "this once"
    assert drills.document("dashboard", *AFTER)["cycles_by_state"] == {"postponed": 1}
    assert drills("requests", "list", *AFTER) == 0
    assert "0 open" in drills.out
    assert drills(*words, "--by", "otto") == 2
    assert "was approved by anna" in drills.find_problem()
    assert len(drills.evidence(EXCEPTION_KIND)) == 1


@pytest.mark.slow
def test_a_request_that_is_declined_grants_nothing(drills: Drills) -> None:
    assert drills("requests", "create", "skip", "--by", "maria", *ASKED, *AFTER) == 0
    assert drills("requests", "create", "skip", "--by", "maria", *ASKED, *AFTER) == 2
    assert "has requested the same already" in drills.find_problem()
    (asked,) = drills.evidence(EXCEPTION_REQUEST_KIND)
    words = ("requests", "decline", asked["request_id"], "--by", "anna", *AFTER)

    assert drills(*words, "--reason", " ") == 2
    assert "--reason is empty" in drills.find_problem()
    assert drills.document(*words, "--reason", "there is time")["declined_by"] == "anna"

    assert drills.evidence(EXCEPTION_KIND) == []
    assert (
        drills("requests", "approve", asked["request_id"], "--by", "otto", "--schedule", "schedule.json") == 2
    )
    assert "was declined by anna" in drills.find_problem()
    assert drills("requests", "decline", "gordexreq-none", "--by", "anna", "--reason", "no") == 2
    assert (
        '"gordexreq-none", which the evidence does not have; `drills requests list`' in drills.find_problem()
    )


def test_a_request_of_a_cycle_that_is_over_cannot_be_approved(drills: Drills) -> None:
    assert drills("requests", "create", "waive", "--by", "maria", *ASKED, *AFTER) == 0
    (asked,) = drills.evidence(EXCEPTION_REQUEST_KIND)
    moved = {**SCHEDULE, **RULES, "next_due_at": "2025-12-10T09:00:00Z"}
    (drills.folder / "schedule.json").write_bytes(written(moved))

    assert (
        drills(
            "requests", "approve", asked["request_id"], "--by", "anna", "--schedule", "schedule.json", *AFTER
        )
        == 2
    )

    assert f"the cycle of {asked['request_id']} is over" in drills.find_problem()
    assert drills.evidence(EXCEPTION_KIND) == []


def test_an_exception_whose_requester_approves_it_is_refused(drills: Drills) -> None:
    words = [word for pair in GIVEN.items() for word in pair]

    assert drills("skip", *words, "--requested-by", "Board", "--schedule", "schedule.json", *AFTER) == 2
    assert '--approver is "board", who requested it; somebody else must approve it' in drills.find_problem()
    assert drills.evidence(EXCEPTION_KIND) == []

    assert drills("skip", *words, "--requested-by", "maria", "--schedule", "schedule.json", *AFTER) == 0
    assert drills.evidence(EXCEPTION_KIND)[0]["requested_by"] == "maria"


@pytest.mark.parametrize(
    "words",
    [
        ("ack", "--schedule-id", "payments", "--by", "maria"),
        ("waive", "--until", "2099-03-01", "--reason", "x", "--approver", "anna"),
        ("requests", "create", "skip", "--until", "2099-03-01", "--reason", "x", "--by", "maria"),
        ("requests", "approve", "gordexreq-1", "--by", "anna"),
        ("requests", "decline", "gordexreq-1", "--by", "anna", "--reason", "x"),
        ("retire", "--schedule-id", "payments", "--reason", "x", "--approver", "anna"),
        ("record", "--status", "pass", "--fallback-verified"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_nothing_is_done_or_decided_in_the_future(words: tuple[str, ...], drills: Drills) -> None:
    assert drills(*words, "--now", "2099-01-01") == 2
    assert drills.find_problem() == (
        "drills: --now is in the future; write a time that has passed, or leave it out"
    )


def test_a_route_on_which_every_message_died_does_not_look_notified(drills: Drills) -> None:
    drills.world.refusing.add("teams")
    drills.world.schedules["search"] = {**RULES, "notification_providers": ["teams"]}
    drills.world.schedules["billing"] = {**RULES, "notification_providers": ["slack", "teams"]}
    drills.world.drills |= {"search": [], "billing": []}
    drills.world.check()
    (drills.folder / "schedule.json").unlink()

    report = drills.document("dashboard", *DURING)

    assert {each["schedule_id"]: each["state"] for each in report["cycles"]} == {
        "payments": "notified",
        "search": "undelivered",
        "billing": "notified",
    }
    routes = {(each["schedule_id"], each["provider"], each["notified"]) for each in report["outstanding"]}
    assert {each for each in routes if not each[2]} == {
        ("search", "teams", False),
        ("billing", "teams", False),
    }
    for command in ("dashboard", "escalate"):
        drills(command, *DURING)
        assert drills.out.count("not notified") == 4
        assert "Routes to acknowledge" in drills.out
