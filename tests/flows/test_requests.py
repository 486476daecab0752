"""A command has the same parameters in its form, its body and its options: those of its request."""

import inspect
from datetime import timedelta
from typing import Any

import click
import pytest
import typer
from prefect import Flow
from prefect.utilities.callables import parameter_schema
from pydantic import BaseModel, ValidationError

from flows.acknowledge_notification import acknowledge_notification
from flows.alarm_path_drill import alarm_path_drill
from flows.approve_replay import approve_replay
from flows.decide_exception import decide_exception
from flows.deliver_audit_package import deliver_audit_package
from flows.deliver_notifications import deliver_notifications
from flows.drill_check import drill_check
from flows.escalate_unacknowledged import escalate_unacknowledged
from flows.execute_replay import execute_replay
from flows.grant_exception import grant_exception
from flows.look_ahead import look_ahead
from flows.record_drill import record_drill
from flows.release_gate import release_gate
from flows.replay_notifications import replay_notifications
from flows.request_exception import request_exception
from flows.request_replay import request_replay
from flows.retire_schedule import retire_schedule
from flows.review_notifications import review_notifications
from rollback_drills.documents.history import Drill
from rollback_drills.errors import UsageError
from rollback_drills.evidence import appender, outbox_transfer, outcome_checks
from rollback_drills.evidence.verify import taken_outcomes
from rollback_drills.followup.acknowledgements import acknowledgement
from rollback_drills.followup.acknowledgements.acknowledgement import LONGEST_ACKNOWLEDGED_FOR, read_days
from rollback_drills.followup.requests import (
    AcknowledgeRequest,
    AskRequest,
    DecideRequest,
    EscalateRequest,
    ExceptionRequest,
    RetirementRequest,
)
from rollback_drills.gate.requests import GateRequest
from rollback_drills.planning.request_fields import explain_field
from rollback_drills.planning.requests import (
    AlarmPathRequest,
    AuditDeliveryRequest,
    DeliverRequest,
    DrillCheckRequest,
    HowToDeliver,
    LookAheadRequest,
)
from rollback_drills.readiness.acceptance import CLOCK_SKEW
from rollback_drills.recording.requests import DrillDetails, DrillFacts, RecordRequest
from rollback_drills.recovery.requests import DirectReplay, ReplayApproval, ReplayExecution, ReplayWish
from rollback_drills_api.approval_bodies import ExceptionBody, RetirementBody
from rollback_drills_api.bodies import AcknowledgeBody, BulkBody, DeliverBody, RecordBody
from rollback_drills_api.options import ApiOptions
from rollback_drills_cli.main import app
from rollback_drills_cli.options.flags import find_flag

EVERYWHERE = {"now", "as_json", "verbose", "database"}
"""Options of the command line about the clock, the output and the place of the evidence."""
DOCUMENTS = {"schedule", "history", "changes", "mode", "due_soon_days", "max_age_days", "as_of", "dry_run"}
"""What the operator of the API decides, and not who calls it."""


def options_of(command: str) -> dict[str, click.Parameter]:
    group = typer.main.get_command(app)
    assert isinstance(group, click.Group)
    parameters = group.commands[command].params
    return {name: each for each in parameters if each.name not in {*EVERYWHERE, "help"} for name in each.opts}


@pytest.mark.parametrize(
    ("request_type", "flow", "left_out"),
    [
        (DeliverRequest, deliver_notifications, set()),
        (DrillCheckRequest, drill_check, {"force"}),
        (AcknowledgeRequest, acknowledge_notification, set()),
        (ExceptionRequest, grant_exception, set()),
        (RetirementRequest, retire_schedule, set()),
        (AskRequest, request_exception, set()),
        (DecideRequest, decide_exception, set()),
        (DirectReplay, replay_notifications, set()),
        (ReplayWish, request_replay, set()),
        (ReplayApproval, approve_replay, set()),
        (ReplayExecution, execute_replay, set()),
        (RecordRequest, record_drill, set()),
        (EscalateRequest, escalate_unacknowledged, set()),
        (LookAheadRequest, look_ahead, set()),
        (AlarmPathRequest, alarm_path_drill, set()),
        (AuditDeliveryRequest, deliver_audit_package, set()),
        (GateRequest, release_gate, set()),
    ],
)
def test_a_form_has_the_fields_of_the_request_with_its_texts_and_bounds(
    request_type: type[BaseModel], flow: Flow[Any, Any], left_out: set[str]
) -> None:
    form = parameter_schema(flow.fn).model_dump()["properties"]

    fields = set(request_type.model_fields) - left_out
    assert set(inspect.signature(flow.fn).parameters) == set(form) == fields
    asked = request_type.model_json_schema(ref_template="#/definitions/{model}")["properties"]
    for name in fields:
        assert form[name]["description"] == explain_field(request_type, name)
        for bound in ("minimum", "maximum", "exclusiveMinimum", "anyOf", "enum"):
            assert form[name].get(bound) == asked[name].get(bound), (name, bound)


@pytest.mark.parametrize(
    "flow",
    [
        acknowledge_notification,
        alarm_path_drill,
        deliver_audit_package,
        deliver_notifications,
        drill_check,
        escalate_unacknowledged,
        grant_exception,
        request_exception,
        decide_exception,
        replay_notifications,
        request_replay,
        approve_replay,
        execute_replay,
        look_ahead,
        record_drill,
        release_gate,
        retire_schedule,
        review_notifications,
    ],
    ids=lambda flow: str(flow.name),
)
def test_a_form_offers_a_field_first_and_json_only_for_what_has_no_form(flow: Flow[Any, Any]) -> None:
    form = parameter_schema(flow.fn).model_dump()["properties"]

    first = {name: (says.get("anyOf") or [says])[0].get("type") for name, says in form.items()}
    no_field = {
        name for name, kind in first.items() if kind not in {"string", "number", "integer", "boolean"}
    }
    # a list of texts has fields of its own; any key of a document, and many routes at once, have none
    assert no_field <= {"evidence_refs", "further", "notification_ids", "routes"}


@pytest.mark.parametrize(
    ("request_type", "body", "of_the_path"),
    [
        (DeliverRequest, DeliverBody, DOCUMENTS),
        (AcknowledgeRequest, AcknowledgeBody, {"schedule_id", "routes"}),
        (AcknowledgeRequest, BulkBody, {"cycle_id", "plan_id", "schedule_id", "provider", "owner"}),
        (ExceptionRequest, ExceptionBody, {"schedule_id", "schedule", "history", "generated_by"}),
        (RetirementRequest, RetirementBody, {"schedule_id", "schedule", "history", "generated_by"}),
        (RecordRequest, RecordBody, {*DOCUMENTS, *HowToDeliver.model_fields, "create"}),
    ],
)
def test_a_body_has_the_fields_of_the_request_with_its_defaults(
    request_type: type[BaseModel], body: type[BaseModel], of_the_path: set[str]
) -> None:
    assert set(body.model_fields) == set(request_type.model_fields) - of_the_path
    for name, field in body.model_fields.items():
        # without a name it is that of the token, and many routes are named one by one; what is sent by HTTP
        # may arrive twice, and is known by its id and time
        own = {"acknowledged_by", "approver", "requested_by", "generated_by", "routes"}
        needed = {"schedule_id", "drill_id", "executed_at"} if body is RecordBody else set()
        if name not in own | needed:
            assert field.default == request_type.model_fields[name].default, name


@pytest.mark.parametrize(
    ("command", "request_type", "left_out"),
    [
        ("deliver", DeliverRequest, {"as_of"}),
        ("ack", AcknowledgeRequest, {"routes"}),
        ("skip", ExceptionRequest, {"exception"}),
        ("postpone", ExceptionRequest, {"exception"}),
        ("waive", ExceptionRequest, {"exception"}),
        ("retire", RetirementRequest, set()),
    ],
)
def test_a_command_has_an_option_for_every_field_of_the_request(
    command: str, request_type: type[BaseModel], left_out: set[str]
) -> None:
    options = options_of(command)

    wanted = {find_flag(name): name for name in request_type.model_fields if name not in left_out}
    assert {each.opts[0] for each in options.values()} == set(wanted)
    for flag, name in wanted.items():
        default = request_type.model_fields[name].get_default()
        option = options[flag]
        assert isinstance(option, click.Option)
        if name not in {"generated_by", "exception"} and option.default is not None and not option.required:
            assert option.default == default, flag


def test_the_command_takes_each_fact_of_a_drill_and_the_form_those_that_are_judged() -> None:
    details, request = set(DrillDetails.model_fields), set(RecordRequest.model_fields)
    of_deliveries = {"provider", "retries", "timeout_seconds"}

    wanted = (details | request) - of_deliveries - {"as_of", "further"}
    flags = {each.opts[0] for each in options_of("record").values()}
    assert flags == set(map(find_flag, wanted)) | {"--drill", "--from", "--as", "--deliver"}
    assert set(DrillFacts.model_fields) <= request
    assert details == set(Drill.__struct_fields__) - {"findings"}


def test_every_edge_takes_an_acknowledgement_of_the_same_length() -> None:
    longest = LONGEST_ACKNOWLEDGED_FOR / timedelta(days=1)
    too_long = longest + 0.001

    assert AcknowledgeBody(acknowledged_for_days=longest).acknowledged_for_days == longest
    form = parameter_schema(acknowledge_notification.fn).model_dump()["properties"]
    assert form["acknowledged_for_days"]["anyOf"][0]["maximum"] == longest
    assert f"at most {longest:g}" in str(getattr(options_of("ack")["--days"], "help", ""))
    with pytest.raises(ValidationError):
        AcknowledgeBody(acknowledged_for_days=too_long)
    with pytest.raises(UsageError, match=f"at most {longest:g}"):
        read_days(too_long)
    assert acknowledgement.LONGEST_ACKNOWLEDGED_FOR is LONGEST_ACKNOWLEDGED_FOR


def test_clocks_may_differ_by_the_same_everywhere() -> None:
    for module in (appender, outbox_transfer, outcome_checks, taken_outcomes):
        assert getattr(module, "CLOCK_SKEW") is CLOCK_SKEW  # noqa: B009 - they import it


def test_the_command_serves_with_the_limits_of_the_api() -> None:
    options, usual = options_of("api"), ApiOptions(list)

    assert options["--requests-per-second"].default == usual.requests_per_second
    assert options["--flow-timeout-seconds"].default == usual.flow_timeout_seconds
