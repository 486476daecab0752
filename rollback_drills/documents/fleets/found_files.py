"""Finds the files of a fleet: schedules, histories, and what of their places is left out or unreadable."""

import glob
import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple, NoReturn

import msgspec

from rollback_drills.documents.fleets.document_search import DOCUMENT_ENDINGS, RECORDS_ENDING, search
from rollback_drills.documents.fleets.history_pairs import Histories, NamedFile, by_key, name_files
from rollback_drills.documents.fleets.left_out import explain_left_out
from rollback_drills.documents.fleets.settled import search_settled
from rollback_drills.documents.reading.reader import Loaded, hide_folder
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.subject import Subject
from rollback_drills.documents.terminal_text import show_path
from rollback_drills.errors import UsageError


class FoundFiles(NamedTuple):
    """What was found at the places of schedules and histories; nothing is read yet."""

    files: Sequence[NamedFile]
    """All at the place of the schedules."""
    schedules: Sequence[NamedFile]
    """Those of them that are schedules."""
    histories: Histories
    problems: Mapping[str, Subject]
    """By name what could not be searched, each as a finding."""
    history_place: str | None
    """Where the histories are, if that is a place of its own."""

    def find_rivals(self) -> Mapping[str, Sequence[str]]:
        """Return, by the key of a history, the schedules that could have it."""
        rivals: dict[str, list[str]] = {}
        for each in self.schedules:
            rivals.setdefault(each.key, []).append(each.shown)
        return rivals

    def find_left_out(self) -> Sequence[str]:
        """Return what of the places counts for nothing, and what to do about it."""
        left_out = list(explain_left_out(self.files, self.histories, {each.key for each in self.schedules}))
        if self.history_place is not None and not self.histories:
            place = hide_folder(self.history_place)
            left_out.insert(0, f"{place}: has no history, so all schedules are without drills")
        return left_out


def find_files(schedule_path: str, history_path: str | None) -> FoundFiles:
    """Find the schedules of a folder or glob, and their histories.

    Args:
        schedule_path: A folder or a glob.
        history_path: The same for the histories; None if they are at the same place.

    Raises:
        UsageError: There is no schedule, a place cannot be searched, or that of the histories is one file.
    """
    files, problems = _search_place("schedule", schedule_path)
    schedules = [each for each in files if each.kind == "schedule"]
    if not schedules and not problems:
        refuse_empty(schedule_path)
    if history_path is None:
        return FoundFiles(files, schedules, by_key(files), problems, None)
    histories, further = find_histories(history_path, schedules)
    return FoundFiles(files, schedules, histories, problems | further, history_path)


def refuse_empty(place: str) -> NoReturn:
    """Refuse a place without a schedule.

    Raises:
        UsageError: Always.
    """
    what = "matches no schedule document (*.json, *schedule*.yaml)"
    raise UsageError(f"{show_path(place)} {what}", field="schedule")


def _search_place(field: str, place: str) -> tuple[list[NamedFile], dict[str, Subject]]:
    """Find the documents at a place, and by name what of it could not be searched, each as a finding."""
    found = search_settled(lambda: search(place, (*DOCUMENT_ENDINGS, RECORDS_ENDING)))
    problems: dict[str, Subject] = {}
    for folder, reason in found.problems:
        if not folder.name:
            raise UsageError(f"{show_path(place)} {reason}", field=field)
        shown = show_path(folder.name if os.path.isabs(place) else folder.path)
        name = show_path(folder.name)
        problems[name] = Subject(
            Loaded[Schedule](shown, problem=f"{shown}: {reason}", name=name, file=folder.path), None
        )
    return name_files(place, found.documents), problems


def find_histories(path: str, schedules: Sequence[NamedFile] = ()) -> tuple[Histories, dict[str, Subject]]:
    """Find the histories at a place of their own, and what of it could not be searched.

    If no file has the name of a history, all files count as histories, except those that are schedules.

    Raises:
        UsageError: It is one file, or does not exist.
    """
    if is_one_file(path):
        what = "is one file, but there may be several schedules; name a folder or a glob"
        if not os.path.lexists(path):
            what = "does not exist"
        raise UsageError(f"{show_path(path)} {what}", field="history")
    files, problems = _search_place("history", path)
    if not any(each.kind == "history" for each in files):
        taken = {os.path.realpath(each.path) for each in schedules}
        files = [
            msgspec.structs.replace(each, kind="history")
            for each in files
            if each.kind != "records" and os.path.realpath(each.path) not in taken
        ]
    return by_key(files), problems


def is_one_file(path: str) -> bool:
    """Return whether a path is that of one document, which need not exist."""
    return os.path.isfile(path) or not (os.path.isdir(path) or glob.has_magic(path))
