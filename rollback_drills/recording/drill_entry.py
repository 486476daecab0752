"""Makes a drill of what somebody says was performed, and refuses what no history may hold."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

import msgspec

from rollback_drills.documents.history import OUTCOMES, Drill
from rollback_drills.documents.odd_names import explain_odd_name
from rollback_drills.documents.plain_json import PlainJson, keep_given
from rollback_drills.documents.quotation import show
from rollback_drills.documents.reading.careful_reader import read_carefully
from rollback_drills.documents.reading.reader import BOM
from rollback_drills.documents.unusable_document import UnusableDocumentError
from rollback_drills.documents.utc import write_instant
from rollback_drills.errors import Field, UsageError
from rollback_drills.evidence.drills import write_drill
from rollback_drills.readiness.acceptance import is_in_future
from rollback_drills.readiness.states import Mode

_FIELD: Final = re.compile(r"\$\.(\w+)")


@dataclass(frozen=True, slots=True)
class Entry:
    """What somebody says of a drill."""

    drill: Drill
    names: frozenset[str]
    """The fields that were given."""


NOTHING: Final = Entry(Drill(), frozenset())


def read_entry(data: bytes, place: str) -> Entry:
    """Read a drill that is given as a JSON object.

    Args:
        data: The JSON.
        place: Where it comes from, for messages.

    Raises:
        UsageError: It is no drill that a history may hold; names the JSON path.
    """
    data = data.removeprefix(BOM)
    try:
        drill, _ = read_carefully(Drill, data)
    except UnusableDocumentError as error:
        raise UsageError(f"{place}: {error}") from None
    given = json.loads(data)
    return Entry(drill, frozenset(name for name, value in given.items() if value is not None))


def read_fields(fields: Mapping[str, object]) -> Entry:
    """Read a drill whose fields are given one by one; None and empty ones are not given.

    Raises:
        UsageError: A field is wrong.
    """
    given = keep_given(fields)
    try:
        drill, _ = read_carefully(Drill, json.dumps(given).encode())
    except UnusableDocumentError as error:
        raise UsageError(*_name_fields(str(error))) from None
    return Entry(drill, frozenset(given))


def _name_fields(problem: str) -> Iterator[str | Field]:
    """Yield a message about a document with its fields as those that the caller gives one by one."""
    for place, part in enumerate(_FIELD.split(problem)):
        yield Field(part) if place % 2 else part


def build_drill(entry: Entry, fields: Entry, *, schedule_id: str, runbook_ref: str, now: datetime) -> Drill:
    """Make a drill of an object and of fields beside it, and fill in what goes without saying.

    Without `executed_at` it was performed now; without `target_mode` the backend ended in disabled mode;
    without `fallback_verified` it was not; without `runbook_ref` the runbook of the schedule was followed;
    without `drill_id` the rest names it.

    Args:
        entry: The object.
        fields: The fields.
        schedule_id: Whose drill it is.
        runbook_ref: The runbook of the schedule.
        now: The instant of the recording.

    Raises:
        UsageError: A field is given twice, the outcome is not said, a person is named so that nobody can read
            it, or the drill lies in the future.
    """
    for name in sorted(entry.names & fields.names):
        raise UsageError(f"is given, and $.{name} in the object; keep one of them", field=name)
    drill = msgspec.structs.replace(
        entry.drill, **{name: getattr(fields.drill, name) for name in fields.names}
    )
    if drill.status not in OUTCOMES:
        found = f"is {show(drill.status)}" if drill.status else "is missing"
        raise UsageError(f"{found}; must be {' or '.join(OUTCOMES)}", field="status")
    people = [(name, getattr(drill, name)) for name in ("actor", "approved_by", "reviewed_by")]
    for field, person in [*people, *(("participants", each.name) for each in drill.participants)]:
        if problem := explain_odd_name(person):
            raise UsageError(problem, field=field)
    executed_at = (drill.executed_at or now).astimezone(UTC)
    drill = msgspec.structs.replace(
        drill,
        executed_at=executed_at,
        target_mode=drill.target_mode or Mode.DISABLED.value,
        fallback_verified=bool(drill.fallback_verified),
        runbook_ref=drill.runbook_ref or runbook_ref,
    )
    if is_in_future(drill, now=now):
        at = write_instant(executed_at)
        raise UsageError(f"is {at}; a drill cannot be in the future", field="executed_at")
    if drill.drill_id:
        return drill
    return msgspec.structs.replace(drill, drill_id=_name(schedule_id, drill, executed_at))


def _name(schedule_id: str, drill: Drill, executed_at: datetime) -> str:
    """Name a drill after its schedule, its day and all that it says: sent again, it has the same name."""
    slug = re.sub(r"[^a-z0-9]+", "-", schedule_id.lower()).strip("-")[:48].strip("-") or "drill"
    digest = sha256(json.dumps(drill_to_wire(drill), sort_keys=True).encode()).hexdigest()
    return f"{slug}-{executed_at:%Y%m%d}-{digest[:8]}"


def drill_to_wire(drill: Drill) -> PlainJson:
    """Write a drill as the history document has it, its keys in the order of the contract."""
    written = write_drill(drill)
    return {name: written[name] for name in Drill.__struct_fields__ if name in written}
