"""Recomputes what each check said of its whole population, from the records before it."""

from typing import Final

import msgspec

from rollback_drills.errors import UsageError
from rollback_drills.evidence.checks.check_records import RecordedCheck, RecordedFinding, SeenPopulations
from rollback_drills.evidence.checks.population import digest_population
from rollback_drills.evidence.record_kinds import CHECK_KIND, PLAN_KIND
from rollback_drills.evidence.verify.findings import FindingKind, Verification
from rollback_drills.evidence.written_record import WrittenRecord
from rollback_drills.rendering.counts import write_count

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

    def take(self, record: WrittenRecord) -> None:
        """Take a record, and recompute the population if it is that of a check."""
        kind = record["metadata_kind"]
        if kind not in _KINDS or "population_id" not in record:
            return
        try:
            if kind == PLAN_KIND:
                self._take_plan(msgspec.convert(record, RecordedFinding))
            else:
                self._take_check(msgspec.convert(record, RecordedCheck))
        except (msgspec.ValidationError, UsageError):
            row = record["leaf_index"]
            self._result.add(
                FindingKind.CHANGED, f"row {row} is not a plan or a check as this program writes it"
            )

    def _take_plan(self, plan: RecordedFinding) -> None:
        self._seen.take_plan(plan)
        self._digests.pop(plan.population_id, None)

    def _take_check(self, check: RecordedCheck) -> None:
        self._seen.take_check(check)
        if check.gone:
            self._digests.pop(check.population_id, None)
        self._compare(check)

    def finish(self) -> None:
        """Remark what could not be recomputed."""
        if self._unproven:
            checks = write_count(self._unproven, "check")
            self._result.remarks.append(
                f"{checks} cannot be recomputed: the records of plans before them were pruned"
            )

    def _compare(self, check: RecordedCheck) -> None:
        name = check.population_id
        known = self._seen.known[name]
        if name not in self._digests:
            self._digests[name] = digest_population(known)
        if self._digests[name] == check.population_digest and len(known) == check.schedule_count:
            self._result.check_count += 1
        elif self._has_pruned:
            self._unproven += 1
        else:
            self._result.add(
                FindingKind.UNPROVEN,
                f"row {check.leaf_index}, the check of {check.created_at}, does not follow from the"
                " plans before it",
            )
