"""Which row of the ledger holds an outcome that the outbox says was taken."""

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from rollback_drills.evidence.first_records import IMPORTED_FROM
from rollback_drills.evidence.record_kinds import DRILL_KIND, IMPORT_KIND, KEY_KIND, ROUTE_DELIVERY_KIND
from rollback_drills.evidence.verify.findings import FindingKind, Verification
from rollback_drills.evidence.verify.taken_outcomes import TakenOutcomes
from rollback_drills.names import ids
from rollback_drills.notifications.states import State
from tests.samples.builders import NOW

NAMES = {"schedule_id": "payments", "provider": "slack", "owner": "team-a"}
ROUTE = {"route_key": "gordroute-1", "cycle_id": "gordcycle-1", "reason": "first", "status": "due_soon"}
PLANNED = NOW - timedelta(minutes=5)
RECORD = {
    **NAMES,
    **ROUTE,
    "metadata_kind": ROUTE_DELIVERY_KIND,
    "plan_id": "gordn-1",
    "generated_at": PLANNED.isoformat(),
    "notification_id": "gordmsg-1",
    "outcome": "delivered",
    "attempt_count": 1,
    "status_code": 200,
    "completed_at": "2026-12-01T09:00:00+00:00",
}


def rows_of(**taken: Any) -> list[Any]:
    """Return the one row of the outbox, with changes."""
    known = {"notification_id": "gordmsg-1", "state": State.DELIVERED, "attempt_count": 1}
    times = {"planned_at": PLANNED.timestamp(), "completed_at": NOW.timestamp(), "cycle_due": ""}
    return [
        SimpleNamespace(
            **{**NAMES, **ROUTE, **known, **times, "status_code": 200, "is_indexed": True, **taken}
        )
    ]


def missing(record: dict[str, Any] | None, *, pruned_until: str = "", **taken: Any) -> list[str]:
    """Return what is found if the outbox has one outcome and the ledger has at most one row."""
    outcomes, result = TakenOutcomes(rows_of(**taken)), Verification()
    if record is not None:
        outcomes.find(record)
    outcomes.judge(result, pruned_until)
    assert {each.kind for each in result.findings} <= {FindingKind.REMOVED}
    return [each.message for each in result.findings]


@pytest.mark.parametrize(
    ("changes", "taken"),
    [
        pytest.param({}, {}, id="the same"),
        pytest.param({"provider": "SLACK"}, {}, id="another spelling"),
        pytest.param({"owner": "https://[redacted]"}, {"owner": "https://x"}, id="a secret is redacted"),
        pytest.param(
            {"outcome": "retry"}, {"state": State.PENDING}, id="due again, so the state says nothing"
        ),
        pytest.param({"attempt_count": 7}, {"completed_at": None}, id="discarded without an attempt"),
        pytest.param(
            {"reason": "escalated", "generated_at": NOW.isoformat()},
            {"reason": "escalated"},
            id="an escalation has the message of the first notification",
        ),
        pytest.param(
            {"plan_id": "", "generated_at": NOW.isoformat()},
            {},
            id="a notice of an earlier version, with the time of a notice beside it",
        ),
    ],
)
def test_a_row_that_says_what_the_outbox_says_holds_the_outcome(
    changes: dict[str, Any], taken: dict[str, Any]
) -> None:
    assert missing({**RECORD, **changes}, **taken) == []


@pytest.mark.parametrize("name", ["schedule_id", "provider", "owner", "cycle_due"])
@pytest.mark.parametrize("value", ["\udcff", b"\xff", 5, None])
def test_a_name_that_is_none_fits_no_row_and_ends_nothing(name: str, value: object) -> None:
    taken: dict[str, Any] = {"schedule_id": "payments-schedule.json", name: value}
    assert len(missing(RECORD, **taken)) == 1


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"metadata_kind": DRILL_KIND}, id="kind"),
        pytest.param({"outcome": "permanent"}, id="outcome"),
        pytest.param({"schedule_id": "search"}, id="schedule"),
        pytest.param({"provider": "teams"}, id="provider"),
        pytest.param({"owner": "team-b"}, id="owner"),
        pytest.param({"owner": None}, id="no owner"),
        pytest.param({"attempt_count": 2}, id="attempts"),
        pytest.param({"route_key": "gordroute-2"}, id="route"),
        pytest.param({"reason": "repeat"}, id="reason"),
        pytest.param({"cycle_id": "gordcycle-2"}, id="cycle"),
        pytest.param({"status": "needs_attention"}, id="state of the schedule"),
        pytest.param({"generated_at": NOW.isoformat()}, id="time of the plan"),
        pytest.param({"status_code": 500}, id="status code"),
        pytest.param({"completed_at": "2026-12-01T09:00:01+00:00"}, id="time"),
    ],
)
def test_a_row_that_says_something_else_does_not_hold_the_outcome(changes: dict[str, Any]) -> None:
    (message,) = missing({**RECORD, **changes})

    assert message == (
        "the outbox says that the outcome of gordmsg-1 (delivered) was taken into the evidence,"
        " and no row has it"
    )


@pytest.mark.parametrize(
    "state",
    [
        *(State.DELIVERED, State.ACCEPTED, State.AMBIGUOUS),
        *(State.PERMANENT, State.DISABLED, State.DISCARDED),
    ],
)
@pytest.mark.parametrize("completed_at", [NOW.timestamp(), None])
def test_a_state_that_ends_an_attempt_needs_a_row_with_this_outcome(
    state: State, completed_at: float | None
) -> None:
    taken: dict[str, Any] = {"state": state, "completed_at": completed_at}

    assert missing({**RECORD, "outcome": state}, **taken) == []
    assert len(missing({**RECORD, "outcome": "retry"}, **taken)) == 1


@pytest.mark.parametrize("outcome", [State.DELIVERED, State.ACCEPTED])
@pytest.mark.parametrize("state", [State.PENDING, State.RETRY, State.SUPPRESSED, State.SUPERSEDED])
def test_what_the_provider_took_is_never_due_again(outcome: State, state: State) -> None:
    assert len(missing({**RECORD, "outcome": outcome}, state=state)) == 1


def test_a_state_that_no_notification_has_fits_no_row() -> None:
    assert len(missing({**RECORD, "outcome": "lost"}, state="lost")) == 1


@pytest.mark.parametrize(
    ("stored", "count"),
    [
        pytest.param("fleet/payments.json", 0, id="the path of the route"),
        pytest.param("fleet/search.json", 1, id="another path"),
        pytest.param(None, 1, id="no text"),
    ],
)
def test_what_closes_the_cycle_of_a_path_may_say_the_id_of_its_document(stored: object, count: int) -> None:
    route_key = ids.route_key(ids.spelt_cycle_id("fleet/payments.json", ""), "slack", "team-a")

    record = {**RECORD, "route_key": route_key}
    assert len(missing(record, schedule_id=stored, route_key=route_key)) == count


@pytest.mark.parametrize("stored", [None, b"team-a", 7])
def test_a_name_of_the_outbox_that_is_no_text_is_said_by_no_row(stored: object) -> None:
    assert len(missing(RECORD, owner=stored)) == 1


@pytest.mark.parametrize(
    ("pruned_until", "completed_at", "may_be_pruned"),
    [
        pytest.param("", NOW.timestamp(), False, id="nothing was pruned"),
        pytest.param("2026-12-01T10:00:00+00:00", NOW.timestamp(), True, id="older"),
        pytest.param("2026-12-01T08:55:01+00:00", NOW.timestamp(), True, id="within what clocks differ"),
        pytest.param(
            "2026-12-01T08:55:00+00:00", NOW.timestamp(), False, id="as young as the rows that stay"
        ),
        pytest.param("2026-12-01T10:00:00+00:00", None, True, id="no attempt"),
        pytest.param("2026-12-01T10:00:00+00:00", "x", True, id="a time that cannot be read"),
        pytest.param("yesterday", NOW.timestamp(), False, id="a bound that cannot be read"),
        pytest.param("2026-12-01T10:00:00", NOW.timestamp(), False, id="a bound without a zone"),
        pytest.param("9999-12-31T23:59:59+00:00", NOW.timestamp(), False, id="a bound beyond all times"),
    ],
)
def test_an_outcome_whose_row_may_have_been_pruned_is_not_missing(
    pruned_until: str, completed_at: object, may_be_pruned: bool
) -> None:
    found = missing(None, pruned_until=pruned_until, completed_at=completed_at)

    assert (found == []) is may_be_pruned


def test_a_notification_that_the_outbox_no_longer_has_is_missing_once() -> None:
    outcomes, result = TakenOutcomes([]), Verification()
    for outcome in ("retry", "permanent"):
        outcomes.find({**RECORD, "outcome": outcome})
    outcomes.judge(result, "")

    (finding,) = result.findings
    assert finding.message == (
        "the evidence has the outcome of gordmsg-1 (permanent), and the outbox does not have this"
        " notification any more"
    )


@pytest.mark.parametrize(
    ("rows", "record"),
    [
        pytest.param(None, RECORD, id="the outbox cannot be compared"),
        pytest.param(
            [],
            {"metadata_kind": IMPORT_KIND, "imported_from": IMPORTED_FROM, "original": RECORD},
            id="of the first format the outbox has what was delivered",
        ),
    ],
)
def test_what_the_outbox_never_had_is_not_missing(rows: Any, record: dict[str, Any]) -> None:
    outcomes, result = TakenOutcomes(rows), Verification()
    outcomes.find(record)
    outcomes.judge(result, "")

    assert result.is_intact


@pytest.mark.parametrize(
    ("began", "is_found"),
    [
        pytest.param(NOW + timedelta(hours=1), True, id="delivered before the ledger began"),
        pytest.param(NOW - timedelta(hours=1), False, id="delivered after"),
    ],
)
@pytest.mark.parametrize("is_imported", [True, False])
def test_what_nobody_signed_holds_only_what_is_older_than_the_ledger(
    began: datetime, is_found: bool, is_imported: bool
) -> None:
    """Anybody who can write the database can add a table of the first format to it."""
    (row,) = rows_of()
    outcomes, result = TakenOutcomes([row]), Verification()
    outcomes.find({"metadata_kind": KEY_KIND, "created_at": began.isoformat()})
    if is_imported:
        outcomes.find({"metadata_kind": IMPORT_KIND, "imported_from": IMPORTED_FROM, "original": RECORD})
    else:
        outcomes.find_unsigned(RECORD)
    outcomes.judge(result, "")

    assert result.is_intact is is_found
