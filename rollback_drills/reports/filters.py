"""Which rows of the histories are wanted; None matches everything, and names match in any spelling."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from sqlalchemy import ColumnElement, Connection

from rollback_drills.database.alarm_path_rows import is_no_alarm_path
from rollback_drills.database.tables import LEDGER, OUTBOX
from rollback_drills.documents.quotation import show
from rollback_drills.errors import UsageError
from rollback_drills.evidence.record_kinds import DECISION_KIND
from rollback_drills.names.keys import name_key
from rollback_drills.names.spellings import NAMES, match
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.states import State
from rollback_drills.planning.category import Category

ACTIONS: Final = ("deliver", "suppress")
CATEGORIES: Final[tuple[str, ...]] = tuple(map(str, Category))


@dataclass(frozen=True, slots=True)
class RowFilter:
    """What every filter can do; its fields are the names that rows have."""

    @property
    def given(self) -> list[tuple[str, str]]:
        """The names and values that are asked for."""
        return [(name, value) for name, value in asdict(self).items() if value is not None]

    def matches(self, row: object, leave_out: Collection[str] = ()) -> bool:
        """Whether a row has what is asked for, whatever stands under some names."""
        return all(
            (found := getattr(row, name)) == value or (name in NAMES and name_key(found) == name_key(value))
            for name, value in self.given
            if name not in leave_out
        )

    def to_wire(self) -> dict[str, str]:
        """Return it as the documents have it."""
        return {name: value or "" for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class RouteFilter(RowFilter):
    """Which decisions are wanted; None matches everything.

    Raises:
        UsageError: There is no such action or category.
    """

    schedule_id: str | None = None
    provider: str | None = None
    owner: str | None = None
    action: str | None = None
    category: str | None = None

    def __post_init__(self) -> None:
        """Ensure that the names of closed sets are known."""
        _check_choice("action", self.action, ACTIONS)
        _check_choice("category", self.category, CATEGORIES)

    def to_sql(self, connection: Connection) -> list[ColumnElement[bool]]:
        """Return the conditions on decisions that this program wrote."""
        return match(connection, LEDGER, self.given, LEDGER.c.metadata_kind == DECISION_KIND)


@dataclass(frozen=True, slots=True)
class NotificationFilter(RowFilter):
    """Which notifications are wanted; None matches everything.

    Raises:
        UsageError: There is no such reason or state.
    """

    schedule_id: str | None = None
    cycle_id: str | None = None
    provider: str | None = None
    owner: str | None = None
    reason: str | None = None
    state: str | None = None

    def __post_init__(self) -> None:
        """Ensure that the names of closed sets are known."""
        _check_choice("reason", self.reason, tuple(Reason))
        _check_choice("state", self.state, tuple(State))

    def to_sql(self, connection: Connection) -> list[ColumnElement[bool]]:
        """Return the conditions on the outbox; drills of alarm paths are listed if they are asked for."""
        is_named = self.schedule_id is not None or self.cycle_id is not None
        others = () if is_named else (is_no_alarm_path(OUTBOX.c.schedule_id),)
        return match(connection, OUTBOX, self.given, *others)


@dataclass(frozen=True, slots=True)
class PackageFilter(RowFilter):
    """Which routes are wanted; None matches everything."""

    schedule_id: str | None = None
    provider: str | None = None
    owner: str | None = None

    def to_routes(self) -> RouteFilter:
        """Return the decisions that notified somebody on these routes."""
        return RouteFilter(self.schedule_id, self.provider, self.owner, "deliver")

    def to_sql(self, connection: Connection, kind: str) -> list[ColumnElement[bool]]:
        """Return the conditions on rows of a kind that this program wrote."""
        of_schedules = is_no_alarm_path(LEDGER.c.schedule_id)
        return match(connection, LEDGER, self.given, LEDGER.c.metadata_kind == kind, of_schedules)


def _check_choice(name: str, value: str | None, choices: Sequence[str]) -> None:
    """Ensure that a value is one of a closed set, or none.

    Raises:
        UsageError: It is not.
    """
    if value is not None and value not in choices:
        raise UsageError(f"{name} is {show(value)}; must be one of {', '.join(choices)}")
