"""The generic webhook: posts the event document, signed after Standard Webhooks if a secret is set."""

import binascii
import hmac
import json
from base64 import b64decode, b64encode
from datetime import datetime
from hashlib import sha256
from typing import ClassVar, Final, Literal

from pydantic import Field, HttpUrl

from blocks.addresses import address_problem, public_origin
from blocks.connector import ANY_JSON, Connector, ConnectorError, SecretBlock, open_secret
from blocks.exchange import PreparedRequest, Response
from blocks.responses import judge_status
from blocks.text import to_json
from rollback_drills.delivery.outcome import Verdict
from rollback_drills.notification import Notification
from rollback_drills.redaction import REDACTED

_SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - the prefix of every secret, not a secret
# The endpoint is gone, hidden or closed to us; all four need a person.
_DEAD: Final = frozenset({401, 403, 404, 410})


class WebhookConnector(Connector):
    """Posts the event document of a notification to any HTTPS endpoint.

    Example:
        ```python
        from blocks.webhook import WebhookConnector

        connector = WebhookConnector.load("BLOCK_NAME")
        ```
    """

    _block_type_name: ClassVar[str | None] = "Rollback drills: webhook"
    _block_type_slug: ClassVar[str | None] = "rollback-drills-webhook"
    _documentation_url: ClassVar[HttpUrl | None] = HttpUrl("https://www.standardwebhooks.com/")

    url: SecretBlock = Field(description="Address that takes the event; the whole URL is treated as secret.")
    method: Literal["POST", "PUT", "PATCH"] = Field(default="POST", description="HTTP method.")
    authorization: SecretBlock | None = Field(
        default=None,
        description="Credential for the Authorization header, or the whole value of that header.",
    )
    authorization_scheme: str = Field(
        default="Bearer",
        pattern=r"^[\w-]*$",
        description="Scheme put before the credential, unless the credential names its own; may be empty.",
    )
    api_key: SecretBlock | None = Field(default=None, description="Key sent in a header of its own.")
    api_key_header: str = Field(
        default="x-api-key", pattern=r"^[\w-]+$", description="Name of the header that carries the key."
    )
    headers: SecretBlock | None = Field(default=None, description="JSON object of further headers.")
    signing_secret: SecretBlock | None = Field(
        default=None,
        description="Standard Webhooks secret, whsec_ and base64; two, separated by a space, while rotating.",
    )

    def configuration_problem(self) -> str:
        """Say what is wrong with the settings, without a secret; empty if nothing is."""
        problem = address_problem(open_secret(self.url), "the url of the webhook")
        if problem:
            return problem
        try:
            self._own_headers()
            self._signing_keys()
        except ConnectorError as error:
            return str(error)
        return ""

    def prepare(self, notification: Notification, *, now: datetime) -> PreparedRequest:
        """Build the request. The body is the event itself: receivers expect its keys at the top."""
        content = to_json(notification.event)
        timestamp = str(int(now.timestamp()))
        headers = {
            **ANY_JSON,
            **self._own_headers(),
            "idempotency-key": notification.notification_id,
            "webhook-id": notification.notification_id,
            "webhook-timestamp": timestamp,
        }
        if self.authorization is not None:
            headers["authorization"] = self._authorization_header(open_secret(self.authorization))
        if self.api_key is not None:
            headers[self.api_key_header.lower()] = open_secret(self.api_key)
        if keys := self._signing_keys():
            signed = f"{notification.notification_id}.{timestamp}.".encode() + content
            headers["webhook-signature"] = " ".join(_sign(key, signed) for key in keys)
        url = open_secret(self.url)
        return PreparedRequest(self.method, url, public_origin(url) + f"/{REDACTED}", headers, content)

    def judge(self, response: Response) -> Verdict:
        """Take any 2xx for a delivery."""
        return judge_status(response, dead=_DEAD)

    def secret_values(self) -> list[str]:
        """Open every secret of the connector, for the redactor."""
        values = [*super().secret_values(), *self._own_headers().values()]
        if self.authorization is not None:
            values += open_secret(self.authorization).split()
        if self.signing_secret is not None:
            values += open_secret(self.signing_secret).split()
        return values

    def _authorization_header(self, credential: str) -> str:
        has_scheme = " " in credential or not self.authorization_scheme
        return credential if has_scheme else f"{self.authorization_scheme} {credential}"

    def _own_headers(self) -> dict[str, str]:
        if self.headers is None:
            return {}
        try:
            headers = json.loads(open_secret(self.headers))
        except ValueError:
            headers = None
        if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
            raise ConnectorError("the headers of the webhook must be a JSON object of texts")
        return {name.lower(): value.strip() for name, value in headers.items()}

    def _signing_keys(self) -> list[bytes]:
        if self.signing_secret is None:
            return []
        try:
            return [
                b64decode(secret.removeprefix(_SECRET_PREFIX), validate=True)
                for secret in open_secret(self.signing_secret).split()
            ]
        except binascii.Error:
            raise ConnectorError("the signing secret of the webhook must be whsec_ and base64") from None


def _sign(key: bytes, signed: bytes) -> str:
    """Sign one delivery.

    https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    """
    return "v1," + b64encode(hmac.new(key, signed, sha256).digest()).decode()
