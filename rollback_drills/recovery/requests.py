"""What people ask for when they replay notifications with an approval: the source of the forms."""

from pydantic import Field

from rollback_drills.planning.request_fields import Request, Retries, TimeoutSeconds, like
from rollback_drills.planning.requests import DeliverOptions


class ReplayWish(Request):
    """What is to be replayed."""

    reason: str = Field(description="Why, for the evidence; no secret, address or private name.")
    requested_by: str = Field(description="Who asks for it; somebody else approves it.")
    notification_ids: list[str] = Field([], description="The notifications, gordmsg-….")
    provider: str = Field("", description="Instead of notifications: all dead letters of this connector.")


class DirectReplay(Request):
    """What is replayed at once, through connectors that need no approval."""

    reason: str = like(ReplayWish, "reason")
    replayed_by: str = Field(description="Who replays it.")
    notification_ids: list[str] = like(ReplayWish, "notification_ids")
    provider: str = like(ReplayWish, "provider")
    retries: Retries = like(DeliverOptions, "retries")
    timeout_seconds: TimeoutSeconds = like(DeliverOptions, "timeout_seconds")


class ReplayApproval(Request):
    """Which replay is approved."""

    replay_id: str = Field(description="The request, gordreplay-….")
    approved_by: str = Field(description="Who approves it; not who requested it.")


class ReplayExecution(Request):
    """Which replay is executed."""

    replay_id: str = Field(description="The approved request, gordreplay-….")
    replayed_by: str = Field(description="Who executes it.")
    retries: Retries = like(DeliverOptions, "retries")
    timeout_seconds: TimeoutSeconds = like(DeliverOptions, "timeout_seconds")
