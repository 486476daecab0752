"""What the first format delivered, as the outbox has it after an upgrade."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import JSON, Boolean, Column, Integer, MetaData, Table, Text, insert, select

from rollback_drills.database.connections import Database
from rollback_drills.database.errors import DatabaseError
from rollback_drills.database.tables import OUTBOX

EVIDENCE = Table(
    "evidence",
    MetaData(),
    Column("sequence", Integer, primary_key=True, autoincrement=True),
    *(
        Column(name, Text)
        for name in ("created_at", "metadata_kind", "session_id", "schedule_id", "cycle_id")
    ),
    Column("success", Boolean),
    Column("record", JSON),
)
KIND = "go-backend-rollback-drill-"
Row = dict[str, Any]


def plan(
    cycle: str, status: str, schedule: str = "payments", due: str | None = "2026-11-27T09:00:00Z"
) -> Row:
    return {
        "metadata_kind": f"{KIND}notification-plan",
        "schedule_id": schedule,
        "cycle_id": cycle,
        "status": status,
        "plan": {"next_due_at": due},
    }


def delivery(number: int, status: str, cycle: str = "c1", **changes: Any) -> Row:
    return {
        "metadata_kind": f"{KIND}route-delivery",
        "notification_id": f"gordmsg-{number}",
        "route_key": f"route-{cycle}",
        "schedule_id": "payments",
        "cycle_id": cycle,
        "provider": "slack",
        "owner": "team-a",
        "status": status,
        "generated_at": f"2026-11-0{number}T09:00:00+00:00",
        "started_at": f"2026-11-0{number}T09:00:01+00:00",
        "completed_at": f"2026-11-0{number}T09:00:02.500000+00:00",
        "delivery_success": True,
        "outcome": "delivered",
        "attempt_count": 2,
        "status_code": 200,
        "external_ref": "OPS-1",
        **changes,
    }


Upgrade = Callable[..., list[Any]]


@pytest.fixture
def upgrade(tmp_path: Path) -> Upgrade:
    """Write records as the first version did, upgrade, and return the outbox."""

    def act(*records: Row) -> list[Any]:
        database = Database.at(f"sqlite:///{tmp_path / 'drills.db'}")
        with database.engine.begin() as connection:
            EVIDENCE.create(connection)
            for each in records:
                facts = {name: each.get(name, "") for name in ("metadata_kind", "schedule_id", "cycle_id")}
                values = {**facts, "success": each.get("delivery_success") is True, "record": each}
                connection.execute(insert(EVIDENCE).values(created_at="2026", session_id="s", **values))
        database.prepare()
        with database.read() as connection:
            return list(connection.execute(select(OUTBOX).order_by(OUTBOX.c.sequence)))

    return act


def test_a_delivery_keeps_what_repeats_and_reports_need(upgrade: Upgrade) -> None:
    (row,) = upgrade(plan("c1", "due_soon"), delivery(1, "due_soon"))
    found = dict(row._mapping)
    assert found == {
        "sequence": 1,
        "notification_id": "gordmsg-1",
        "message_id": "gordmsg-1",
        "route_key": "route-c1",
        "cycle_id": "c1",
        "schedule_id": "payments",
        "provider": "slack",
        "owner": "team-a",
        "reason": "first",
        "status": "due_soon",
        "cycle_due": "2026-11-27T09:00:00Z",
        "planned_at": 1793523600.0,
        "queued_at": 1793523600.0,
        "state": "delivered",
        "is_closed": False,
        "due_at": None,
        "claim": "",
        "attempt_count": 2,
        "unanswered_count": 0,
        "may_repeat": False,
        "started_at": 1793523601.0,
        "completed_at": 1793523602.5,
        "status_code": 200,
        "detail": "",
        "external_ref": "OPS-1",
        "request": "",
        "is_indexed": True,
        "notification": "",
    }


def test_the_reason_follows_from_the_one_before_on_the_route(upgrade: Upgrade) -> None:
    statuses = ["due_soon", "due_soon", "needs_attention", "needs_attention", "due_soon"]
    rows = upgrade(
        plan("c1", "due_soon"),
        *(delivery(number, status) for number, status in enumerate(statuses, 1)),
        delivery(6, "due_soon", "c2"),
    )
    assert [row.reason for row in rows] == ["first", "repeat", "worse", "repeat", "repeat", "first"]


@pytest.mark.parametrize(
    "changes",
    [
        {"delivery_success": False, "outcome": "permanent"},
        {"delivery_success": False, "outcome": "ambiguous"},
        {"delivery_success": None},
        {"delivery_success": "true"},
    ],
)
def test_what_was_not_delivered_is_left_to_the_next_check(changes: Row, upgrade: Upgrade) -> None:
    assert upgrade(plan("c1", "due_soon"), delivery(1, "due_soon", **changes)) == []


@pytest.mark.parametrize(
    ("plans", "closed"),
    [
        pytest.param([plan("c1", "due_soon")], False, id="due soon"),
        pytest.param([plan("c1", "needs_attention")], False, id="overdue"),
        pytest.param([plan("c1", "ready")], True, id="ready"),
        pytest.param([plan("c1", "due_soon"), plan("c1", "not_requested")], True, id="not requested"),
        pytest.param([plan("c1", "due_soon"), plan("c2", "due_soon")], True, id="another cycle"),
        pytest.param([plan("c1", "ready"), plan("c1", "due_soon")], False, id="due soon again"),
        pytest.param(
            [plan("c1", "due_soon"), plan("c2", "due_soon", "search")], False, id="another schedule"
        ),
        pytest.param([], True, id="no plan"),
    ],
)
def test_a_cycle_stays_open_if_the_newest_plan_is_about_it(
    plans: list[Row], closed: bool, upgrade: Upgrade
) -> None:
    (row,) = upgrade(delivery(1, "due_soon"), *plans)
    assert row.is_closed is closed


def test_a_cycle_without_a_due_time_has_none(upgrade: Upgrade) -> None:
    (row,) = upgrade(plan("c1", "needs_attention", due=None), delivery(1, "needs_attention"))
    assert row.cycle_due == ""


@pytest.mark.parametrize(
    "damage",
    [
        *({name: None} for name in ("generated_at", "started_at", "completed_at")),
        {"generated_at": "yesterday"},
        {"cycle_id": None},
        {"notification_id": None},
    ],
    ids=str,
)
def test_a_delivery_that_lacks_what_is_needed_stops_the_upgrade(damage: Row, upgrade: Upgrade) -> None:
    with pytest.raises(DatabaseError) as caught:
        upgrade(plan("c1", "due_soon"), delivery(1, "due_soon", **damage))
    assert "\n" not in str(caught.value), json.dumps(damage)
