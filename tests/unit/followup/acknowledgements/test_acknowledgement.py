from datetime import timedelta
from typing import Any

import pytest
from msgspec import convert

from rollback_drills.errors import UsageError
from rollback_drills.evidence.plan_records import record_plan
from rollback_drills.followup.acknowledgements.acknowledgement import (
    Acknowledgement,
    AcknowledgementState,
    NotifiedRoute,
    check_texts,
    find_current,
    find_last,
    read_days,
    record_acknowledgement,
)
from tests.samples.builders import NOW, judged, make_subject, planned
from tests.samples.followup_records import acknowledged

SUBJECT = make_subject()
_, *RECORDS = record_plan(planned(SUBJECT), judged(SUBJECT).schedule, "rcd-x", created_at=NOW, signer="me")
ROUTES = convert(RECORDS, list[NotifiedRoute], from_attributes=True)


def test_an_acknowledgement_belongs_to_one_cycle_provider_and_owner() -> None:
    record = record_acknowledgement(Acknowledgement("maria"), ROUTES[0], now=NOW, created_at=NOW)

    assert {
        "metadata_kind": "go-backend-rollback-drill-notification-ack",
        "acknowledged_by": "maria",
        "acknowledgement_state": "acknowledged",
        "acknowledged_at": "2026-12-01T09:00:00+00:00",
        "provider": "slack",
        "owner": "team-a",
        "schedule_id": "payments",
        "cycle_id": ROUTES[0].cycle_id,
        "plan_id": ROUTES[0].plan_id,
        "route_key": ROUTES[0].route_key,
    }.items() <= record.to_wire().items()


def test_each_route_and_instant_has_an_acknowledgement_of_its_own() -> None:
    given = Acknowledgement("maria", AcknowledgementState.RESOLVED)
    ids = {
        record_acknowledgement(
            given, route, now=NOW + timedelta(seconds=second), created_at=NOW
        ).acknowledgement_id
        for route in ROUTES
        for second in (0, 1)
    }

    assert len(ids) == 2 * len(ROUTES) == 8
    assert all(each.startswith("gordack-") for each in ids)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"acknowledged_by": ""}, "acknowledged_by is empty"),
        ({"acknowledged_by": "  "}, "acknowledged_by is empty"),
        ({"acknowledged_by": "maria@example.com"}, "acknowledged_by holds an e-mail address"),
        ({"acknowledged_by": "maria", "external_ref": "https://x"}, "external_ref holds a URL"),
        (
            {"acknowledged_by": "maria", "notes": "token=hunter2"},
            "notes holds what looks like a credential",
        ),
    ],
)
def test_what_evidence_must_not_hold_is_refused_and_not_repeated(given: dict[str, Any], problem: str) -> None:
    with pytest.raises(UsageError, match=problem) as caught:
        record_acknowledgement(Acknowledgement(**given), ROUTES[0], now=NOW, created_at=NOW)

    assert "hunter2" not in str(caught.value)
    assert "maria@" not in str(caught.value)


def test_the_clock_of_the_evidence_is_not_the_instant_that_is_said() -> None:
    record = record_acknowledgement(
        Acknowledgement("maria"), ROUTES[0], now=NOW - timedelta(days=1), created_at=NOW
    )

    assert record.acknowledged_at == "2026-11-30T09:00:00+00:00"
    assert record.created_at == "2026-12-01T09:00:00+00:00"


@pytest.mark.parametrize("days", [0.25, 3.0, 30.0])
def test_an_acknowledgement_holds_for_up_to_thirty_days(days: float) -> None:
    assert read_days(days) == timedelta(days=days)
    for wrong in (0.0, -days, 30.0 + days):
        with pytest.raises(UsageError, match=r"^acknowledged_for_days must be more than 0 and at most 30"):
            read_days(wrong)


def test_what_was_said_last_counts_in_whatever_order_it_was_written() -> None:
    early, late = acknowledged(NOW), acknowledged(NOW + timedelta(seconds=1))

    assert find_last([early, late]) == find_last([late, early]) == late
    for said in ([early, late], [late, early]):
        assert find_current(said) == {"gordroute-1": late}
    assert find_last([]) is None


@pytest.mark.parametrize("field", ["acknowledged_by", "approver", "by", "requested_by", "decided_by"])
def test_a_name_holds_no_character_that_nobody_sees_where_other_texts_may(field: str) -> None:
    check_texts(notes="two\nlines")
    with pytest.raises(UsageError, match=f"^{field} "):
        check_texts(**{field: "two\nlines"})
