"""The key `cadence` of a schedule: how often drills are due, by the calendar.

Each kind of cadence has keys of its own. A new kind is a module with them, and an entry in `KINDS`.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, get_args

import msgspec
from msgspec import NODEFAULT

from rollback_drills.documents.cadences.cadence import CadenceKeys, CalendarCadence
from rollback_drills.documents.cadences.period_cadence import PeriodKeys
from rollback_drills.documents.cadences.rule_cadence import RuleKeys
from rollback_drills.documents.calendars.working_days import WorkCalendar, find_calendar
from rollback_drills.documents.fields import Document
from rollback_drills.documents.unfit_keys import UnfitKeysError

KINDS: Final[Sequence[type[CadenceKeys]]] = (RuleKeys, PeriodKeys)
"""The kinds of cadence by the calendar."""


def name_kind(kind: type[CadenceKeys]) -> str:
    """Return the key that identifies a kind: its first one."""
    return kind.__struct_fields__[0]


def _join_fields() -> Iterator[tuple[str, Any, Any]]:
    """Yield each key of all kinds once. A key that one kind requires is optional, because others lack it."""
    fields = [each for kind in KINDS for each in msgspec.structs.fields(kind)]
    for name in dict.fromkeys([*map(name_kind, KINDS), *(each.name for each in fields)]):
        field = next(each for each in fields if each.name == name)
        if field.default is NODEFAULT:
            yield name, field.type | None, None
        else:
            yield name, field.type, field.default


_AnyKeys: Any = msgspec.defstruct("_AnyKeys", _join_fields(), bases=(Document,), frozen=True, gc=False)


class WrittenCadence(_AnyKeys):  # type: ignore[misc]  # made of the keys of the kinds
    """The key `cadence` of a schedule."""

    def __post_init__(self) -> None:
        """Ensure that it can be followed.

        Raises:
            ValueError: It cannot; the message says what is wrong and what to write.
        """
        _read_keys(self)

    @property
    def calendar_name(self) -> str:
        """The calendar of the document that it names; empty if it names none."""
        return _read_keys(self).calendar_name

    def read(self, calendars: Mapping[str, WorkCalendar]) -> CalendarCadence:
        """Return what it means, with the calendars of its document."""
        keys = _read_keys(self)
        return keys.read(find_calendar(keys.calendar_name, calendars) if keys.calendar_name else None)


# Thousands of schedules share a few cadences.
@lru_cache(maxsize=1024)
def _read_keys(written: WrittenCadence) -> CadenceKeys:
    """Return the keys of the kind that is written.

    Raises:
        ValueError: The kind is unclear, a key is missing or of another kind, or it cannot be followed.
    """
    written_kinds = [kind for kind in KINDS if getattr(written, name_kind(kind)) is not None]
    if len(written_kinds) != 1:
        kinds = [name_kind(each) for each in KINDS]
        raise UnfitKeysError(f"needs exactly one of {', '.join(kinds)}", *kinds)
    (kind,) = written_kinds
    fields = {each.name: each for each in msgspec.structs.fields(kind)}
    for each in msgspec.structs.fields(WrittenCadence):
        if each.name not in fields and getattr(written, each.name) != each.default:
            others = [name_kind(other) for other in KINDS if each.name in other.__struct_fields__]
            raise UnfitKeysError(f"{each.name} goes with {' or '.join(others)} only; leave it out", *others)
    values = {name: getattr(written, name) for name in fields}
    for name, field in fields.items():
        if values[name] is None and field.required:
            raise ValueError(f"{name} is missing; write one such as {get_args(field.type)[-1].examples[0]}")
    return kind(**values)
