"""The bodies of exceptions, retirements and replays, which one person requests and another approves."""

from typing import Self

from pydantic import Field, model_validator

from rollback_drills.followup.requests import AskRequest, ExceptionName, ExceptionRequest, RetirementRequest
from rollback_drills.planning.request_fields import Retries, TimeoutSeconds, like
from rollback_drills.recovery.requests import ReplayExecution, ReplayWish
from rollback_drills_api.bodies import Body, Name, Who, such_as


class ExceptionBody(Body):
    """What is approved for the current cycle of a schedule."""

    model_config = such_as(
        exception="postpone", until="2026-12-20T09:00:00Z", reason="a change freeze", approver="release-board"
    )

    exception: ExceptionName = like(ExceptionRequest, "exception")
    until: str = like(ExceptionRequest, "until", min_length=1, max_length=40)
    reason: str = like(ExceptionRequest, "reason", min_length=1, max_length=4000)
    approver: Who = None
    requested_by: Who = None


class RetirementBody(Body):
    """What is approved for a schedule that nobody follows any more."""

    model_config = such_as(reason="the backend is gone", approver="release-board", requested_by="maria")

    reason: str = like(RetirementRequest, "reason", min_length=1, max_length=4000)
    approver: Who = None
    requested_by: Who = None
    restore: bool = like(RetirementRequest, "restore")


class AskBody(Body):
    """What is requested for the current cycle of a schedule."""

    model_config = such_as(
        exception="postpone", until="2026-12-20T09:00:00Z", reason="a change freeze", requested_by="maria"
    )

    exception: ExceptionName = like(AskRequest, "exception")
    until: str = like(AskRequest, "until", min_length=1, max_length=40)
    reason: str = like(AskRequest, "reason", min_length=1, max_length=4000)
    requested_by: Who = None


class ApprovalBody(Body):
    """Who approves a request, and what they remark."""

    model_config = such_as(decided_by="anna", reason="only until the freeze ends")

    decided_by: Who = None
    reason: str = Field(default="", max_length=4000, description="Remark on the approval, for the evidence.")


class DeclineBody(Body):
    """Who declines a request, and why."""

    model_config = such_as(decided_by="anna", reason="there is time")

    decided_by: Who = None
    reason: str = Field(min_length=1, max_length=4000, description="Why it is declined, for the evidence.")


class ReplayBody(Body):
    """What is to be replayed: notifications, or all dead letters of a connector."""

    model_config = such_as(provider="pagerduty", reason="the service key was replaced", requested_by="maria")

    notification_ids: list[Name] = like(ReplayWish, "notification_ids", max_length=1000)
    provider: Name | None = Field(default=None, description=ReplayWish.model_fields["provider"].description)
    reason: str = like(ReplayWish, "reason", min_length=1, max_length=4000)
    requested_by: Who = None

    @model_validator(mode="after")
    def _check_chosen(self) -> Self:
        if bool(self.notification_ids) is bool(self.provider):
            raise ValueError("a replay needs either notification_ids or provider")
        return self


class ReplayApprovalBody(Body):
    """Who approves a replay."""

    model_config = such_as(approved_by="jo")

    approved_by: Who = None


class ReplayExecutionBody(Body):
    """Who executes an approved replay, and with how many attempts."""

    model_config = such_as(replayed_by="maria", retries=2)

    replayed_by: Who = None
    retries: Retries = like(ReplayExecution, "retries")
    timeout_seconds: TimeoutSeconds = like(ReplayExecution, "timeout_seconds")
