"""`drills calendar`: writes when drills are due, for a calendar."""

from rollback_drills.documents.quotation import show
from rollback_drills.readiness.judgement import judge_all
from rollback_drills.settings import Settings
from rollback_drills_cli import options
from rollback_drills_cli.check import load_documents
from rollback_drills_cli.judged_documents import with_judged_documents
from rollback_drills_cli.output import print_problem
from rollback_drills_cli.output_file import OutOption, write_whole


@with_judged_documents
def calendar(
    settings: Settings,
    now: options.NowOption = None,
    out: OutOption = None,
) -> None:
    """Write an iCalendar file with the next four due times of each schedule, and its windows.

    Exit code 0 in any state.
    """
    at = options.parse_now(now)
    fleet = load_documents(settings, as_json=True)
    judgements = judge_all(fleet.subjects, settings.criteria, now=at)
    from rollback_drills.reports.calendar import build_calendar

    documents = [each.document for each in fleet.subjects]
    write_whole(build_calendar(judgements, documents, now=at), out)
    for each in judgements:
        known_as = show(each.cycle.schedule_id)
        if each.cycle.retired:
            print_problem(f"left out, because it is retired: {known_as}")
        elif not each.schedule.next_due_at:
            print_problem(f"left out, because the due time is unknown: {known_as} ({each.schedule.message})")
