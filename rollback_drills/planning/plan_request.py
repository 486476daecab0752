"""What a caller asks of a plan, and what is known of earlier notifications."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rollback_drills.documents.routing_policy import RoutingPolicy
from rollback_drills.notifications.sent_notification import SentNotification, Suppression
from rollback_drills.planning.repeats import find_spelt_routes


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What the caller asks of a plan; the same for every schedule of a fleet."""

    requested: frozenset[str] | None = None
    """The keys of the requested providers; None means all."""
    force: bool = False
    policy: RoutingPolicy | None = None
    connectors: Sequence[str] = ()
    """Names of configured connectors, for schedules that name no provider."""
    notified: Mapping[str, Sequence[SentNotification]] = field(default_factory=dict)
    """By route key: the earlier notifications in their order. Empty means: plan as if there were none."""
    acknowledged: Mapping[str, Suppression] = field(default_factory=dict)
    """By route key: the last acknowledgement."""
    excepted: Mapping[str, Suppression] = field(default_factory=dict)
    """By cycle: the skip, postponement or waiver that holds."""
    distrusted: Mapping[str, str] = field(default_factory=dict)
    """By schedule: why its history is not trusted; its owners are not notified."""
    spelt: Mapping[str, Sequence[str]] = field(init=False)
    """By current route key: the keys that its routes had before names had one identity."""

    def __post_init__(self) -> None:
        """Find the routes that have former keys."""
        object.__setattr__(self, "spelt", find_spelt_routes(self.notified))
