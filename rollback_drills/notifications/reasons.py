"""Why a notification is sent."""

from enum import StrEnum


class Reason(StrEnum):
    """Why a route is told: each notification has one."""

    FIRST = "first"  # nothing was told in this cycle
    WORSE = "worse"  # told when it was due soon, and it is overdue now
    REPEAT = "repeat"  # still unsolved after `repeat_after`, or forced
    DEFERRED = "deferred"  # a window or an absence that kept it silent has ended
    ESCALATED = "escalated"  # nobody has acknowledged in time
    RESOLVED = "resolved"  # the cycle that was told of is over
