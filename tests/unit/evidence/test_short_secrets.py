"""A secret that stands by chance in a time, a digest or an id of ours breaks no record."""

import re
from collections.abc import Iterator
from importlib import import_module
from pkgutil import walk_packages

import msgspec
import pytest

import rollback_drills
from rollback_drills.database.connections import Database
from rollback_drills.evidence.checks.population import NOTHING_CHANGED
from rollback_drills.evidence.outbox_transfer import index_run
from rollback_drills.evidence.record import Record
from rollback_drills.evidence.record_kinds import CHECK_KIND, PLAN_KIND
from rollback_drills.planning.plan import Plan
from rollback_drills.readiness.states import Readiness
from rollback_drills.redaction.computed import computed_fields
from rollback_drills.redaction.redactor import Redactor
from rollback_drills.reports.events.run_events import check_event
from tests.samples.builders import NOW, make_subject, open_key, planned
from tests.samples.populations import population_of, records, verify

for _module in walk_packages(rollback_drills.__path__, "rollback_drills."):
    if "migrations" not in _module.name:
        import_module(_module.name)

_COMPUTED = re.compile(
    r".*(_at|_until|_digest|sha256|_key)|(plan|cycle|notification|event|outage|closure)_id"
)
_WRITTEN_BY_OTHERS = {"once_key"}
"""It holds the names of schedules and drills."""


def kinds_below(kind: type[Record]) -> Iterator[type[Record]]:
    for each in kind.__subclasses__():
        yield each
        yield from kinds_below(each)


@pytest.mark.parametrize("kind", sorted(kinds_below(Record), key=str))
def test_the_times_digests_and_ids_of_each_kind_are_marked(kind: type[Record]) -> None:
    named = {each.name for each in msgspec.structs.fields(kind) if _COMPUTED.fullmatch(each.name)}

    assert named - computed_fields(kind) == _WRITTEN_BY_OTHERS


def test_only_what_others_wrote_is_taken_out_of_a_plan() -> None:
    plan = planned(make_subject([], schedule_id="pass-2026"))
    secrets = [plan.plan_id, plan.cycle_id[-4:], plan.generated_at[:4], str(plan.status)]

    clean = Redactor(secrets).document(plan)

    assert clean.schedule_id == "pass-[redacted]"
    assert isinstance(clean, Plan)
    kept = ("plan_id", "cycle_id", "generated_at", "status", "next_due_at", "alert_level")
    assert [getattr(clean, name) for name in kept] == [getattr(plan, name) for name in kept]


def test_an_event_keeps_its_name_which_automations_wait_for() -> None:
    event = check_event({Readiness.READY: 1}, NOTHING_CHANGED, name="a drill of 2026", delivery_count=0)

    clean = Redactor(["drill", "ready", "2026"]).document(event)

    assert clean == msgspec.structs.replace(event, schedule_id="a [redacted] of [redacted]")


def test_a_check_stays_verified_and_unchanged_with_secrets_of_four_characters(database: Database) -> None:
    digests = {"a": "4f" * 32, "b": "1234" + "ab" * 30}
    redact = Redactor(["2026", "1234", "f4f4", "need", *"gordn gordcycle rcpop rollback".split()]).document

    for _ in range(2):
        indexed = index_run(
            database,
            [],
            created_at=NOW,
            signer="me",
            redact=redact,
            open_key=open_key,
            looked=population_of(digests),
        )

    assert not indexed.changes.is_any
    assert {each["finding_digest"] for each in records(database, PLAN_KIND)} == set(digests.values())
    assert [each["state_counts"] for each in records(database, CHECK_KIND)] == [{"needs_attention": 2}] * 2
    assert verify(database).findings == []
