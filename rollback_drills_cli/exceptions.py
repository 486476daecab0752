"""`drills skip`, `drills postpone` and `drills waive`: what is approved for one cycle, for a time."""

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated

from rollback_drills.followup.exceptions.exception import ExceptionKind, Grant, read_end
from rollback_drills.followup.exceptions.exception_grants import grant_exception
from rollback_drills.followup.requests import ExceptionRequest
from rollback_drills.readiness.judgement import Judgement
from rollback_drills.rendering.times import write_time
from rollback_drills.settings import find_database_url
from rollback_drills_cli.database import DatabaseOption, open_or_create
from rollback_drills_cli.evidence.signing import append_signed, report_record
from rollback_drills_cli.options import shared
from rollback_drills_cli.options.request_options import option_of

UntilOption = Annotated[str, option_of(ExceptionRequest, "until", metavar="ISO")]
ReasonOption = Annotated[str, option_of(ExceptionRequest, "reason")]
ApproverOption = Annotated[str, option_of(ExceptionRequest, "approver")]
RequestedByOption = Annotated[str, option_of(ExceptionRequest, "requested_by")]
ScheduleIdOption = Annotated[str | None, option_of(ExceptionRequest, "schedule_id", metavar="ID")]


def keep_cycles(url: str | None, judgements: Sequence[Judgement]) -> Sequence[Judgement]:
    """Replace the ids of open cycles by those that they have in the outbox; create nothing."""
    from rollback_drills.database.connections import Database  # SQLAlchemy takes half a second to import
    from rollback_drills.database.tables import OUTBOX
    from rollback_drills.followup.retirements.retirement import keep_followed_cycles

    return keep_followed_cycles(
        Database.open_existing(find_database_url(os.environ, url), OUTBOX.name), judgements
    )


def _command(kind: ExceptionKind, help_text: str) -> Callable[..., None]:
    """Make the command that grants one kind of exception; all of them take the same options."""

    def grant(
        until: UntilOption,
        reason: ReasonOption,
        approver: ApproverOption,
        requested_by: RequestedByOption = "",
        schedule_id: ScheduleIdOption = None,
        schedule_path: shared.ScheduleOption = None,
        history_path: shared.HistoryOption = None,
        database: DatabaseOption = None,
        now: shared.NowOption = None,
        generated_by: shared.GeneratedByOption = "cli",
        as_json: shared.JsonOption = False,
    ) -> None:
        at = shared.parse_said_at(now)
        wanted = Grant(kind, read_end(until), reason, approver, requested_by)
        settings = shared.resolve(history=history_path, schedule=schedule_path)
        created_at = shared.parse_now(None)
        record = grant_exception(
            wanted,
            settings,
            schedule_id,
            partial(keep_cycles, database),
            now=at,
            created_at=created_at,
            signer=generated_by,
        )
        went_back = append_signed(open_or_create(database), [record])
        report_record(
            record,
            went_back,
            f"{record.exception_id}: cycle {record.cycle_id} of {record.schedule_id} is"
            f" {kind.past} until {write_time(record.until)}. Until then, nobody is notified, and"
            " nothing is escalated.",
            as_json=as_json,
        )

    example = f"Example: drills {kind} --until 2026-09-01 --reason freeze --approver anna"
    grant.__name__, grant.__doc__ = str(kind), f"{help_text}\n\n{example}"
    return grant


skip = _command(ExceptionKind.SKIP, "Skip the drill of the current cycle. The next one is performed.")
postpone = _command(
    ExceptionKind.POSTPONE,
    "Postpone the current cycle of a schedule, up to the limit of the schedule.\n\n"
    "The limit is the due time plus postpone_limit_days of the schedule (default: 30).",
)
waive = _command(
    ExceptionKind.WAIVE,
    "Waive the drill of the current cycle. Nobody has to perform it.",
)
