"""Says who was notified of a schedule, who was not and why, and in which row that stands."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.states import DEAD, NOTIFIED
from rollback_drills.readiness.terms import Report

_NOT_NOTIFIED: Final = "not notified"
_REASONS: Final[Mapping[str | None, str]] = {str(each): each.in_words for each in Reason}


class RouteLine(NamedTuple):
    """What a row says of one owner and one provider."""

    at: str
    owner: str
    provider: str
    what: str
    why: str
    row: int


def describe_suppression(decision: Report, *, at: str, row: int) -> RouteLine:
    """Describe a decision not to notify.

    Args:
        decision: Of a plan.
        at: When the row was written.
        row: The row that has the decision.
    """
    why, until = decision["reason"], decision.get("deferred_until")
    if until:
        why = f"{why}; until {until[:16].replace('T', ' ')} UTC"
    return RouteLine(at, decision["owner"], decision["provider"], _NOT_NOTIFIED, why, row)


def describe_outcome(record: Report) -> RouteLine:
    """Describe what became of a notification in a run; a row of an earlier version may lack its reason."""
    outcome, why = record["outcome"], _REASONS.get(record.get("reason"), "")
    if outcome in NOTIFIED:
        what = "notified"
    else:
        what = f"{_NOT_NOTIFIED}: {'dead letter' if outcome in DEAD else outcome}"
        why = record.get("error") or why
    at = record.get("completed_at") or record["created_at"]
    return RouteLine(at, record["owner"], record["provider"], what, why, record["leaf_index"])
