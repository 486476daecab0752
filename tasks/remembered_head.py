"""Compares the ledger with the head that the Prefect server remembers, and lets it remember the next."""

from concurrent.futures import Future
from dataclasses import dataclass

import httpx
from prefect.exceptions import PrefectException
from prefect.logging import get_run_logger

from rollback_drills.database.connections import Database
from rollback_drills.errors import DrillsError
from rollback_drills.evidence.heads import Head, find_head
from rollback_drills.evidence.remembered_head import Setback, find_setback
from tasks.background import aside
from tasks.head_artifact import Memory, recall, remember


class Comparison:
    """The comparison of a ledger with its remembered head.

    It is made before the first task of a run: the events of tasks keep the server busy, and the request would
    wait behind them. If it cannot be made, because the server does not answer, the run goes on, and the head
    stays remembered for a later run to compare with.
    """

    def __init__(self, database: Database | None, *, is_wanted: bool = True) -> None:
        """Compare.

        Args:
            database: Keeps the ledger; None if nothing was written yet.
            is_wanted: If not, nothing is compared, and nothing is remembered.
        """
        self._compared = _compare(database) if is_wanted else _Compared()

    @property
    def setback(self) -> Setback | None:
        """What the ledger lacks; None if it lacks nothing, or if that is not known."""
        return self._compared.setback

    def remember(self, head: Head | None, *, has_news: bool = True) -> Future[None]:
        """Begin to let the server remember a head, beside the work of the run.

        Args:
            head: The newest one; None if nothing is signed.
            has_news: Whether the run publishes anything. If not, it does not wait for another request, unless
                the server has no head that the key of the ledger signed.
        """
        return aside(self._remember, head, has_news=has_news)

    def _remember(self, head: Head | None, *, has_news: bool) -> None:
        memory = self._compared.memory
        if head is None or memory is None:
            return
        if not has_news and memory.head and memory.head.note.is_signed_by(head.public_key):
            return
        try:
            remember(head, memory.artifact_id)
        except (httpx.HTTPError, PrefectException) as error:
            _warn("the Prefect server does not remember the head of the evidence", error)


@dataclass(frozen=True, slots=True)
class _Compared:
    setback: Setback | None = None
    memory: Memory | None = None
    """None if the comparison could not be made."""


def _compare(database: Database | None) -> _Compared:
    try:
        head = find_head(database) if database else None
        if database is None or head is None:
            return _Compared(memory=Memory())
        memory = recall(head.checkpoint.origin)
        return _Compared(find_setback(database, memory.head) if memory.head else None, memory)
    except (httpx.HTTPError, PrefectException, DrillsError) as error:
        _warn("the evidence is not compared with the head that the Prefect server remembers", error)
        return _Compared()


def _warn(what: str, error: Exception) -> None:
    why = str(error) if isinstance(error, DrillsError) else type(error).__name__
    get_run_logger().warning("%s: %s", what, why)
