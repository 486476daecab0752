"""Leases: how long a claim holds, and whether one still does by the clock of the host that nobody can set.

All processes on an SQLite file run on one host, and share its steady clock, also if their times differ. So
the id of a claim there says when its lease ends by that clock. On PostgreSQL only the server's clock counts.
"""

import math
import os
import re
from typing import Final
from uuid import uuid4

_MARGIN_SECONDS: Final = 30.0
_WITH_END: Final = re.compile(r"\d+-[0-9a-f]{12}-(\d{1,12})-(\d{1,6})")


def find_lease_seconds(timeout_seconds: float) -> float:
    """Return how long a claim holds: twice the deadline of an attempt, and a margin."""
    return 2 * timeout_seconds + _MARGIN_SECONDS


LONGEST_LEASE_SECONDS: Final = find_lease_seconds(300.0)
"""That of the longest deadline which a run accepts."""


def make_claim(lease_seconds: float, *, steady_now: float | None) -> str:
    """Return the id of a new claim: of its own each time, since a run may claim a message again.

    Args:
        lease_seconds: How long it holds.
        steady_now: The steady clock of the host; None if another clock alone counts.
    """
    name = f"{os.getpid()}-{uuid4().hex[:12]}"
    if steady_now is None:
        return name
    return f"{name}-{math.ceil(steady_now + lease_seconds)}-{math.ceil(lease_seconds) + 1}"


def is_running(claim: object, *, steady_now: float) -> bool:
    """Return whether the lease of a claim runs by the steady clock, whatever the time is.

    After the host was started again, its steady clock starts anew. So an end that is further away than the
    lease is long belongs to an earlier start.
    """
    found = _WITH_END.fullmatch(claim) if isinstance(claim, str) else None
    return found is not None and 0 < int(found[1]) - steady_now <= int(found[2])
