"""How owners are notified: through what, how soon they must acknowledge, and who is next if they do not."""

from typing import Annotated

from msgspec import Meta

from rollback_drills.documents.fields import UNSET, Document, Minutes, Name, NameOrNone, UnsetType, fold_alias
from rollback_drills.documents.unfit_keys import UnfitKeysError

BusinessHoursCount = Annotated[float, Meta(ge=0, le=1000)]
"""A number of working hours: half a year of them at most."""


class EscalationStep(Document, frozen=True, gc=False):
    """Whom to notify next, and how long after the step before, if nobody has acknowledged."""

    owner: Name
    """Who is notified next."""
    after_minutes: Minutes | None = None
    """How many minutes after the step before."""
    after_business_hours: BusinessHoursCount | None = None
    """How many hours after the step before, in the working time of the owner who was notified then."""
    providers: tuple[Name, ...] = ()
    """Through which connectors; those of the schedule if it is empty."""

    def __post_init__(self) -> None:
        """Ensure that one wait is given."""
        keys = ("after_minutes", "after_business_hours")
        if self.after_minutes is None and self.after_business_hours is None:
            raise UnfitKeysError("needs after_minutes or after_business_hours; write one of them", *keys)
        if self.after_minutes is not None and self.after_business_hours is not None:
            raise UnfitKeysError("has both after_minutes and after_business_hours; keep one of them", *keys)


class OwnerRule(Document, frozen=True, gc=False):
    """How one owner is notified. Absent settings are inherited from the policy."""

    providers: tuple[Name, ...] = ()
    """Through which connectors the owner is notified; those of the schedule if it is empty."""
    acknowledgement_minutes: Minutes | None = None
    """Within how many minutes the owner must acknowledge."""
    escalation_owner: NameOrNone = ""
    """Who is notified if the owner does not acknowledge."""
    escalation_steps: tuple[EscalationStep, ...] = ()
    """After the escalation owner: whom to notify next, each after the one before."""
    notification_providers: tuple[Name, ...] | UnsetType = UNSET
    """The same as `providers`."""
    ack_minutes: Minutes | UnsetType = UNSET
    """The same as `acknowledgement_minutes`."""
    manager: NameOrNone | UnsetType = UNSET
    """The same as `escalation_owner`."""

    def __post_init__(self) -> None:
        """Fold the other spellings that the contract accepts."""
        fold_alias(self, "notification_providers", "providers", ())
        fold_alias(self, "ack_minutes", "acknowledgement_minutes", None)
        fold_alias(self, "manager", "escalation_owner", "")


class SharedOwnerRule(OwnerRule, frozen=True, gc=False, kw_only=True):
    """One rule of the list spelling: an owner rule for several owners."""

    owners: Annotated[tuple[Name, ...], Meta(min_length=1)]
    """To whom the rule applies."""
