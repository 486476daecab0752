"""What the endpoints share: documents, database, answers that are kept ready, and the way to the flows."""

import threading
from dataclasses import dataclass, field
from typing import Annotated, Final

from anyio import CapacityLimiter
from fastapi import Depends, Request

from rollback_drills.database import Database
from rollback_drills.outbox.table import OUTBOX
from rollback_drills_api.answers import Answers
from rollback_drills_api.fleet import FleetCache
from rollback_drills_api.options import ApiOptions
from rollback_drills_api.security import TokenBook

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
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def database(self) -> Database | None:
        """Give the database; None if nothing was written to it yet. It is opened once.

        Raises:
            DatabaseError: It cannot be reached.
        """
        with self._lock:
            if self._database is None:
                self._database = Database.open_existing(self.options.database_url, OUTBOX.name)
            return self._database

    def forget(self) -> None:
        """Answer anew, because something was written."""
        self.fleet.forget()
        self.answers.forget()


def find_service(request: Request) -> Service:
    """Give the service of the application that a request is for."""
    service: Service = request.app.state.service
    return service


Served = Annotated[Service, Depends(find_service)]
