"""Lists in the report of an export when connectors delivered nothing, and what people did about it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from rollback_drills.evidence.export.listed import Listed
from rollback_drills.evidence.export.reported_rows import ReportedAct, ReportedOutage, taking
from rollback_drills.evidence.record_kinds import (
    CLOSURE_KIND,
    DISABLED_KIND,
    DISCARD_KIND,
    ENABLED_KIND,
    OUTAGE_KIND,
    REPLAY_APPROVAL_KIND,
    REPLAY_EXECUTION_KIND,
    REPLAY_OUTCOME_KIND,
    REPLAY_REFUSAL_KIND,
    REPLAY_REQUEST_KIND,
)
from rollback_drills.evidence.written_record import WrittenRecord

_OUTAGES: Final = (OUTAGE_KIND, CLOSURE_KIND)
_ACTS: Final = (
    *(DISABLED_KIND, ENABLED_KIND, DISCARD_KIND),
    *(REPLAY_REQUEST_KIND, REPLAY_APPROVAL_KIND, REPLAY_REFUSAL_KIND),
    *(REPLAY_EXECUTION_KIND, REPLAY_OUTCOME_KIND),
)


@dataclass(frozen=True, slots=True)
class Recovery:
    """What an export says of outages."""

    outages: Listed[ReportedOutage] = field(default_factory=Listed[ReportedOutage])
    """Those that began, and those that ended."""
    acts: Listed[ReportedAct] = field(default_factory=Listed[ReportedAct])
    """Requests, approvals, refusals, replays with their outcomes, discards, and switched connectors."""

    @property
    def takers(self) -> Mapping[str, Callable[[WrittenRecord], None]]:
        """By kind of record, what lists it."""
        outages, acts = taking(ReportedOutage, self.outages.add), taking(ReportedAct, self.acts.add)
        return dict.fromkeys(_OUTAGES, outages) | dict.fromkeys(_ACTS, acts)
