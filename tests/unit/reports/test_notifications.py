"""The notification history: one row for each notification, with what became of it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from rollback_drills.database.connections import Database
from rollback_drills.database.tables import OUTBOX
from rollback_drills.documents.plain_json import PlainJson, to_plain
from rollback_drills.errors import UsageError
from rollback_drills.evidence.outbox_transfer import index_run
from rollback_drills.notifications.outbox_entry import OutboxEntry
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.states import State
from rollback_drills.outbox.claims import Result, settle_and_claim
from rollback_drills.outbox.commit import commit
from rollback_drills.reports.filters import NotificationFilter
from rollback_drills.reports.notifications import find_notifications
from rollback_drills.reports.period import Period
from tests.samples.builders import NOW, open_key
from tests.samples.ledgers import FOREIGN_DELIVERY, at, import_foreign
from tests.samples.outbox import PLANNED_AT, make_entry

SENT_AT = PLANNED_AT.timestamp() + 60


def put(database: Database, *entries: OutboxEntry) -> None:
    """Commit notifications."""
    commit(database, entries, [], now=PLANNED_AT.timestamp())


def end(database: Database, state: State, **changes: Any) -> None:
    """Let the next notification that is due end in a state, and take it into the evidence."""
    (claimed,), _ = settle_and_claim(database, "webhook", [], 1, claim="x", now=SENT_AT, lease_seconds=60)
    known: dict[str, Any] = {"due_at": None, "attempt_count": claimed.attempt_count + 1, "detail": ""}
    result = Result(
        message_id=claimed.message_id,
        claim="x",
        state=state,
        unanswered_count=0,
        may_repeat=False,
        started_at=SENT_AT,
        completed_at=SENT_AT + 1,
        status_code=200,
        external_ref="OPS-1",
        request="",
        **{**known, **changes},
    )
    settle_and_claim(database, "webhook", [result], 0, claim="x", now=SENT_AT, lease_seconds=60)
    index_run(database, [], created_at=NOW, signer="test", redact=lambda each: each, open_key=open_key)


def history_of(
    database: Database | None,
    wanted: NotificationFilter | None = None,
    period: Period | None = None,
    **page: int,
) -> PlainJson:
    """Return the notification history as readers of its JSON get it."""
    return to_plain(find_notifications(database, wanted, period, **page))


def items_of(database: Database, **wanted: str) -> list[dict[str, Any]]:
    """Return the rows that a filter finds."""
    items: list[dict[str, Any]] = history_of(database, NotificationFilter(**wanted))["items"]
    return items


def test_a_delivered_notification_says_whom_when_and_by_which_rows(database: Database) -> None:
    entry = make_entry("payments")
    put(database, entry)
    end(database, State.DELIVERED)

    history = history_of(database)

    assert history["schema_version"] == "cavra.go-backend-pilot.rollback-drill-notification-history.v1"
    assert (history["total"], history["limit"], history["offset"]) == (1, 50, 0)
    (item,) = history["items"]
    assert entry.notification is not None
    expected: Mapping[str, Any] = {
        "notification_id": entry.notification_id,
        "imported": False,
        "schedule_id": "payments",
        "cycle_id": entry.cycle_id,
        "plan_id": entry.notification.plan_id,
        "route_key": entry.route_key,
        "provider": "webhook",
        "owner": "payments-team",
        "reason": "first",
        "status": "needs_attention",
        "state": "delivered",
        "success": True,
        "planned_at": "2026-12-01T09:00:00+00:00",
        "attempt_count": 1,
        "started_at": "2026-12-01T09:01:00+00:00",
        "completed_at": "2026-12-01T09:01:01+00:00",
        "next_attempt_at": None,
        "status_code": 200,
        "error": "",
        "external_ref": "OPS-1",
        "may_repeat": False,
        "rows": [2],
    }
    assert item == expected


def test_one_that_was_not_taken_says_why_and_when_it_is_tried_again(database: Database) -> None:
    put(database, make_entry("payments"))
    end(database, State.RETRY, due_at=SENT_AT + 3600, detail="answered 503")

    (item,) = items_of(database)

    assert (item["state"], item["success"], item["error"]) == ("retry", False, "answered 503")
    assert item["next_attempt_at"] == "2026-12-01T10:01:00+00:00"


def test_one_that_is_being_sent_has_no_next_attempt(database: Database) -> None:
    put(database, make_entry("payments"))
    settle_and_claim(database, "webhook", [], 1, claim="x", now=SENT_AT, lease_seconds=60)

    (item,) = items_of(database)

    assert (item["state"], item["next_attempt_at"]) == ("sending", None)


def test_every_attempt_that_changed_the_outcome_is_a_row_of_the_evidence(database: Database) -> None:
    put(database, make_entry("payments"))
    end(database, State.RETRY, due_at=SENT_AT, detail="answered 503")
    end(database, State.DELIVERED)

    (item,) = items_of(database)

    assert (item["attempt_count"], item["rows"]) == (2, [2, 5])  # the outage that began has a row, too


def test_one_that_is_kept_back_is_there_without_a_plan(database: Database) -> None:
    put(database, make_entry("payments"))
    with database.write() as connection:
        connection.execute(update(OUTBOX).values(state=State.SUPPRESSED, due_at=None, notification=""))

    (item,) = items_of(database)

    assert (item["state"], item["plan_id"], item["rows"]) == ("suppressed", "", [])
    assert item["next_attempt_at"] is None


@pytest.mark.parametrize(
    "text", ["x", "{}", '{"plan_id": 5}', "[" * 10_000], ids=["no JSON", "nothing", "no text", "too deep"]
)
def test_one_whose_text_somebody_changed_is_there_without_a_plan(
    text: str, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    put(database, make_entry("payments"), make_entry("search"))
    with database.write() as connection:
        connection.execute(update(OUTBOX).where(OUTBOX.c.schedule_id == "search").values(notification=text))

    page = find_notifications(database)

    assert {each.schedule_id: bool(each.plan_id) for each in page.items} == {
        "payments": True,
        "search": False,
    }
    assert "its text in the outbox cannot be read; restore the row from a backup" in caplog.text


def test_the_newest_comes_first_and_pages_follow_each_other(database: Database) -> None:
    put(database, *(make_entry(f"payments-{number}") for number in range(5)))
    import_foreign(database, {**FOREIGN_DELIVERY, "created_at": "2026-05-04T10:00:00Z"})

    whole = history_of(database)["items"]
    pages = [history_of(database, limit=3, offset=offset)["items"] for offset in (0, 3, 6)]

    assert [each["schedule_id"] for each in whole] == [
        *(f"payments-{number}" for number in (4, 3, 2, 1, 0)),
        *("payments", "payments"),
    ]
    assert [each for page in pages for each in page] == whole


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        ({}, 3),
        ({"schedule_id": "payments"}, 2),
        ({"provider": "slack"}, 1),
        ({"owner": "search-team"}, 1),
        ({"reason": "repeat"}, 1),
        ({"state": "delivered"}, 1),
        ({"state": "pending", "schedule_id": "payments"}, 1),
        ({"cycle_id": make_entry("search").cycle_id}, 1),
    ],
)
def test_filters_narrow_and_combine(wanted: dict[str, str], count: int, database: Database) -> None:
    put(
        database,
        make_entry("payments"),
        make_entry("payments", provider="slack", reason=Reason.REPEAT),
        replace(make_entry("search", owner="search-team"), provider="teams"),
    )
    end(database, State.DELIVERED)

    assert len(items_of(database, **wanted)) == count


@pytest.mark.parametrize(("field", "value"), [("reason", "second"), ("state", "sent")])
def test_a_name_that_is_in_no_closed_set_is_refused(field: str, value: str) -> None:
    with pytest.raises(UsageError, match=f'{field} is "{value}"; must be one of'):
        NotificationFilter(**{field: value})


@pytest.mark.parametrize(
    ("period", "count"),
    [
        (Period(since=PLANNED_AT), 1),
        (Period(since=PLANNED_AT + timedelta(seconds=1)), 0),
        (Period(until=PLANNED_AT), 0),
        (Period(until=PLANNED_AT + timedelta(seconds=1)), 1),
    ],
)
def test_a_period_is_that_of_the_plans(period: Period, count: int, database: Database) -> None:
    put(database, make_entry("payments"))

    assert history_of(database, period=period)["total"] == count


def test_an_imported_delivery_gives_a_row_for_each_provider(database: Database) -> None:
    import_foreign(database, FOREIGN_DELIVERY)

    slack, teams = items_of(database)

    assert (slack["provider"], slack["state"], slack["success"], slack["owner"]) == (
        "slack",
        "delivered",
        True,
        "",
    )
    assert (teams["provider"], teams["state"], teams["error"]) == ("teams", "permanent", "server error")
    assert (teams["attempt_count"], teams["status_code"]) == (3, 500)
    assert teams["completed_at"] == "2026-05-04T10:00:09+00:00"
    assert teams["imported"]
    assert slack["planned_at"] == "2026-05-04T10:00:00+00:00"
    assert items_of(database, provider="teams") == [teams]
    assert history_of(database, period=Period(since=at("2026-05-05")))["total"] == 0


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param({"delivery": None}, {"slack": True, "teams": False}, id="only names"),
        pytest.param(
            {"delivery": {"deliveries": "x"}, "providers": "slack"}, {}, id="nothing that is a list"
        ),
        pytest.param({"delivery": {"deliveries": [7]}}, {}, id="no objects"),
        pytest.param({"connector_delivery_source": "release_gate"}, {}, id="of something else"),
    ],
)
def test_what_others_wrote_of_their_deliveries_is_shown_as_far_as_it_goes(
    changes: dict[str, Any], told: dict[str, bool], database: Database
) -> None:
    import_foreign(database, {**FOREIGN_DELIVERY, **changes})

    assert {each["provider"]: each["success"] for each in items_of(database)} == told


def test_without_evidence_the_document_is_empty(database: Database) -> None:
    for history in (history_of(None), history_of(database)):
        assert (history["items"], history["total"]) == ([], 0)


def test_a_page_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="limit is 1001"):
        history_of(None, limit=1001)
