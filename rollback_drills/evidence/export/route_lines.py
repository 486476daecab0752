"""Says who was notified of a schedule, who was not and why, and in which row that stands."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from rollback_drills.evidence.export.reported_rows import ReportedDelivery
from rollback_drills.evidence.recorded_plan import RecordedDecision
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.states import DEAD, NOTIFIED

_NOT_NOTIFIED: Final = "not notified"
_REASONS: Final[Mapping[str, str]] = {str(each): each.in_words for each in Reason}


class RouteLine(NamedTuple):
    """What a row says of one owner and one provider."""

    at: str
    owner: str
    provider: str
    what: str
    why: str
    row: int


def describe_suppression(decision: RecordedDecision, *, at: str, row: int) -> RouteLine:
    """Describe a decision not to notify.

    Args:
        decision: Of a plan.
        at: When the row was written.
        row: The row that has the decision.
    """
    why, until = decision.reason, decision.deferred_until
    if until:
        why = f"{why}; until {until[:16].replace('T', ' ')} UTC"
    return RouteLine(at, decision.owner, decision.provider, _NOT_NOTIFIED, why, row)


def describe_outcome(delivery: ReportedDelivery) -> RouteLine:
    """Describe what became of a notification in a run; a row of an earlier version may lack its reason."""
    outcome, why = delivery.outcome, _REASONS.get(delivery.reason, "")
    if outcome in NOTIFIED:
        what = "notified"
    else:
        what = f"{_NOT_NOTIFIED}: {'dead letter' if outcome in DEAD else outcome}"
        why = delivery.error or why
    at = delivery.completed_at or delivery.created_at
    return RouteLine(at, delivery.owner, delivery.provider, what, why, delivery.leaf_index)
