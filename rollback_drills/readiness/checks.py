"""The checks of a report (contract §3): what was asked, whether the document serves, then fact by fact."""

from collections.abc import Mapping
from typing import Any, Final

from rollback_drills.documents.reading import Loaded
from rollback_drills.readiness.reports import Check

_NO_WARNINGS: Final[Mapping[str, str]] = {}


def _passed(check_id: str, fact: str) -> Check:
    return Check(check_id, "pass", fact)


def _missed(check_id: str, finding: str) -> Check:
    return Check(check_id, "warn", finding)


class Checklist:
    """The checks that every report of one kind has, in their order."""

    def __init__(self, prefix: str, document: str, facts: Mapping[str, str]) -> None:
        """Name the checks.

        Args:
            prefix: What the ids of the first checks begin with, such as `go_rollback_drill_history`.
            document: What is judged, with its article.
            facts: By the id of a check, what holds when it is passed.
        """
        self.document = document
        self.facts = facts
        self._file = f"{prefix}_file"
        self._requested = f"{prefix}_requested"
        self._timestamps = f"{prefix}_timestamps"
        self._asked_for = f"{document} is asked for"
        # every report of a valid document shares these; nothing changes a report once it is made
        self._all_passed = tuple(_passed(check_id, fact) for check_id, fact in facts.items())

    def fill_in(
        self,
        source: Loaded[Any] | None,
        message: str,
        findings: Mapping[str, str],
        *,
        valid: bool,
        requested: bool,
        warnings: Mapping[str, str] = _NO_WARNINGS,
    ) -> tuple[Check, ...]:
        """Return every check of a report.

        Args:
            source: What was found at the configured path; None if no path is configured.
            message: What is found about the document as a whole.
            findings: By the id of a check, what was found to be wrong.
            valid: Whether the document is valid.
            requested: Whether the document is asked for.
            warnings: By the id of a check that only a document with such a mistake has, the mistake.
        """
        checks = [
            _passed(self._requested, self._asked_for)
            if requested
            else _missed(self._requested, "not asked for: no path, and the mode is not promoted"),
            (_passed if valid else _missed)(self._file, message),
        ]
        if source is not None and source.without_offset:
            places = ", ".join(source.without_offset)
            finding = f"{source.path}: read as UTC, because there is no offset: {places}"
            checks.append(_missed(self._timestamps, finding))
        checks += [_missed(check_id, warning) for check_id, warning in warnings.items()]
        if not findings:
            return (*checks, *self._all_passed)
        return (
            *checks,
            *(
                _missed(check_id, findings[check_id]) if check_id in findings else _passed(check_id, fact)
                for check_id, fact in self.facts.items()
            ),
        )
