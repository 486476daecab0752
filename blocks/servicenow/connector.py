"""ServiceNow: one record per cycle and owner, through the Table API."""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import ClassVar, Final, Literal
from urllib.parse import quote

from pydantic import Field, HttpUrl

from blocks.addresses import basic_authorization, site_problem
from blocks.http.connector import Conversation, HttpConnector
from blocks.http.exchange import PreparedRequest, Response, api_request
from blocks.http.json_values import to_json
from blocks.secret_fields import SecretBlock, open_secret
from blocks.servicenow.answers import (
    Record,
    judge_refusal,
    judge_written,
    not_a_table,
    read_records,
    record_of,
)
from blocks.servicenow.text import close_notes, correlation, record_fields, work_note
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Outcome, Verdict
from rollback_drills.notifications.reasons import Reason

# Only the fields that we read come back, instead of the whole record.
_NAMED: Final = "sysparm_fields=sys_id,number"
_READ: Final = "sysparm_fields=sys_id,number,state,active,correlation_id,correlation_display"


class ServiceNowConnector(HttpConnector):
    """Creates a record in a ServiceNow table, writes work notes to it, and resolves it."""

    _block_type_name: ClassVar[str | None] = "Rollback drills: ServiceNow"
    _block_type_slug: ClassVar[str | None] = "rollback-drills-servicenow"
    _documentation_url: ClassVar[HttpUrl | None] = HttpUrl(
        "https://www.servicenow.com/docs/bundle/zurich-api-reference/page/integrate/inbound-rest/concept/c_TableAPI.html"
    )

    can_find: ClassVar[bool] = True

    site_url: str = Field(description="Address of the instance.")
    credential: SecretBlock = Field(
        title="Credential", description="Password, OAuth access token or API key."
    )
    authentication: Literal["basic", "bearer", "api-key"] = Field(
        default="basic", description="What the credential is: basic (password), bearer (token) or api-key."
    )
    user: str = Field(default="", description="User for a password; unused otherwise.")
    table: str = Field(default="incident", pattern=r"^[a-z0-9_]+$", description="Table that gets the record.")
    title: str = Field(default="", max_length=60, description="Prefix of every short description.")
    extra_fields: dict[str, str] = Field(
        default_factory=dict, description="Further fields of the record, such as assignment_group."
    )
    close_fields: dict[str, str] = Field(
        default_factory=lambda: {"state": "6", "close_code": "Solution provided"},
        description="Fields that resolve a record; most instances require a close_code.",
    )

    def configuration_problem(self) -> str:
        """Return what is wrong with the settings, without a secret; empty if nothing is."""
        problem = site_problem(self.site_url, "the site_url of servicenow", path="/api/now/")
        if problem or self.authentication != "basic":
            return problem
        if not self.user:
            return "servicenow requires the user of the password"
        # https://www.rfc-editor.org/rfc/rfc7617#section-2
        return "the user of servicenow must not contain a colon" if ":" in self.user else ""

    def prepare(self, notification: Notification, *, now: datetime) -> PreparedRequest:
        """Build the first request: it creates the record, writes to it, or looks for it."""
        del now
        record = record_of(notification.earlier_ref)
        if _looks_first(notification):
            return self._lookup(notification, record)
        return self._write(notification, record)

    def judge(self, response: Response) -> Verdict:
        """Count a 2xx with the id of the new record as delivered."""
        return judge_written(response, "created")

    def converse(self, notification: Notification, *, now: datetime) -> Conversation[Verdict]:
        """Create the record, write to the existing one, or resolve it."""
        del now
        record = record_of(notification.earlier_ref)
        if _looks_first(notification):
            found = yield from self._find(notification)
            if isinstance(found, Verdict):
                return found
            record = found
        if notification.is_closing:
            return (yield from self._close(notification, record))
        response = yield self._write(notification, record)
        return judge_written(response, "updated", record) if record else self.judge(response)

    def search(self, notification: Notification, *, now: datetime) -> Conversation[Verdict | None]:
        """Look whether the record names the notification as the latest that was written to it."""
        del now
        found = yield from self._find(notification)
        if isinstance(found, Verdict):
            return found
        if found is None or notification.notification_id not in found.correlation_display:
            return None
        detail = f"{found.name} names the notification"
        return Verdict(Outcome.DELIVERED, detail, HTTPStatus.OK, external_ref=found.ref)

    def prepare_trial(self, *, now: datetime) -> PreparedRequest:
        """Read one row of the table."""
        del now
        return self._request("GET", "", "sysparm_limit=1&sysparm_fields=sys_id")

    def judge_trial(self, response: Response) -> Verdict:
        """Accept a 2xx with a list as proof that the table can be read."""
        if response.status_code >= HTTPStatus.MULTIPLE_CHOICES:
            return judge_refusal(response)
        if not isinstance(response.json_object().get("result"), list):
            return not_a_table(response, "rows")
        return Verdict(Outcome.DELIVERED, f"table {self.table} can be read", response.status_code)

    def secret_values(self) -> list[str]:
        """Open every secret of the connector, for the redactor."""
        credential = open_secret(self.credential)
        return [credential, f"{self.user}:{credential}"]

    def _find(self, notification: Notification) -> Conversation[Record | Verdict | None]:
        """Find the record of a notification; return a failed verdict if that is not possible."""
        records = read_records((yield self._lookup(notification, record_of(notification.earlier_ref))))
        if isinstance(records, Verdict):
            return records
        # Without glide.invalid_query.returns_no_rows an instance drops what it does not understand of a
        # query, and answers with the records of others.
        if any(record.correlation_id != correlation(notification) for record in records):
            return _refused("the instance returned a record of somebody else; nothing was written")
        if len(records) > 1:
            names = " and ".join(record.name for record in records)
            return _refused(f"{names} have the same correlation_id; close all except one")
        return records[0] if records else None

    def _close(self, notification: Notification, record: Record | None) -> Conversation[Verdict]:
        if record is None:
            return Verdict(Outcome.DELIVERED, "no open record was found", HTTPStatus.OK)
        if not record.is_active or record.state == self.close_fields.get("state"):
            done = f"{record.name} was resolved already"
            return Verdict(Outcome.DELIVERED, done, HTTPStatus.OK, external_ref=record.ref)
        fields = {"close_notes": close_notes(notification), **self.close_fields, **work_note(notification)}
        return judge_written((yield self._update(record, fields)), "resolved", record)

    def _lookup(self, notification: Notification, record: Record | None) -> PreparedRequest:
        if record:
            return self._request("GET", f"/{record.sys_id}", _READ)
        query = quote(f"correlation_id={correlation(notification)}", safe="")
        return self._request("GET", "", f"sysparm_query={query}&{_READ}&sysparm_limit=2")

    def _write(self, notification: Notification, record: Record | None) -> PreparedRequest:
        if record:
            return self._update(record, work_note(notification))
        ours = record_fields(notification, self.title)
        content = to_json({"urgency": "3", "impact": "3", **self.extra_fields, **ours})
        return self._request("POST", "", _NAMED, content)

    def _update(self, record: Record, fields: Mapping[str, str]) -> PreparedRequest:
        return self._request("PATCH", f"/{record.sys_id}", _NAMED, to_json(fields))

    def _request(self, method: str, row: str, query: str, content: bytes = b"") -> PreparedRequest:
        url = f"{self.site_url.rstrip('/')}/api/now/table/{self.table}{row}?{query}"
        return api_request(method, url, self._authorization(), content)

    def _authorization(self) -> dict[str, str]:
        credential = open_secret(self.credential)
        match self.authentication:
            case "api-key":
                return {"x-sn-apikey": credential}
            case "bearer":
                return {"authorization": f"Bearer {credential}"}
            case "basic":
                return {"authorization": basic_authorization(self.user, credential)}


def _looks_first(notification: Notification) -> bool:
    """Whether the record must be read before anything is written."""
    is_known = record_of(notification.earlier_ref) is not None
    return notification.is_closing or not (is_known or notification.reason is Reason.FIRST)


def _refused(why: str) -> Verdict:
    return Verdict(Outcome.PERMANENT, why, HTTPStatus.OK)
