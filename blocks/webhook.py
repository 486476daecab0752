"""The generic webhook: posts the event document, signed after Standard Webhooks if a secret is set."""

import binascii
import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import ClassVar, Final, Literal

from pydantic import Field, HttpUrl, PrivateAttr

from blocks.addresses import address_problem, public_origin
from blocks.connector import ConnectorError
from blocks.http.connector import HttpConnector
from blocks.http.exchange import ANY_JSON, PreparedRequest, Response
from blocks.http.json_values import JsonObject, to_json
from blocks.http.responses import judge_status
from blocks.secret_fields import OptionalSecretBlock, SecretBlock, open_secret
from blocks.webhook_headers import SIGNATURE, find_conflict, read_headers
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Verdict
from rollback_drills.redaction.redactor import REDACTED

_SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - the prefix of every secret, not a secret
_KEY_BYTES: Final = range(24, 65)
# The endpoint is gone, hidden or closed to us; all four need a person.
_DEAD: Final = frozenset({401, 403, 404, 410})


@dataclass(frozen=True, slots=True)
class _Opened:
    """The parts that all requests of a connector share; thousands may be built in a second."""

    url: str = field(repr=False)
    public_url: str
    headers: Mapping[str, str] = field(repr=False)
    signing_keys: tuple[bytes, ...] = field(repr=False)


class WebhookConnector(HttpConnector):
    """Posts the event document of a notification to any HTTPS endpoint."""

    _block_type_name: ClassVar[str | None] = "Rollback drills: webhook"
    _block_type_slug: ClassVar[str | None] = "rollback-drills-webhook"
    _documentation_url: ClassVar[HttpUrl | None] = HttpUrl("https://www.standardwebhooks.com/")

    workers: ClassVar[int] = 16
    judges_by_status: ClassVar[bool] = True
    may_be_empty: ClassVar[frozenset[str]] = frozenset({"authorization_scheme"})

    url: SecretBlock = Field(
        title="URL", description="Address that receives the event; the whole URL is secret."
    )
    method: Literal["POST", "PUT", "PATCH"] = Field(default="POST", description="HTTP method.")
    authorization: OptionalSecretBlock = Field(
        default=None,
        title="Authorization",
        description="Credential for the Authorization header, or its whole value.",
    )
    authorization_scheme: str = Field(
        default="Bearer",
        pattern=r"^[\w-]*$",
        description="Scheme before the credential, unless the credential includes one; may be empty.",
    )
    api_key: OptionalSecretBlock = Field(
        default=None, title="API key", description="Key for a separate header."
    )
    api_key_header: str = Field(
        default="x-api-key", pattern=r"^[\w-]+$", description="Name of the header for the key."
    )
    headers: OptionalSecretBlock = Field(
        default=None, title="Further headers", description="JSON object with additional headers."
    )
    signing_secret: OptionalSecretBlock = Field(
        default=None,
        title="Signing secret",
        description="Standard Webhooks secret, whsec_ and base64; two, separated by a space, while rotating.",
    )

    _known_opened: _Opened | None = PrivateAttr(default=None)

    def configuration_problem(self) -> str:
        """Return what is wrong with the settings, without a secret; empty if nothing is."""
        problem = address_problem(open_secret(self.url), "the url of the webhook")
        if problem:
            return problem
        try:
            further = self._own_headers()
            self._signing_keys()
        except ConnectorError as error:
            return str(error)
        return find_conflict(
            further,
            has_credential=self.authorization is not None,
            key_header="" if self.api_key is None else self.api_key_header,
            is_signed=self.signing_secret is not None,
        )

    def prepare(self, notification: Notification, *, now: datetime) -> PreparedRequest:
        """Build the request. The body is the event itself: receivers expect its keys at the top."""
        opened = self._opened()
        content = to_json(_event(notification))
        timestamp = str(int(now.timestamp()))
        headers = {
            **opened.headers,
            "idempotency-key": notification.notification_id,
            "webhook-id": notification.notification_id,
            "webhook-timestamp": timestamp,
        }
        if opened.signing_keys:
            signed = f"{notification.notification_id}.{timestamp}.".encode() + content
            headers[SIGNATURE] = " ".join(_sign(key, signed) for key in opened.signing_keys)
        return PreparedRequest(self.method, opened.url, opened.public_url, headers, content)

    def judge(self, response: Response) -> Verdict:
        """Count any 2xx as delivered."""
        return judge_status(response, dead=_DEAD)

    def secret_values(self) -> list[str]:
        """Open every secret of the connector, for the redactor."""
        values = [*super().secret_values(), *self._own_headers().values()]
        if self.authorization is not None:
            values += open_secret(self.authorization).split()
        if self.signing_secret is not None:
            values += open_secret(self.signing_secret).split()
        return values

    def _opened(self) -> _Opened:
        if self._known_opened is None:
            url = open_secret(self.url)
            headers = {**ANY_JSON, **self._own_headers()}
            if self.authorization is not None:
                headers["authorization"] = self._authorization_header(open_secret(self.authorization))
            if self.api_key is not None:
                headers[self.api_key_header.lower()] = open_secret(self.api_key)
            public_url = f"{public_origin(url)}/{REDACTED}"
            self._known_opened = _Opened(url, public_url, headers, tuple(self._signing_keys()))
        return self._known_opened

    def _authorization_header(self, credential: str) -> str:
        has_scheme = " " in credential or not self.authorization_scheme
        return credential if has_scheme else f"{self.authorization_scheme} {credential}"

    def _own_headers(self) -> dict[str, str]:
        if self.headers is None:
            return {}
        return read_headers(open_secret(self.headers))

    def _signing_keys(self) -> list[bytes]:
        if self.signing_secret is None:
            return []
        try:
            keys = [
                b64decode(secret.removeprefix(_SECRET_PREFIX), validate=True)
                for secret in open_secret(self.signing_secret).split()
            ]
        except binascii.Error:
            keys = []
        if not keys or any(len(key) not in _KEY_BYTES for key in keys):
            raise ConnectorError(
                "the signing secret of the webhook must be whsec_ and base64 of 24 to 64 bytes"
            )
        return keys


def _event(notification: Notification) -> JsonObject:
    """Add the id of the notification and its reason to the event."""
    event = {
        **notification.event,
        "notification_id": notification.notification_id,
        "reason": notification.reason,
    }
    if notification.links:
        event["links"] = [each._asdict() for each in notification.links]
    return {**event, "may_repeat": True} if notification.may_repeat else event


def _sign(key: bytes, signed: bytes) -> str:
    """Sign one delivery.

    https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    """
    return "v1," + b64encode(hmac.new(key, signed, sha256).digest()).decode()
