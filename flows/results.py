"""What runs end with. `redacting` turns a result into plain values, which Prefect keeps."""

from collections.abc import Mapping

from msgspec import UNSET, Struct, UnsetType
from prefect import State
from prefect.states import Failed

from rollback_drills.documents.plain_json import PlainJson
from rollback_drills.evidence.outages.acts import ExecutionRecord
from rollback_drills.followup.acknowledgements.acknowledgement import AcknowledgementRecord
from rollback_drills.followup.dashboard import Dashboard
from rollback_drills.notifications.results import DeliveryFailedError, DeliveryResult
from rollback_drills.planning.plan import Plan
from rollback_drills.readiness.reports import ScheduleReport
from rollback_drills.recording.report import RecordReport
from rollback_drills.reports.alarm_path import AlarmPathReport
from rollback_drills.reports.look_ahead import LookAhead

FinalState = State[PlainJson]
"""The state in which a run ends: its data is the result, once that is plain."""


class ScheduleResult(Struct, frozen=True, gc=False, kw_only=True):
    """What a run found and did about one schedule (contract §7), with its records."""

    schedule: ScheduleReport
    plan: Plan
    delivery: DeliveryResult
    plan_metadata: PlainJson
    """The record of the plan, with its keys in the order of the contract; as in `metadata`."""
    metadata: PlainJson | None
    """The record of the deliveries."""
    success: bool
    event_id: str
    record: RecordReport | UnsetType = UNSET
    """What came of the drill that the run recorded."""


class FleetResult(Struct, frozen=True, gc=False, kw_only=True):
    """What a run found and did about several schedules."""

    runs: list[ScheduleResult]
    record: RecordReport | UnsetType = UNSET


RunResult = ScheduleResult | FleetResult


class ShardSummary(Struct, frozen=True, gc=False):
    """What the run of a shard found, in counts: Prefect looks through every value of a result."""

    shard: str
    schedule_count: int
    changed_count: int


class LookedShard(Struct, frozen=True, gc=False):
    """A shard of a check, and the run that looked at it."""

    shard: str
    flow_run_id: str
    schedule_count: int
    changed_count: int


class ShardedResult(Struct, frozen=True, gc=False, kw_only=True):
    """What a check in shards found."""

    schedule_count: int
    state_counts: dict[str, int]
    changed_count: int
    came_count: int
    gone_count: int
    delivery_count: int
    shards: list[LookedShard]


class ShownShard(Struct, frozen=True, gc=False):
    """A shard of a dry run."""

    shard: str


class ShardedDryRun(Struct, frozen=True, gc=False):
    """What a dry run in shards has: each of them shows what it would do."""

    shards: list[ShownShard]


class FollowUpResult(Dashboard, frozen=True, kw_only=True):
    """What is open, what was escalated, and which cycles nobody looks after."""

    escalated: int
    problems: list[str]


class AlarmPathResult(AlarmPathReport, frozen=True, kw_only=True):
    """What a drill of the alarm paths found, and how many messages it has committed."""

    message_count: int


class LookAheadResult(LookAhead, frozen=True, kw_only=True):
    """What is due, and how many messages the run has committed."""

    message_count: int


class AcknowledgementResult(Struct, frozen=True, gc=False):
    """The acknowledgements that were written."""

    items: list[AcknowledgementRecord]
    total: int


class ReplayResult(ExecutionRecord, frozen=True, gc=False, kw_only=True):
    """What was replayed, and what became of it."""

    deliveries: dict[str, str]
    """By notification, in a line."""


class AuditDeliveryResult(Struct, frozen=True, gc=False, kw_only=True):
    """Which audit package was delivered, and through what."""

    audit_id: str | UnsetType
    content_sha256: str | UnsetType
    period: Mapping[str, str | None]
    providers: list[str]
    message_count: int


def fail_delivery(message: str, result: Struct) -> FinalState:
    """Return the failed state of a run that could not deliver everything; its error has the result."""
    return Failed(message=message, data=DeliveryFailedError(message, result))
