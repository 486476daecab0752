"""Who does something about deliveries, and why; it goes into the evidence."""

from dataclasses import dataclass

from rollback_drills.documents.odd_names import check_person
from rollback_drills.documents.privacy_rules import find_private
from rollback_drills.errors import UsageError


@dataclass(frozen=True, slots=True)
class Act:
    """What a person answers for."""

    by: str
    reason: str

    def check(self) -> None:
        """Ensure that the evidence can hold it.

        Raises:
            UsageError: A text is empty, or holds what evidence must not.
        """
        for field, text, what in (("by", self.by, "who"), ("reason", self.reason, "why")):
            if not text.strip():
                raise UsageError(f"is empty; say {what}, for the evidence", field=field)
            if kind := find_private(text):
                raise UsageError(f"holds {kind}, which evidence must not name; leave it out", field=field)
        check_person(self.by, field="by")
