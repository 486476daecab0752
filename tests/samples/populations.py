"""Populations of checks, and what a ledger has of them."""

from collections.abc import Iterable, Mapping
from datetime import timedelta

from rollback_drills.database.connections import Database
from rollback_drills.documents.plain_json import PlainJson
from rollback_drills.evidence.checks.population import Changes, Concluded, Part, Population, name_population
from rollback_drills.evidence.plan_records import record_plan
from rollback_drills.evidence.record import Record
from rollback_drills.evidence.verify.auditor import Trust
from rollback_drills.evidence.verify.findings import Verification
from rollback_drills.evidence.verify.ledger import verify_ledger
from rollback_drills.readiness.states import Readiness
from tests.samples.builders import NOW, judged, make_subject, planned
from tests.samples.plain_records import read_plain

DAY = timedelta(days=1)
POPULATION = name_population("fleet/*.json", None, requested=None)


def concluded(name: str, digest: str, *, days: int = 0, is_notified: bool = False) -> Concluded:
    """Conclude something about a schedule; its digest is any text."""
    subject = make_subject([], schedule_id=name)

    def record() -> Iterable[Record]:
        plan, at = planned(subject), NOW + days * DAY
        return record_plan(plan, judged(subject).schedule, f"rcd-{name}", created_at=at, signer="me")

    return Concluded(name, digest, Readiness.NEEDS_ATTENTION, planned(subject).plan_id, is_notified, record)


def population_of(
    found: Mapping[str, str], name: str = POPULATION, *, days: int = 0, part: Part | None = None
) -> Population:
    of_schedules = [concluded(*each, days=days) for each in found.items()]
    return Population(name, "fleet/*.json", NOW, of_schedules, part)


def news_of(changes: Changes) -> tuple[set[str], list[str], list[str]]:
    """Return what changed, came and is gone."""
    return set(changes.changed), list(changes.came), list(changes.gone)


def records(database: Database, kind: str) -> list[PlainJson]:
    """Return the records of a kind, the oldest first."""
    return read_plain(database, kind)[::-1]


def verify(database: Database) -> Verification:
    return verify_ledger(database, Trust(), lambda _: None)
