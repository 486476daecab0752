"""`drills retire`: ends the follow-up of a schedule, also of one whose document is gone."""

from typing import Annotated, Final

from rollback_drills.followup.requests import RetirementRequest
from rollback_drills.rendering.counts import write_count
from rollback_drills_cli.database import DatabaseOption, open_or_create
from rollback_drills_cli.evidence.signing import append_signed, report_clock
from rollback_drills_cli.options import shared
from rollback_drills_cli.options.request_options import option_of
from rollback_drills_cli.terminal.output import print_json, print_line

_DOCUMENT: Final = (
    "The gate, `drills check` and the reports of the API judge the document alone: if there is one, set"
    ' "status": "retired" in it.'
)


def retire(
    schedule_id: Annotated[str, option_of(RetirementRequest, "schedule_id", metavar="ID")],
    reason: Annotated[str, option_of(RetirementRequest, "reason")],
    approver: Annotated[str, option_of(RetirementRequest, "approver")],
    requested_by: Annotated[str, option_of(RetirementRequest, "requested_by")] = "",
    restore: Annotated[bool, option_of(RetirementRequest, "restore")] = False,
    schedule_path: shared.ScheduleOption = None,
    history_path: shared.HistoryOption = None,
    database: DatabaseOption = None,
    now: shared.NowOption = None,
    generated_by: shared.GeneratedByOption = "cli",
    as_json: shared.JsonOption = False,
) -> None:
    """Retire a schedule: nobody is notified or escalated to any more. Its open cycle is closed.

    The next run of the follow-up notifies everybody who was notified before. With --restore, the schedule is
    followed again.

    An approval never opens the gate: drills gate and drills check judge the document alone.

    Example: drills retire --schedule-id old --reason moved --approver anna
    """
    from rollback_drills.followup.retirements.retirement_closings import close_retired  # with SQLAlchemy
    from rollback_drills.followup.retirements.retirement_grants import retire_schedule

    at = shared.parse_said_at(now)
    request = RetirementRequest(
        schedule_id=schedule_id, reason=reason, approver=approver, requested_by=requested_by, restore=restore
    )
    settings = shared.resolve(history=history_path, schedule=schedule_path)
    opened = open_or_create(database)
    record = retire_schedule(
        request.to_retirement(),
        settings,
        opened,
        now=at,
        created_at=shared.parse_now(None),
        signer=generated_by,
    )
    went_back = append_signed(opened, [record])
    count = close_retired(opened, now=at, queued_at=opened.now())
    if as_json:
        print_json(record.to_wire())
    else:
        news = f" The next run sends {write_count(count, 'message')} about it." if count else ""
        print_line(f"{record.retirement_id}: {record.schedule_id} is {record.change}.{news}")
        if not restore:
            print_line(_DOCUMENT)
    report_clock(went_back)
