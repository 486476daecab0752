"""The acknowledgement audit package: who was told, who took notice, who did not, and a digest of it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest

from rollback_drills.database.connections import Database
from rollback_drills.documents.plain_json import PlainJson, to_plain
from rollback_drills.evidence.appender import append
from rollback_drills.evidence.heads import find_head
from rollback_drills.evidence.ledger.checkpoint import SignedNote
from rollback_drills.evidence.record_kinds import ROUTE_DELIVERY_KIND
from rollback_drills.redaction.redactor import remember_secrets
from rollback_drills.reports.audit.audit_reading import find_package
from rollback_drills.reports.filters import PackageFilter
from rollback_drills.reports.period import Period
from tests.samples.builders import NOW, open_key
from tests.samples.followup_records import acknowledged
from tests.samples.ledgers import (
    FOREIGN_ACKNOWLEDGEMENT,
    FOREIGN_PLAN,
    WINDOW,
    append_plan,
    import_foreign,
)
from tests.samples.plain_records import as_record, start_record

HOUR = timedelta(hours=1)


def package_of(database: Database | None, *period: datetime | None, **wanted: str) -> PlainJson:
    """Return the package of a period and of some routes."""
    package = find_package(
        database, PackageFilter(**wanted), Period(*period), now=NOW + 9 * HOUR, generated_by="test"
    )
    return to_plain(package)


def say(database: Database, plan: PlainJson, **changes: Any) -> None:
    """Acknowledge slack/team-a of a plan, an hour after NOW unless changed."""
    created_at = changes.pop("created_at", NOW + HOUR)
    of_plan = {name: plan[name] for name in ("schedule_id", "cycle_id", "plan_id")}
    record = acknowledged(created_at, **{"external_ref": "CHG-7", **of_plan, **changes})
    append(database, [record], open_key)


def deliver(database: Database, plan: PlainJson, created_at: datetime, **changes: Any) -> None:
    """Write down an outcome of slack/team-a."""
    record = {
        **start_record(ROUTE_DELIVERY_KIND, "rcd-x", created_at=created_at, signer="test"),
        **{name: plan[name] for name in ("schedule_id", "cycle_id", "plan_id")},
        "provider": "slack",
        "owner": "team-a",
        "reason": "first",
        "outcome": "delivered",
        "delivery_success": True,
        "completed_at": created_at.isoformat(),
        **changes,
    }
    append(database, [as_record(record)], open_key)


def route_of(package: PlainJson, provider: str = "slack", owner: str = "team-a") -> dict[str, Any]:
    """Return the entry of a route."""
    (found,) = (each for each in package["routes"] if (each["provider"], each["owner"]) == (provider, owner))
    entry: dict[str, Any] = found
    return entry


def test_every_route_that_was_told_says_who_took_notice(database: Database) -> None:
    plan = append_plan(database, maintenance_windows=[WINDOW])
    deliver(database, plan, NOW + timedelta(minutes=1))
    say(database, plan, until=datetime(2026, 12, 2, 10, tzinfo=UTC))

    package = package_of(database)

    assert (
        package["schema_version"] == "cavra.go-backend-pilot.rollback-drill-acknowledgement-audit-package.v1"
    )
    assert package["audit_id"].startswith("gordackaudit-")
    assert package["alert_level"] == "critical"
    counts = {name: value for name, value in package.items() if name.endswith("_count")}
    assert counts == {
        "plan_count": 1,
        "route_count": 2,  # team-b was in a window
        "acknowledgement_count": 1,
        "acknowledged_count": 1,
        "resolved_count": 0,
        "escalated_count": 0,
        "dismissed_count": 0,
        "outstanding_count": 1,
    }
    entry = route_of(package)
    assert entry["acknowledgement_state"] == "acknowledged"
    assert entry["acknowledged"] is True
    assert (entry["acknowledged_by"], entry["external_ref"]) == ("maria", "CHG-7")
    assert entry["acknowledged_at"] == "2026-12-01T10:00:00+00:00"
    assert entry["acknowledged_until"] == "2026-12-02T10:00:00+00:00"
    assert entry["first_delivered_at"] == "2026-12-01T09:01:00+00:00"
    assert entry["outcome"] == "delivered"
    other = route_of(package, "teams")
    assert (other["acknowledgement_state"], other["acknowledged"]) == ("outstanding", False)
    assert (other["acknowledged_at"], other["acknowledged_until"], other["first_delivered_at"]) == (
        "",
        None,
        None,
    )


def test_plans_are_listed_with_their_due_instant_and_those_that_told_nobody_counted(
    database: Database,
) -> None:
    plan = append_plan(database)
    append_plan(database, NOW + HOUR, maintenance_windows=[{**WINDOW, "owners": []}])

    package = package_of(database)

    assert package["plan_count"] == 2
    (listed,) = package["plans"]
    assert (listed["plan_id"], listed["cycle_id"]) == (plan["plan_id"], plan["cycle_id"])
    assert listed["next_due_at"] == "2026-11-27T09:00:00+00:00"
    assert (listed["deliverable_route_count"], listed["suppressed_route_count"]) == (4, 0)
    assert (listed["row"], listed["imported"]) == (1, False)


def test_a_route_that_was_told_twice_in_a_cycle_is_one_route(database: Database) -> None:
    append_plan(database)
    later = append_plan(database, NOW + HOUR)

    entry = route_of(package_of(database))

    assert entry["first_decided_at"] == "2026-12-01T09:00:00+00:00"
    assert entry["route_created_at"] == "2026-12-01T10:00:00+00:00"
    assert entry["plan_id"] == later["plan_id"]
    assert len(entry["decision_rows"]) == 2


def test_an_acknowledgement_counts_for_its_own_cycle_alone(database: Database) -> None:
    plan = append_plan(database)
    append_plan(database, NOW + HOUR, next_due_at="2026-11-28T09:00:00Z")
    say(database, plan)

    routes = [each for each in package_of(database)["routes"] if each["acknowledged"]]

    assert [(each["cycle_id"], each["provider"], each["owner"]) for each in routes] == [
        (plan["cycle_id"], "slack", "team-a")
    ]


@pytest.mark.parametrize(
    ("states", "expected", "acknowledged"),
    [
        (["acknowledged"], "acknowledged", True),
        (["resolved"], "resolved", True),
        (["dismissed"], "dismissed", False),
        (["escalated"], "escalated", False),
        (["escalated", "acknowledged"], "acknowledged", True),
        (["acknowledged", "escalated"], "escalated", False),
    ],
)
def test_what_was_said_last_counts(
    states: list[str], expected: str, acknowledged: bool, database: Database
) -> None:
    plan = append_plan(database)
    for number, state in enumerate(states):
        say(database, plan, created_at=NOW + number * HOUR, state=state)

    package = package_of(database)

    entry = route_of(package)
    assert (entry["acknowledgement_state"], entry["acknowledged"]) == (expected, acknowledged)
    assert package[f"{expected}_count"] == 1
    assert package["acknowledgement_count"] == len(states)


def test_a_period_has_what_was_said_up_to_its_end_and_lists_what_was_said_in_it(database: Database) -> None:
    plan = append_plan(database, NOW)
    say(database, plan, created_at=NOW + HOUR)
    append_plan(database, NOW + 3 * HOUR)
    say(database, plan, created_at=NOW + 5 * HOUR, state="resolved")

    def state(*period: datetime | None) -> tuple[str, int]:
        package = package_of(database, *period)
        return route_of(package)["acknowledgement_state"], package["acknowledgement_count"]

    assert state(None, NOW + HOUR) == ("outstanding", 0)
    assert state(None, NOW + 2 * HOUR) == ("acknowledged", 1)
    assert state(NOW + 2 * HOUR, NOW + 5 * HOUR) == ("acknowledged", 0)
    assert state(NOW + 2 * HOUR, None) == ("resolved", 1)
    assert package_of(database, NOW + 4 * HOUR, None)["routes"] == []


def test_the_first_delivery_counts_and_the_last_outcome(database: Database) -> None:
    plan = append_plan(database)
    deliver(database, plan, NOW, outcome="retry", delivery_success=False)
    deliver(database, plan, NOW + HOUR)
    deliver(database, plan, NOW + 2 * HOUR, reason="repeat")
    deliver(database, plan, NOW + 3 * HOUR, reason="repeat", outcome="permanent", delivery_success=False)

    entry = route_of(package_of(database))

    assert entry["first_delivered_at"] == "2026-12-01T10:00:00+00:00"
    assert (entry["outcome"], entry["closed_at"]) == ("permanent", None)


def test_a_cycle_that_was_closed_says_when(database: Database) -> None:
    plan = append_plan(database)
    deliver(database, plan, NOW)
    deliver(database, plan, NOW + 3 * HOUR, reason="resolved")

    entry = route_of(package_of(database))

    assert (entry["closed_at"], entry["outcome"]) == ("2026-12-01T12:00:00+00:00", "delivered")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wanted", "routes"),
    [
        ({}, 8),
        ({"schedule_id": "payments"}, 4),
        ({"provider": "slack"}, 4),
        ({"owner": "team-a", "provider": "slack"}, 2),
        ({"schedule_id": "other"}, 0),
    ],
)
def test_filters_narrow_and_combine(wanted: dict[str, str], routes: int, database: Database) -> None:
    say(database, append_plan(database))
    append_plan(database, schedule_id="search")

    package = package_of(database, **wanted)

    assert package["route_count"] == routes
    names = ("schedule_id", "provider", "owner")
    assert package["filters"] == {name: wanted.get(name, "") for name in names}


def test_an_imported_acknowledgement_counts_for_its_plan_and_provider(database: Database) -> None:
    other = {**FOREIGN_PLAN, "plan": {**FOREIGN_PLAN["plan"], "plan_id": "gordn_2"}, "plan_id": "gordn_2"}
    import_foreign(database, FOREIGN_PLAN, other, FOREIGN_ACKNOWLEDGEMENT)

    package = package_of(database)

    by_plan = {each["plan_id"]: each for each in package["routes"]}
    assert by_plan["gordn_1"]["acknowledged_by"] == "release-manager"
    assert by_plan["gordn_1"]["acknowledged_at"] == "2026-05-04T10:20:00+00:00"
    assert by_plan["gordn_2"]["acknowledgement_state"] == "outstanding"
    assert [each["imported"] for each in package["acknowledgements"]] == [True]
    assert (package["plan_count"], package["outstanding_count"]) == (2, 1)
    assert package["plans"][0]["next_due_at"] == "2026-05-01T00:00:00+00:00"
    assert package_of(database, owner="team-a")["acknowledged_count"] == 1
    assert package_of(database, provider="teams")["acknowledgement_count"] == 0


def test_an_imported_acknowledgement_of_long_ago_closes_nothing_of_ours(database: Database) -> None:
    plan = append_plan(database)
    inner = {**FOREIGN_ACKNOWLEDGEMENT["acknowledgement"], "plan_id": ""}
    import_foreign(database, {**FOREIGN_ACKNOWLEDGEMENT, "acknowledgement": inner, "plan_id": ""})

    package = package_of(database)

    assert package["acknowledgement_count"] == 1
    assert package["outstanding_count"] == 4
    assert route_of(package)["cycle_id"] == plan["cycle_id"]


def test_an_imported_acknowledgement_without_an_owner_closes_no_cycle_of_ours(database: Database) -> None:
    plan = append_plan(database)
    inner = {**FOREIGN_ACKNOWLEDGEMENT["acknowledgement"], "cycle_id": plan["cycle_id"]}
    import_foreign(database, {**FOREIGN_ACKNOWLEDGEMENT, "acknowledgement": inner})

    assert package_of(database)["outstanding_count"] == 4


def test_an_imported_plan_that_told_nobody_is_counted_and_not_listed(database: Database) -> None:
    silent = FOREIGN_PLAN["plan"]["route_decisions"][1:]
    import_foreign(
        database,
        FOREIGN_PLAN,
        {
            **FOREIGN_PLAN,
            "plan_id": "gordn_2",
            "plan": {**FOREIGN_PLAN["plan"], "plan_id": "gordn_2", "route_decisions": silent},
        },
    )

    package = package_of(database)

    assert package["plan_count"] == 2
    assert [each["plan_id"] for each in package["plans"]] == ["gordn_1"]


@pytest.mark.parametrize("acknowledged_at", ["yesterday", None, 7])
def test_an_imported_acknowledgement_without_an_instant_has_that_of_its_record(
    acknowledged_at: Any, database: Database
) -> None:
    inner = {**FOREIGN_ACKNOWLEDGEMENT["acknowledgement"], "acknowledged_at": acknowledged_at}
    import_foreign(database, {**FOREIGN_ACKNOWLEDGEMENT, "acknowledgement": inner})

    (said,) = package_of(database)["acknowledgements"]

    assert said["acknowledged_at"] == "2026-05-04T10:20:00+00:00"


def test_the_digest_is_that_of_the_canonical_content(database: Database) -> None:
    say(database, append_plan(database), notes="mit Grüßen")
    package = package_of(database)

    content = {name: value for name, value in package.items() if name != "content_sha256"}
    # what docs/how-to/see-who-was-notified.md tells an auditor to do
    written = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    assert sha256(written.encode()).hexdigest() == package["content_sha256"]


@pytest.mark.parametrize(
    "change",
    [
        lambda package: package.update(outstanding_count=0),
        lambda package: package["routes"].pop(),
        lambda package: package["acknowledgements"][0].update(acknowledged_by="jana"),
        lambda package: package["ledger_head"].update(head=""),
    ],
)
def test_any_change_shows_in_the_digest(change: Callable[[PlainJson], object], database: Database) -> None:
    say(database, append_plan(database))
    package = package_of(database)
    digest = package.pop("content_sha256")

    change(package)

    written = json.dumps(package, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert sha256(written.encode()).hexdigest() != digest


def test_the_package_carries_the_newest_signed_head(database: Database) -> None:
    append_plan(database)
    head = find_head(database)
    assert head

    of_package = package_of(database)["ledger_head"]

    assert str(SignedNote.parse(of_package["note"])) == str(head.note)
    assert of_package["head"] == head.checkpoint.short


def test_the_same_evidence_gives_the_same_audit_id(database: Database) -> None:
    append_plan(database)

    one, other = (
        find_package(database, PackageFilter(), Period(), now=NOW + hours * HOUR, generated_by="test")
        for hours in (1, 2)
    )

    assert one.audit_id == other.audit_id
    assert one.content_sha256 != other.content_sha256


def test_a_secret_in_use_is_in_no_package(database: Database) -> None:
    say(database, append_plan(database), notes="see hunter2-hunter2-hunter2")
    remember_secrets(["hunter2-hunter2-hunter2"])

    package = package_of(database)

    assert "hunter2" not in json.dumps(package)
    content = {name: value for name, value in package.items() if name != "content_sha256"}
    written = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert sha256(written.encode()).hexdigest() == package["content_sha256"]


def test_without_evidence_the_package_is_empty() -> None:
    package = package_of(None)

    assert (package["route_count"], package["plan_count"], package["ledger_head"]) == (0, 0, None)
    assert package["alert_level"] == "healthy"
    assert package["period"] == {"from": None, "to": None}
