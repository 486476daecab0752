"""Compares outcomes that the outbox calls taken into the evidence with the rows that hold them, and back."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, inspect, select, type_coerce
from sqlalchemy.types import NullType

from rollback_drills.database.tables import OUTBOX
from rollback_drills.documents.utc import from_seconds, write_instant
from rollback_drills.evidence.first_records import IMPORTED_FROM
from rollback_drills.evidence.record_kinds import IMPORT_KIND, ROUTE_DELIVERY_KIND
from rollback_drills.evidence.verify.findings import FindingKind, Verification
from rollback_drills.evidence.written_record import WrittenRecord, text_of
from rollback_drills.names.ids import is_route_of_path
from rollback_drills.names.keys import is_same
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.states import NOTIFIED, State
from rollback_drills.readiness.acceptance import CLOCK_SKEW
from rollback_drills.redaction.redactor import REDACTED

_COLUMNS: Final = (
    *("notification_id", "route_key", "cycle_id", "reason", "status", "planned_at", "cycle_due"),
    *("is_indexed", "state", "attempt_count", "status_code", "completed_at"),
)
_NAMES: Final = ("schedule_id", "provider", "owner")
_DECIDED: Final = frozenset({Reason.FIRST, Reason.WORSE, Reason.REPEAT, Reason.DEFERRED})
"""Of these the outbox has the cycle, the state and the time of the plan: repeats are counted from them."""
SETTLED: Final = frozenset(
    {State.DELIVERED, State.ACCEPTED, State.AMBIGUOUS, State.PERMANENT, State.DISABLED, State.DISCARDED}
)
"""States that come with an outcome, so that the evidence has the same."""
_STATES: Final = frozenset(State)


class _Said(msgspec.Struct, frozen=True, gc=False):
    """What a row says of a notification."""

    notification_id: str
    schedule_id: str = ""
    provider: str = ""
    owner: str = ""
    route_key: str = ""
    cycle_id: str = ""
    status: str = ""
    plan_id: str = ""
    """Empty for a notice, whose time earlier versions wrote wrongly if several were recorded together."""
    reason: str = ""
    generated_at: str = ""
    outcome: str = ""
    attempt_count: int = 0
    status_code: int | None = None
    completed_at: str | None = None


class TakenOutcomes:
    """Holds what the outbox says, and lets go of each outcome for which a row is found."""

    def __init__(self, rows: Iterable[Row[Any]] | None) -> None:
        """Begin with the rows of the outbox; None if it cannot be compared."""
        self._open: dict[str, Row[Any]] = {}
        self._known: set[str] = set()
        self._is_compared = rows is not None
        self._lost: dict[str, str] = {}
        self._began = ""
        for row in rows or ():
            notification_id = str(row.notification_id)
            self._known.add(notification_id)
            if is_taken(row):
                self._open[notification_id] = row

    def find(self, record: WrittenRecord) -> None:
        """Take a row of the ledger."""
        if not self._is_compared:
            return
        self._began = self._began or text_of(record, "created_at")
        kind = record.get("metadata_kind")
        if kind == ROUTE_DELIVERY_KIND:
            said = _read_said(record)
            if said is not None and said.notification_id not in self._known:
                self._lost[said.notification_id] = said.outcome
            self._let_go(said)
        elif kind == IMPORT_KIND and record.get("imported_from") == IMPORTED_FROM:
            self.find_unsigned(record.get("original"))

    def find_unsigned(self, original: object) -> None:
        """Take a row of the first format. Nobody signed it: it counts for what is older than the ledger."""
        if isinstance(original, dict):
            said = _read_said(original) if original.get("metadata_kind") == ROUTE_DELIVERY_KIND else None
            # its route and its reason were made by the upgrade
            plain = said and msgspec.structs.replace(said, reason="")
            self._let_go(plain, before=self._began)

    def _let_go(self, said: _Said | None, *, before: str = "") -> None:
        taken = self._open.get(said.notification_id) if said else None
        if said is None or taken is None or not _fits(taken, said):
            return
        if not before or all(_is_older(each, before) for each in (taken.planned_at, taken.completed_at)):
            del self._open[said.notification_id]

    def judge(self, result: Verification, pruned_until: str) -> None:
        """Name the outcomes without a row, and the rows without a notification in the outbox.

        Args:
            result: Takes the findings.
            pruned_until: Outcomes older than this may have been pruned; empty if none was.
        """
        for notification_id, taken in self._open.items():
            if pruned_until and _is_older(taken.completed_at, pruned_until):
                continue
            result.add(
                FindingKind.REMOVED,
                f"the outbox says that the outcome of {notification_id} ({taken.state}) was taken into the"
                " evidence, and no row has it",
            )
        for notification_id, outcome in self._lost.items():
            result.add(
                FindingKind.REMOVED,
                f"the evidence has the outcome of {notification_id} ({outcome}), and the outbox does not have"
                " this notification any more",
            )


def can_be_compared(connection: Connection) -> bool:
    """Return whether the outbox has its columns."""
    found = {each["name"] for each in inspect(connection).get_columns(OUTBOX.name)}
    return found.issuperset(OUTBOX.c.keys())


def iterate_outbox(connection: Connection) -> Iterator[Row[Any]]:
    """Return what is compared of each row of the outbox."""
    columns = (type_coerce(OUTBOX.c[name], NullType()).label(name) for name in (*_COLUMNS, *_NAMES))
    yield from connection.execute(select(*columns), execution_options={"yield_per": 1000})


def is_taken(row: Any) -> bool:
    """Whether the newest outcome of a notification is said to be in the evidence."""
    return row.is_indexed not in (False, None) and (row.completed_at is not None or row.state in SETTLED)


def _read_said(record: WrittenRecord) -> _Said | None:
    try:
        return msgspec.convert(record, _Said)
    except msgspec.ValidationError:
        return None


def _fits(taken: Any, said: _Said) -> bool:
    # what the provider took stays so; anything else can be due again
    is_final = taken.state in SETTLED or said.outcome in NOTIFIED
    if taken.state not in _STATES or (is_final and said.outcome != taken.state):
        return False
    if not _is_schedule(taken, said):
        return False
    if not (_is_said(said.provider, taken.provider) and _is_said(said.owner, taken.owner)):
        return False
    if said.reason and (said.reason, said.route_key) != (taken.reason, taken.route_key):
        return False
    of_plan = said.generated_at, said.cycle_id, said.status
    is_planned = bool(said.plan_id) and said.reason in _DECIDED
    if is_planned and of_plan != (_write(taken.planned_at), taken.cycle_id, taken.status):
        return False
    if taken.completed_at is None:
        return True
    says = (said.attempt_count, said.status_code, said.completed_at)
    return says == (taken.attempt_count, taken.status_code, _write(taken.completed_at))


def _is_schedule(taken: Any, said: _Said) -> bool:
    """Whether the evidence says the schedule of the outbox.

    The message that ends the cycle of a document without an id may say the id that it has now. Its route is
    still that of the path.
    """
    path = taken.schedule_id
    if _is_said(said.schedule_id, path):
        return True
    route = said.route_key, path, str(taken.cycle_due), said.provider, said.owner
    return isinstance(path, str) and is_route_of_path(*route)


def _is_said(said: str, stored: Any) -> bool:
    """Whether the evidence says a name of the outbox; a secret in it is redacted in the evidence alone."""
    return isinstance(stored, str) and (is_same(said, stored) or REDACTED in said)


def _is_older(seconds: Any, limit: str) -> bool:
    """Whether a time of the outbox is before one of the evidence; so is an attempt that has none."""
    instant = _write(seconds)
    try:
        latest = datetime.fromisoformat(limit) + CLOCK_SKEW
        return instant is None or datetime.fromisoformat(instant) < latest
    except (ValueError, TypeError, OverflowError):
        return False


def _write(seconds: Any) -> str | None:
    try:
        return write_instant(from_seconds(seconds))
    except (ValueError, TypeError, OverflowError, OSError):
        return None
