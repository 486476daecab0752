"""Who does something about deliveries, and why; it goes into the evidence."""

from dataclasses import dataclass

from rollback_drills.documents.evidence_texts import require_person, require_reason


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
        require_reason(self.reason)
