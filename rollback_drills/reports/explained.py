"""Explains one schedule beside its evidence: what today's documents give, and what was recorded."""

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec

from rollback_drills.documents.reading.reader import read_bytes
from rollback_drills.documents.routing_policy import RoutingPolicy
from rollback_drills.documents.subject import Subject
from rollback_drills.documents.unusable_document import UnusableDocumentError
from rollback_drills.names.keys import is_same
from rollback_drills.planning.explanation import Explanation, RouteExplanation, explain
from rollback_drills.planning.fleet_check import ScheduleCheck
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.readiness.judgement import find_due, judge

if TYPE_CHECKING:
    from rollback_drills.database.connections import Database
    from rollback_drills.reports.past_check import PastCheck


class SourceDocument(msgspec.Struct, frozen=True, gc=False):
    """A document that was read."""

    path: str
    sha256: str
    """Of the file; empty if it is a line of one."""


class Explained(Explanation, frozen=True, gc=False, kw_only=True):
    """The explanation of one schedule at one time, beside its documents and its evidence."""

    documents: tuple[SourceDocument, ...]
    recorded: "PastCheck | None"
    """What the evidence says up to that time; None if it says nothing."""
    differences: tuple[str, ...]


def explain_subject(
    subject: Subject,
    database: "Database | None",
    criteria: Criteria,
    *,
    now: datetime,
    policy: RoutingPolicy | None = None,
    owner: str | None = None,
    provider: str | None = None,
) -> Explained:
    """Explain a schedule at a time; earlier notifications count where there is evidence.

    Args:
        subject: Its documents, as they are today.
        database: Has the evidence; None if there is none.
        criteria: What it is judged against.
        now: The time.
        policy: The routing policy of the caller.
        owner: Only routes to this owner.
        provider: Only routes through this provider.

    Raises:
        DatabaseError: The evidence cannot be read.
    """
    check = ScheduleCheck(subject, judge(subject, find_due(subject, now=now), criteria, now=now))
    request = PlanRequest(policy=policy)
    past, compare = None, None
    if database:
        # SQLAlchemy takes half a second to import, and is needed for evidence alone
        from rollback_drills.reports.past_check import find_differences, find_past_check
        from rollback_drills.reports.past_knowledge import add_past

        check, request = add_past(database, check, request, now=now)
        past, compare = find_past_check(database, check.schedule_id, now), find_differences
    check.plan_at_once(request, now=now)
    whole = explain(check, request, criteria, now=now)
    further = {
        "routes": tuple(each for each in whole.routes if _is_wanted(each, owner, provider)),
        "documents": tuple(_list_documents(subject, whole)),
        "recorded": past,
        "differences": tuple(compare(past, whole.routes)) if past and compare else (),
    }
    return Explained(**msgspec.structs.asdict(whole) | further)


def _list_documents(subject: Subject, explanation: Explanation) -> Iterator[SourceDocument]:
    for each in (subject.schedule, subject.history):
        if each:
            yield _describe(each.path, each.file)
    for calendar in explanation.time_data.calendars if explanation.time_data else ():
        yield SourceDocument(calendar.path, calendar.sha256)


def _is_wanted(route: RouteExplanation, owner: str | None, provider: str | None) -> bool:
    is_owner = owner is None or is_same(owner, route.owner)
    return is_owner and (provider is None or is_same(provider, route.provider))


def _describe(path: str, file: str) -> SourceDocument:
    """Describe a document; one that cannot be read has no digest."""
    try:
        return SourceDocument(path, sha256(read_bytes(file)).hexdigest() if file else "")
    except UnusableDocumentError:
        return SourceDocument(path, "")
