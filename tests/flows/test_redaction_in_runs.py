"""What a run logs, raises, ends with and publishes holds no secret that the process has opened."""

import io
import logging
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from prefect import State, flow, task
from prefect.blocks.system import Secret
from prefect.client.orchestration import get_client
from prefect.logging import get_run_logger
from prefect.logging.handlers import APILogHandler
from prefect.states import Completed, Failed

from blocks.jsm import JsmConnector
from blocks.secret_fields import open_secret
from blocks.sentinel import SentinelConnector
from flows.drill_check import drill_check
from rollback_drills.database.errors import ConflictError
from rollback_drills.notifications.outcome import Outcome, Verdict
from rollback_drills.notifications.results import DeliveryFailedError
from rollback_drills.redaction.log_filter import RedactingFilter
from rollback_drills.redaction.redactor import REDACTED, redactor_in_use
from tasks.logs import filter_logs, redacting

SECRET = "k3y-0123456789/abc"


@pytest.fixture(autouse=True)
def opened(nothing_in_use: None) -> Iterator[None]:
    """Begin as a process that has opened one secret."""
    open_secret(Secret(value=SECRET))
    yield
    for handler in all_handlers():
        handler.filters = [each for each in handler.filters if not isinstance(each, RedactingFilter)]


def all_handlers() -> Iterator[logging.Handler]:
    loggers = [logging.getLogger(name) for name in logging.root.manager.loggerDict]
    for logger in (logging.root, *loggers):
        yield from logger.handlers


def raise_it(error: Exception) -> Callable[[], None]:
    """Return a step that raises."""

    @redacting
    def step() -> None:
        raise error

    return step


def test_an_error_of_this_program_keeps_its_type() -> None:
    with pytest.raises(ConflictError) as raised:
        raise_it(ConflictError(f"the database refuses {SECRET}"))()
    assert str(raised.value) == f"the database refuses {REDACTED}"


def test_any_other_error_is_named_and_carries_nothing_along() -> None:
    error = ValueError(f"no number: {SECRET}")
    error.add_note(SECRET)
    with pytest.raises(RuntimeError) as raised:
        raise_it(error)()
    assert str(raised.value) == f"ValueError: no number: {REDACTED}"
    assert SECRET not in "".join(traceback.format_exception(raised.value))
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None


@pytest.mark.parametrize("link", ["__cause__", "__context__"])
def test_a_secret_in_a_cause_is_found_too(link: str) -> None:
    error = KeyError("harmless")
    setattr(error, link, ValueError(SECRET))
    with pytest.raises(RuntimeError, match="KeyError") as raised:
        raise_it(error)()
    assert SECRET not in "".join(traceback.format_exception(raised.value))


def test_an_error_without_a_secret_is_raised_as_it_is() -> None:
    error = ValueError("no number: 7")
    with pytest.raises(ValueError, match="7") as raised:
        raise_it(error)()
    assert raised.value is error


def end(state: State[Any]) -> State[Any]:
    """End a step with a state."""
    return redacting(lambda: state)()


def test_a_state_keeps_what_it_is_and_loses_the_secret() -> None:
    state: State[Any] = Completed(
        name="Ready", message=f"took {SECRET}", data={"plan": [{"reason": SECRET}, 7, None]}
    )
    identity = state.id, state.timestamp

    ended = end(state)

    assert (ended.id, ended.timestamp) == identity

    assert (ended.type.value, ended.name, ended.message) == ("COMPLETED", "Ready", f"took {REDACTED}")
    assert ended.data == {"plan": [{"reason": REDACTED}, 7, None]}


def test_the_documents_of_a_failed_run_are_looked_at_too() -> None:
    ended = end(Failed(message="no", data=DeliveryFailedError(SECRET, {"runs": [SECRET]})))

    assert isinstance(ended.data, DeliveryFailedError)
    assert (str(ended.data), ended.data.result) == (REDACTED, {"runs": [REDACTED]})


def test_parameters_that_prefect_refuses_are_logged_without_secrets() -> None:
    logged = io.StringIO()
    handler = logging.StreamHandler(logged)
    logger = logging.getLogger("prefect.flows")
    logger.addHandler(handler)
    try:
        redacting(lambda: None)
        with pytest.raises(Exception, match="retries"):
            drill_check.validate_parameters({"retries": SECRET})
    finally:
        logger.removeHandler(handler)

    assert f"{{'retries': '{REDACTED}'}}" in logged.getvalue()
    assert SECRET not in logged.getvalue()


class Result(msgspec.Struct):
    """What a run ends with."""

    reason: str
    count: int = 1


def test_a_result_becomes_plain_values_which_need_no_class_of_ours() -> None:
    plain = {"reason": f"took {REDACTED}", "count": 1}

    assert end(Completed(data=Result(f"took {SECRET}"))).data == plain
    failed = end(Failed(data=DeliveryFailedError("no", Result(f"took {SECRET}")))).data
    assert isinstance(failed, DeliveryFailedError)
    assert failed.result == plain


def test_data_without_a_secret_stays_the_same_object() -> None:
    data = {"plan": [1.5, "ready"]}
    assert end(Completed(data=data)).data is data


def test_what_is_more_than_json_is_looked_at_as_far_as_it_goes() -> None:
    other = object()
    assert end(Completed(data={"a": SECRET, "b": other})).data == {"a": REDACTED, "b": other}


def test_every_handler_gets_one_filter() -> None:
    filter_logs()
    filter_logs()

    handlers = list(all_handlers())
    assert any(isinstance(each, APILogHandler) for each in handlers)
    for handler in handlers:
        assert sum(isinstance(each, RedactingFilter) for each in handler.filters) == 1


def test_the_secret_of_another_connector_is_taken_out_of_a_verdict() -> None:
    connector = JsmConnector(api_key=Secret(value="own-k3y-987654321"))

    verdict = connector.redacted(
        Verdict(Outcome.PERMANENT, f"{SECRET} own-k3y-987654321", external_ref=SECRET)
    )

    assert verdict.detail == f"{REDACTED} {REDACTED}"
    assert verdict.external_ref == REDACTED


def test_an_access_token_is_in_use_from_the_first_verdict_on() -> None:
    connector = SentinelConnector(
        tenant="t.example.invalid",
        client_id="drills",
        client_secret=Secret(value="own-k3y-987654321"),
        endpoint_url="https://e.example.invalid",
        rule_id="dcr-1",
    )
    connector._known_tokens = ("opaque-t0ken-5",)

    connector.redacted(Verdict(Outcome.DELIVERED))

    assert redactor_in_use().text("opaque-t0ken-5") == REDACTED


def find_logs(flow_run_id: Any) -> str:
    """Return what the server has of the logs of a run."""
    with get_client(sync_client=True) as client:
        found = client.request(
            "POST", "/logs/filter", json={"logs": {"flow_run_id": {"any_": [str(flow_run_id)]}}}
        )
    return "\n".join(each["message"] for each in found.json())


@pytest.mark.usefixtures("prefect_server")
def test_the_server_gets_neither_log_nor_message_with_a_secret(caplog: pytest.LogCaptureFixture) -> None:
    @task
    @redacting
    def refuse() -> State[None]:
        return Failed(message=f"refused {SECRET}")

    @task
    @redacting
    def break_down() -> None:
        get_run_logger().warning("sent to %s", SECRET)
        raise ValueError(f"no number: {SECRET}")

    @flow
    @redacting
    def careless() -> State[None]:
        assert refuse(return_state=True).message == f"refused {REDACTED}"
        state = break_down(return_state=True)
        assert (
            state.message
            == f"Task run encountered an exception RuntimeError: ValueError: no number: {REDACTED}"
        )
        return Failed(message=f"could not use {SECRET}")

    state = careless(return_state=True)
    assert state.message == f"could not use {REDACTED}"
    APILogHandler().flush()
    run_id = state.state_details.flow_run_id
    logs = find_logs(run_id)
    assert f"sent to {REDACTED}" in logs
    assert f"no number: {REDACTED}" in logs  # in the traceback
    assert SECRET not in logs
    assert SECRET not in caplog.text


@pytest.mark.usefixtures("prefect_server")
def test_a_refused_parameter_is_not_repeated_in_the_message_of_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRILLS_DATABASE_URL", f"sqlite:///{tmp_path / 'evidence.db'}")

    state = drill_check(provider=SECRET, dry_run=True, return_state=True)

    assert state.type.value == "FAILED"
    assert REDACTED in str(state.message)
    assert SECRET not in str(state.message)
