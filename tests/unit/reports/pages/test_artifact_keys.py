"""Every page has a key of its own, which stays the same."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollback_drills.reports.pages import artifact_keys
from rollback_drills.reports.pages.artifact_keys import artifact_key, gate_key

VALID_KEY = re.compile(r"[a-z0-9-]+")  # what Prefect takes
OF_NO_SCHEDULE = {value for name, value in vars(artifact_keys).items() if name.endswith("_KEY")}


@given(st.text(max_size=100))
def test_a_key_is_one_that_prefect_takes(identifier: str) -> None:
    assert VALID_KEY.fullmatch(artifact_key(identifier))


@given(st.lists(st.text(alphabet="aA-_ ./ä", max_size=6), unique=True, max_size=12))
def test_different_ids_have_different_keys(identifiers: list[str]) -> None:
    assert len({artifact_key(each) for each in identifiers}) == len(identifiers)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("payments_monthly", "payments-monthly"),
        ("Payments", "payments"),
        ("a" * 61, "a" * 62),
        ("a" * 60, "a" * 61),
        ("支付", "订单"),
        ("", "-"),
        ("payments-", "payments"),
    ],
)
def test_ids_that_look_alike_as_a_slug_keep_distinct_and_stable_keys(one: str, other: str) -> None:
    assert artifact_key(one) != artifact_key(other)
    assert artifact_key(one) == artifact_key(one)


@pytest.mark.parametrize("key", sorted({*OF_NO_SCHEDULE, gate_key(None), gate_key("payments")}))
def test_no_schedule_has_the_key_of_another_page(key: str) -> None:
    name = key.removeprefix("rollback-drill-")

    assert artifact_key(name).startswith(f"{key}-")
    assert gate_key(name).endswith("-gate")
    assert gate_key(name) not in OF_NO_SCHEDULE
