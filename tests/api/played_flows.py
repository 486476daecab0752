"""Plays the flows that the API runs, without Prefect: a delivery tells nobody, what people say is written."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeGuard

from msgspec import Raw

from rollback_drills.database.connections import Database
from rollback_drills.errors import DrillsError
from rollback_drills.evidence.appender import append
from rollback_drills.evidence.index import EvidenceIndex
from rollback_drills.evidence.outbox_transfer import index_run
from rollback_drills.evidence.record import Record, name_run
from rollback_drills.followup.acknowledgements.acknowledgement import Acknowledgement, AcknowledgementState
from rollback_drills.followup.acknowledgements.bulk_acknowledgement import acknowledge
from rollback_drills.followup.acknowledgements.route_choice import RouteChoice
from rollback_drills.followup.exceptions.exception import ExceptionKind, ExceptionRecord, Grant
from rollback_drills.followup.exceptions.exception_decisions import record_decline
from rollback_drills.followup.exceptions.exception_grants import (
    approve_request,
    grant_exception,
    request_exception,
)
from rollback_drills.followup.exceptions.exception_requests import DeclineRecord, Wish
from rollback_drills.followup.exceptions.found_requests import get_request
from rollback_drills.followup.requests import RetirementRequest
from rollback_drills.followup.retirements.retirement_grants import retire_schedule
from rollback_drills.outbox.queries import find_dead_letters
from rollback_drills.recovery.act import Act
from rollback_drills.recovery.recorded_act import Recording, Writer
from rollback_drills.recovery.replays import approve_replay, execute_replay, replay, request_replay
from rollback_drills_api.flow_runs import Ran
from rollback_drills_api.options import ApiOptions
from tests.samples.builders import open_key
from tests.samples.recorded_by_run import record_as_the_flow_does

RUN = "0691f5a2-8a0e-7f3c-8000-2b1c5d8e9f01"

NEED_APPROVAL = frozenset({"teams"})
"""The connectors through which nothing is replayed without an approval."""
Play = Callable[..., Ran]
"""Stands for `run_embedded`."""


def play_flows(options: ApiOptions) -> Play:
    """Return what runs a flow; `ran` of it has the name and the parameters of each."""
    ran: list[tuple[str, Mapping[str, Any]]] = []

    def play(name: str, parameters: Mapping[str, Any], *, timeout_seconds: float) -> Ran:
        ran.append((name, parameters))
        if name == "deliver-notifications":
            return Ran(RUN, "done", is_completed=True, result=_DELIVERED)
        if name in _REPLAYS:
            return _replay(options, name, parameters)
        if name == "record-drill":
            return _record_drill(options, parameters)
        database = Database.open(options.database_url)
        try:
            _write(database, _PLAYED[name](options, database, parameters))
        finally:
            database.engine.dispose()
        return Ran(RUN, "done", is_completed=True, result=None)

    play.ran = ran  # type: ignore[attr-defined]  # what a test looks at
    return play


def _record_drill(options: ApiOptions, parameters: Mapping[str, Any]) -> Ran:
    own = {name: value for name, value in parameters.items() if name not in ("schedule", "history")}
    try:
        record_as_the_flow_does(options.settings, options.database_url, own, RUN)
    except DrillsError as error:
        return Ran(RUN, str(error), is_completed=False, result=None)
    return Ran(RUN, "done", is_completed=True, result=None)


def _replay(options: ApiOptions, name: str, parameters: Mapping[str, Any]) -> Ran:
    """Write what the flows write about replays, through connectors of which some need an approval."""
    database = Database.open(options.database_url)
    try:
        _REPLAYS[name](database, parameters, Writer(open_key, name, database.now(), RUN))
    except DrillsError as error:
        return Ran(RUN, str(error), is_completed=False, result=None)
    finally:
        database.engine.dispose()
    return Ran(RUN, "done", is_completed=True, result=None)


def _choose(database: Database, parameters: Mapping[str, Any]) -> Sequence[str]:
    ids: Sequence[str] = parameters["notification_ids"]
    return ids or find_dead_letters(database, parameters["provider"])


_REPLAYS: Mapping[str, Callable[[Database, Mapping[str, Any], Writer], Recording[Any]]] = {
    "replay-notifications": lambda database, given, writer: replay(
        *(database, _choose(database, given), Act(given["replayed_by"], given["reason"]), writer),
        NEED_APPROVAL,
    ),
    "request-replay": lambda database, given, writer: request_replay(
        database, _choose(database, given), Act(given["requested_by"], given["reason"]), writer
    ),
    "approve-replay": lambda database, given, writer: approve_replay(
        database, given["replay_id"], given["approved_by"], writer
    ),
    "execute-replay": lambda database, given, writer: execute_replay(
        database, given["replay_id"], given["replayed_by"], writer
    ),
}
_DELIVERED = Raw(
    b'{"schedule":{},"plan":{},"delivery":{},"plan_metadata":{},"metadata":null,"success":true,"event_id":"x"}'
)


def _write(database: Database, records: Sequence[Record]) -> None:
    named = [name_run(each, RUN) for each in records]
    decided = {each.request_id: each for each in named if _is_decision(each)}
    if not decided:
        append(database, named, open_key)
        return
    index_run(
        database,
        (),
        drills={key: lambda each=each: each for key, each in decided.items()},  # type: ignore[misc]
        created_at=datetime.now(UTC),
        signer="test",
        redact=lambda record: record,
        open_key=open_key,
    )


def _is_decision(record: Record) -> TypeGuard[ExceptionRecord | DeclineRecord]:
    return isinstance(record, DeclineRecord) or (
        isinstance(record, ExceptionRecord) and record.request_id is not None
    )


def _acknowledge(_: ApiOptions, database: Database, parameters: Mapping[str, Any]) -> Sequence[Record]:
    now = datetime.now(UTC)
    said = Acknowledgement(
        parameters["acknowledged_by"],
        AcknowledgementState(parameters["acknowledgement_state"]),
        parameters["external_ref"],
        parameters["notes"],
    )
    given = [(RouteChoice(**route), said) for route in parameters["routes"]]
    return acknowledge(EvidenceIndex(database), given, now=now, created_at=now)


def _grant(options: ApiOptions, _: Database, parameters: Mapping[str, Any]) -> Sequence[Record]:
    now = datetime.now(UTC)
    given = Grant(
        ExceptionKind(parameters["exception"]),
        *(parameters[each] for each in ("until", "reason", "approver", "requested_by")),
    )
    signer = parameters["generated_by"]
    schedule_id = parameters["schedule_id"]
    return [grant_exception(given, options.settings, schedule_id, now=now, created_at=now, signer=signer)]


def _request(options: ApiOptions, _: Database, parameters: Mapping[str, Any]) -> Sequence[Record]:
    now = datetime.now(UTC)
    wish = Wish(
        ExceptionKind(parameters["exception"]),
        *(parameters[each] for each in ("until", "reason", "requested_by")),
    )
    return [request_exception(wish, options.settings, parameters["schedule_id"], now=now, created_at=now)]


def _decide(options: ApiOptions, database: Database, parameters: Mapping[str, Any]) -> Sequence[Record]:
    now, by = datetime.now(UTC), parameters["decided_by"]
    found = get_request(database, parameters["request_id"])
    if parameters["decision"] == "decline":
        return [record_decline(found, by, parameters["reason"], now=now, created_at=now)]
    remark = parameters["reason"]
    return [approve_request(found, by, options.settings, remark=remark, now=now, created_at=now)]


def _retire(options: ApiOptions, database: Database, parameters: Mapping[str, Any]) -> Sequence[Record]:
    now = datetime.now(UTC)
    request = RetirementRequest(**parameters)
    return [
        retire_schedule(
            request.to_retirement(),
            options.settings,
            database,
            now=now,
            created_at=now,
            signer=request.generated_by,
        )
    ]


_PLAYED = {
    "retire-schedule": _retire,
    "acknowledge-notification": _acknowledge,
    "grant-exception": _grant,
    "request-exception": _request,
    "decide-exception": _decide,
}
