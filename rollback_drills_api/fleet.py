"""The documents as they were judged last: read again when a file changes, and judged again every minute."""

import contextlib
import glob
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from rollback_drills.documents.fleets.document_search import search
from rollback_drills.documents.fleets.fleet import Fleet, load_fleet
from rollback_drills.documents.fleets.json_lines import is_records
from rollback_drills.documents.subject import Subject
from rollback_drills.documents.unknown_name import list_known
from rollback_drills.errors import UsageError
from rollback_drills.names.keys import find_spelling
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.readiness.judgement import Judgement, judge_all
from rollback_drills.settings import Settings
from rollback_drills_api.problems import Problem

logger = logging.getLogger(__name__)

_LOOK_SECONDS: Final = 1.0
_TIMES_ITS_COST: Final = 10.0
"""Looking at all files is done so rarely that it takes a tenth of the time at most."""
_GENERATED_BY: Final = "api"

Fingerprint = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class JudgedFleet:
    """Every schedule at one instant."""

    subjects: Sequence[Subject]
    judgements: Sequence[Judgement]
    """What is said of them, in the same order."""
    is_single: bool
    at: datetime
    by_id: dict[str, int]
    """By schedule id: the place among the judgements."""
    criteria: Criteria
    """What they were judged against."""
    warnings: Sequence[str]
    """What of the documents is left out or unclear, a sentence each."""

    def find(self, schedule_id: str) -> Judgement:
        """Return the judgement of one schedule.

        Raises:
            Problem: There is no such schedule.
        """
        return self.judgements[self.find_place(schedule_id)]

    def find_place(self, schedule_id: str) -> int:
        """Return the place of one schedule among the subjects and judgements.

        Raises:
            Problem: There is no such schedule.
        """
        spelling = find_spelling(schedule_id, self.by_id)
        if spelling is None:
            names = list_known(schedule_id, sorted(self.by_id))
            detail = f"there is no schedule of this id in the documents; {names}"
            raise Problem(HTTPStatus.NOT_FOUND, detail)
        return self.by_id[spelling]


class FleetCache:
    """Judges the documents that the settings name, as rarely as that is right."""

    def __init__(
        self, settings: Settings, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """Judge by these settings, at the instants of this clock."""
        self._settings, self._now = settings, now
        self._lock = threading.Lock()
        self._fleet: Fleet | None = None
        self._fingerprint: Fingerprint = ()
        self._looked_at = float("-inf")
        self._look_seconds = _LOOK_SECONDS
        self._judged: JudgedFleet | None = None

    def judged(self) -> JudgedFleet:
        """Return the judgements of this minute and these documents.

        Raises:
            Problem: The documents cannot be found, or do not fit together.
        """
        with self._lock:
            fleet = self._load()
            now = self._now()
            judged = self._judged
            if judged is None or not _is_same_minute(judged.at, now):
                judged = self._judged = _judge(fleet, self._settings, now)
            return judged

    def forget(self) -> None:
        """Look at the files again before the next answer."""
        self._looked_at = float("-inf")

    def _load(self) -> Fleet:
        if time.monotonic() - self._looked_at < self._look_seconds:
            if self._fleet is None:  # nobody makes unusable ones be read again and again by asking
                raise _unusable()
            return self._fleet
        started = time.monotonic()
        fingerprint = tuple(_find_files(self._settings, self._fleet))
        if self._fleet is None or fingerprint != self._fingerprint:
            try:
                self._fleet = load_fleet(
                    self._settings.schedule, self._settings.history, self._settings.changes
                )
            except UsageError as error:
                self._fleet = None
                self._rest_since(started)
                logger.warning("the documents cannot be used: %s", error)
                raise _unusable() from None
            self._fingerprint, self._judged = fingerprint, None
        self._rest_since(started)
        return self._fleet

    def _rest_since(self, started: float) -> None:
        self._looked_at = ended = time.monotonic()
        self._look_seconds = max(_LOOK_SECONDS, (ended - started) * _TIMES_ITS_COST)


def _unusable() -> Problem:
    detail = "the documents cannot be used; the log of the API says why"
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail)


def _find_files(settings: Settings, fleet: Fleet | None) -> Iterator[tuple[str, int, int, int]]:
    """Return every file that the settings stand for, and what shows that it was changed."""
    for path in filter(None, (settings.schedule, settings.history, settings.changes)):
        if os.path.isdir(path) or (glob.has_magic(path) and not os.path.isfile(path)):
            found = search(path)
            yield from _stat_all(file for file, _ in found.documents)
            yield from ((f"{folder.path}: {reason}", 0, 0, 0) for folder, reason in found.problems)
        else:
            yield from _stat_all([path])
    if fleet:
        schedules = (subject.schedule for subject in fleet.subjects)
        yield from _stat_all(dict.fromkeys(path for each in schedules if each for path in each.beside))
    if fleet and settings.schedule and is_records(settings.schedule):  # it may name documents elsewhere
        sources = (source for subject in fleet.subjects for source in (subject.schedule, subject.history))
        yield from _stat_all(dict.fromkeys(source.file for source in sources if source and source.file))


def _stat_all(paths: Iterable[str]) -> Iterator[tuple[str, int, int, int]]:
    for path in paths:
        with contextlib.suppress(OSError):
            found = os.stat(path)
            yield path, found.st_mtime_ns, found.st_size, found.st_ino


def _judge(fleet: Fleet, settings: Settings, now: datetime) -> JudgedFleet:
    judgements = judge_all(fleet.subjects, settings.criteria, now=now, generated_by=_GENERATED_BY)
    by_id = {each.cycle.schedule_id: place for place, each in enumerate(judgements)}
    return JudgedFleet(
        fleet.subjects, judgements, fleet.is_single, now, by_id, settings.criteria, fleet.warnings
    )


def _is_same_minute(one: datetime, other: datetime) -> bool:
    return one.replace(second=0, microsecond=0) == other.replace(second=0, microsecond=0)
