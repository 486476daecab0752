import json
import pickle
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rollback_drills.documents.plain_json import to_plain
from rollback_drills.evidence.delivery_records import DeliveryRecord, record_deliveries
from rollback_drills.evidence.plan_records import record_plan
from rollback_drills.evidence.record_kinds import DECISION_KIND, DELIVERY_KIND, PLAN_KIND, ROUTE_DELIVERY_KIND
from rollback_drills.notifications.outcome import Outcome, RequestSummary, Verdict
from rollback_drills.notifications.results import (
    Delivery,
    DeliveryFailedError,
    ProviderDeliveries,
    build_result,
    failed_providers,
)
from rollback_drills.notifications.states import State
from rollback_drills.planning.event import build_event
from tests.samples.builders import NOW, build_notifications, judged, make_subject, planned

SUBJECT = make_subject()
PLAN = planned(SUBJECT)
EVENT = build_event(judged(SUBJECT).schedule_report, PLAN).reference
NOTIFICATIONS = list(build_notifications(judged(SUBJECT).schedule_report, PLAN))
REQUEST = RequestSummary("POST", "https://[redacted]", {"authorization": "[redacted]"})


OUTCOMES = {
    State.DELIVERED: Outcome.DELIVERED,
    State.ACCEPTED: Outcome.ACCEPTED,
    State.AMBIGUOUS: Outcome.AMBIGUOUS,
    State.PERMANENT: Outcome.PERMANENT,
    State.DISABLED: Outcome.DISABLED,
}


def delivered(states: Sequence[State]) -> list[Delivery]:
    """Return one delivery for each of the first routes: team-a by slack and teams, then team-b."""
    end = NOW + timedelta(seconds=2)
    return [
        Delivery(
            notification,
            Verdict(
                OUTCOMES.get(state, Outcome.RETRY),
                detail=f"detail {number}",
                status_code=200 + number,
                request=REQUEST,
            ),
            number,
            NOW,
            end,
            state,
            NOW + timedelta(hours=1) if state in (State.RETRY, State.AMBIGUOUS) else None,
        )
        for number, (notification, state) in enumerate(zip(NOTIFICATIONS, states, strict=False), start=1)
    ]


@pytest.mark.parametrize(
    ("states", "success", "nothing", "failed"),
    [
        pytest.param([], False, True, [], id="nothing to deliver is no success"),
        pytest.param([State.DELIVERED], True, False, [], id="delivered"),
        pytest.param([State.DELIVERED, State.ACCEPTED], True, False, [], id="accepted counts"),
        pytest.param([State.DELIVERED, State.PERMANENT], False, False, ["teams"], id="one refused"),
        pytest.param([State.RETRY], False, False, ["slack"], id="waits for its next attempt"),
        pytest.param([State.AMBIGUOUS], False, False, ["slack"], id="no answer"),
        pytest.param([State.PENDING], False, False, ["slack"], id="never tried"),
        pytest.param([State.DISABLED] * 4, False, False, ["slack", "teams"], id="each provider once"),
        pytest.param(
            [State.DELIVERED, State.DELIVERED, State.PERMANENT],
            False,
            False,
            ["slack"],
            id="one of two",
        ),
    ],
)
def test_a_result_is_a_success_only_if_something_was_sent_and_all_of_it_was_taken(
    states: list[State], success: bool, nothing: bool, failed: list[str]
) -> None:
    deliveries = delivered(states)

    result = build_result(EVENT, deliveries)

    assert (result.success, result.nothing_to_deliver) == (success, nothing)
    assert failed_providers(deliveries) == failed
    assert len(result.deliveries) == len(states)


def test_a_delivery_is_written_as_the_contract_has_it() -> None:
    (first, second) = to_plain(build_result(EVENT, delivered([State.DELIVERED, State.PERMANENT])))[
        "deliveries"
    ]

    assert first == {
        "notification_id": NOTIFICATIONS[0].notification_id,
        "route_key": PLAN.route_decisions[0].route_key,
        "provider": "slack",
        "owner": "team-a",
        "reason": "first",
        "success": True,
        "outcome": "delivered",
        "status_code": 201,
        "attempt_count": 1,
        "started_at": "2026-12-01T09:00:00+00:00",
        "completed_at": "2026-12-01T09:00:02+00:00",
        "next_attempt_at": None,
        "may_repeat": False,
        "error": "",
        "external_ref": "",
        "request": {
            "method": "POST",
            "url": "https://[redacted]",
            "headers": {"authorization": "[redacted]"},
        },
    }
    assert second["error"] == "detail 2"


def test_what_is_tried_again_says_when_and_what_may_repeat_says_so() -> None:
    (each,) = delivered([State.AMBIGUOUS])
    again = replace(each, notification=replace(each.notification, may_repeat=True))

    (written,) = to_plain(build_result(EVENT, [again]))["deliveries"]

    assert (written["outcome"], written["success"], written["may_repeat"]) == ("ambiguous", False, True)
    assert written["next_attempt_at"] == "2026-12-01T10:00:00+00:00"


@pytest.mark.parametrize(
    ("state", "summary"),
    [
        (State.DELIVERED, "delivered"),
        (State.ACCEPTED, "accepted"),
        (State.PERMANENT, "permanent: detail 1"),
        (State.RETRY, "retry: detail 1; next attempt 1 Dec 2026, 10:00 UTC"),
    ],
)
def test_a_delivery_is_summed_up_in_a_line(state: State, summary: str) -> None:
    assert delivered([state])[0].summary == summary


def test_a_failed_run_keeps_its_documents_when_it_is_pickled() -> None:
    error = DeliveryFailedError("slack did not take it", {"success": False})

    copy = pickle.loads(pickle.dumps(error))

    assert (str(copy), copy.result) == ("slack did not take it", {"success": False})


def test_the_repr_of_deliveries_tells_no_more_than_their_number() -> None:
    assert repr(ProviderDeliveries(delivered([State.DELIVERED] * 2))) == "<deliveries: 2>"


def test_a_plan_is_recorded_with_each_of_its_decisions() -> None:
    written = record_plan(PLAN, judged(SUBJECT).schedule, "rcd-x", created_at=NOW, signer="me")
    records = [to_plain(each) for each in written]

    assert [each["metadata_kind"] for each in records] == [PLAN_KIND, *[DECISION_KIND] * 4]
    assert records[0]["plan"] == to_plain(PLAN)
    keys = [each["route_key"] for each in records[1:]]
    assert keys == [each.route_key for each in PLAN.route_decisions]
    for each in records:
        assert {
            "schema_version": "cavra.evidence.metadata.v1",
            "product": PLAN.product,
            "session_id": "rcd-x",
            "created_at": "2026-12-01T09:00:00+00:00",
            "signer": "me",
            "cycle_id": PLAN.cycle_id,
        }.items() <= each.items()


def test_deliveries_are_recorded_as_one_and_route_by_route() -> None:
    deliveries = delivered([State.DELIVERED, State.PERMANENT])

    written = record_deliveries(EVENT, deliveries, created_at=NOW, signer="me")
    whole, *routes = [each.to_wire() for each in written]

    assert {
        "metadata_kind": DELIVERY_KIND,
        "connector_delivery_source": "go_backend_rollback_drill_notification",
        "delivery_success": False,
        "providers": ["slack", "teams"],
        "failed_providers": ["teams"],
        "attempt_count": 3,
        "max_attempt_count": 2,
        "status_codes": [201, 202],
        "session_id": EVENT.session_id,
    }.items() <= whole.items()
    assert whole["delivery"] == to_plain(build_result(EVENT, deliveries))
    assert [each["metadata_kind"] for each in routes] == [ROUTE_DELIVERY_KIND] * 2
    assert [each["delivery_success"] for each in routes] == [True, False]
    json.dumps([whole, *routes])  # nothing in it needs more than JSON


def test_a_run_without_deliveries_is_recorded_as_no_success() -> None:
    (whole,) = record_deliveries(EVENT, [], created_at=datetime(2026, 12, 1, tzinfo=UTC), signer="me")

    assert isinstance(whole, DeliveryRecord)
    assert (whole.delivery_success, whole.attempt_count, whole.max_attempt_count) == (False, 0, 0)
