"""Takes secrets out of the records of a log."""

import logging
import traceback
from typing import Final

from rollback_drills.redaction.redactor import Redactor, redactor_in_use

_RECORD_FIELDS: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class RedactingFilter(logging.Filter):
    """Redacts the message, the traceback and the extra texts of every record that passes.

    Add it to handlers: a filter of a logger does not see the records of the loggers below it.
    """

    def __init__(self, redactor: Redactor | None = None) -> None:
        """Redact with this redactor; by default with everything in use at the moment of the record."""
        super().__init__()
        self._redactor = redactor

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record where it holds a secret; every record passes."""
        redactor = self._redactor or redactor_in_use()
        if record.exc_info and not record.exc_text:
            record.exc_text = "".join(traceback.format_exception(*record.exc_info)).rstrip()
        message = message_of(record)
        texts = {name: value for name, value in vars(record).items() if _is_shown(name, value)}
        whole = "\n".join((message, *texts.values()))
        if redactor.text(whole) == whole:  # nearly always
            return True
        record.msg, record.args, record.exc_info = redactor.text(message), None, None
        for name, text in texts.items():
            setattr(record, name, redactor.text(text))
        return True


def message_of(record: logging.LogRecord) -> str:
    """Return the message of a record, also if its arguments do not fit."""
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - arguments that do not fit are for the handler to report, not for a filter
        return f"{record.msg} {record.args}"


def _is_shown(name: str, value: object) -> bool:
    is_text = name in ("exc_text", "stack_info") or name not in _RECORD_FIELDS
    return is_text and isinstance(value, str)
