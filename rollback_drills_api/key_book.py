"""The keys that sign links and forms, as they were loaded last."""

import logging
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from rollback_drills.access.link_permission import LinkKeys
from rollback_drills.errors import DrillsError
from rollback_drills.redaction.redactor import redactor_in_use
from rollback_drills_api.problems import Problem

logger = logging.getLogger(__name__)

_KEYS_FOR_SECONDS: Final = 15.0
_UNKNOWN: Final = (
    "links and forms cannot be checked now; try again in a minute. If that lasts, the log of the API says why"
)


class KeyBook:
    """Loads the keys at most every 15 seconds: a stranger's requests do not reach the Prefect server."""

    def __init__(self, load: Callable[[], LinkKeys | None]) -> None:
        """Load with this function."""
        self._load = load
        self._lock = threading.Lock()
        self._keys: LinkKeys | None = None
        self._is_known = False
        self._asked_at: float | None = None

    def keys(self) -> LinkKeys:
        """Return the keys; none at all if nothing was signed yet.

        Raises:
            Problem: They cannot be loaded.
        """
        with self._lock:
            now = time.monotonic()
            if self._asked_at is None or now - self._asked_at > _KEYS_FOR_SECONDS:
                self._asked_at = now
                self._is_known = self._reload()
            if not self._is_known:
                raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, _UNKNOWN)
            return self._keys or LinkKeys(())

    def _reload(self) -> bool:
        try:
            self._keys = self._load()
        except Exception as error:  # noqa: BLE001 - whatever it is, the next try may succeed
            why = (
                redactor_in_use().text(str(error)) if isinstance(error, DrillsError) else type(error).__name__
            )
            logger.warning("the keys of links and forms cannot be loaded: %s", why)
            return False
        return True
