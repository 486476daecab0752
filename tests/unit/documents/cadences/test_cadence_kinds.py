"""The kinds of cadence by the calendar: one entry each, from which document, schema and reference follow."""

import json
import re
from collections import Counter
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, get_args, get_type_hints

import msgspec
import pytest

from rollback_drills import documents
from rollback_drills.documents.cadences.cadence import CadenceKeys, CalendarCadence
from rollback_drills.documents.cadences.calendar_cadence import KINDS, WrittenCadence, name_kind
from rollback_drills.documents.calendars.working_days import WorkCalendar
from rollback_drills.documents.schemas.published import read_schema
from tests.reading.documentation import TEXTS, rows


def test_every_cadence_of_the_room_is_an_entry() -> None:
    for each in iter_modules(documents.__path__, f"{documents.__name__}."):
        import_module(each.name)

    assert set(KINDS) == set(CadenceKeys.__subclasses__())
    read = {get_type_hints(kind.read, vars(import_module(kind.__module__)))["return"] for kind in KINDS}
    assert read == set(CalendarCadence.__subclasses__())


def test_the_schema_has_the_keys_of_every_kind() -> None:
    known = json.loads(read_schema("schedule"))["$defs"]

    refs = [each["$ref"].rpartition("/")[2] for each in known["WrittenCadence"]["oneOf"]]
    assert refs == [kind.__name__ for kind in KINDS]
    for kind in KINDS:
        fields = msgspec.structs.fields(kind)
        assert list(known[kind.__name__]["properties"]) == [each.name for each in fields]
        assert known[kind.__name__]["required"] == [each.name for each in fields if each.required]


def test_a_document_may_have_every_key_of_every_kind() -> None:
    keys = {name for kind in KINDS for name in kind.__struct_fields__}
    assert set(WrittenCadence.__struct_fields__) == keys
    (listed,) = [
        {
            key
            for words in rows(TEXTS["docs/reference/documents.md"], header)
            for key in re.findall(r"`(\w+)`", words[0])
        }
        for header in ["| key of `cadence` | meaning |"]
    ]
    assert listed == keys


def test_the_first_key_of_a_kind_tells_it() -> None:
    keys = Counter(name for kind in KINDS for name in kind.__struct_fields__)
    assert all(keys[name_kind(kind)] == 1 for kind in KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_that_is_missing_is_asked_for_with_an_example(kind: type[CadenceKeys]) -> None:
    first, *others = msgspec.structs.fields(kind)
    for each in others:
        if each.required:
            assert get_args(each.type)[-1].examples, each.name
    assert first.required
    assert kind.counting


def test_kinds_that_share_a_key_mean_the_same_type() -> None:
    types: dict[str, Any] = {}
    for kind in KINDS:
        for each in msgspec.structs.fields(kind):
            plain = msgspec.inspect.type_info(each.type)
            plain = getattr(plain, "type", plain)
            assert types.setdefault(each.name, plain) == plain, each.name


def test_a_cadence_is_written_as_it_was_read() -> None:
    written = {"once_per": "year", "start": "2026-01-01", "time_zone": "UTC"}
    assert msgspec.to_builtins(msgspec.convert(written, WrittenCadence)) == written
    assert (
        msgspec.convert({"rrule": None, **written}, WrittenCadence).read({"x": WorkCalendar()}).calendar
        is None
    )
