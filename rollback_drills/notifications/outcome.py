"""What became of one attempt to hand a notification to a provider."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """The closed set of results of one attempt; which one follows is the provider's own rule."""

    DELIVERED = "delivered"  # the provider confirmed that the item exists
    ACCEPTED = "accepted"  # the provider queued it; whether it arrived is not known
    RETRY = "retry"  # not taken, and repeating can help
    AMBIGUOUS = "ambiguous"  # sent, but no answer came back
    PERMANENT = "permanent"  # refused; repeating the same cannot help
    DISABLED = "disabled"  # the connector is dead until a person fixes its configuration


@dataclass(frozen=True, slots=True)
class RequestSummary:
    """The redacted shape of a request, fit for evidence (contract §5, `deliveries[].request`)."""

    method: str
    url: str
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of one attempt and the one readable line that explains it.

    Nothing in it holds a secret: `detail` and `request` are redacted where they are made.
    """

    outcome: Outcome
    detail: str = ""
    status_code: int | None = None
    retry_after_seconds: float | None = None
    external_ref: str = ""  # what the provider calls the item: an issue key, a record number
    request: RequestSummary | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the provider took the notification."""
        return self.outcome in (Outcome.DELIVERED, Outcome.ACCEPTED)
