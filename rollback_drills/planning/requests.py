"""What runs that check, notify or look ahead are asked: the source of forms, bodies and options."""

from typing import Annotated, Literal, Self

from pydantic import Field

from rollback_drills.documents.policy_file import GivenPolicy
from rollback_drills.names.environment_variables import VARIABLES
from rollback_drills.planning.request_fields import (
    Instant,
    Otherwise,
    Request,
    Retries,
    Signer,
    SomeDays,
    TimeoutSeconds,
    like,
    of_setting,
)
from rollback_drills.settings import DESCRIPTIONS

ModeName = Literal["disabled", "shadow", "enforce", "promoted"]


class DocumentsRequest(Request):
    """Which documents are meant."""

    schedule: Annotated[str | None, of_setting("schedule")] = Field(
        None, description=DESCRIPTIONS["schedule"]
    )
    history: Annotated[str | None, of_setting("history")] = Field(None, description=DESCRIPTIONS["history"])


class CheckRequest(DocumentsRequest):
    """Which documents are judged, and by what."""

    mode: Annotated[ModeName | None, Otherwise(f"the worker's {VARIABLES['mode']}, else disabled")] = Field(
        None, description=DESCRIPTIONS["mode"]
    )
    changes: Annotated[str | None, of_setting("changes")] = Field(None, description=DESCRIPTIONS["changes"])
    due_soon_days: Annotated[SomeDays | None, of_setting("due_soon_days")] = Field(
        None, description=DESCRIPTIONS["due_soon_days"]
    )
    max_age_days: Annotated[SomeDays | None, of_setting("max_age_days")] = Field(
        None, description=DESCRIPTIONS["max_age_days"]
    )
    as_of: Annotated[Instant | None, Otherwise("now")] = Field(None, description="Judge as of this time.")


class HowToDeliver(Request):
    """How notifications are delivered."""

    provider: str = Field("all", description="Providers to notify: all, or a list separated by commas.")
    retries: Retries = Field(2, description="Attempts after the first.")
    timeout_seconds: TimeoutSeconds = Field(15.0, description="Deadline of one attempt, in seconds.")


class DeliverOptions(HowToDeliver):
    """What the caller of a delivery chooses, wherever the documents are configured."""

    force: bool = Field(
        default=False,
        description="Notify even if healthy or just notified; never in a window or absence.",
    )
    routing_policy: GivenPolicy = Field(
        None, description="Routing policy that adds to the schedule's: the document, or its path."
    )


class DeliverRequest(DeliverOptions, CheckRequest):
    """What is planned and delivered."""

    generated_by: Signer = Field(
        "deliver-notifications", description="Who asked, as recorded in the evidence."
    )
    dry_run: bool = Field(default=False, description="Send nothing, and write only the artifact.")

    @classmethod
    def of(cls, request: Request, **others: object) -> Self:
        """Return what is asked for by another request, where both have the field."""
        asked = {name: value for name, value in request if name in cls.model_fields}
        return cls.model_validate(asked | others)


class DrillCheckRequest(DeliverRequest):
    """What the recurring check is asked."""

    generated_by: Signer = Field("drill-check", description="Who asked, as recorded in the evidence.")
    shard: Annotated[str | None, Otherwise("all of it")] = Field(
        None,
        description="Part of a large fleet, such as 3/8. The check of all parts starts a run for each.",
    )


class LookAheadRequest(HowToDeliver, DocumentsRequest):
    """What the weekly look-ahead is asked."""

    due_soon_days: Annotated[SomeDays | None, of_setting("due_soon_days")] = like(
        CheckRequest, "due_soon_days"
    )
    routing_policy: GivenPolicy = like(DeliverOptions, "routing_policy")
    provider: str = Field(
        "all",
        description="Providers to notify: all that open no ticket, or a list separated by commas.",
    )
    generated_by: Signer = Field("look-ahead", description="Who asked, as recorded in the evidence.")
    dry_run: bool = like(DeliverRequest, "dry_run")
    as_of: Annotated[Instant | None, Otherwise("now")] = like(DeliverRequest, "as_of")


class AlarmPathRequest(HowToDeliver, DocumentsRequest):
    """What the monthly drill of the alarm paths is asked."""

    routing_policy: GivenPolicy = like(DeliverOptions, "routing_policy")
    generated_by: Signer = Field("alarm-path-drill", description="Who asked, as recorded in the evidence.")
    dry_run: bool = like(DeliverRequest, "dry_run")
    as_of: Annotated[Instant | None, Otherwise("now")] = like(DeliverRequest, "as_of")


class AuditDeliveryRequest(Request):
    """Which acknowledgement audit package is delivered, and through what."""

    provider: Annotated[str, Otherwise(f"the worker's {VARIABLES['platform_providers']}, else mail")] = Field(
        "", description="Providers that deliver it: a list separated by commas."
    )
    since: Annotated[Instant | None, Otherwise("the last month in UTC")] = Field(
        None, description="Beginning of the period."
    )
    until: Annotated[Instant | None, Otherwise("now, if since is given")] = Field(
        None, description="End of the period, not included."
    )
    retries: Retries = like(HowToDeliver, "retries")
    timeout_seconds: TimeoutSeconds = like(HowToDeliver, "timeout_seconds")
    generated_by: Signer = Field(
        "deliver-audit-package", description="Who asked, as recorded in the evidence."
    )
    as_of: Annotated[Instant | None, Otherwise("now")] = Field(None, description="Look back from this time.")
