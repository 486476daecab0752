"""Reads what was told before from the evidence index, and adds what this run did."""

from collections.abc import Sequence
from functools import cache

import msgspec
from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger

from rollback_drills.evidence.index import EvidenceIndex
from rollback_drills.readiness.terms import Report
from rollback_drills.redaction import Redactor
from rollback_drills.routing.repeats import Told


@cache
def open_evidence(url: str) -> EvidenceIndex:
    """Open an index once per process."""
    return EvidenceIndex.open(url)


def find_told(url: str, schedule_ids: Sequence[str]) -> dict[str, Told]:
    """Give what was told last, by route key; writes nothing, so that a dry run may ask."""
    index = EvidenceIndex.open_existing(url) if schedule_ids else None
    return index.last_told(schedule_ids) if index else {}


@task(task_run_name="index-evidence", cache_policy=NO_CACHE)
def index_evidence(records: list[Report], url: str) -> int:
    """Append redacted records, all of them or none."""
    redactor = Redactor()
    open_evidence(url).append(_redact(record, redactor) for record in records)
    get_run_logger().info("%d records", len(records))
    return len(records)


def _redact(record: Report, redactor: Redactor) -> Report:
    """Redact once more by pattern; nearly every record has no finding, and is looked at whole."""
    text = msgspec.json.encode(record).decode()
    redacted: Report = record if redactor.text(text) == text else redactor.value(record)
    return redacted
