"""How long to wait before the next attempt, and whether there is one."""

from dataclasses import dataclass
from random import Random
from typing import Final

from rollback_drills.delivery.outcome import Outcome, Verdict

FIRST_WAIT_SECONDS: Final = 1.0
LONGEST_WAIT_SECONDS: Final = 60.0
_JITTER: Final = 0.5


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often one notification is tried within a run."""

    retries: int = 2
    """Attempts after the first."""
    timeout_seconds: float = 15.0
    """Deadline of one attempt, connecting and reading included."""
    first_wait_seconds: float = FIRST_WAIT_SECONDS


def next_wait(verdict: Verdict, attempt: int, policy: RetryPolicy, random: Random) -> float | None:
    """Say how many seconds to wait before the next attempt; None if there is none.

    Only an outcome that can succeed when repeated is repeated. The wait doubles from attempt to attempt and
    is lengthened by up to a half at random; it is never shorter than the provider asked for. A provider that
    asks for more than a minute is left to the next run.

    Args:
        verdict: What became of the last attempt.
        attempt: Which attempt that was, from 1.
        policy: How often and how patiently to try.
        random: The source of the jitter.
    """
    if verdict.outcome is not Outcome.RETRY or attempt > policy.retries:
        return None
    asked = verdict.retry_after_seconds or 0.0
    if asked > LONGEST_WAIT_SECONDS:
        return None
    wait = min(policy.first_wait_seconds * 2 ** (attempt - 1), LONGEST_WAIT_SECONDS)
    return float(max(asked, wait) * (1 + _JITTER * random.random()))
