"""Answers with records of the evidence, which are passed on as they were written."""

import msgspec
from msgspec import Raw

from rollback_drills import PRODUCT


class ExceptionAnswer(msgspec.Struct, frozen=True, gc=False):
    """An exception that was granted or approved."""

    exception: Raw
    metadata: Raw


class RequestAnswer(msgspec.Struct, frozen=True, gc=False):
    """A request for an exception."""

    request: Raw
    metadata: Raw


class DeclineAnswer(msgspec.Struct, frozen=True, gc=False):
    """A request that was declined."""

    decline: Raw
    metadata: Raw


class RetirementAnswer(msgspec.Struct, frozen=True, gc=False):
    """A schedule that was retired or restored."""

    retirement: Raw
    metadata: Raw


class ReplayAnswer(msgspec.Struct, frozen=True, gc=False):
    """A request for a replay, its approval, or its execution."""

    replay: Raw
    metadata: Raw


class AcknowledgementAnswer(msgspec.Struct, frozen=True, gc=False):
    """The acknowledgements of one schedule, of which the first stands for all."""

    acknowledgement: dict[str, Raw]
    metadata: Raw
    acknowledgement_count: int
    acknowledgements: list[Raw]


class BulkAnswer(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The acknowledgements of several schedules."""

    schema_version: str = "cavra.go-backend-pilot.rollback-drill-bulk-acknowledgement.v1"
    product: str = PRODUCT
    bulk_id: str
    acknowledgement_state: str
    acknowledgement_count: int
    acknowledgements: list[dict[str, Raw]]
    metadata: list[Raw]


class _Named(msgspec.Struct, frozen=True, gc=False):
    acknowledgement_id: str


def answer_acknowledgements(records: list[Raw]) -> AcknowledgementAnswer:
    """Answer with the records of acknowledgements of one schedule."""
    return AcknowledgementAnswer(_read_acknowledgement(records[0]), records[0], len(records), records)


def answer_bulk(records: list[Raw], state: str) -> BulkAnswer:
    """Answer with the records of acknowledgements of several schedules."""
    first = msgspec.json.decode(records[0], type=_Named)
    return BulkAnswer(
        bulk_id=f"gordbulkack-{len(records)}-{first.acknowledgement_id}",
        acknowledgement_state=state,
        acknowledgement_count=len(records),
        acknowledgements=[_read_acknowledgement(each) for each in records],
        metadata=records,
    )


def _read_acknowledgement(record: Raw) -> dict[str, Raw]:
    """Return the acknowledgement that a record holds, with its own schema."""
    fields = msgspec.json.decode(record, type=dict[str, Raw])
    return fields | {"schema_version": fields["ack_schema_version"]}
