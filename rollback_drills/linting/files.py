"""Lints files: each by itself, then all of them together."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from os.path import dirname
from typing import Any

from rollback_drills.documents.careful_reader import UnusableDocumentError
from rollback_drills.documents.changes import Changes
from rollback_drills.documents.fields import Document
from rollback_drills.documents.finding import find_links
from rollback_drills.documents.fleet import load_fleet
from rollback_drills.documents.fleet_changes import warn_of_changes
from rollback_drills.documents.lookalike_names import find_lookalike_names
from rollback_drills.documents.private_texts import find_private_texts
from rollback_drills.documents.quotation import json_path, show
from rollback_drills.documents.reader import Loaded, read_bytes, read_document
from rollback_drills.documents.records import is_records
from rollback_drills.documents.routing_policy import RoutingPolicy
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.subject import Subject
from rollback_drills.documents.terminal_text import show_path
from rollback_drills.documents.yaml_text import is_yaml, to_json
from rollback_drills.errors import UsageError
from rollback_drills.linting.faults import find_faults
from rollback_drills.linting.kinds import explain_name, guess_model
from rollback_drills.names.keys import name_key
from rollback_drills.planning.name_warnings import warn_of_names


@dataclass(slots=True)
class Linted:
    """What was found: file, path, value and remedy of each."""

    findings: list[str] = field(default_factory=list)
    """What `drills check` or `drills gate` refuses, or what must not be published."""
    warnings: list[str] = field(default_factory=list)
    """What decides nothing, and is probably a mistake."""


def lint_files(paths: Sequence[str], *, now: datetime) -> Linted:
    """Find every mistake in these files; the clock is needed for cadences that end soon alone."""
    linted, raws = Linted(), [_parse(path) for path in paths]
    loaded = [each for path, raw in zip(paths, raws, strict=True) for each in _load(path, raw, linted)]
    for each in loaded:
        if each.document is None:
            linted.findings.append(each.problem)
            continue
        faults = find_faults(each.document)
        linted.findings += [f"{each.path}: {fault}" for fault in faults.findings]
        linted.warnings += [f"{each.path}: {fault}" for fault in faults.warnings]
        if isinstance(each.document, Schedule) and (warning := each.document.cadence.find_warning(now=now)):
            linted.warnings.append(f"{each.path}: {warning}")
    linted.findings += find_lookalike_names(zip(map(show_path, paths), raws, strict=True))
    schedules = [each for each in loaded if isinstance(each.document, Schedule)]
    policies = [
        Loaded(each.path, each.document)
        for each in loaded
        if isinstance(each.document, RoutingPolicy) and not isinstance(each.document, Schedule)
    ]
    linted.warnings += [*_find_duplicates(schedules), *warn_of_names(schedules, policies)]
    for each in loaded if schedules else ():
        if isinstance(each.document, Changes):
            linted.warnings += warn_of_changes([Subject(schedule, None) for schedule in schedules], each)
    return linted


def _parse(path: str) -> Any:
    """Return what a file says, as JSON is parsed; None if it is neither JSON nor YAML."""
    try:
        data = read_bytes(path)
        return json.loads(to_json(data) if is_yaml(path) else data)
    except (UnusableDocumentError, ValueError, RecursionError):
        return None


def _load(path: str, raw: Any, linted: Linted) -> Iterator[Loaded[Any]]:
    """Yield the documents in a file; what must not be published is found here."""
    if is_records(path):
        yield from _load_lines(path, linted)
        return
    if raw is None:
        yield read_document(Schedule, path, show_path(path))
        return
    private = [
        f"{show_path(path)}: {json_path(loc)} holds {kind}; leave it out"
        for loc, kind in find_private_texts(raw)
    ]
    linted.findings += private
    if not private:
        if misnamed := explain_name(raw, path):
            linted.warnings.append(f"{show_path(path)} {misnamed}")
        model: type[Document] = guess_model(raw, path)
        yield read_document(model, path, show_path(path))


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
