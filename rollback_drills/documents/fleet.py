"""Finds the schedules a path stands for, and the history that belongs to each."""

import glob
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from rollback_drills.documents.explaining import json_path, show
from rollback_drills.documents.history import History
from rollback_drills.documents.reading import (
    LARGEST_DOCUMENT_BYTES,
    D,
    Loaded,
    parse_document,
    read_document,
    show_path,
)
from rollback_drills.documents.schedule import Schedule
from rollback_drills.errors import UsageError
from rollback_drills.lookalikes import explain_lookalike, find_lookalikes
from rollback_drills.names import name_key

_WORD: Final = re.compile(r"[^\W_]+")
_SCHEDULE_WORDS: Final = frozenset({"schedule", "schedules"})
_HISTORY_WORDS: Final = frozenset({"history", "histories"})
_OTHER_WORDS: Final = frozenset({"routing", "policy", "connector", "connectors"})
_MOST_NAMESAKES_SHOWN: Final = 3
_KIND_WORDS: Final = _SCHEDULE_WORDS | _HISTORY_WORDS | {"drill", "drills"}


class Subject(msgspec.Struct, frozen=True, gc=False):
    """One schedule with the history that belongs to it; None where none is configured."""

    schedule: Loaded[Schedule] | None
    history: Loaded[History] | None


@dataclass(frozen=True, slots=True)
class Fleet:
    """What the paths of a caller stand for."""

    subjects: tuple[Subject, ...]
    is_single: bool
    """Whether the caller named one document, and expects one report."""
    warnings: tuple[str, ...] = ()
    """What a person should look at, and makes no document unusable: ids that look the same."""


def load_fleet(schedule_path: str | None, history_path: str | None) -> Fleet:
    """Load the schedules and histories that two paths stand for.

    A schedule path is a file, a folder (searched with its subfolders), a glob, or a `.jsonl` file. For more
    than one schedule the history path is a folder or a glob; by default it is the same place. A history
    belongs to the schedule with the same name, the words schedule, history and drill aside.

    Raises:
        UsageError: Nothing is found, or it is not clear which history belongs to which schedule.
    """
    if schedule_path is not None and schedule_path.endswith(".jsonl"):
        subjects = tuple(_read_lines(schedule_path, _find_histories(history_path) if history_path else {}))
    elif schedule_path is None or _is_one_file(schedule_path):
        _refuse_missing_folder(schedule_path)
        return _load_single(schedule_path, history_path)
    else:
        subjects = tuple(_read_files(schedule_path, history_path))
    return Fleet(_refuse_duplicates(subjects), is_single=False, warnings=tuple(_explain_lookalikes(subjects)))


def _refuse_missing_folder(path: str | None) -> None:
    """Refuse what is not there and is no name of a document: a folder that is gone is not one late drill.

    A document that is gone is a finding (contract §8.6).
    """
    if path is not None and not path.endswith(".json") and not os.path.lexists(path):
        raise UsageError(f"--schedule {show_path(path)} does not exist; is its folder there?")


def _is_one_file(path: str) -> bool:
    return os.path.isfile(path) or not (os.path.isdir(path) or glob.has_magic(path))


def _load_single(schedule_path: str | None, history_path: str | None) -> Fleet:
    if history_path is not None and not _is_one_file(history_path):
        raise UsageError(
            f"--history {history_path} is not one file, but there is one schedule; name its history file"
        )
    subject = Subject(
        schedule=None if schedule_path is None else read_document(Schedule, schedule_path),
        history=None if history_path is None else read_document(History, history_path),
    )
    return Fleet((subject,), is_single=True)


def _read_files(schedule_path: str, history_path: str | None) -> Iterator[Subject]:
    found = _find(schedule_path)
    schedules = [each for each in found if each.kind == "schedule"]
    if not schedules:
        raise UsageError(f"--schedule {schedule_path} matches no schedule document (*.json)")
    histories = _find_histories(history_path) if history_path else _by_name(found)
    _refuse_shared_histories(schedules, histories)
    for each in schedules:
        history = histories.get(each.name)
        yield Subject(
            read_document(Schedule, each.path), read_document(History, history) if history else None
        )


class _Found(msgspec.Struct, frozen=True, gc=False):
    path: str
    kind: str
    """`schedule`, `history` or `other`, by the words in the name of the file."""
    name: str
    """What a schedule and its history have in common: folder and name without those words."""


def _find(path: str) -> list[_Found]:
    base = path
    while glob.has_magic(base) and not os.path.isdir(base):
        base = os.path.dirname(base)
    paths = glob.glob(path, recursive=True) if base != path else _walk(path)
    skipped = len(base) + 1 if base else 0
    return [_classify(each, each[skipped:]) for each in sorted(paths) if each.endswith(".json")]


def _walk(folder: str) -> Iterator[str]:
    for inner, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            yield f"{inner}/{name}"


def _classify(path: str, relative: str) -> _Found:
    folder, _, file = relative.lower().rpartition("/")
    words = _words_of(file)
    name = "/".join([word for word in words if word not in _KIND_WORDS])
    return _Found(path, _kind_of(words), f"{folder}/{name}")


def find_kind(file: str) -> str:
    """Return what a file holds by the words in its name: `schedule`, `history` or `other`."""
    return _kind_of(_words_of(file.lower()))


def _kind_of(words: list[str]) -> str:
    if not _SCHEDULE_WORDS.isdisjoint(words):
        return "schedule"
    if not _HISTORY_WORDS.isdisjoint(words) or "drills" in words:
        return "history"
    return "schedule" if _OTHER_WORDS.isdisjoint(words) else "other"


def _words_of(file: str) -> list[str]:
    return _WORD.findall(file.removesuffix(".json"))


def _find_histories(path: str) -> dict[str, str]:
    if _is_one_file(path):
        raise UsageError(
            f"--history {path} is one file, but there are several schedules; name a folder or a glob"
        )
    found = _find(path)
    named = [each for each in found if each.kind == "history"]
    return _by_name(named or [msgspec.structs.replace(each, kind="history") for each in found])


def _by_name(found: list[_Found]) -> dict[str, str]:
    paths: dict[str, str] = {}
    for each in found:
        if each.kind != "history":
            continue
        if each.name in paths:
            raise UsageError(f"{paths[each.name]} and {each.path} are histories of the same name; rename one")
        paths[each.name] = each.path
    return paths


def _refuse_shared_histories(schedules: list[_Found], histories: dict[str, str]) -> None:
    counts = Counter(each.name for each in schedules)
    for name, count in counts.items():
        if count > 1 and name in histories:
            first, second, *_ = (each.path for each in schedules if each.name == name)
            raise UsageError(
                f"{histories[name]} could belong to {first} and to {second};"
                " rename one, so that only one has the name of the history"
            )


def _read_lines(path: str, histories: dict[str, str]) -> Iterator[Subject]:
    if os.path.exists(path) and not os.path.isfile(path):
        raise UsageError(f"--schedule {path} is not a file")
    try:
        with Path(path).open("rb") as file:
            lines = list(enumerate(file, start=1))
    except FileNotFoundError:
        raise UsageError(f"--schedule {path} does not exist") from None
    except OSError as error:
        raise UsageError(f"--schedule {path} cannot be read: {(error.strerror or '').lower()}") from None
    records = [(number, line) for number, line in lines if line.strip()]
    if not records:
        raise UsageError(f"--schedule {path} has no record; write one JSON object on each line")
    for number, line in records:
        yield _read_record(line, f"{path}:{number}", Path(path).parent, histories)


def _read_record(line: bytes, place: str, folder: Path, histories: dict[str, str]) -> Subject:
    """Read `{"schedule": …, "history": …}` (each a document, or the path of one), or a bare schedule."""
    if len(line) > LARGEST_DOCUMENT_BYTES:
        return Subject(
            Loaded(place, problem=f"{place}: the record is larger than {LARGEST_DOCUMENT_BYTES:,} bytes"),
            None,
        )
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return Subject(parse_document(Schedule, line, place), None)
    if not isinstance(record, dict) or "schedule" not in record:
        schedule = parse_document(Schedule, line, place)
        name = schedule.document.schedule_id if schedule.document else ""
        history_path = histories.get(_classify("", f"{name}.json").name) if name else None
        return Subject(schedule, read_document(History, history_path) if history_path else None)
    unknown = sorted(record.keys() - {"schedule", "history"})
    if unknown:
        problem = f"{place}: {json_path((unknown[0],))} is an unknown key; a record has schedule and history"
        return Subject(Loaded(place, problem=problem), None)
    history = (
        _read_part(History, record["history"], place, "history", folder) if "history" in record else None
    )
    return Subject(_read_part(Schedule, record["schedule"], place, "schedule", folder), history)


def _read_part(model: type[D], part: Any, place: str, key: str, folder: Path) -> Loaded[D]:
    if isinstance(part, str):
        return read_document(model, str(folder / part))
    if isinstance(part, dict):
        return parse_document(model, json.dumps(part).encode(), f"{place}#{key}")
    return Loaded(place, problem=f"{place}: $.{key} is {show(part)}; must be a document, or the path of one")


def _refuse_duplicates(subjects: tuple[Subject, ...]) -> tuple[Subject, ...]:
    """Make every schedule unusable whose id another one has too: neither can be told from the other."""
    ids = Counter(map(_schedule_key, subjects))
    del ids[""]  # those without an id are refused for that
    if not ids or max(ids.values()) == 1:
        return subjects
    namesakes: dict[str, list[Subject]] = {}
    for subject in subjects:
        if ids[_schedule_key(subject)] > 1:
            namesakes.setdefault(_schedule_key(subject), []).append(subject)
    return tuple(_refuse(subject, namesakes.get(_schedule_key(subject), [])) for subject in subjects)


def _refuse(subject: Subject, namesakes: list[Subject]) -> Subject:
    if subject.schedule is None or not namesakes:
        return subject
    others = [
        _locate(each, _schedule_id(subject))
        for each in namesakes
        if each.schedule and each.schedule.path != subject.schedule.path
    ] or ["another record"]
    shown = ", ".join(others[:_MOST_NAMESAKES_SHOWN]) + (" …" if len(others) > _MOST_NAMESAKES_SHOWN else "")
    name = show(_schedule_id(subject))
    problem = f"{subject.schedule.path}: $.schedule_id is {name}, which {shown} has too; rename one"
    return msgspec.structs.replace(subject, schedule=Loaded[Schedule](subject.schedule.path, problem=problem))


def _explain_lookalikes(subjects: tuple[Subject, ...]) -> Iterator[str]:
    pairs = list(find_lookalikes(filter(None, map(_schedule_id, subjects))))
    places = {_schedule_id(each): each.schedule.path for each in subjects if pairs and each.schedule}
    for first, second in pairs:
        yield explain_lookalike(places[second], "$.schedule_id", first, second, f"of {places[first]}")


def _locate(namesake: Subject, schedule_id: str) -> str:
    """Return the path of a schedule, with its spelling of the id if that is another one."""
    path = namesake.schedule.path if namesake.schedule else ""
    own = _schedule_id(namesake)
    return path if own == schedule_id else f"{path} (spelt {show(own)})"


def _schedule_key(subject: Subject) -> str:
    return name_key(_schedule_id(subject))


def _schedule_id(subject: Subject) -> str:
    return subject.schedule.document.schedule_id if subject.schedule and subject.schedule.document else ""
