"""Reads one record of a JSON Lines file: a schedule, with its history or without."""

import json
import os
from functools import partial
from typing import Any, Final

import msgspec

from rollback_drills.documents.duplicate_keys import Origin, parse_json
from rollback_drills.documents.fleets.glimpse import is_bare
from rollback_drills.documents.history import History, share_words
from rollback_drills.documents.quotation import json_path, show, state
from rollback_drills.documents.reading.json_text import explain_repeats
from rollback_drills.documents.reading.reader import (
    D,
    Loaded,
    add_calendars,
    hide_folder,
    parse_document,
    read_document,
)
from rollback_drills.documents.reading.shapes import keys_at
from rollback_drills.documents.reading.whole_record import WholeRecord, read_whole
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.terminal_text import show_path
from rollback_drills.names.similar_names import find_similar

Record = tuple[Loaded[Schedule], Loaded[History] | None]


class _Parts(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    schedule: msgspec.Raw
    history: msgspec.Raw = msgspec.Raw()


_decoder: Final = msgspec.json.Decoder(_Parts)
_GOES_ON: Final = (b"{", b"[", b",")
_PARTS: Final = frozenset(_Parts.__struct_fields__)
_parse: Final = msgspec.json.Decoder().decode


def read_record(line: bytes, place: str, number: int, folder: str) -> Record:
    """Read `{"schedule": …, "history": …}` (each a document, or the path of one), or a bare schedule."""
    if is_bare(line):
        bare = parse_document(Schedule, line, place, Origin(number), folder=folder)
        return (bare, None) if bare.document else _read_odd_record(line, place, number, folder)
    if whole := read_whole(line):
        return _split_whole(whole, place, folder)
    try:
        parts = _decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _read_odd_record(line, place, number, folder)
    schedule, history = bytes(parts.schedule), bytes(parts.history)
    own_commas = line.count(b",") - schedule.count(b",") - history.count(b",")
    if own_commas != bool(history):
        return _refuse_repeats(line, place, number), None
    read_part = partial(_read_part, line, place, number, folder)
    has_history = history not in (b"", b"null")
    return read_part(Schedule, "schedule", schedule), (
        read_part(History, "history", history) if has_history else None
    )


def _split_whole(record: WholeRecord, place: str, folder: str) -> Record:
    schedule = add_calendars(Loaded(f"{place}#schedule", record.schedule), folder)
    if record.history is None:
        return schedule, None
    share_words(record.history)
    return schedule, Loaded(f"{place}#history", record.history)


def _read_odd_record(line: bytes, place: str, number: int, folder: str) -> Record:
    """Read a line that is no record, or one that has what JSON does not: NaN, or half of a surrogate pair."""
    try:
        record, has_repeats = parse_json(line.decode())
    except (ValueError, RecursionError) as error:
        is_at_end = isinstance(error, json.JSONDecodeError) and error.pos == len(error.doc)
        if is_at_end and line.endswith(_GOES_ON):
            column = len(line.decode(errors="replace")) + 1
            what = "the record does not end on its line (write each record on one line)"
            return Loaded(place, problem=f"{place}: is not JSON: {what}, line {number} column {column}"), None
        return parse_document(Schedule, line, place, Origin(number), folder=folder), None
    if not isinstance(record, dict) or not (_PARTS & record.keys() or _is_misspelt(record)):
        return parse_document(Schedule, line, place, Origin(number), folder=folder), None
    if has_repeats:
        return _refuse_repeats(line, place, number), None
    for key in sorted(record.keys() - _PARTS):
        near = find_similar(key, _PARTS - record.keys())
        remedy = f"did you mean {near!r}?" if near else "a record has schedule and history"
        return Loaded(place, problem=f"{place}: {json_path((key,))} is an unknown key; {remedy}"), None
    if "schedule" not in record:
        problem = f"{place}: $.schedule is missing; a record has schedule and history"
        return Loaded(place, problem=problem), None
    read_part = partial(_read_part, line, place, number, folder)
    schedule, history = (json.dumps(record.get(key)).encode() for key in ("schedule", "history"))
    return read_part(Schedule, "schedule", schedule), (
        None if history == b"null" else read_part(History, "history", history)
    )


def _is_misspelt(record: dict[str, Any]) -> bool:
    """Whether a line is meant as a record and not as a schedule, of which it has no key."""
    of_schedule = keys_at(Schedule, ())
    known = [*_PARTS, *of_schedule]
    return of_schedule.isdisjoint(record) and any(find_similar(key, known) in _PARTS for key in record)


def _refuse_repeats(line: bytes, place: str, number: int) -> Loaded[Schedule]:
    problem = next(explain_repeats(line.decode(errors="replace"), Origin(number)))
    return Loaded(place, problem=f"{place}: {problem}")


def _read_part(
    line: bytes, place: str, number: int, folder: str, model: type[D], key: str, part: bytes
) -> Loaded[D]:
    if part[:1] == b"{":
        loaded = parse_document(model, part, f"{place}#{key}", folder=folder)
        if loaded.document is None:  # once more, to name its lines and columns as those of the file
            before = line[: line.find(part)].decode(errors="replace")
            origin = Origin(number, len(before) + 1)
            return parse_document(model, part, f"{place}#{key}", origin, folder=folder)
        return loaded
    value = _parse(part)
    if isinstance(value, str) and value.strip():
        path = os.path.join(folder, value)
        return read_document(
            model, path, hide_folder(value if os.path.isabs(path) else path), show_path(value)
        )
    found = state(value) if value in (None, "") else f"is {show(value)}"
    problem = f"{place}: $.{key} {found}; must be a document, or the path of one"
    return Loaded(place, problem=problem)
