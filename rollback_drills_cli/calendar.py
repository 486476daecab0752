"""`drills calendar`: writes when drills are due, for a calendar."""

from rollback_drills.documents.quotation import show
from rollback_drills.settings import Settings
from rollback_drills_cli.judged_documents import judge_documents, load_documents, with_judged_documents
from rollback_drills_cli.options import shared
from rollback_drills_cli.terminal.output import print_problem
from rollback_drills_cli.terminal.output_file import OutOption, write_whole
from rollback_drills_cli.terminal.progress import show_count


@with_judged_documents
def calendar(
    settings: Settings,
    now: shared.NowOption = None,
    out: OutOption = None,
) -> None:
    """Write an iCalendar file with the next four due times of each schedule, and its windows.

    Exit code 0 in any state.
    """
    at = shared.parse_now(now)
    fleet = load_documents(settings)
    judgements = judge_documents(fleet, settings, now=at)
    from rollback_drills.reports.calendar import build_calendar

    documents = [each.document for each in fleet.subjects]
    with show_count("schedules", len(judgements)) as progress:
        written = build_calendar(judgements, documents, now=at, progress=progress)
    write_whole(written, out)
    for each in judgements:
        known_as = show(each.cycle.schedule_id)
        if each.cycle.retired:
            print_problem(f"left out, because it is retired: {known_as}")
        elif not each.schedule.next_due_at:
            print_problem(f"left out, because the due time is unknown: {known_as} ({each.schedule.message})")
