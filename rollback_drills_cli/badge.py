"""`drills badge`: draws the state of a schedule, for a page where people look anyway."""

from typing import Annotated

import typer

from rollback_drills.documents.unknown_name import explain_unknown
from rollback_drills.errors import UsageError
from rollback_drills.names.keys import find_spelling
from rollback_drills.settings import Settings
from rollback_drills_cli.judged_documents import judge_documents, load_documents, with_judged_documents
from rollback_drills_cli.options import shared
from rollback_drills_cli.terminal.output_file import OutOption, write_whole


@with_judged_documents
def badge(
    schedule_id: Annotated[str, typer.Argument(metavar="SCHEDULE_ID", help="The id of the schedule.")],
    settings: Settings,
    now: shared.NowOption = None,
    out: OutOption = None,
) -> None:
    """Draw the state of a schedule as an SVG badge.

    A document without an id is known by its path. Exit code 0 in any state.
    """
    at = shared.parse_now(now)
    fleet = load_documents(settings)
    judgements = judge_documents(fleet, settings, now=at)
    by_id = {each.cycle.schedule_id: each for each in judgements}
    known_as = find_spelling(schedule_id, by_id)
    if known_as is None:
        raise UsageError(explain_unknown("schedule", schedule_id, by_id))
    from rollback_drills.reports.badge import build_badge

    write_whole(build_badge(by_id[known_as]).encode(), out)
