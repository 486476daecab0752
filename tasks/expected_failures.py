"""Leaves out of a log the tracebacks of failures that the run explains in a line."""

import logging
from typing import Final

from prefect.exceptions import FailedRun

from rollback_drills.errors import DrillsError
from rollback_drills.redaction.log_filter import message_of

_REPEATED: Final = "exited with unexpected exception"
"""What Prefect logs of a run that ended as failed, after the line with its final state."""


class WithoutTraceback(logging.Filter):
    """Shortens the records of errors that say themselves what is wrong; other tracebacks stay.

    Add it to handlers, before filters that write the traceback.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Take the traceback out of the record; one that only repeats the final state does not pass."""
        if not record.exc_info:
            return True
        _, error, _ = record.exc_info
        if isinstance(error, DrillsError | FailedRun):
            message, text = message_of(record), str(error)
            if message.endswith(_REPEATED):
                return False
            record.msg, record.args = message if text in message else f"{message}: {text}", None
        elif error is not None:
            return True
        record.exc_info = record.exc_text = None
        return True
