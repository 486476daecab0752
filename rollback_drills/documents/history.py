"""The drill history document, contract §1, with the facts that auditors ask for besides."""

from enum import StrEnum
from sys import intern
from typing import Final

import msgspec

from rollback_drills.documents.fields import (
    UNSET,
    Document,
    Minutes,
    Name,
    ReviewedValue,
    Sha256,
    Timestamp,
    UnsetType,
)
from rollback_drills.documents.unfit_keys import UnfitKeysError
from rollback_drills.documents.utc import check_in_utc

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
    """Who took part."""
    role: str = ""
    """What the person did."""


class Finding(Document, frozen=True, gc=False, omit_defaults=True):
    """What a drill has shown to be wrong, and what became of it."""

    finding_id: Name
    """The id of the finding."""
    summary: str = ""
    """What is wrong."""
    severity: str = ""
    """How severe it is, in the words of your own scale."""
    ticket: str = ""
    """Where it is worked on; no URL."""
    closed_at: Timestamp | None = None
    """When it was closed; absent while it is open."""
    due_at: Timestamp | None = None
    """By when it must be closed; absent if there is no date."""

    def __post_init__(self) -> None:
        """Ensure that the dates can be written in UTC."""
        check_in_utc(due_at=self.due_at, closed_at=self.closed_at)


class Drill(Document, frozen=True, gc=False, omit_defaults=True):
    """One rollback exercise as it was performed. Absent facts are judged, not refused here."""

    drill_id: str = ""
    """The id of the drill; each drill has its own."""
    executed_at: Timestamp | None = None
    """When it was performed; an ISO 8601 timestamp."""
    actor: str = ""
    """Who performed it."""
    source_mode: str = ""
    """The mode of the backend before the rollback."""
    target_mode: str = ""
    """The mode of the backend after the rollback."""
    status: str = ""
    """How it ended: `pass` or `fail`."""
    fallback_verified: bool | None = None
    """Whether somebody verified that the old backend served."""
    recovery_minutes: Minutes | None = None
    """How many minutes the rollback took."""
    max_recovery_minutes: Minutes | None = None
    """How many minutes it may take."""
    runbook_ref: str = ""
    """The runbook that was followed: a path or an opaque reference, no URL."""
    evidence_refs: tuple[str, ...] = ()
    """Where the proof of the drill is; opaque references, no URLs."""

    # No judgement depends on what follows; docs/reference/audit-fields.md says who asks for it.
    scenario: str = ""
    """What was assumed to go wrong."""
    objective: str = ""
    """What the drill was meant to show."""
    exercise_type: ExerciseType | None = None
    """How close to the real thing it was."""
    trigger: Trigger | None = None
    """Why it was performed when it was."""
    participants: tuple[Participant, ...] = ()
    """Who took part."""
    rto_minutes: Minutes | None = None
    """Within how many minutes the service must be back."""
    rto_achieved_minutes: Minutes | None = None
    """After how many minutes the service was back."""
    rpo_minutes: Minutes | None = None
    """How many minutes of data may be lost."""
    rpo_achieved_minutes: Minutes | None = None
    """How many minutes of data were lost."""
    plan_version: str = ""
    """The version of the recovery plan that was followed."""
    plan_version_after: str = ""
    """The version of the plan as it was revised after the drill."""
    systems_tested: tuple[Name, ...] = ()
    """The systems that were part of it."""
    covers_third_party: bool | None = None
    """Whether a service of somebody else was part of it."""
    key_person_absent: bool | None = None
    """Whether it was performed without somebody on whom the recovery depends."""
    restore_checksum: str = ""
    """The checksum of the data that was restored, with its algorithm, such as `sha256:` and digits."""
    reviewed_by: str = ""
    """Who reviewed the result."""
    reviewed_at: Timestamp | None = None
    """When it was reviewed; an ISO 8601 timestamp."""
    approved_by: str = ""
    """Who approved the result."""
    approved_at: Timestamp | None = None
    """When it was approved; an ISO 8601 timestamp."""
    report_sha256: Sha256 | None = None
    """Digest of the report that was written about the drill."""
    findings: tuple[Finding, ...] = ()
    """What the drill has shown to be wrong."""


class History(Document, frozen=True, gc=False):
    """Every drill of an environment, in any order."""

    schema_version: str = ""
    """Which kind of document this is."""
    environment: str = ""
    """Where the drills were performed, such as `production`."""
    drills: tuple[Drill, ...] = ()
    """The drills."""
    reviewed_values: tuple[ReviewedValue, ...] = ()
    """Texts that look private and were checked by somebody."""
    schema_ref: str | UnsetType = msgspec.field(default=UNSET, name="$schema")
    """The path of the JSON Schema with which an editor checks the document."""

    def __post_init__(self) -> None:
        """Ensure that every drill has dates that can be written in UTC."""
        for drill in self.drills:
            # a call for each drill would take a sixth of the reading, and nearly none needs one
            at = drill.executed_at
            if (at is not None and not 1 < at.year < 9999) or drill.reviewed_at or drill.approved_at:
                self._check_times(drill)

    def _check_times(self, drill: Drill) -> None:
        try:
            check_in_utc(
                executed_at=drill.executed_at, reviewed_at=drill.reviewed_at, approved_at=drill.approved_at
            )
        except UnfitKeysError as error:
            place = ("drills", self.drills.index(drill), *error.at)
            raise UnfitKeysError(str(error), at=place) from None


def share_words(history: History) -> None:
    """Let drills share the words that most of them have: a quarter of the memory of a large fleet."""
    share = msgspec.structs.force_setattr  # the values stay equal, so that nobody sees a frozen one change
    for drill in history.drills:
        share(drill, "actor", intern(drill.actor))
        share(drill, "source_mode", intern(drill.source_mode))
        share(drill, "target_mode", intern(drill.target_mode))
        share(drill, "status", intern(drill.status))
        share(drill, "runbook_ref", intern(drill.runbook_ref))
