"""What the operator of the API decides."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from rollback_drills.access.api_token import ApiToken
from rollback_drills.access.link_permission import LinkKeys
from rollback_drills.settings import Settings
from rollback_drills_api.logins import LoginOptions

REQUESTS_PER_SECOND: Final = 50.0
FLOW_TIMEOUT_SECONDS: Final = 300.0
LOOPBACK_HOSTS: Final = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True, slots=True)
class ApiOptions:
    """What is served, to whom, and how much of it."""

    load_tokens: Callable[[], Sequence[ApiToken]]
    """Gives every token; asked again and again, so that a revoked one ends."""
    settings: Settings = field(default_factory=Settings)
    load_link_keys: Callable[[], LinkKeys | None] = lambda: None
    """Gives the keys of the links in messages; None if no message had a link yet."""
    open_form_keys: Callable[[], LinkKeys] = field(default_factory=lambda: cache(LinkKeys.generate))
    """Gives the keys that mark the forms of the console, and makes them if there are none yet."""
    login: LoginOptions = field(default_factory=LoginOptions)
    """Whether a proxy says who its people are."""
    is_embedded: bool = False
    """Whether flows run in this process, and not as deployments on the workers."""
    is_public_to_read: bool = False
    """Whether reading needs no token."""
    allowed_hosts: Sequence[str] = ()
    """Names in the Host header that are served beside those of loopback."""
    requests_per_second: float = REQUESTS_PER_SECOND
    """How many a token, or an address without one, may make; twice as many in one go."""
    flow_timeout_seconds: float = FLOW_TIMEOUT_SECONDS
    """Time that a write waits for its flow run, in seconds."""
    base_path: str = ""
    """The path below which a proxy serves this, if it leaves that path in the requests: such as `/drills`."""
    prefect_url: str = ""
    """Where people see the Prefect UI, for links of the console; empty if it is not known."""

    @property
    def database_url(self) -> str:
        """Where evidence and outbox are."""
        return self.settings.evidence_url

    @property
    def hosts(self) -> frozenset[str]:
        """Every name that is served, in lower case."""
        return frozenset(each.lower() for each in (*LOOPBACK_HOSTS, *self.allowed_hosts))
