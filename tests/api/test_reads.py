"""What the reads of the API give."""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.testclient import TestClient

from rollback_drills.database.connections import Database
from rollback_drills.documents.fleets.fleet import Fleet
from rollback_drills.errors import UsageError
from rollback_drills.settings import Settings
from rollback_drills_api.fleet import FleetCache
from rollback_drills_api.options import ApiOptions
from tests.api.conftest import NOTIFICATIONS, Keys, client_of, overdue
from tests.samples.builders import SCHEDULE


def get(client: TestClient, path: str) -> dict[str, Any]:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    document: dict[str, Any] = answer.json()
    return document


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/runtime/go-pilot/rollback-drills", {"status": "ready", "mode": "disabled"}),
        ("/runtime/go-pilot/rollback-drill-schedule", {"status": "needs_attention"}),
        ("/runtime/go-pilot/rollback-drill-schedule?schedule_id=payments", {"status": "needs_attention"}),
        ("/deployment/production-readiness", {"status": "needs_attention", "acceptable": False}),
        (NOTIFICATIONS, {"total": 4, "limit": 100, "offset": 0}),
        (f"{NOTIFICATIONS}?owner=team-a&state=delivered", {"total": 2}),
        (f"{NOTIFICATIONS}?limit=1&offset=3", {"total": 4, "limit": 1, "offset": 3}),
        (f"{NOTIFICATIONS}/routes?action=deliver&provider=slack", {"total": 2}),
        (f"{NOTIFICATIONS}/routes?from=2020-01-01&to=2020-01-02T03:04:05Z", {"total": 0}),
        (f"{NOTIFICATIONS}/dashboard", {"open_cycle_count": 1, "breached_count": 4, "open_outage_count": 0}),
        (f"{NOTIFICATIONS}/outages", {"total": 0, "open_count": 0, "limit": 100}),
        (f"{NOTIFICATIONS}/outages?provider=slack&is_open=true&limit=1", {"items": [], "limit": 1}),
        (f"{NOTIFICATIONS}/replays?limit=5", {"items": [], "total": 0, "limit": 5, "offset": 0}),
    ],
)
def test_a_read_gives_the_document_of_the_contract(
    client: TestClient, path: str, expected: Mapping[str, Any]
) -> None:
    document = get(client, path)

    assert {name: document[name] for name in expected} == expected


def test_a_trend_and_the_documents_that_are_built_on_demand_describe_themselves(
    client: TestClient,
) -> None:
    trend = get(client, f"{NOTIFICATIONS}/suppression-trends?owner=team-a&generated_by=console")
    plan = client.post(
        f"{NOTIFICATIONS}/escalation-plan",
        json={"policy": {"acknowledgement_minutes": 60}, "generated_by": "governance"},
    ).json()
    package = client.post(f"{NOTIFICATIONS}/acknowledgements/audit-package", json={"owner": "team-a"}).json()

    assert trend["trend"]["generated_by"] == "console via reader"
    assert trend["metadata"]["metadata_kind"] == "go-backend-rollback-drill-routing-suppression-trend"
    assert plan["plan"]["breached_count"] == 4
    assert plan["plan"]["generated_by"] == "governance via reader"
    assert plan["metadata"]["metadata_kind"] == "go-backend-rollback-drill-notification-escalation-plan"
    assert package["audit_package"]["route_count"] == 2
    kind = "go-backend-rollback-drill-acknowledgement-audit-package"
    assert package["metadata"]["metadata_kind"] == kind
    assert [each["metadata"]["indexed"] for each in (trend, plan, package)] == [False] * 3


def test_dashboard_and_escalation_plan_do_not_name_an_absent_person_as_next(
    client: TestClient, tmp_path: Path
) -> None:
    away = {"team-a": {"available": False, "reason": "on leave"}}
    path = tmp_path / "schedule.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "owner_calendars": away}))

    plan = client.post(f"{NOTIFICATIONS}/escalation-plan", json={}).json()["plan"]
    dashboard = get(client, f"{NOTIFICATIONS}/dashboard")

    for routes in (plan["routes"], dashboard["outstanding"]):
        assert {(each["owner"], each["next_step_owner"]) for each in routes} == {
            ("team-a", None),
            ("team-b", "team-b"),
        }


def test_the_evidence_is_answered_for_without_documents(options: ApiOptions, keys: Keys) -> None:
    settings = Settings(schedule="/nowhere", database_url=options.settings.database_url)

    with client_of(options, settings=settings) as client:
        client.headers |= keys.header("reader")
        plan = client.post(f"{NOTIFICATIONS}/escalation-plan", json={}).json()["plan"]

        assert get(client, f"{NOTIFICATIONS}/dashboard")["breached_count"] == 4
        assert {each["next_step_owner"] for each in plan["routes"]} == {"team-a", "team-b"}


def test_calendar_and_badge_are_those_of_the_commands(client: TestClient) -> None:
    calendar = client.get("/calendar.ics")
    badge = client.get("/badges/payments.svg")

    assert calendar.headers["content-type"] == "text/calendar; charset=utf-8"
    assert "SUMMARY:Rollback drill due: payments (needs attention)" in calendar.text
    assert badge.headers["content-type"] == "image/svg+xml"
    assert badge.headers["cross-origin-resource-policy"] == "cross-origin"
    assert "needs attention" in badge.text


def test_several_schedules_come_in_pages_and_those_that_block_first(
    options: ApiOptions, keys: Keys, tmp_path: Path
) -> None:
    folder = tmp_path / "fleet"
    folder.mkdir()
    for number in range(5):
        schedule = overdue(f"service-{number}") | (
            {} if number == 3 else {"next_due_at": "2999-01-01T00:00:00Z"}
        )
        (folder / f"service-{number}.json").write_text(json.dumps(schedule))
    settings = Settings(schedule=str(folder), database_url=options.settings.database_url)

    with client_of(options, settings=settings) as client:
        client.headers |= keys.header("reader")
        page = get(client, "/runtime/go-pilot/rollback-drill-schedule?limit=2&offset=3")
        beyond = get(client, "/runtime/go-pilot/rollback-drill-schedule?offset=1000000")
        one = get(client, "/runtime/go-pilot/rollback-drill-schedule?schedule_id=service-4")
        gate = get(client, "/deployment/production-readiness?limit=1")
        unknown = client.get("/runtime/go-pilot/rollback-drills?schedule_id=service-9")
        explained = get(client, f"{NOTIFICATIONS}/explanation?schedule_id=service-3")
        unnamed = client.get(f"{NOTIFICATIONS}/explanation")
    for number in range(1, 5):
        (folder / f"service-{number}.json").unlink()
    with client_of(options, settings=settings) as client:
        client.headers |= keys.header("reader")
        left = get(client, f"{NOTIFICATIONS}/explanation")

    assert [each["schedule"]["schedule_id"] for each in page["items"]] == ["service-3", "service-4"]
    assert (page["total"], beyond["items"]) == (5, [])
    assert one["status"] == "ready"
    assert {check["schedule_id"] for check in gate["checks"]} == {"service-3"}
    assert (gate["acceptable"], gate["total"]) == (False, 5)
    assert unknown.status_code == 404
    assert explained["schedule_id"] == "service-3"
    assert unnamed.status_code == 422
    assert "query schedule_id is missing; there are several schedules" in unnamed.text
    assert left["schedule_id"] == "service-0"


def test_a_document_that_changes_is_judged_anew(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rollback_drills_api.answer_cache._FRESH_SECONDS", 0.0)
    monkeypatch.setattr("rollback_drills_api.fleet._LOOK_SECONDS", 0.0)
    monkeypatch.setattr("rollback_drills_api.answer_cache._TIMES_ITS_COST", 0.0)
    monkeypatch.setattr("rollback_drills_api.fleet._TIMES_ITS_COST", 0.0)
    before = get(client, "/runtime/go-pilot/rollback-drill-schedule")["status"]

    (tmp_path / "schedule.json").write_text(json.dumps(overdue() | {"next_due_at": "2999-01-01T00:00:00Z"}))

    assert (before, get(client, "/runtime/go-pilot/rollback-drill-schedule")["status"]) == (
        "needs_attention",
        "ready",
    )


def test_a_calendar_that_changes_is_read_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rollback_drills_api.fleet._LOOK_SECONDS", 0.0)
    monkeypatch.setattr("rollback_drills_api.fleet._TIMES_ITS_COST", 0.0)
    schedule, calendar = tmp_path / "schedule.json", tmp_path / "team.ics"
    schedule.write_text(json.dumps({**SCHEDULE, "owner_calendars": {"team-a": {"ics": "team.ics"}}}))
    cache = FleetCache(Settings(schedule=str(schedule)))

    before = cache.judged().subjects[0].schedule
    calendar.write_text("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n")
    after = cache.judged().subjects[0].schedule

    assert before is not None
    assert before.problem.endswith("which does not exist; create the file, or fix the path")
    assert after is not None
    assert after.document is not None


def test_reading_can_be_public_and_asking_for_packages_cannot(options: ApiOptions) -> None:
    with client_of(options, is_public_to_read=True) as client:
        assert client.get("/badges/payments.svg").status_code == 200
        assert client.get("/openapi.json").status_code == 200
        assert client.post(f"{NOTIFICATIONS}/escalation-plan").status_code == 401


def test_health_needs_no_token_and_readiness_says_what_is_missing(
    options: ApiOptions, tmp_path: Path
) -> None:
    with client_of(options) as client:
        assert client.get("/healthz").json() == {"status": "ok"}
        assert client.get("/readyz").json() == {"status": "ok"}
    settings = Settings(schedule=str(tmp_path / "none" / "*.json"))
    with client_of(options, settings=settings) as client:
        answer = client.get("/readyz")
        assert (client.get("/healthz").status_code, answer.status_code) == (200, 503)
        assert str(tmp_path) not in answer.text


def test_a_folder_that_is_gone_is_no_schedule_that_is_late(
    options: ApiOptions, keys: Keys, tmp_path: Path
) -> None:
    settings = Settings(schedule=str(tmp_path / "fleet"), database_url=options.database_url)
    with client_of(options, settings=settings) as client:
        for path in (
            "/readyz",
            "/runtime/go-pilot/rollback-drill-schedule",
            "/deployment/production-readiness",
        ):
            assert client.get(path, headers=keys.header("reader")).status_code == 503


def test_ready_is_only_who_finds_the_tables(options: ApiOptions, tmp_path: Path) -> None:
    with client_of(options) as client:
        assert client.get("/readyz").status_code == 200
        for file in tmp_path.glob("evidence.db*"):
            file.unlink()
        client.app.state.service.forget()  # type: ignore[attr-defined]
        assert client.get("/readyz").status_code == 503


def test_a_file_that_was_moved_away_or_replaced_is_not_read_any_more(
    options: ApiOptions, keys: Keys, tmp_path: Path
) -> None:
    file, other = tmp_path / "evidence.db", tmp_path / "other.db"
    Database.open(f"sqlite:///{other}").engine.dispose()
    read = keys.header("reader")
    with client_of(options) as client:
        before = client.get(f"{NOTIFICATIONS}/routes", headers=read).json()["total"]
        file.rename(tmp_path / "away.db")
        client.app.state.service.forget()  # type: ignore[attr-defined]  # answers are kept for a second
        for path in ("/readyz", f"{NOTIFICATIONS}/routes"):
            assert client.get(path, headers=read).status_code == 503
        other.rename(file)
        client.app.state.service.forget()  # type: ignore[attr-defined]
        after = client.get(f"{NOTIFICATIONS}/routes", headers=read).json()["total"]
    assert (before > 0, after) == (True, 0)


def test_documents_that_cannot_be_used_are_not_read_for_everybody_who_asks(
    options: ApiOptions, keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads = []

    def load(*paths: str | None) -> Fleet:
        loads.append(paths)
        raise UsageError("two have one id")

    monkeypatch.setattr("rollback_drills_api.fleet.load_fleet", load)
    with client_of(options) as client:
        for _ in range(5):
            assert client.get("/readyz").status_code == 503
    assert len(loads) == 1


def test_head_is_get_without_the_content(client: TestClient) -> None:
    for path in ("/healthz", "/metrics", "/console", "/runtime/go-pilot/rollback-drills", "/nope"):
        seen, asked = client.head(path), client.get(path)
        assert seen.status_code == asked.status_code
        assert seen.headers["content-type"] == asked.headers["content-type"]


def test_a_page_beyond_the_last_schedule_has_all_keys(client: TestClient, tmp_path: Path) -> None:
    shutil.move(tmp_path / "schedule.json", tmp_path / "payments-schedule.json")
    other = {**json.loads((tmp_path / "payments-schedule.json").read_text()), "schedule_id": "search"}
    (tmp_path / "search-schedule.json").write_text(json.dumps(other))
    service = client.app.state.service  # type: ignore[attr-defined]
    service.fleet._settings = msgspec.structs.replace(
        service.fleet._settings, schedule=str(tmp_path), history=None
    )
    service.forget()

    first, beyond = (
        client.get(f"/deployment/production-readiness?offset={offset}").json() for offset in (0, 9)
    )

    assert first.keys() == beyond.keys()
    assert (len(first["checks"]), beyond["checks"]) == (4, [])


def test_every_answer_has_the_headers_that_keep_browsers_from_guessing(client: TestClient) -> None:
    for path in ("/healthz", "/nope", "/runtime/go-pilot/rollback-drills"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert headers["cache-control"] == "no-store"
        assert re.fullmatch("[0-9a-f-]{36}", headers["x-request-id"])
        assert "server" not in headers


def test_a_schedule_is_explained_at_any_time(client: TestClient) -> None:
    now = get(client, f"{NOTIFICATIONS}/explanation?owner=team-a&provider=slack")
    assert now["schema_version"] == "rollback-drills.explanation.v1"
    assert [(each["owner"], each["provider"]) for each in now["routes"]] == [("team-a", "slack")]
    assert now["recorded"]["decisions"]

    before = get(client, f"{NOTIFICATIONS}/explanation?schedule_id=PAYMENTS&at=2020-01-01")
    assert (before["schedule_id"], before["at"]) == ("payments", "2020-01-01T00:00:00+00:00")
    assert before["recorded"] is None

    assert client.get(f"{NOTIFICATIONS}/explanation?schedule_id=search").status_code == 404
    refused = client.get(f"{NOTIFICATIONS}/explanation?at=yesterday")
    assert refused.status_code == 422
    assert "query at must be a day, 2026-06-20, or a time" in refused.text


def test_what_is_coming_is_listed_in_pages_within_bounds(client: TestClient, tmp_path: Path) -> None:
    freeze = {"window_id": "freeze", "start_at": "2020-01-01T00:00:00Z", "end_at": "2999-01-01T00:00:00Z"}
    away = {"team-a": {"available": False, "reason": "on leave"}}
    document = {**overdue(), "maintenance_windows": [freeze], "owner_calendars": away}
    (tmp_path / "schedule.json").write_text(json.dumps(document))
    path = "/runtime/go-pilot/rollback-drill-schedule/upcoming"

    everything = get(client, path)
    assert everything["schema_version"] == "rollback-drills.upcoming.v1"
    assert [each["kind"] for each in everything["items"]] == [
        *("absence", "window", "due", "due", "due", "due"),
    ][: everything["total"]]
    assert (everything["items"][0]["start_at"], everything["items"][0]["reason"]) == (None, "on leave")
    assert everything["items"][2]["status"] == "needs_attention"
    page = get(client, f"{path}?limit=1&offset=1&schedule_id=PAYMENTS")
    assert ([each["window_id"] for each in page["items"]], page["limit"], page["offset"]) == (
        ["freeze"],
        1,
        1,
    )
    assert page["total"] == everything["total"]
    assert {each["kind"] for each in get(client, f"{path}?owner=team-b")["items"]} == {"window", "due"}
    assert get(client, f"{path}?from=2020-02-01&to=2020-02-02")["total"] == 2, "the absence and the window"
    for query in (
        "to=2020-01-01",
        "from=1999-01-01",
        "from=2026-01-01&to=2028-01-01",
        "limit=1001",
        "at=now",
    ):
        assert client.get(f"{path}?{query}").status_code == 422, query
    assert client.get(f"{path}?schedule_id=search").status_code == 404


UNKNOWN_OWNER = 'nothing is recorded for the owner "tea"; there are team-a, team-b. Did you mean team-'
UPCOMING = "/runtime/go-pilot/rollback-drill-schedule/upcoming"


@pytest.mark.parametrize(
    ("path", "note"),
    [
        (f"{NOTIFICATIONS}?owner=tea", UNKNOWN_OWNER),
        (
            f"{NOTIFICATIONS}/routes?provider=slak",
            'nothing is recorded for the provider "slak"; there are slack, teams.',
        ),
        (f"{UPCOMING}?owner=tea", UNKNOWN_OWNER.replace("nothing is recorded for the", "there is no")),
    ],
)
def test_a_filter_that_matches_nothing_says_which_names_exist(
    client: TestClient, path: str, note: str
) -> None:
    document = client.get(path).json()
    assert document["total"] == 0
    (said,) = document["notes"]
    assert said.startswith(note)
    assert "notes" not in client.get(path.partition("?")[0]).json()


def test_a_known_name_that_matches_nothing_needs_no_note(client: TestClient) -> None:
    assert "notes" not in client.get(f"{NOTIFICATIONS}?owner=team-a&from=2030-01-01").json()


def test_a_schedule_that_does_not_exist_is_answered_with_those_that_do(client: TestClient) -> None:
    answer = client.get("/runtime/go-pilot/rollback-drills?schedule_id=payment")
    assert answer.status_code == 404
    assert answer.json()["detail"].endswith("; there is payments. Did you mean payments?")
