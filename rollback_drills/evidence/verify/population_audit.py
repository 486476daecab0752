"""Recomputes what each check said of its whole population, from the records before it."""

from typing import Final

from rollback_drills.errors import UsageError
from rollback_drills.evidence.population import SeenPopulations, digest_population
from rollback_drills.evidence.records import CHECK_KIND, PLAN_KIND
from rollback_drills.evidence.verify.findings import FindingKind, Verification
from rollback_drills.readiness.terms import Report
from rollback_drills.rendering.relative_time import write_count

_KINDS: Final = (PLAN_KIND, CHECK_KIND)


class PopulationAudit:
    """Takes the records in their order; what it finds goes into the result."""

    def __init__(self, result: Verification) -> None:
        """Begin before the first record."""
        self._result = result
        self._seen = SeenPopulations()
        self._digests: dict[str, str] = {}
        """By population its digest, as long as no plan or check has changed it."""
        self._has_pruned = False
        self._unproven = 0

    def skip_pruned(self) -> None:
        """Note that a row has lost its record: it may have been a plan."""
        self._has_pruned = True

    def take(self, record: Report) -> None:
        """Take a record, and recompute the population if it is that of a check."""
        if record["metadata_kind"] not in _KINDS or "population_id" not in record:
            return
        try:
            self._take(record)
        except (KeyError, TypeError, AttributeError, UsageError):
            row = record["leaf_index"]
            self._result.add(
                FindingKind.CHANGED, f"row {row} is not a plan or a check as this program writes it"
            )

    def _take(self, record: Report) -> None:
        kind = record["metadata_kind"]
        name = record["population_id"]
        self._seen.take(record)
        if kind == PLAN_KIND or record["gone"]:
            self._digests.pop(name, None)
        if kind == CHECK_KIND:
            self._compare(name, record)

    def finish(self) -> None:
        """Remark what could not be recomputed."""
        if self._unproven:
            checks = write_count(self._unproven, "check")
            self._result.remarks.append(
                f"{checks} cannot be recomputed: the records of plans before them were pruned"
            )

    def _compare(self, name: str, record: Report) -> None:
        known = self._seen.known[name]
        if name not in self._digests:
            self._digests[name] = digest_population(known)
        if self._digests[name] == record["population_digest"] and len(known) == record["schedule_count"]:
            self._result.check_count += 1
        elif self._has_pruned:
            self._unproven += 1
        else:
            self._result.add(
                FindingKind.UNPROVEN,
                f"row {record['leaf_index']}, the check of {record['created_at']}, does not follow from the"
                " plans before it",
            )
