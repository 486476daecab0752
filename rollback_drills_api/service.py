"""What the endpoints share: documents, database, answers that are kept ready, and the way to the flows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Final

from anyio import CapacityLimiter, to_thread
from fastapi import Depends, Request
from msgspec import Raw, Struct
from starlette.responses import Response

from rollback_drills.database.connections import Database
from rollback_drills.database.tables import OUTBOX
from rollback_drills.followup.cycle_facts import CycleFacts
from rollback_drills.followup.escalations.follow_up_rules import (
    FollowUpRules,
    documents_of,
    find_gone,
    find_rules,
)
from rollback_drills_api.answer_cache import Answers, encode
from rollback_drills_api.database_watch import DatabaseWatch
from rollback_drills_api.fleet import FleetCache
from rollback_drills_api.http.security import TokenBook, reading
from rollback_drills_api.options import ApiOptions
from rollback_drills_api.problems import Problem
from rollback_drills_api.shared_failure import SharedFailure

_MOST_WAITING: Final = 8


@dataclass(slots=True)
class Service:
    """One per application."""

    options: ApiOptions
    book: TokenBook
    fleet: FleetCache
    answers: Answers = field(default_factory=Answers)
    waiting: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(_MOST_WAITING))
    """The threads that wait for flow runs."""
    _database: Database | None = None
    _watch: DatabaseWatch | None = None
    _opening: SharedFailure = field(default_factory=SharedFailure)

    def database(self) -> Database | None:
        """Return the database; None if nothing was written to it yet. It is opened again if it is replaced.

        Raises:
            DatabaseError: It cannot be reached.
        """
        with self._opening.attempt():
            if self._database is not None and self._watch is not None and self._watch.is_replaced():
                self._database.engine.dispose()
                self._database = None
            if self._database is None:
                self._database = Database.open_existing(self.options.database_url, OUTBOX.name)
                self._watch = DatabaseWatch(self._database) if self._database else None
            return self._database

    def evidence_version(self) -> str:
        """Return an opaque version string that changes with every commit to the database."""
        self.database()
        return self._watch.version() if self._watch else ""

    def fleet_version(self) -> str:
        """Return an opaque version string that changes when the documents are judged again."""
        return self.fleet.judged().at.isoformat()

    def find_rules(self, database: Database | None, cycles: Sequence[CycleFacts]) -> FollowUpRules:
        """Return by what open cycles are followed up; documents that cannot be used count as none."""
        try:
            judged = self.fleet.judged()
        except Problem:
            return find_rules(database, cycles, {})
        gone = find_gone(cycles, judged.subjects)
        return find_rules(
            database, cycles, documents_of(judged.subjects), gone=gone, judgements=judged.judgements
        )

    def follow_up_version(self) -> str:
        """Return a text that changes with the evidence, and with the documents as far as they can be used."""
        try:
            return self.version()
        except Problem:
            return self.evidence_version()

    def version(self) -> str:
        """Return an opaque version string that changes with the documents or the database."""
        return f"{self.fleet_version()} {self.evidence_version()}"

    async def build(self, make: Callable[[], Struct | Raw]) -> Response:
        """Answer with a document that is made in a thread, and leave those of the readers alone."""
        content = await to_thread.run_sync(lambda: encode(make()), limiter=self.waiting)
        return Response(content, media_type="application/json")

    async def act(self, make: Callable[[], Struct | Raw]) -> Response:
        """Answer with what something did that writes; from then on no kept answer is used."""
        try:
            return await self.build(make)
        finally:
            self.forget()

    def forget(self) -> None:
        """Use no kept answer any more, because something was written."""
        self.fleet.forget()
        self.answers.forget()


async def find_service(request: Request) -> Service:
    """Return the service of the application of a request; not async, it would take a thread."""
    service: Service = request.app.state.service
    return service


async def find_readable(request: Request) -> Service:
    """Return the service to a caller who may read: one dependency costs half of two.

    Raises:
        Problem: The caller may not.
    """
    await reading(request)
    return await find_service(request)


Served = Annotated[Service, Depends(find_service)]
Readable = Annotated[Service, Depends(find_readable)]
"""The service, for those who may read."""
