"""Who does something about deliveries, and why; it goes into the evidence."""

from dataclasses import dataclass

from rollback_drills.documents.named_people import require_person
from rollback_drills.documents.privacy_rules import find_private
from rollback_drills.errors import UsageError


@dataclass(frozen=True, slots=True)
class Act:
    """What a person answers for."""

    by: str
    reason: str

    def check(self, *, by: str = "by") -> None:
        """Ensure that the evidence can hold it.

        Args:
            by: The parameter that names who does it.

        Raises:
            UsageError: A text is empty, or holds what evidence must not.
        """
        require_person(self.by, field=by)
        if not self.reason.strip():
            raise UsageError("is empty; say why, for the evidence", field="reason")
        if kind := find_private(self.reason):
            raise UsageError(f"holds {kind}, which evidence must not name; leave it out", field="reason")
