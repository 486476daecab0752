import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollback_drills.names import ids


@pytest.mark.parametrize(
    ("found", "shape"),
    [
        (ids.cycle_id("payments", "2026"), r"gordcycle-[0-9a-f]{16}"),
        (ids.plan_id("c", "2026"), r"gordn-[0-9a-f]{16}"),
        (ids.route_key("c", "slack", "team"), r"gordroute-[0-9a-f]{16}"),
        (ids.notification_id("r", "first", 1), r"gordmsg-[0-9a-f]{16}"),
        (ids.acknowledgement_id("r", "2026"), r"gordack-[0-9a-f]{16}"),
        (ids.delivery_session_id("Pay_ments!", "p"), r"rcd-pay-ments-[0-9a-f]{12}"),
        (ids.delivery_session_id("支付", "p"), r"rcd-schedule-[0-9a-f]{12}"),
        (ids.delivery_session_id("a" * 200, "p"), r"rcd-a{48}-[0-9a-f]{12}"),
    ],
)
def test_ids_have_the_shapes_of_the_contract(found: str, shape: str) -> None:
    assert re.fullmatch(shape, found)


@given(st.text(), st.text())
def test_a_session_id_fits_its_column_whatever_the_schedule_is_called(schedule: str, plan: str) -> None:
    assert re.fullmatch(
        r"rcd-[a-z0-9]([a-z0-9-]*[a-z0-9])?-[0-9a-f]{12}",
        found := ids.delivery_session_id(schedule, plan),
    )
    assert len(found) <= 120


def test_an_id_does_not_run_its_parts_together() -> None:
    assert ids.route_key("c", "ab", "c") != ids.route_key("c", "a", "bc")
    assert ids.cycle_id("a", "b") != ids.plan_id("a", "b")


def test_a_notification_is_named_by_its_route_its_reason_and_its_occurrence() -> None:
    cases = [("r", "first", 1), ("r", "first", 2), ("r", "repeat", 1), ("s", "first", 1), ("r", "first1", 1)]

    assert len({ids.notification_id(*case) for case in cases}) == len(cases)
    assert ids.notification_id("r", "first", 1) == ids.notification_id("r", "first", 1)
