"""The look-ahead as a document, and as a page of its run."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

import msgspec

from rollback_drills import PRODUCT
from rollback_drills.documents.utc import write_instant
from rollback_drills.planning.look_ahead import AHEAD, Outlook, UnclearSchedule
from rollback_drills.rendering.counts import write_count
from rollback_drills.rendering.markdown import short_list, short_table

LOOK_AHEAD_SCHEMA: Final = "rollback-drills.look-ahead.v1"
_MOST_ROWS: Final = 100
_WHOLE: Final = "`drills look-ahead` lists all of them"
_NOTHING: Final = "No drill is due in the next 90 days."


class LookAhead(msgspec.Struct, frozen=True, kw_only=True):
    """What every owner has to expect."""

    schema_version: str = LOOK_AHEAD_SCHEMA
    product: str = PRODUCT
    generated_at: str
    until: str
    owner_count: int
    troubled_owner_count: int
    """With how many owners something will go wrong."""
    owners: Sequence[Outlook]
    unclear: Sequence[UnclearSchedule] = ()
    """Schedules whose outlook cannot be trusted, because something is wrong with their documents."""

    @property
    def is_clean(self) -> bool:
        """Whether nothing will go wrong."""
        return not self.troubled_owner_count and not self.unclear


def build_look_ahead(
    outlooks: Sequence[Outlook], unclear: Sequence[UnclearSchedule], *, now: datetime
) -> LookAhead:
    """Build the document of a look-ahead."""
    return LookAhead(
        generated_at=write_instant(now),
        until=write_instant(now + AHEAD),
        owner_count=len(outlooks),
        troubled_owner_count=sum(bool(each.troubled) for each in outlooks),
        owners=outlooks,
        unclear=unclear,
    )


def summarise(outlook: Outlook) -> str:
    """Describe in a sentence what an owner has to expect."""
    due = f"{outlook.due_in_30_days} due in the next 30 days, {outlook.due_in_90_days} in the next 90"
    overdue = sum(drill.overdue for drill in outlook.drills)
    late = f", {overdue} of them overdue" if overdue else ""
    drill, nothing = ("further drill", "nothing further") if overdue else ("drill", "nothing")
    wrong = write_count(len(outlook.troubled), drill) if outlook.troubled else nothing
    return f"{outlook.owner}: {due}{late}; {wrong} will go wrong"


def explain_unclear(schedule: UnclearSchedule) -> str:
    """Describe in a sentence why the outlook of a schedule cannot be trusted."""
    return f"{schedule.schedule_id} needs attention: {schedule.message}"


def render_look_ahead(document: LookAhead) -> str:
    """Write the page of a look-ahead as Markdown."""
    return "\n".join(_lines(document))


def _lines(document: LookAhead) -> Iterator[str]:
    yield from ("# Look-ahead", "")
    if document.unclear:
        yield from short_list(list(map(explain_unclear, document.unclear)), _MOST_ROWS, _WHOLE)
    if not document.owners:
        yield from ("", "No other drill is due in the next 90 days.") if document.unclear else (_NOTHING,)
        return
    yield from short_list(list(map(summarise, document.owners)), _MOST_ROWS, _WHOLE)
    rows = [
        (outlook.owner, drill.schedule_id, drill.due, trouble.risk.replace("_", " "), trouble.text)
        for outlook in document.owners
        for drill in outlook.troubled
        for trouble in drill.troubles
    ]
    if rows:
        yield from ("", "## What will go wrong", "")
        yield from short_table(("owner", "schedule", "due", "risk", "what to do"), rows, _MOST_ROWS, _WHOLE)
