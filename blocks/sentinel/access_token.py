"""Access tokens of Microsoft Entra, by the client credentials of an app registration."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

from blocks.http.exchange import PreparedRequest, Response
from blocks.http.responses import join_texts, judge_lacking, judge_status, retry_after_seconds
from rollback_drills.notifications.outcome import Outcome, Verdict

# Entra answers 400 to an unknown tenant or application, and 401 to a wrong or expired secret.
# https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow#error-response
_DEAD_CREDENTIALS: Final = frozenset({400, 401})

_MARGIN: Final = timedelta(minutes=5)
_FORM: Final = {"accept": "application/json", "content-type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token, and until when it may be used."""

    value: str = field(repr=False)
    good_until: datetime


def token_request(
    login_url: str, tenant: str, *, client_id: str, client_secret: str, scope: str
) -> PreparedRequest:
    """Build the request for a token."""
    url = f"{login_url.rstrip('/')}/{tenant}/oauth2/v2.0/token"
    form = {
        "grant_type": "client_credentials",
        "client_id": client_id,
        "client_secret": client_secret,
        "scope": scope,
    }
    return PreparedRequest("POST", url, url, _FORM, urlencode(form).encode(), only_reads=True)


def read_token(response: Response) -> AccessToken | Verdict:
    """Read the token of an answer; a verdict that failed if there is none."""
    status, body = response.status_code, response.json_object()
    if status >= HTTPStatus.MULTIPLE_CHOICES:
        hint = join_texts(body.get("error"), body.get("error_description"), separator=": ")
        if body.get("error") == "temporarily_unavailable":
            wait = retry_after_seconds(response)
            return Verdict(Outcome.RETRY, f"answered {status}: {hint}", status, wait)
        return judge_status(response, dead=_DEAD_CREDENTIALS, hint=hint or None)
    value, seconds = body.get("access_token"), body.get("expires_in")
    if not isinstance(value, str) or not value:
        return judge_lacking(response, "a token; check login_url")
    lifetime = timedelta(seconds=min(seconds, 86_400) if type(seconds) is int else 0)
    return AccessToken(value, response.received_at + lifetime - _MARGIN)
