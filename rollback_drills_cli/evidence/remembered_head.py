"""Asks the Prefect server for the head of a ledger that it remembers."""

from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from rollback_drills.errors import DrillsError
from rollback_drills_cli.quiet_prefect import quieten_prefect

if TYPE_CHECKING:
    from rollback_drills.database.connections import Database
    from rollback_drills.evidence.ledger.checkpoint import Checkpoint

WITNESS: Final = "the head that the Prefect server remembers"
"""Names it among the heads that were kept elsewhere."""
_SECONDS: Final = 5.0


class NotAskedError(DrillsError):
    """A server is configured, and it does not say what it remembers."""


def ask_for_head(database: "Database") -> "Checkpoint | None":
    """Return the head that the server remembers; None if it remembers none, or no server is configured.

    To be asked before the ledger is read, which goes on growing.

    Raises:
        NotAskedError: The server does not answer, or its answer is no head.
    """
    if find_spec("prefect") is None:
        return None
    from rollback_drills.evidence.heads import find_head

    try:
        head = find_head(database)
        if head is None:
            return None
        quieten_prefect(may_start=False)
    except DrillsError as error:
        raise NotAskedError(str(error)) from None
    import httpx
    from prefect.exceptions import PrefectException
    from prefect.settings import PREFECT_API_REQUEST_TIMEOUT, PREFECT_API_URL, temporary_settings

    from tasks.head_artifact import recall

    if not PREFECT_API_URL.value():
        return None
    try:
        with temporary_settings({PREFECT_API_REQUEST_TIMEOUT: _SECONDS}):
            remembered = recall(head.checkpoint.origin).head
    except DrillsError as error:
        raise NotAskedError(str(error)) from None
    except (httpx.HTTPError, PrefectException) as error:
        raise NotAskedError(f"it does not answer ({type(error).__name__})") from None
    return remembered.checkpoint if remembered else None
