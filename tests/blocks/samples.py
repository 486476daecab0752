"""What the table of tests that every connector passes needs to know of one: `test_every_connector.py`."""

from collections.abc import Callable
from dataclasses import dataclass, field

from blocks.connector import Connector


@dataclass(frozen=True)
class Answer:
    """What a vendor answers."""

    status: int
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


@dataclass(frozen=True)
class Sample:
    """One connector over HTTP, ready to be sent through a server on this machine."""

    name: str
    make: Callable[[str], Connector]
    """Build the connector so that all its requests go to the given origin, such as http://127.0.0.1:8080."""
    taken: Answer
    """How the vendor takes a notification (every request of the conversation gets this answer)."""
    secrets: tuple[str, ...]
    """The secret values that `make` puts in, none of which may ever be shown."""
