"""Lints files: each by itself, then all of them together."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from os.path import dirname
from typing import Any, Final

from rollback_drills.documents.changes import Changes
from rollback_drills.documents.duplicate_keys import Location
from rollback_drills.documents.fields import Document
from rollback_drills.documents.fleets.document_search import find_links
from rollback_drills.documents.fleets.fleet import load_fleet
from rollback_drills.documents.fleets.fleet_changes import warn_of_changes
from rollback_drills.documents.fleets.json_lines import is_records
from rollback_drills.documents.lookalike_names import find_lookalike_names
from rollback_drills.documents.quotation import json_path, show
from rollback_drills.documents.reading.examination import examine
from rollback_drills.documents.reading.mistake import Mistake
from rollback_drills.documents.reading.reader import BOM, Loaded, read_bytes, read_document, read_json
from rollback_drills.documents.reading.yaml_text import is_yaml
from rollback_drills.documents.routing_policy import RoutingPolicy
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.subject import Subject
from rollback_drills.documents.terminal_text import show_path
from rollback_drills.documents.unusable_document import UnusableDocumentError
from rollback_drills.errors import UsageError
from rollback_drills.linting.comments import find_in_comments
from rollback_drills.linting.faults import Faults, find_faults
from rollback_drills.linting.idle_reviews import find_idle_reviews
from rollback_drills.linting.kinds import explain_name, guess_model
from rollback_drills.linting.odd_times import find_far_changes, find_long_periods
from rollback_drills.linting.pairs import warn_of_pairs
from rollback_drills.linting.repeated_names import find_repeated_names
from rollback_drills.names.keys import name_key
from rollback_drills.planning.name_warnings import warn_of_names

_INSTEAD: Final[dict[int | str, Location]] = {"cadence": ("interval_days",)}
"""Keys that replace another key: with a mistake in `$.cadence`, `$.interval_days` is not missing."""


@dataclass(slots=True)
class Linted:
    """What was found: file, path, value and remedy of each."""

    findings: list[str] = field(default_factory=list)
    """What `drills check` or `drills gate` refuses, or what must not be published."""
    warnings: list[str] = field(default_factory=list)
    """What decides nothing, and is probably a mistake."""


def lint_files(paths: Sequence[str], *, now: datetime) -> Linted:
    """Find every mistake in these files; the clock is needed for warnings of dates that are unlikely."""
    linted, raws = Linted(), [_parse_file(path) for path in paths]
    loaded = [each for path, raw in zip(paths, raws, strict=True) for each in _load(path, raw, linted)]
    for each in loaded:
        mistakes, document = ([], each.document) if each.document else _examine(each)
        linted.findings += [f"{each.path}: {mistake}" for mistake in mistakes]
        linted.findings += [each.problem] if each.problem and not mistakes else []
        faults = find_faults(document) if document else Faults()
        linted.findings += [
            f"{each.path}: {fault}" for fault in faults.findings if not _is_named(fault, mistakes)
        ]
        linted.warnings += [f"{each.path}: {fault}" for fault in faults.warnings]
        linted.warnings += [
            f"{each.path}: {place} has no offset, and is read as UTC; write it with one, such as Z"
            for place in each.without_offset
        ]
        if isinstance(document, RoutingPolicy):
            long_ones = find_long_periods(document, now=now)
            linted.warnings += [f"{each.path}: {long}" for long in long_ones]
        if isinstance(document, Changes):
            linted.warnings += [f"{each.path}: {far}" for far in find_far_changes(document, now=now)]
        if isinstance(document, Schedule) and (warning := document.cadence.find_warning(now=now)):
            linted.warnings.append(f"{each.path}: {warning}")
    for path, raw in zip(paths, raws, strict=True):
        idle = [*find_idle_reviews(raw), *find_repeated_names(raw)]
        linted.warnings += [f"{show_path(path)}: {each}" for each in idle]
    linted.findings += find_lookalike_names(zip(map(show_path, paths), raws, strict=True))
    schedules = [each for each in loaded if isinstance(each.document, Schedule)]
    policies = [
        Loaded(each.path, each.document)
        for each in loaded
        if isinstance(each.document, RoutingPolicy) and not isinstance(each.document, Schedule)
    ]
    linted.warnings += [*_find_duplicates(schedules), *warn_of_names(schedules, policies)]
    linted.warnings += warn_of_pairs(loaded)
    for each in loaded if schedules else ():
        if isinstance(each.document, Changes):
            linted.warnings += warn_of_changes([Subject(schedule, None) for schedule in schedules], each)
    return linted


def _parse_file(path: str) -> Any:
    """Return what a file says, as JSON is parsed; None if it is neither JSON nor YAML."""
    try:
        return _parse(read_json(path))
    except UnusableDocumentError:
        return None


def _parse(data: bytes) -> Any:
    """Return the value of a JSON text, without other checks; None if it is not JSON."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _load(path: str, raw: Any, linted: Linted) -> Iterator[Loaded[Any]]:
    """Yield the documents in a file; what must not be published is found here."""
    if is_records(path):
        yield from _load_lines(path, linted)
        return
    linted.findings += [f"{show_path(path)}: {each}" for each in _look_at_comments(path)]
    if misnamed := explain_name(raw, path):
        linted.warnings.append(f"{show_path(path)} {misnamed}")
    yield read_document(guess_model(raw, path) if raw is not None else Schedule, path, show_path(path))


def _look_at_comments(path: str) -> list[str]:
    try:
        return list(find_in_comments(read_bytes(path))) if is_yaml(path) else []
    except UnusableDocumentError:
        return []


def _examine(loaded: Loaded[Any]) -> tuple[list[Mistake], Document | None]:
    """Return each mistake in a document that cannot be used, and what can be read in spite of them."""
    try:
        data = read_json(loaded.file) if loaded.file else b""
        if (raw := _parse(data)) is None:
            return [], None
        return examine(guess_model(raw, loaded.file), data.removeprefix(BOM))
    except UnusableDocumentError:
        return [], None


def _is_named(fault: str, mistakes: Sequence[Mistake]) -> bool:
    """Return whether a mistake names the same place, a misspelling of it, or the key that replaces it."""
    return any(
        _is_at(fault, each.loc)
        or (each.meant is not None and _is_at(fault, each.meant))
        or re.search(rf"(?<!\w){re.escape(str(each.loc[-1]))} is missing", fault)
        for each in mistakes
        if each.loc
    )


def _is_at(fault: str, loc: Location) -> bool:
    """Return whether a place lies in what a fault is about, which begins with its path."""
    wholes = [loc[:end] for end in range(1, len(loc) + 1)]
    if loc[0] in _INSTEAD:
        wholes.append(_INSTEAD[loc[0]])
    return any(fault.startswith(f"{json_path(each)} ") for each in wholes)


def _load_lines(path: str, linted: Linted) -> Iterator[Loaded[Any]]:
    try:
        subjects = load_fleet(path, None).subjects
    except UsageError as error:
        linted.findings.append(error.problem)
        return
    for subject in subjects:
        yield from (each for each in (subject.schedule, subject.history) if each)


def _find_duplicates(schedules: Sequence[Loaded[Schedule]]) -> Iterator[str]:
    """Yield schedules that have the same id as another one in their folder, in any spelling.

    In one fleet, `drills check` refuses both.
    """
    first: dict[tuple[str, str], str] = {}
    links = find_links([(each.path, each.file) for each in schedules if each.file])
    for each in schedules:
        if each.path in links:
            yield f"{each.path} is a link to {links[each.path]}; remove the link"
            continue
        if each.document and each.document.schedule_id:
            name = each.document.schedule_id
            other = first.setdefault((dirname(each.path), name_key(name)), each.path)
            if other != each.path:
                yield f"{each.path}: $.schedule_id is {show(name)}, which {other} has too; rename one"
