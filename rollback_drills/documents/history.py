"""The drill history document, contract §1, with the facts that auditors ask for besides."""

from enum import StrEnum
from sys import intern
from typing import Final

import msgspec

from rollback_drills.documents.fields import (
    Document,
    Minutes,
    Name,
    ReviewedValue,
    Sha256,
    Timestamp,
    check_in_utc,
)

HISTORY_SCHEMA: Final = "cavra.go-backend-rollback-drill-history.v1"

OUTCOMES: Final = ("pass", "fail")
"""What the status of a drill can be; other words are named in a warning, and no such drill is accepted."""


class ExerciseType(StrEnum):
    """How close to the real thing a drill was."""

    WALKTHROUGH = "walkthrough"
    TABLETOP = "tabletop"
    CALL_TREE = "call_tree"
    FUNCTIONAL = "functional"
    SIMULATION = "simulation"
    FULL = "full"


class Trigger(StrEnum):
    """Why a drill was performed when it was."""

    INTERVAL = "interval"
    CHANGE = "change"


class Participant(Document, frozen=True, gc=False, omit_defaults=True):
    """Who took part, by a name that may be published."""

    name: Name
    role: str = ""


class Finding(Document, frozen=True, gc=False, omit_defaults=True):
    """What a drill has shown to be wrong, and what became of it."""

    finding_id: Name
    summary: str = ""
    severity: str = ""
    """In the words of the organisation's own scale."""
    ticket: str = ""
    closed_at: Timestamp | None = None
    """None while it is open."""

    def __post_init__(self) -> None:
        """Ensure that the date can be written in UTC."""
        check_in_utc(self.closed_at)


class Drill(Document, frozen=True, gc=False, omit_defaults=True):
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

    # No judgement depends on what follows; docs/reference/audit-fields.md says who asks for it.
    scenario: str = ""
    objective: str = ""
    exercise_type: ExerciseType | None = None
    trigger: Trigger | None = None
    participants: tuple[Participant, ...] = ()
    rto_minutes: Minutes | None = None
    """Within how many minutes the service must be back."""
    rto_achieved_minutes: Minutes | None = None
    rpo_minutes: Minutes | None = None
    """How many minutes of data may be lost."""
    rpo_achieved_minutes: Minutes | None = None
    plan_version: str = ""
    """Of the recovery plan that was followed."""
    plan_version_after: str = ""
    """Of the plan as it was revised after the drill."""
    systems_tested: tuple[Name, ...] = ()
    covers_third_party: bool | None = None
    key_person_absent: bool | None = None
    """Whether it was performed without somebody on whom the recovery depends."""
    restore_checksum: str = ""
    """Of the data that was restored, with its algorithm, such as `sha256:` and digits."""
    reviewed_by: str = ""
    reviewed_at: Timestamp | None = None
    approved_by: str = ""
    approved_at: Timestamp | None = None
    report_sha256: Sha256 | None = None
    """Digest of the report that was written about the drill."""
    findings: tuple[Finding, ...] = ()


class History(Document, frozen=True, gc=False):
    """Every drill of an environment, in any order."""

    schema_version: str = ""
    environment: str = ""
    drills: tuple[Drill, ...] = ()
    reviewed_values: tuple[ReviewedValue, ...] = ()

    def __post_init__(self) -> None:
        """Ensure that every drill has dates that can be written in UTC."""
        for drill in self.drills:
            # a call for each drill would take a sixth of the reading, and nearly none needs one
            at = drill.executed_at
            if at is not None and not 1 < at.year < 9999:
                check_in_utc(at)
            if drill.reviewed_at or drill.approved_at:
                check_in_utc(drill.reviewed_at, drill.approved_at)


def share_words(history: History) -> None:
    """Let drills share the words that most of them have: a quarter of the memory of a large fleet."""
    share = msgspec.structs.force_setattr  # the values stay equal, so that nobody sees a frozen one change
    for drill in history.drills:
        share(drill, "actor", intern(drill.actor))
        share(drill, "source_mode", intern(drill.source_mode))
        share(drill, "target_mode", intern(drill.target_mode))
        share(drill, "status", intern(drill.status))
        share(drill, "runbook_ref", intern(drill.runbook_ref))
