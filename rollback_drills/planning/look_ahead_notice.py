"""Words the weekly look-ahead of an owner: one message for each owner, provider and week."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

import msgspec

from rollback_drills.names import ids
from rollback_drills.notifications.notice import Notice
from rollback_drills.notifications.outbox_entry import Hold, OutboxEntry
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.sent_notification import SentNotification
from rollback_drills.notifications.states import UNSENT
from rollback_drills.planning.look_ahead import ForeseenDrill, Outlook
from rollback_drills.rendering.counts import write_count
from rollback_drills.rendering.long_lists import name_some
from rollback_drills.rendering.sentences import one_line, write_sentences

EVENT_TYPE: Final = "cavra.go_backend.rollback_drill.look_ahead"
_MOST_DRILLS: Final = 10
_MOST_NAMES: Final = 20
_WEEK: Final = timedelta(weeks=1)


def find_monday(now: datetime) -> date:
    """Return the Monday, in UTC, of the week that a look-ahead belongs to."""
    day = now.astimezone(UTC).date()
    return day - timedelta(days=day.weekday())


def name_cycle(owner: str, monday: date) -> str:
    """Name the look-ahead of an owner in a week."""
    return ids.cycle_id(f"{ids.LOOK_AHEAD_PREFIX}{owner}", monday.isoformat())


def find_earlier_cycles(outlooks: Collection[Outlook], now: datetime) -> list[str]:
    """Return the look-aheads of the week before: one that still waits is replaced by the one of this week."""
    return [name_cycle(outlook.owner, find_monday(now) - _WEEK) for outlook in outlooks]


def build_entries(
    outlook: Outlook, earlier: Mapping[str, Sequence[SentNotification]], *, now: datetime
) -> tuple[list[OutboxEntry], list[Hold]]:
    """Return the messages to an owner, and until when each waits; none if nothing will go wrong.

    A message waits while windows or an absence keep the owner from being notified. Without an end that is
    known, or if that is in a later week, the look-ahead of that week decides again.

    Args:
        outlook: What the owner has to expect.
        earlier: By route key, the notifications of the week before.
        now: The instant of the outlook.
    """
    entries: list[OutboxEntry] = []
    holds: list[Hold] = []
    if not outlook.troubled:
        return entries, holds
    monday = find_monday(now)
    cycle_id, before = name_cycle(outlook.owner, monday), name_cycle(outlook.owner, monday - _WEEK)
    notice = _word(outlook, cycle_id, now)
    next_week = datetime.combine(monday, datetime.min.time(), UTC) + _WEEK
    for route in outlook.routes:
        free_at = datetime.fromisoformat(route.not_before) if route.not_before else next_week
        if free_at >= next_week:
            continue
        waiting = earlier.get(ids.route_key(before, route.provider, outlook.owner), ())
        entry = notice.address(
            ids.route_key(cycle_id, route.provider, outlook.owner),
            provider=route.provider,
            owner=outlook.owner,
            reason=Reason.FIRST,
            replaces=[each.notification_id for each in waiting if each.state in UNSENT],
            closes=True,
        )
        entries.append(entry)
        if free_at > now:
            holds.append(Hold(entry.notification_id, free_at))
    return entries, holds


def _word(outlook: Outlook, cycle_id: str, now: datetime) -> Notice:
    troubled = outlook.troubled
    count = write_count(len(troubled), "rollback drill")
    return Notice(
        subject_id=f"{ids.LOOK_AHEAD_PREFIX}{outlook.owner}",
        subject_name=f"look-ahead-{outlook.owner}",
        cycle_id=cycle_id,
        event_type=EVENT_TYPE,
        at=now,
        title=one_line(f"Look-ahead for {outlook.owner}: {count} will go wrong"),
        summary=(
            f"{write_count(outlook.due_in_30_days, 'drill')} of {outlook.owner}"
            f" {'is' if outlook.due_in_30_days == 1 else 'are'} due in the next 30 days,"
            f" {outlook.due_in_90_days} in the next 90. {count} will go wrong unless somebody acts now."
        ),
        facts=tuple(_list_facts(outlook)),
        alert_level="warning",
        more={
            "owner": outlook.owner,
            "due_in_30_days": outlook.due_in_30_days,
            "due_in_90_days": outlook.due_in_90_days,
            "troubled_count": len(troubled),
            "troubled": [msgspec.to_builtins(each) for each in troubled[:_MOST_DRILLS]],
        },
    )


def _list_facts(outlook: Outlook) -> Iterator[tuple[str, str]]:
    """Yield what will go wrong, drill by drill, then the other drills that are due."""
    troubled = outlook.troubled
    for drill in troubled[:_MOST_DRILLS]:
        what = write_sentences(*(trouble.text for trouble in drill.troubles))
        yield one_line(f"{drill.schedule_id}, due {drill.due}"), one_line(what)
    if more := troubled[_MOST_DRILLS:]:
        yield "More", f"{write_count(len(more), 'drill')} as well; drills look-ahead lists all of them."
    smooth = [drill for drill in outlook.drills if not drill.troubles]
    if overdue := [drill for drill in smooth if drill.overdue]:
        yield "Overdue", _name_all(overdue)
    if coming := [drill for drill in smooth if not drill.overdue]:
        yield "Also due", _name_all(coming)


def _name_all(drills: Sequence[ForeseenDrill]) -> str:
    return one_line(name_some([f"{drill.schedule_id} ({drill.due})" for drill in drills], _MOST_NAMES))
