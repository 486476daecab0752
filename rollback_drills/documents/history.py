"""The drill history document, contract §1."""

from typing import Final

from rollback_drills.documents.fields import Document, Minutes, Timestamp, check_in_utc

HISTORY_SCHEMA: Final = "cavra.go-backend-rollback-drill-history.v1"


class Drill(Document, frozen=True, gc=False):
    """One rollback exercise as it was performed. Absent facts are judged, not refused here."""

    drill_id: str = ""
    executed_at: Timestamp | None = None
    actor: str = ""
    source_mode: str = ""
    target_mode: str = ""
    status: str = ""
    fallback_verified: bool = False
    recovery_minutes: Minutes | None = None
    max_recovery_minutes: Minutes | None = None
    runbook_ref: str = ""
    evidence_refs: tuple[str, ...] = ()


class History(Document, frozen=True, gc=False):
    """Every drill of an environment, in any order."""

    schema_version: str = ""
    environment: str = ""
    drills: tuple[Drill, ...] = ()

    def __post_init__(self) -> None:
        """See that every drill has a date that can be written in UTC."""
        check_in_utc(*[drill.executed_at for drill in self.drills])
