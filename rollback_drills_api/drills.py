"""Records drills where their results arrive by HTTP: as a flow run, once for each drill."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends
from starlette.responses import Response

from rollback_drills.database.connections import Database
from rollback_drills.documents.history import Drill
from rollback_drills.documents.plain_json import PlainJson
from rollback_drills.documents.subject import Subject
from rollback_drills.errors import UsageError
from rollback_drills.evidence.drills import write_drill
from rollback_drills.evidence.index import EvidenceFilter, EvidenceIndex
from rollback_drills.evidence.record_kinds import DRILL_KIND
from rollback_drills.evidence.written_record import WrittenRecord, text_of
from rollback_drills.names.keys import is_same
from rollback_drills.recording.drill_entry import NOTHING, build_drill, read_entry, read_fields
from rollback_drills.recording.recorder import check_documents
from rollback_drills.recording.requests import DrillFacts
from rollback_drills.recording.same_drill import is_recorded, refuse_repeated
from rollback_drills.recording.target import target_of
from rollback_drills_api.answer_cache import encode
from rollback_drills_api.bodies import RecordBody
from rollback_drills_api.flow_runs import documents_of, explain_failure, run_flow
from rollback_drills_api.http.callers import name_caller
from rollback_drills_api.http.security import recording
from rollback_drills_api.openapi.operations import described
from rollback_drills_api.problems import Problem
from rollback_drills_api.queries import nothing_asked
from rollback_drills_api.service import Served, Service

router = APIRouter(prefix="/runtime/go-pilot/rollback-drills", tags=["acting"], dependencies=[nothing_asked])

_PLACE: Final = "the history"


class RecordAnswer(msgspec.Struct, frozen=True, gc=False):
    """A drill as the evidence has it."""

    drill: PlainJson
    accepted: bool
    problems: Sequence[str]
    metadata: WrittenRecord


class _Judged(msgspec.Struct, frozen=True, gc=False):
    """What is needed of the record of a drill; the first versions wrote no problems."""

    accepted: bool
    problems: Sequence[str] = ()


@router.post("", status_code=HTTPStatus.CREATED, responses=described("record", 404, 409))
async def record_drill(
    served: Served, caller: Annotated[str, Depends(recording)], body: RecordBody
) -> Response:
    """Record a performed drill in the history and in the evidence; sent twice, it is recorded once."""
    was_there: list[bool] = []

    def run() -> RecordAnswer:
        report, is_new = record(served, caller, body)
        was_there.append(not is_new)
        return report

    answer = await served.act(run)
    answer.status_code = HTTPStatus.OK if any(was_there) else HTTPStatus.CREATED
    return answer


def record(served: Service, caller: str, body: RecordBody) -> tuple[RecordAnswer, bool]:
    """Record a drill as a flow run, and return its record and whether the drill was new.

    Raises:
        UsageError: It is no drill that the history may hold.
        Problem: There is no such schedule, another drill has the id, or the run failed.
    """
    now = datetime.now(UTC)
    subject = _find_subject(served, body.schedule_id)
    drill = _build_drill(subject, body, now)
    is_new = not _is_in_history(subject, drill)
    if not is_new and (known := _find_record(served.database(), subject.name, drill)):
        return known, False
    _check_documents(served, subject, body)
    ran = run_flow(served.options, "record-drill", _find_parameters(served, caller, subject, body, drill))
    written = _find_record(served.database(), subject.name, drill)
    if written is None:
        _is_in_history(_find_subject(served, body.schedule_id), drill)
        raise explain_failure(ran)
    return written, is_new


def _find_subject(served: Service, schedule_id: str) -> Subject:
    """Return the documents of a schedule as they are now."""
    served.fleet.forget()
    fleet = served.fleet.judged()
    return fleet.subjects[fleet.find_place(schedule_id)]


def _build_drill(subject: Subject, body: RecordBody, now: datetime) -> Drill:
    schedule = subject.document
    fields = {name: getattr(body, name) for name in DrillFacts.model_fields}
    return build_drill(
        read_entry(encode(body.further), "$.further") if body.further else NOTHING,
        read_fields(fields),
        schedule_id=subject.schedule_id,
        runbook_ref=schedule.runbook_ref if schedule else "",
        now=now,
    )


def _is_in_history(subject: Subject, drill: Drill) -> bool:
    """Whether the history has this drill.

    Raises:
        UsageError: There is no history to record it in.
        Problem: It has another drill of this id, or the same drill under another id.
    """
    history = subject.history
    if history is None or not history.file:
        raise UsageError("has no drill history in a file of its own; create it first", field="schedule_id")
    try:
        known = history.document.drills if history.document else ()
        if is_recorded(drill, known, _PLACE):
            return True
        refuse_repeated(drill, known, _PLACE)
    except UsageError as error:
        raise Problem(HTTPStatus.CONFLICT, error.problem) from None
    return False


def _check_documents(served: Service, subject: Subject, body: RecordBody) -> None:
    """Ensure that a run could record the drill.

    Raises:
        UsageError: The schedule or its history does not allow it.
    """
    settings = served.options.settings
    if settings.schedule and subject.history:
        try:
            target = target_of(subject, settings.schedule, settings.history, is_single=False)
        except UsageError as error:
            raise UsageError(error.problem) from None  # no field of the body is wrong
        check_documents(target, subject.history, advance=body.advance)


def _find_record(database: Database | None, schedule_id: str, drill: Drill) -> RecordAnswer | None:
    """Return the newest record of this drill, as it is; None if the evidence does not have it yet."""
    if database is None:
        return None
    wanted, facts = EvidenceFilter(schedule_id=schedule_id, metadata_kind=DRILL_KIND), write_drill(drill)
    for written in EvidenceIndex(database).find(wanted)[0]:
        if is_same(text_of(written, "drill_id"), drill.drill_id) and written.get("drill") == facts:
            known = msgspec.convert(written, _Judged)
            return RecordAnswer(facts, known.accepted, known.problems, written)
    return None


def _find_parameters(
    served: Service, caller: str, subject: Subject, body: RecordBody, drill: Drill
) -> Mapping[str, object]:
    parameters, settings = body.model_dump(exclude={"generated_by"}), served.options.settings
    if "executed_at" not in (body.further or ()):
        parameters["executed_at"] = drill.executed_at  # the run begins later, and would name another drill
    return {
        **parameters,
        "schedule_id": subject.schedule_id,
        "generated_by": name_caller(caller, body.generated_by),
        **(
            {**documents_of(served.options), "changes": settings.changes}
            if served.options.is_embedded
            else {}
        ),
    }
