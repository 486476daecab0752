"""`drills explain`: why a schedule is in its state, and why each owner is notified or not, at any time."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer

from rollback_drills.documents.fleet import Subject, find_subject
from rollback_drills.documents.policy_file import read_policy
from rollback_drills.errors import UsageError
from rollback_drills.names.keys import is_same
from rollback_drills.planning.explanation import Explanation, RouteExplanation
from rollback_drills.planning.explanation import explain as explain_check
from rollback_drills.planning.fleet_check import ScheduleCheck
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.readiness.judgement import find_due, judge
from rollback_drills_cli import options
from rollback_drills_cli.check import load_documents
from rollback_drills_cli.database import DatabaseOption, find_evidence
from rollback_drills_cli.explanation_text import SourceDocument, print_explanation, print_recorded
from rollback_drills_cli.output import print_json

if TYPE_CHECKING:
    from rollback_drills.database.connections import Database
    from rollback_drills.reports.past_check import PastCheck

_WHOLE_FLEET: Final = 1.0
"""One schedule says nothing about the share of a fleet that turned bad at once."""


def explain(
    schedule_id: Annotated[
        str | None, typer.Argument(metavar="SCHEDULE_ID", help="Which schedule; needless if there is one.")
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="ISO", help="At this time; by default now. A day is enough.")
    ] = None,
    owner: Annotated[str | None, typer.Option("--owner", help="Only routes to this owner.")] = None,
    provider: Annotated[
        str | None, typer.Option("--provider", help="Only routes through this provider.")
    ] = None,
    mode: options.ModeOption = None,
    history_path: options.HistoryOption = None,
    schedule_path: options.ScheduleOption = None,
    due_soon_days: options.DueSoonOption = None,
    max_age_days: options.MaxAgeOption = None,
    routing_policy: options.PolicyOption = None,
    database: DatabaseOption = None,
    as_json: options.JsonOption = False,
) -> None:
    """Explain one schedule: which drills count, where the due time comes from, and which rule decides.

    Where there is evidence, earlier notifications count, and what was recorded up to that time is shown
    beside what today's documents give. Nothing is sent or written.
    """
    instant = options.parse_instant("--at", at)
    settings = options.resolve(mode, history_path, schedule_path, due_soon_days, max_age_days)
    fleet = load_documents(settings, as_json=as_json)
    subject = _choose(fleet.subjects, schedule_id)
    judged = judge(subject, find_due(subject, now=instant), settings.criteria, now=instant)
    evidence = find_evidence(database)
    request = PlanRequest(policy=read_policy(routing_policy))
    check = ScheduleCheck(subject, judged)
    if evidence:
        check, request = _add_past(request, evidence, check, instant)
    check.plan_at_once(request, now=instant)
    explanation = explain_check(check, request, settings.criteria, now=instant)
    routes = tuple(_filter(explanation.routes, owner, provider))
    explanation = msgspec.structs.replace(explanation, routes=routes)
    past, differences = _compare(evidence, explanation, instant)
    documents = list(_list_documents(subject))
    if as_json:
        written = msgspec.to_builtins(explanation)
        recorded = msgspec.to_builtins(past) if past else None
        print_json(written | {"documents": documents, "recorded": recorded, "differences": differences})
    else:
        print_explanation(explanation, documents)
        if past:
            print_recorded(past, differences)


def _choose(subjects: Sequence[Subject], wanted: str | None) -> Subject:
    if wanted is None:
        if len(subjects) == 1:
            return subjects[0]
        raise UsageError(f"{len(subjects)} schedules are configured; name one: drills explain SCHEDULE_ID")
    found, similar = find_subject(subjects, wanted)
    if found is None:
        meant = f"did you mean {similar}?" if similar else "`drills check` lists them"
        raise UsageError(f"no schedule is named {wanted}; {meant}")
    return found


def _add_past(
    request: PlanRequest, database: "Database", check: ScheduleCheck, instant: datetime
) -> tuple[ScheduleCheck, PlanRequest]:
    """Add what a run would know: the cycle, whether the history is trusted, and what was sent before."""
    from rollback_drills.followup.open_cycles import find_quiet
    from rollback_drills.outbox.commit import find_history
    from rollback_drills.outbox.known_cycles import keep_known_cycles
    from rollback_drills.trust.guard import guard_source

    (judgement,) = keep_known_cycles(database, [check.judgement])
    check = ScheduleCheck(check.subject, judgement)
    distrusted = guard_source(database, [check], turned_bad_share=_WHOLE_FLEET, now=instant).reasons
    cycles = [judgement.cycle.cycle_id]
    notified = {
        key: earlier
        for key, several in find_history(database, cycles, [check.schedule_id]).items()
        if (earlier := [each for each in several if each.at <= instant])
    }
    acknowledged, excepted = find_quiet(database, cycles, now=instant)
    return check, replace(
        request, distrusted=distrusted, notified=notified, acknowledged=acknowledged, excepted=excepted
    )


def _filter(
    routes: Sequence[RouteExplanation], owner: str | None, provider: str | None
) -> Iterator[RouteExplanation]:
    for each in routes:
        if (owner is None or is_same(owner, each.owner)) and (
            provider is None or is_same(provider, each.provider)
        ):
            yield each


def _compare(
    evidence: "Database | None", explanation: Explanation, instant: datetime
) -> "tuple[PastCheck | None, list[str]]":
    if evidence is None:
        return None, []
    from rollback_drills.reports.past_check import find_differences, find_past_check

    past = find_past_check(evidence, explanation.schedule_id, instant)
    return past, list(find_differences(past, explanation.routes)) if past else []


def _list_documents(subject: Subject) -> Iterator[SourceDocument]:
    """Yield the documents; the digest of one that is a line of a file is that of the file."""
    for each in (subject.schedule, subject.history):
        if each is not None:
            digest = sha256(Path(each.file).read_bytes()).hexdigest() if each.file else ""
            yield SourceDocument(each.path, digest)
