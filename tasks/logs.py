"""Keeps secrets out of what a run logs, raises and ends with, and its log short."""

import logging
import traceback
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from msgspec import Struct
from prefect import State

from rollback_drills.documents.plain_json import to_plain
from rollback_drills.errors import DrillsError
from rollback_drills.notifications.results import DeliveryFailedError
from rollback_drills.redaction.log_filter import RedactingFilter
from rollback_drills.redaction.redactor import redactor_in_use
from tasks.expected_failures import WithoutTraceback

P = ParamSpec("P")
T = TypeVar("T")


def redacting(step: Callable[P, T]) -> Callable[P, T]:
    """Redact what a function logs, raises and ends with, for Prefect stores all three.

    A state keeps its type and name; its result becomes plain values. Of other data, only what is made of JSON
    is looked at. An error of this
    program keeps its type; any other one that holds a secret becomes a RuntimeError that names its type.
    """
    filter_logs()  # Prefect logs the parameters that it refuses, before it calls the flow

    @wraps(step)
    def redacted(*args: P.args, **kwargs: P.kwargs) -> T:
        filter_logs()
        try:
            result = step(*args, **kwargs)
        except Exception as error:
            failure = _redact_error(error)
            if failure is error:
                raise
        else:
            return _redact_state(result) if isinstance(result, State) else result
        raise failure  # out of the handler, so that it does not carry the error that holds the secret

    return redacted


def filter_logs() -> None:
    """Let every handler of this process redact what it writes, without the tracebacks of expected failures.

    To call it again costs and changes nothing.
    """
    for handler in _handlers():
        if not any(isinstance(each, RedactingFilter) for each in handler.filters):
            handler.addFilter(WithoutTraceback())
            handler.addFilter(RedactingFilter())


def _handlers() -> Iterator[logging.Handler]:
    if logging.lastResort:
        yield logging.lastResort
    yield from logging.root.handlers
    for logger in list(logging.root.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger):  # not the place of one that nobody has asked for
            yield from logger.handlers


def _redact_error(error: Exception) -> Exception:
    """Return the error itself if nothing of it, its notes or its causes is secret."""
    redactor = redactor_in_use()
    whole = "".join(line for each in _causes(error) for line in traceback.format_exception_only(each))
    if redactor.text(whole) == whole:
        return error
    message = redactor.text(str(error))
    if isinstance(error, DeliveryFailedError):
        failure: Exception = DeliveryFailedError(message, _to_stored(error.result))
    elif isinstance(error, DrillsError):
        failure = type(error)(message)
    else:
        failure = RuntimeError(f"{type(error).__name__}: {message}")
    return failure.with_traceback(error.__traceback__)


def _causes(error: BaseException) -> Iterator[BaseException]:
    pending, seen = [error], set[int]()
    while pending:
        current = pending.pop()
        if id(current) not in seen:
            seen.add(id(current))
            yield current
            inner = (current.__cause__, current.__context__, *getattr(current, "exceptions", ()))
            pending += [each for each in inner if each is not None]


def _redact_state(state: State[Any]) -> Any:
    # In place: a copy of a state has neither its id nor its time.
    redactor = redactor_in_use()
    if state.message is not None:
        state.message = redactor.text(state.message)
    if isinstance(state.data, DeliveryFailedError):
        state.data = DeliveryFailedError(redactor.text(str(state.data)), _to_stored(state.data.result))
    elif isinstance(state.data, Struct | dict):
        state.data = _to_stored(state.data)
    elif isinstance(state.data, Exception):
        state.data = _redact_error(state.data)
    return state


def _to_stored(result: Any) -> Any:
    """Return a result as Prefect stores it: as plain values, so that who reads it needs no class of ours."""
    redacted = redactor_in_use().document(result)
    return to_plain(redacted) if isinstance(redacted, Struct) else redacted
