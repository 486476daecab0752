"""Reads answers of ServiceNow's Table API: records, and reasons for refusals."""

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from blocks.http.exchange import Response
from blocks.http.json_values import Json, JsonObject, as_text
from blocks.http.responses import (
    join_texts,
    judge_addition,
    judge_lacking,
    judge_status,
    retry_at_epoch_seconds,
    with_wait,
)
from rollback_drills.notifications.outcome import Outcome, Verdict

_NUMBER: Final = re.compile(r"[A-Za-z0-9_-]{1,40}", re.ASCII)
_SYS_ID: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Record:
    """The fields of a row that we read."""

    sys_id: str
    number: str = ""
    """The number that people know; not every table has one."""
    state: str = ""
    correlation_id: str = ""
    correlation_display: str = ""
    is_active: bool = True

    @property
    def name(self) -> str:
        """The name that people use."""
        return self.number or self.sys_id

    @property
    def ref(self) -> str:
        """The reference that later messages use and people see: `INC0010001 <sys_id>`."""
        return f"{self.number} {self.sys_id}".strip()


def record_of(ref: str) -> Record | None:
    """Read back the `ref` of a record; None if it is none."""
    number, _, sys_id = ref.rpartition(" ")
    if _SYS_ID.fullmatch(sys_id) and (not number or _NUMBER.fullmatch(number)):
        return Record(sys_id, number)
    return None


def judge_refusal(response: Response) -> Verdict:
    """Judge a refused request, with the time to wait."""
    error = response.json_object().get("error")
    messages = [error.get("message"), error.get("detail")] if isinstance(error, dict) else [error]
    verdict = judge_status(response, hint=join_texts(*messages) or None)
    return with_wait(verdict, retry_at_epoch_seconds(response, "x-ratelimit-reset"))


def judge_written(response: Response, did: str, known: Record | None = None) -> Verdict:
    """Count a 2xx with the record, or a 204 without, as delivered."""
    status = response.status_code
    if status >= HTTPStatus.MULTIPLE_CHOICES:
        return judge_addition(response, judge_refusal(response))
    record = known if status == HTTPStatus.NO_CONTENT else _record(response.json_object().get("result"))
    if record:
        return Verdict(Outcome.DELIVERED, f"{did} {record.name}", status, external_ref=record.ref)
    if status == HTTPStatus.NO_CONTENT:
        return Verdict(Outcome.DELIVERED, f"{did} a record that was not named", status)
    return not_a_table(response, "a record")


def read_records(response: Response) -> list[Record] | Verdict:
    """Read the row or rows of an answer; a verdict that failed if there is neither."""
    if response.status_code >= HTTPStatus.MULTIPLE_CHOICES:
        return judge_refusal(response)
    result = response.json_object().get("result")
    rows = result if isinstance(result, list) else [result]
    records = [record for row in rows if (record := _record(row))]
    return records if len(records) == len(rows) else not_a_table(response, "rows")


def not_a_table(response: Response, lacks: str) -> Verdict:
    """Judge a success without the content of an answer of the Table API."""
    status = response.status_code
    if response.is_html:
        page = f"answered {status} with an html page: a login form, or a hibernating instance"
        return Verdict(Outcome.PERMANENT, page, status)
    return judge_lacking(response, f"{lacks}; is this a table api?")


def _record(row: Json) -> Record | None:
    if not isinstance(row, dict) or not _SYS_ID.fullmatch(_text(row, "sys_id")):
        return None
    number = _text(row, "number")
    return Record(
        _text(row, "sys_id"),
        number if _NUMBER.fullmatch(number) else "",
        _text(row, "state"),
        _text(row, "correlation_id"),
        _text(row, "correlation_display"),
        is_active=_text(row, "active") != "false",
    )


def _text(row: JsonObject, name: str) -> str:
    return as_text(row.get(name))
