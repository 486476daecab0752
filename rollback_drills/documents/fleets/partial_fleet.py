"""Loads one shard of a fleet: of the documents of other shards nothing stays in memory.

What two schedules have to do with each other holds across shards too. Ids that are the same or look the same
are in the same shard. A drill that another schedule uses too is looked for in the documents of all shards.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple, Protocol, TypeGuard

from rollback_drills.documents.fleets.fleet import Fleet, gather_fleet, refuse_missing_folder
from rollback_drills.documents.fleets.fleet_changes import load_changes
from rollback_drills.documents.fleets.found_files import find_files, find_histories, is_one_file
from rollback_drills.documents.fleets.glimpse import glimpse_drill_keys, glimpse_schedule_id, is_bare
from rollback_drills.documents.fleets.history_pairs import Histories, NamedFile, key_of, read_history
from rollback_drills.documents.fleets.json_lines import Line, is_records, read_lines
from rollback_drills.documents.fleets.json_lines_index import (
    ChangedFileError,
    FileState,
    find_file_state,
    index_records,
)
from rollback_drills.documents.fleets.settled import read_all_settled
from rollback_drills.documents.fleets.shard import Shard
from rollback_drills.documents.fleets.subject_reader import read_subject
from rollback_drills.documents.reading.reader import read_bytes
from rollback_drills.documents.subject import DrillKey, Subject, find_drills
from rollback_drills.documents.unusable_document import UnusableDocumentError
from rollback_drills.errors import UsageError

_Rivals = Mapping[str, Sequence[str]]
"""By the key of a history the schedules that could have it."""


class _Candidate(Protocol):
    """A schedule that may belong to the shard; it is read as late as possible."""

    def identify(self) -> str:
        """Return its id, or what stands for it."""

    def may_use(self, drill_keys: AbstractSet[bytes]) -> bool:
        """Return whether its history may have one of these drills."""

    def read(self) -> Subject:
        """Read its documents."""


def load_shard(
    schedule_path: str | None, history_path: str | None, shard: Shard, changes_path: str | None = None
) -> Fleet:
    """Load the schedules of a shard, with their histories.

    Args:
        schedule_path: A folder, a glob, or a `.jsonl` file.
        history_path: A folder or a glob; None if the histories are at the same place.
        shard: The part of the schedules.
        changes_path: The document of what was promoted; None if there is none.

    Raises:
        UsageError: Nothing is found, or the path is that of one document.
    """
    if _has_index(schedule_path, history_path):
        with suppress(ChangedFileError):  # then all of it is looked through
            return _load_by_index(schedule_path, shard, changes_path)
    iterate, problems = _find_candidates(schedule_path, history_path, shard)
    own = (each for each in iterate() if shard.holds(each.identify()))
    subjects = read_all_settled(own, lambda each: each.read())
    subjects += [each for name, each in problems.items() if shard.holds(name)]
    fleet = gather_fleet(tuple(subjects), load_changes(changes_path))
    return replace(fleet, drills_elsewhere=_find_elsewhere(iterate, shard, fleet.subjects))


def prepare_shards(schedule_path: str | None, history_path: str | None) -> Sequence[str]:
    """Keep an index for the shards on this machine, so that not each of them looks through all records.

    Returns:
        What of a folder or glob is left out, which no shard can say.

    Raises:
        UsageError: The file cannot be read, or has no record.
    """
    if _has_index(schedule_path, history_path):
        index_records(schedule_path)
    if schedule_path is None or is_records(schedule_path):
        return ()
    return find_files(schedule_path, history_path).find_left_out()


def find_records_state(schedule_path: str | None) -> FileState:
    """Return the state of a `.jsonl` file; empty for other files and folders."""
    return find_file_state(schedule_path) if schedule_path is not None and is_records(schedule_path) else ()


def _has_index(schedule_path: str | None, history_path: str | None) -> TypeGuard[str]:
    """Return whether all that a shard must know is in one file: records with their histories."""
    return schedule_path is not None and history_path is None and is_records(schedule_path)


def _load_by_index(path: str, shard: Shard, changes_path: str | None) -> Fleet:
    index = index_records(path)
    with index.reading(path) as read:
        records = index.find_own(shard, lambda record: _Record(read(record), {}, {}).identify())
        fleet = gather_fleet(
            tuple(Subject(*read(each).read()) for each in records), load_changes(changes_path)
        )
        own = [key for each in fleet.subjects for key in find_drills(each)]
        users = index.find_users(shard, records, own) if own else []
        others = [_Record(read(each), {}, {}) for each in users]
        return replace(fleet, drills_elsewhere=_find_elsewhere(lambda: iter(others), shard, fleet.subjects))


def _find_elsewhere(
    iterate: Callable[[], Iterator[_Candidate]], shard: Shard, subjects: Sequence[Subject]
) -> Mapping[DrillKey, str]:
    """Return drills of a shard that schedules of other shards use too, with the name of one of those."""
    own = {key for each in subjects for key in find_drills(each)}
    keys = {key.encode(errors="surrogatepass") for key, _ in own}
    found: dict[DrillKey, str] = {}
    for each in iterate() if own else ():
        if each.may_use(keys) and not shard.holds(name := each.identify()):
            found = dict.fromkeys(own.intersection(find_drills(each.read())), name) | found
    return found


def _find_candidates(
    schedule_path: str | None, history_path: str | None, shard: Shard
) -> tuple[Callable[[], Iterator[_Candidate]], Mapping[str, Subject]]:
    if schedule_path is not None and is_records(schedule_path):
        return _find_records(schedule_path, history_path)
    refuse_missing_folder(schedule_path)
    if schedule_path is None or is_one_file(schedule_path):
        raise UsageError(f"{shard} is a part of several schedules; leave it out for one", field="shard")
    return _find_files(schedule_path, history_path)


def _find_records(
    path: str, history_path: str | None
) -> tuple[Callable[[], Iterator[_Candidate]], Mapping[str, Subject]]:
    if history_path is None:
        return lambda: (_Record(each, {}, {}) for each in read_lines(path)), {}
    histories, problems = find_histories(history_path)
    rivals: dict[str, list[str]] = {}
    for line in read_lines(path):
        if key := _Record(line, histories, {}).find_key():
            rivals.setdefault(key, []).append(line.place)
    return lambda: (_Record(each, histories, rivals) for each in read_lines(path)), problems


def _find_files(
    path: str, history_path: str | None
) -> tuple[Callable[[], Iterator[_Candidate]], Mapping[str, Subject]]:
    found = find_files(path, history_path)
    rivals = found.find_rivals()
    return lambda: (_File(each, found.histories, rivals) for each in found.schedules), found.problems


class _Record(NamedTuple):
    """A line of a `.jsonl` file."""

    line: Line
    histories: Histories
    """Those at a place of their own; empty if there is none."""
    rivals: _Rivals

    def identify(self) -> str:
        return glimpse_schedule_id(self.line.data) or Subject(*self.line.read()).name

    def find_key(self) -> str:
        """Return the key of the history at another place that a bare schedule has; empty if it has none."""
        if not self.histories or not is_bare(self.line.data):
            return ""
        key = key_of(self.identify())
        return key if key in self.histories else ""

    def may_use(self, drill_keys: AbstractSet[bytes]) -> bool:
        if key := self.find_key():
            return _may_have(self.histories[key], drill_keys)
        found = glimpse_drill_keys(self.line.data)
        return found is None or not drill_keys.isdisjoint(found)

    def read(self) -> Subject:
        schedule, history = self.line.read()
        if history is None and (key := self.find_key()):
            rivals = self.rivals.get(key, ())  # none if the file was replaced since they were looked for
            history = read_history(self.histories[key], schedule.path, rivals)
        return Subject(schedule, history)


class _File(NamedTuple):
    """A document of its own, with the history of its name."""

    file: NamedFile
    histories: Histories
    rivals: _Rivals

    def identify(self) -> str:
        try:
            found = glimpse_schedule_id(read_bytes(self.file.path))
        except UnusableDocumentError:
            found = ""
        if found:
            return found
        settled = read_all_settled([self.file], lambda each: read_subject(each, (), ()))
        return settled[0].name if settled else self.file.shown

    def may_use(self, drill_keys: AbstractSet[bytes]) -> bool:
        return _may_have(self.histories.get(self.file.key, ()), drill_keys)

    def read(self) -> Subject:
        key = self.file.key
        return read_subject(self.file, self.histories.get(key, ()), self.rivals[key])


def _may_have(histories: Sequence[NamedFile], drill_keys: AbstractSet[bytes]) -> bool:
    """Return whether one of the drills may be in the history; not if several could be the history."""
    if len(histories) != 1:
        return False
    try:
        found = glimpse_drill_keys(read_bytes(histories[0].path))
    except UnusableDocumentError:
        return False
    return found is None or not drill_keys.isdisjoint(found)
