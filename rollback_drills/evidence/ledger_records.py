"""The records of what the ledger says of itself: its keys, its clock, what was pruned or is missing."""

from typing import Final

from msgspec import UNSET, UnsetType

from rollback_drills.evidence.record import Record
from rollback_drills.evidence.record_kinds import CLOCK_KIND, KEY_KIND, PRUNING_KIND, SETBACK_KIND
from rollback_drills.redaction.computed import Computed

_SESSION: Final = "rcd-ledger"


class KeyRecord(Record, frozen=True, kw_only=True, gc=False, tag=KEY_KIND):
    """Names a key that signs from here on."""

    session_id: str = _SESSION
    origin: Computed
    public_key: Computed
    previous_public_key: Computed | UnsetType = UNSET
    """UNSET of the first key, as what follows."""
    lost: bool | UnsetType = UNSET
    """Whether the key before was lost, so that only the new one signs this."""


class ClockRecord(Record, frozen=True, kw_only=True, gc=False, tag=CLOCK_KIND):
    """Says that the clock went back."""

    session_id: str = _SESSION
    newest_created_at: Computed
    seconds_back: int


class PruningRecord(Record, frozen=True, kw_only=True, gc=False, tag=PRUNING_KIND):
    """Says that the retention of rows was over."""

    session_id: str = _SESSION
    pruned_before: int
    row_count: int
    cut_off: Computed
    retention_months: int
    root: Computed
    once_keys: Computed
    """The digest over the keys of the pruned rows that are kept."""


class SetbackRecord(Record, frozen=True, kw_only=True, gc=False, tag=SETBACK_KIND):
    """Says that the ledger goes on without rows that it had."""

    session_id: str = _SESSION
    remembered_head: Computed
    """Size and root of the head that the Prefect server remembered."""
    remembered_at: Computed
    row_count: int
    """How many rows were left."""
    newest_created_at: Computed
