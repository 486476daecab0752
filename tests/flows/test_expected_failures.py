"""A failure that a run explains leaves no traceback in its log; what nobody expects leaves one."""

import io
import logging

import pytest
from prefect.exceptions import FailedRun

from rollback_drills.errors import DrillsError
from rollback_drills.redaction.log_filter import RedactingFilter
from tasks.expected_failures import WithoutTraceback

REPEATED = "Engine execution exited with unexpected exception"


def log(error: Exception | None, message: str) -> str:
    """Log an error through the filters of a run, and return what is written."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.addFilter(WithoutTraceback())
    handler.addFilter(RedactingFilter())
    known = (type(error), error, error.__traceback__) if error else (None, None, None)
    handler.handle(logging.makeLogRecord({"msg": message, "exc_info": known}))
    return written.getvalue()


@pytest.mark.parametrize("error", [DrillsError("webhook is down"), FailedRun("webhook is down")])
def test_what_the_final_state_says_already_is_not_repeated(error: Exception) -> None:
    assert log(error, REPEATED) == ""


def test_an_error_of_this_program_is_a_line() -> None:
    said = "Task run failed with exception: DrillsError('webhook is down')"

    assert log(DrillsError("webhook is down"), said) == f"{said}\n"
    assert log(DrillsError("webhook is down"), "It failed") == "It failed: webhook is down\n"


def test_no_error_leaves_no_word_of_it() -> None:
    assert log(None, "Task run failed with state") == "Task run failed with state\n"


@pytest.mark.parametrize("message", [REPEATED, "It failed"])
def test_an_error_that_nobody_expects_keeps_its_traceback(message: str) -> None:
    written = log(KeyError("a fault of ours"), message)

    assert written.startswith(f"{message}\nKeyError")
    assert written.endswith("KeyError: 'a fault of ours'\n")
