"""Messages about alarm paths: to the platform owner that a route reaches nobody, and the end of a ticket."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from rollback_drills.connectors.types import ITEM_TYPES
from rollback_drills.followup.alarm_paths.alarm_path_findings import AlarmPathDrill, MissedDrill
from rollback_drills.names import ids
from rollback_drills.names.keys import name_key
from rollback_drills.notifications.notice import Notice
from rollback_drills.notifications.outbox_entry import OutboxEntry
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.states import NOTIFIED
from rollback_drills.planning.alarm_path import EVENT_TYPE
from rollback_drills.rendering.counts import write_count
from rollback_drills.rendering.sentences import one_line
from rollback_drills.trust.notice import Platform

FINDING_EVENT_TYPE: Final = "cavra.go_backend.rollback_drill.alarm_path_missed"
_MOST_NAMED: Final = 20


def find_notices(new: Sequence[MissedDrill], platform: Platform, *, now: datetime) -> Iterator[OutboxEntry]:
    """Yield the notices for the platform owner about drills that were found to be missed, once.

    Args:
        new: The missed drills that the evidence does not have yet.
        platform: Who is notified, and through what.
        now: The instant.
    """
    if not new:
        return
    subject = f"{ids.ALARM_FINDING_PREFIX}{platform.owner}"
    cycle_id = ids.cycle_id(subject, "\x1f".join(sorted(each.drill.notification_id for each in new)))
    yield from platform.address(_word(new, subject, cycle_id, platform, now))


def find_closings(
    drills: Iterable[AlarmPathDrill], answered: Collection[str], *, now: datetime
) -> Iterator[OutboxEntry]:
    """Yield what closes the tickets and incidents that drills have opened, once they are acknowledged.

    Args:
        drills: The drills.
        answered: The keys of the routes that were acknowledged.
        now: The instant.
    """
    for drill in drills:
        is_item = name_key(drill.provider) in ITEM_TYPES and drill.state in NOTIFIED
        if is_item and drill.route_key in answered:
            notice = Notice(
                subject_id=f"{ids.ALARM_PATH_PREFIX}{drill.owner}",
                subject_name=f"alarm-path-{drill.owner}",
                cycle_id=drill.cycle_id,
                event_type=EVENT_TYPE,
                at=now,
                title=one_line(f"The drill has reached {drill.owner}"),
                summary="Somebody acknowledged that the message arrived. It was a drill; nothing was wrong.",
                facts=(("Owner", drill.owner), ("Reached through", drill.provider)),
                is_over=True,
                more={"owner": drill.owner, "is_drill": True},
            )
            yield notice.address(
                drill.route_key,
                provider=drill.provider,
                owner=drill.owner,
                reason=Reason.RESOLVED,
                closes=True,
            )


def _word(
    new: Sequence[MissedDrill], subject: str, cycle_id: str, platform: Platform, now: datetime
) -> Notice:
    count = write_count(len(new), "alarm path")
    verb = "reaches" if len(new) == 1 else "reach"
    facts = [
        (one_line(f"{each.drill.owner} through {each.drill.provider}"), one_line(each.because))
        for each in new[:_MOST_NAMED]
    ]
    if more := len(new) - len(facts):
        facts.append(("More", f"{write_count(more, 'route')} as well; drills dashboard lists all of them"))
    return Notice(
        subject_id=subject,
        subject_name="alarm-path-finding",
        cycle_id=cycle_id,
        event_type=FINDING_EVENT_TYPE,
        at=now,
        title=f"{count} {verb} nobody",
        summary=(
            f"In the drill of the alarm paths, {count} did not reach anybody who acknowledged. An overdue"
            " drill would not be noticed there. Fix the connector or the routes, or find out why nobody"
            " answers; the finding ends when the owner acknowledges a drill."
        ),
        facts=(*facts, ("Owner", platform.owner)),
        more={
            "finding_count": len(new),
            "findings": [
                {
                    "owner": each.drill.owner,
                    "provider": each.drill.provider,
                    "because": each.because,
                    "cycle_id": each.drill.cycle_id,
                }
                for each in new[:_MOST_NAMED]
            ],
        },
    )
