"""An odd value in the form of a flow ends the run with one line that names the parameter."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from inspect import signature
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest
import yaml
from prefect import Flow
from pytest_httpserver import HTTPServer

from deployments.templates import DEPLOYMENTS
from flows.approve_replay import approve_replay
from flows.deliver_audit_package import deliver_audit_package
from flows.drill_check import drill_check
from flows.execute_replay import execute_replay
from flows.failing import refuse
from flows.replay_notifications import replay_notifications
from flows.request_replay import request_replay
from rollback_drills.errors import UsageError
from rollback_drills.followup.acknowledgements.acknowledgement import check_texts
from rollback_drills.recovery.act import Act
from tests.samples.builders import SCHEDULE

EAST = timezone(timedelta(hours=14))
WEST = timezone(timedelta(hours=-14))


def times() -> Iterator[tuple[Flow[..., Any], str]]:
    """Yield each parameter of a deployment that takes a time."""
    for each in yaml.safe_load(DEPLOYMENTS.path.read_text())["deployments"]:
        flow = resolve_name(each["entrypoint"])
        for name, parameter in signature(flow.fn).parameters.items():
            if "datetime" in str(parameter.annotation):
                yield flow, name


def test_some_parameters_take_a_time() -> None:
    assert {name for _, name in times()} >= {"as_of", "until", "since", "executed_at"}


@pytest.mark.parametrize(
    "at",
    [
        datetime(1, 1, 1, tzinfo=EAST),
        datetime(1899, 12, 31, tzinfo=UTC),
        datetime(9901, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, tzinfo=WEST),
    ],
)
@pytest.mark.parametrize(
    ("flow", "name"), [pytest.param(*each, id=f"{each[0].name}-{each[1]}") for each in times()]
)
def test_a_time_far_from_all_that_is_judged_is_refused(flow: Flow[..., Any], name: str, at: datetime) -> None:
    required = {"until": datetime(2027, 1, 1, tzinfo=UTC)}
    given = {
        each: required.get(each, "")
        for each, parameter in signature(flow.fn).parameters.items()
        if parameter.default is parameter.empty
    }

    with pytest.raises(Exception, match=f"{name}: .*it is not in the years 1900 to 9900"):
        flow.validate_parameters({**given, name: at.isoformat()})


@pytest.mark.parametrize("given", [20261130, "20261130", " 5 ", "1e9", "-3.5"])
def test_a_number_is_no_time(given: object) -> None:
    with pytest.raises(Exception, match=r"as_of: .*it is a number; write an ISO 8601 timestamp"):
        drill_check.validate_parameters({"as_of": given})


@pytest.mark.parametrize(
    "name", ["", "  ", "a\nb", "a\0b", "\u202egnp", "x" * 301, "ana@example.com", "password=hunter2hunter2"]
)
def test_who_asked_is_one_line_that_people_can_read_and_that_may_be_published(name: str) -> None:
    for each in yaml.safe_load(DEPLOYMENTS.path.read_text())["deployments"]:
        flow = resolve_name(each["entrypoint"])
        if "generated_by" in signature(flow.fn).parameters:
            required = {
                each: "2027-01-01T00:00:00Z"
                for each, parameter in signature(flow.fn).parameters.items()
                if parameter.default is parameter.empty
            }
            with pytest.raises(Exception, match="generated_by: "):
                flow.validate_parameters({**required, "generated_by": name})


@pytest.mark.usefixtures("prefect_server")
@pytest.mark.parametrize("provider", [" ", ",", "\t,"])
def test_a_package_for_no_connector_is_refused(url: str, receiver: HTTPServer, provider: str) -> None:
    state = deliver_audit_package(provider=provider, return_state=True)

    assert state.is_failed()
    assert state.message == "provider names no connector; name one, or leave it empty"


@pytest.mark.usefixtures("prefect_server")
def test_an_empty_policy_is_refused_as_other_empty_parameters(url: str, tmp_path: Path) -> None:
    (tmp_path / "schedule.json").write_text(json.dumps(SCHEDULE))

    state = drill_check(schedule=str(tmp_path / "schedule.json"), routing_policy=" ", return_state=True)

    assert state.message == "routing_policy is empty; give it a value or leave it out"


@pytest.mark.usefixtures("prefect_server")
@pytest.mark.parametrize("provider", ["a\nb", "\x1b[31mred", "x" * 20_000], ids=["lines", "escape", "huge"])
def test_the_message_of_a_run_is_one_line_that_can_be_read(provider: str, url: str, tmp_path: Path) -> None:
    (tmp_path / "schedule.json").write_text(json.dumps(SCHEDULE))

    state = drill_check(schedule=str(tmp_path / "schedule.json"), provider=provider, return_state=True)

    assert state.is_failed()
    assert (state.message or "").startswith("provider ")
    assert (state.message or "").isprintable()
    assert len(state.message or "") < 2100


def test_a_long_message_keeps_its_remedy() -> None:
    message = refuse(UsageError(f"is {'x' * 9000}; write it shorter", field="reason")).message or ""

    assert message.startswith("reason is xxx")
    assert message.endswith("xxx; write it shorter")


REPLAYS: dict[Flow[..., Any], tuple[dict[str, object], str]] = {
    replay_notifications: ({"reason": "why", "notification_ids": ["gordmsg-1"]}, "replayed_by"),
    request_replay: ({"reason": "why", "notification_ids": ["gordmsg-1"]}, "requested_by"),
    approve_replay: ({"replay_id": "gordreplay-1"}, "approved_by"),
    execute_replay: ({"replay_id": "gordreplay-1"}, "replayed_by"),
}


@pytest.mark.usefixtures("prefect_server")
@pytest.mark.parametrize(
    "name", [" ", "a\nb", "a\u202eb", "x" * 301], ids=["blank", "lines", "hidden", "huge"]
)
@pytest.mark.parametrize("flow", REPLAYS, ids=lambda flow: str(flow.name))
def test_a_replay_names_who_it_does_not_take_by_the_parameter_of_the_form(
    flow: Flow[..., Any], name: str, url: str
) -> None:
    others, field = REPLAYS[flow]

    state: Any = flow(**others, **{field: name}, return_state=True)

    assert state.is_failed()
    assert re.match(rf"{field} (is empty|holds|is longer)", state.message or ""), state.message


@pytest.mark.usefixtures("prefect_server")
@pytest.mark.parametrize("replay_id", ["", " ", "a\nb", "gordreplay-1", "x" * 20_000])
@pytest.mark.parametrize("flow", [approve_replay, execute_replay], ids=lambda flow: str(flow.name))
def test_a_replay_that_there_is_none_of_is_named_by_its_parameter(
    flow: Flow[..., Any], replay_id: str, url: str, tmp_path: Path
) -> None:
    (tmp_path / "schedule.json").write_text(json.dumps(SCHEDULE))
    drill_check(schedule=str(tmp_path / "schedule.json"), return_state=True)

    state: Any = flow(replay_id, "jo", return_state=True)

    assert state.is_failed()
    assert re.fullmatch(
        r'replay_id is ".*(["…]), which the evidence does not have; `drills outbox requests` shows the ids',
        state.message or "",
    )
    assert len(state.message or "") < 200


@pytest.mark.parametrize("name", ["a\nb", "\u200b", "maria\u200b", "x" * 301])
def test_the_evidence_names_people_so_that_readers_see_who_it_was(name: str) -> None:
    for field in ("acknowledged_by", "approver", "requested_by", "decided_by"):
        with pytest.raises(UsageError, match=rf"^{field} (holds|is longer)"):
            check_texts(**{field: name})
    with pytest.raises(UsageError, match=r"^by (holds|is longer)"):
        Act(name, "a good reason").check()
    with pytest.raises(UsageError, match=r"^by (holds|is longer)"):
        check_texts(by=name)

    check_texts(requested_by="Zoë Müller-Lüdenscheidt", notes="two\nlines 👩\u200d🚒")


@pytest.mark.parametrize("text", ["\u202egnp.exe", "\u200b", "x" * 4001])
def test_the_evidence_has_reasons_that_people_can_read(text: str) -> None:
    for field in ("reason", "notes", "external_ref"):
        with pytest.raises(UsageError, match=rf"^{field} (has|holds)"):
            check_texts(**{field: text})
    with pytest.raises(UsageError, match=r"^reason (has|holds)"):
        Act("maria", text).check()


@pytest.mark.usefixtures("prefect_server")
def test_a_lone_shard_names_the_provider_that_its_schedules_do_not_have(url: str, tmp_path: Path) -> None:
    document = {**SCHEDULE, "schedule_id": "payments", "notification_providers": ["webhook"]}
    (tmp_path / "payments.json").write_text(json.dumps(document))

    state = drill_check(schedule=str(tmp_path), shard="1/1", provider="slak", return_state=True)

    assert "; nobody is notified through slak: payments has webhook;" in f"{state.message};"


@pytest.mark.usefixtures("prefect_server")
def test_a_provider_without_dead_letters_is_named(url: str, tmp_path: Path) -> None:
    (tmp_path / "schedule.json").write_text(json.dumps(SCHEDULE))
    drill_check(schedule=str(tmp_path / "schedule.json"), return_state=True)

    for flow, by in ((replay_notifications, "replayed_by"), (request_replay, "requested_by")):
        state = flow(reason="why", provider="slak", **{by: "maria"}, return_state=True)
        assert state.message == 'provider is "slak", which has no dead letters that matter'
