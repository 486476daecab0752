"""Who asks, and whether they may."""

import asyncio
import logging
from base64 import b64decode
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

from fastapi import Request

from rollback_drills.access.api_token import ApiToken, Scope, find_token
from rollback_drills_api.logins import Login
from rollback_drills_api.problems import Problem

logger = logging.getLogger(__name__)

_RELOAD_SECONDS: Final = 15.0
_OLDEST_SECONDS: Final = 300.0


class TokenBook:
    """The tokens as they were loaded last; after five minutes without news nobody is let in."""

    def __init__(self, load: Callable[[], Sequence[ApiToken]]) -> None:
        """Load with this function, whenever `reload` is called."""
        self._load = load
        self._tokens: Sequence[ApiToken] = ()
        self._loaded_at: float | None = None
        self._problem = "they were not loaded yet"

    def reload(self, *, now: float) -> None:
        """Load all tokens; if that fails, those that are known stay for a while.

        Args:
            now: Seconds of a clock that never goes back.
        """
        try:
            self._tokens = self._load()
            self._loaded_at = now
        except Exception as error:  # noqa: BLE001 - whatever it is, the next try may succeed
            self._problem = _explain(error)
            logger.warning("the tokens cannot be loaded: %s (%s)", self._problem, type(error).__name__)

    async def keep_fresh(self) -> None:
        """Load the tokens again and again, for as long as the process serves."""
        while True:
            await asyncio.sleep(_RELOAD_SECONDS)
            await asyncio.to_thread(self.reload, now=asyncio.get_running_loop().time())

    def find(self, presented: str, *, now: float) -> ApiToken | None:
        """Find the token that was presented, expired or not.

        Raises:
            Problem: It is not known which tokens are valid.
        """
        if self._loaded_at is None or now - self._loaded_at > _OLDEST_SECONDS:
            raise Problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"the tokens cannot be looked up: {self._problem}",
                headers={"retry-after": str(round(_RELOAD_SECONDS))},
            )
        return find_token(self._tokens, presented)


def _explain(error: Exception) -> str:
    """Explain why the tokens cannot be loaded, without naming anything of this machine."""
    import httpx  # Prefect's client speaks through it

    if isinstance(error, httpx.HTTPStatusError):
        return f"the Prefect server answers {error.response.status_code}"
    if isinstance(error, httpx.TransportError) or isinstance(error.__cause__, httpx.TransportError):
        return "the Prefect server does not answer"
    return "the log of the API says why"


def read_token(headers: Sequence[tuple[bytes, bytes]], *, takes_password: bool) -> str | None:
    """Return the token of a request; None if it brings none.

    Args:
        headers: Of the request.
        takes_password: Whether the token may come as the password of HTTP Basic, as browsers ask for one.
            They send it unasked from then on: only where a form needs a mark too.

    Raises:
        Problem: It brings something else, or several.
    """
    found = [value for name, value in headers if name == b"authorization"]
    if not found:
        return None
    scheme, _, token = found[0].decode("latin-1").partition(" ")
    if takes_password and len(found) == 1 and scheme.lower() == "basic":
        return _read_password(token.strip())
    if len(found) > 1 or scheme.lower() != "bearer" or not token.strip():
        raise _unauthorised("send one bearer token in one Authorization header", "invalid_request")
    return token.strip()


def _read_password(credentials: str) -> str:
    try:
        _, colon, password = b64decode(credentials, validate=True).decode().partition(":")
    except ValueError:
        colon = password = ""
    if not colon or not password:
        raise _unauthorised("send the token as the password, under any name", "invalid_request")
    return password


def identify(book: TokenBook, presented: str | None, *, now: float) -> ApiToken | None:
    """Return the token of a caller; None for a caller without one.

    Raises:
        Problem: The token is unknown, or its time is over.
    """
    if presented is None:
        return None
    token = book.find(presented, now=now)
    if token is None:
        raise _unauthorised("the token is unknown, or was revoked", "invalid_token")
    if token.is_expired(datetime.now(UTC)):
        raise _unauthorised("the token has expired; request a new one", "invalid_token")
    return token


def _unauthorised(detail: str, error: str = "") -> Problem:
    challenge = 'Bearer realm="rollback-drills"' + (f', error="{error}"' if error else "")
    return Problem(HTTPStatus.UNAUTHORIZED, detail, headers={"www-authenticate": challenge})


class Needs:
    """A dependency that lets in callers with a scope, and gives their name."""

    def __init__(self, scope: Scope, *, always: bool = False) -> None:
        """Ask for a scope; `always` also where reading is public."""
        self.scope = scope
        self._is_waived_in_public = scope is Scope.READ and not always

    async def __call__(self, request: Request) -> str:
        """Return the name of the caller.

        Raises:
            Problem: The caller must not do this.
        """
        caller: ApiToken | Login | None = request.state.caller
        if caller is None:
            if self._is_waived_in_public and request.app.state.options.is_public_to_read:
                return "api"
            raise _unauthorised("this needs a bearer token in the Authorization header")
        if not caller.may(self.scope):
            raise Problem(
                HTTPStatus.FORBIDDEN,
                f"this needs a token of the scope {self.scope}; that of {caller.name} is {caller.scope}",
                headers={
                    "www-authenticate": (
                        f'Bearer realm="rollback-drills", error="insufficient_scope", scope="{self.scope}"'
                    )
                },
            )
        return caller.name


reading: Any = Needs(Scope.READ)
asking: Any = Needs(Scope.READ, always=True)
recording: Any = Needs(Scope.RECORD)
operating: Any = Needs(Scope.OPERATE)
administering: Any = Needs(Scope.ADMIN)
