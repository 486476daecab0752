"""The checks of a report (contract §3): one for the document as a whole, then one for each fact."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Generic, NamedTuple, TypeVar

from rollback_drills.documents.reading.reader import Loaded
from rollback_drills.readiness.reports import Check

S = TypeVar("S")


class Requirement(NamedTuple, Generic[S]):
    """One thing that a document must fulfil."""

    id: str
    """Of its check in the report; the key of the document if no check stands for it."""
    missing: Callable[[S], str]
    """Returns what is missing: place, value and remedy; empty if nothing is."""
    passes: str = ""
    """What holds if nothing is missing, as its check says; empty if no check stands for it."""


def list_facts(requirements: Iterable[Requirement[Any]]) -> dict[str, str]:
    """Return, by the id of its check, what holds if a requirement is fulfilled."""
    return {each.id: each.passes for each in requirements if each.passes}


_NO_WARNINGS: Final[Mapping[str, str]] = {}


def _passed(check_id: str, fact: str) -> Check:
    return Check(check_id, "pass", fact)


def _missed(check_id: str, finding: str) -> Check:
    return Check(check_id, "warn", finding)


class Checklist:
    """The checks that every report of one kind has, in their order."""

    def __init__(
        self, prefix: str, document: str, facts: Mapping[str, str], order: Iterable[str] = ()
    ) -> None:
        """Name the checks.

        Args:
            prefix: What the ids of the first checks begin with, such as `go_rollback_drill_history`.
            document: What is judged, with its article.
            facts: By the id of a check, what holds when it is passed.
            order: The ids of the checks that come first, in the order of the contract.
        """
        self.document = document
        self.facts = {check_id: facts[check_id] for check_id in dict.fromkeys((*order, *facts))}
        self._file = f"{prefix}_file"
        self._requested = f"{prefix}_requested"
        self._timestamps = f"{prefix}_timestamps"
        self._asked_for = _passed(self._requested, f"{document} is asked for")
        # all reports share these; nothing changes a report once it is made
        self._passed = {check_id: _passed(check_id, fact) for check_id, fact in self.facts.items()}
        self._all_passed = tuple(self._passed.values())

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
        is_in_order = valid and requested and not findings and not warnings
        if is_in_order and not (source is not None and source.without_offset):
            return (self._asked_for, Check(self._file, "pass", message), *self._all_passed)
        checks = [
            self._asked_for
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
            *[
                _missed(check_id, findings[check_id]) if check_id in findings else passed
                for check_id, passed in self._passed.items()
            ],
        )


def pass_all(checks: Sequence[Check], message: str, *, about: str) -> tuple[Check, ...]:
    """Return the checks of a report for which nothing is asked.

    Args:
        checks: As they were filled in.
        message: Why nothing is asked for, in place of what was found to be wrong.
        about: The check that is about this.
    """
    return tuple(
        Check(each.id, "pass", message) if each.fails or each.id == about else each for each in checks
    )
