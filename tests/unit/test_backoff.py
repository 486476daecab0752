from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollback_drills.delivery.backoff import LONGEST_WAIT_SECONDS, RetryPolicy, next_wait
from rollback_drills.delivery.outcome import Outcome, Verdict

RETRY = Verdict(Outcome.RETRY)
PATIENT = RetryPolicy(retries=20)


class NoJitter(Random):
    def random(self) -> float:
        return 0.0


@pytest.mark.parametrize("outcome", [each for each in Outcome if each is not Outcome.RETRY])
def test_only_what_can_succeed_when_repeated_is_repeated(outcome: Outcome) -> None:
    assert next_wait(Verdict(outcome, retry_after_seconds=1), 1, PATIENT, Random(0)) is None


@pytest.mark.parametrize(
    ("retries", "attempt", "again"), [(0, 1, False), (2, 1, True), (2, 2, True), (2, 3, False)]
)
def test_there_are_as_many_attempts_after_the_first_as_asked_for(
    retries: int, attempt: int, again: bool
) -> None:
    assert (next_wait(RETRY, attempt, RetryPolicy(retries=retries), Random(0)) is not None) is again


@pytest.mark.parametrize(
    ("attempt", "wait"), [(1, 1.0), (2, 2.0), (3, 4.0), (6, 32.0), (7, 60.0), (20, 60.0)]
)
def test_the_wait_doubles_up_to_a_minute(attempt: int, wait: float) -> None:
    assert next_wait(RETRY, attempt, PATIENT, NoJitter()) == wait


@pytest.mark.parametrize(
    ("asked", "wait"),
    [
        pytest.param(0.0, 1.0, id="at once"),
        pytest.param(0.5, 1.0, id="less than our own"),
        pytest.param(30.0, 30.0, id="more"),
        pytest.param(60.0, 60.0, id="exactly a minute"),
        pytest.param(60.001, None, id="more than a minute is for the next run"),
        pytest.param(86_400.0, None, id="a day"),
    ],
)
def test_the_wait_that_a_provider_asks_for_is_kept(asked: float, wait: float | None) -> None:
    verdict = Verdict(Outcome.RETRY, retry_after_seconds=asked)

    assert next_wait(verdict, 1, PATIENT, NoJitter()) == wait


@given(st.integers(1, 20), st.floats(0, LONGEST_WAIT_SECONDS), st.integers())
def test_jitter_lengthens_by_up_to_a_half_and_never_shortens(attempt: int, asked: float, seed: int) -> None:
    verdict = Verdict(Outcome.RETRY, retry_after_seconds=asked)
    least = next_wait(verdict, attempt, PATIENT, NoJitter())
    wait = next_wait(verdict, attempt, PATIENT, Random(seed))

    assert least is not None
    assert wait is not None
    assert max(asked, least) <= wait <= 1.5 * least
