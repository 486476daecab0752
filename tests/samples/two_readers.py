"""What the quick and the careful reader are compared on: timestamps and documents in many spellings."""

import json
from collections.abc import Callable
from datetime import UTC, date
from random import Random
from typing import Any

import msgspec
import pytest

from rollback_drills.documents.fields import Document, Timestamp
from rollback_drills.documents.history import History
from rollback_drills.documents.instants import read_instant
from rollback_drills.documents.reading.careful_reader import read_carefully
from rollback_drills.documents.reading.reader import Loaded, parse_document
from rollback_drills.documents.routing_policy import RoutingPolicy
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.unusable_document import UnusableDocumentError

DAYS = ("2026-11-05", "2026-12-31", "2028-02-29", "2027-02-29", "0001-01-01", "9999-12-31", "1970-01-01")
CLOCKS = ("09:00:00", "23:59:59", "00:00:00", "24:00:00", "23:59:60", "09:00", "090000", "12:34:56")
OFFSETS = ("Z", "z", "+00:00", "-00:00", "+02:00", "-23:59", "+0530", "+01", "+01:00:30", "", "+24:00")
NUMBERS = (
    "30",
    "30.0",
    "3e1",
    "0",
    "-0",
    "-0.0",
    "1E-3",
    "0.1",
    "36525",
    "36526",
    "1e400",
    "12345678901234567890",
)
TEXTS = (
    "pass",
    "active",
    "explicit",
    "after_completion",
    "a",
    "",
    "token=abc",
    "é",
    "\u202e",
    "a\nb",
    "full",
)
Make = Callable[[Random], str]


def make_timestamp(random: Random) -> str:
    """Write a timestamp, in one of the ways of ISO 8601 or nearly so."""
    digits = "".join(
        random.choices("0123456789", k=random.randint(0, 12)) if random.random() < 0.8 else "9999995"
    )
    fraction = random.choice(".,") + digits if digits else ""
    day = (
        random.choice(DAYS) if random.random() < 0.5 else str(date.fromordinal(random.randint(1, 3_652_059)))
    )
    separator = random.choice("TTTT t_")
    return day + separator + random.choice(CLOCKS) + fraction + random.choice(OFFSETS)


def _number(random: Random) -> str:
    return random.choice(NUMBERS) if random.random() < 0.5 else repr(random.uniform(-100, 40_000))


def _word(random: Random) -> str:
    return json.dumps(random.choice(TEXTS), ensure_ascii=random.random() < 0.5)


def _time(random: Random) -> str:
    return json.dumps(make_timestamp(random))


def _boolean(random: Random) -> str:
    return random.choice(("true", "false"))


def _list(item: Make) -> Make:
    return lambda random: "[" + ",".join(item(random) for _ in range(random.randint(0, 2))) + "]"


def _object(**members: Make) -> Make:
    """Write an object with some of these keys; now and then with null, one of them twice, or blanks."""

    def make(random: Random) -> str:
        names = random.sample(list(members), random.randint(0, len(members)))
        if names and random.random() < 0.05:
            names.append(random.choice(names))
        written = (
            f'"{name}"{random.choice((":", ": ", " : "))}'
            + ("null" if random.random() < 0.05 else members[name](random))
            for name in names
        )
        return "{" + random.choice((",", ", ", ",\n")).join(written) + "}"

    return make


def _either(*makes: Make) -> Make:
    return lambda random: random.choice(makes)(random)


PERIOD = _either(
    _object(start_at=_time, end_at=_time, starts_at=_time, ends_at=_time, reason=_word),
    lambda random: f'{{"start_at": {_time(random)}, "end_at": "9998-01-01T00:00:00Z"}}',
)
RULE = _object(providers=_list(_word), ack_minutes=_number, acknowledgement_minutes=_number, manager=_word)
ROUTING: dict[str, Make] = {
    "owner_routes": _either(_object(a=RULE, b=RULE), _list(RULE)),
    "maintenance_windows": _list(PERIOD),
    "owner_calendars": _object(a=_object(available=_boolean, unavailable_windows=_list(PERIOD))),
    "acknowledgement_minutes": _number,
}
DRILL = _object(
    drill_id=_word,
    executed_at=_time,
    status=_word,
    fallback_verified=_boolean,
    recovery_minutes=_number,
    exercise_type=_word,
    reviewed_at=_time,
    evidence_refs=_list(_word),
    findings=_list(_object(finding_id=_word, closed_at=_time)),
)
SCHEDULE = _object(
    schedule_id=_word,
    status=_word,
    interval_days=_number,
    next_due_at=_time,
    due_policy=_word,
    owners=_list(_word),
)
ROUTED_SCHEDULE = _object(schedule_id=_word, next_due_at=_time, **ROUTING)
HISTORY = _object(environment=_word, drills=_list(DRILL))
DOCUMENTS: tuple[tuple[type[Document], Make], ...] = (
    (Schedule, SCHEDULE),
    (Schedule, ROUTED_SCHEDULE),
    (History, HISTORY),
    (RoutingPolicy, _object(schema_version=_word, **ROUTING)),
)


def make_document(random: Random) -> tuple[type[Document], str]:
    """Write a document of one of the models, with some mistakes."""
    model, make = random.choice(DOCUMENTS)
    return model, make(random)


def assert_one_reading_of_a_timestamp(text: str) -> None:
    """Compare the two readers of timestamps on a text that both may accept."""
    try:
        quick = msgspec.convert(text, Timestamp)
    except msgspec.ValidationError:
        return
    try:
        careful, has_offset = read_instant(text)
    except ValueError:
        with pytest.raises(OverflowError):  # both refuse what leaves the calendar in UTC
            quick.astimezone(UTC)
        return
    assert careful == quick, text
    assert has_offset, text


def assert_one_reading_of_a_document(model: type[Document], text: str) -> None:
    """Compare what is read with what the careful reader alone reads: the document, or what is wrong."""
    assert parse_document(model, text.encode(), "x") == _read_carefully(model, text.encode()), text


def _read_carefully(model: type[Document], data: bytes) -> Loaded[Any]:
    try:
        document, without_offset = read_carefully(model, data)
    except UnusableDocumentError as error:
        return Loaded("x", problem=f"x: {error}")
    return Loaded("x", document, without_offset=without_offset)
