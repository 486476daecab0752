"""`drills explain`: why a schedule is in its state, and why each owner is notified or not, at any time."""

from collections.abc import Sequence
from typing import Annotated

import typer

from rollback_drills.documents.fleets.fleet import find_subject
from rollback_drills.documents.policy_file import read_policy
from rollback_drills.documents.subject import Subject
from rollback_drills.documents.unknown_name import explain_unknown
from rollback_drills.errors import UsageError
from rollback_drills.names.keys import find_spelling
from rollback_drills.reports.explained import explain_subject
from rollback_drills.settings import Settings, require_watched
from rollback_drills_cli.database import DatabaseOption, find_evidence
from rollback_drills_cli.explanation_text import print_explanation, print_recorded
from rollback_drills_cli.judged_documents import load_documents, with_judged_documents
from rollback_drills_cli.options import shared
from rollback_drills_cli.terminal.output import print_json


@with_judged_documents
def explain(
    schedule_id: Annotated[
        str | None,
        typer.Argument(metavar="SCHEDULE_ID", help="Its id. (default: the only one)"),
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="ISO", help="Explain as of this time or day. (default: now)")
    ] = None,
    owner: Annotated[str | None, typer.Option("--owner", help="Only routes to this owner.")] = None,
    provider: Annotated[
        str | None, typer.Option("--provider", help="Only routes through this provider.")
    ] = None,
    *,
    settings: Settings,
    routing_policy: shared.PolicyOption = None,
    database: DatabaseOption = None,
    as_json: shared.JsonOption = False,
) -> None:
    """Explain one schedule: which drills count, where the due time comes from, and which rule decides.

    If there is evidence, earlier notifications count. What was recorded up to that time is shown beside the
    decision by today's documents. Nothing is sent or written.

    Example: drills explain payments --at 2026-03-03
    """
    instant = shared.parse_instant("--at", at)
    require_watched(settings)
    fleet = load_documents(settings)
    subject = _choose(fleet.subjects, schedule_id)
    policy = read_policy(routing_policy)
    evidence = find_evidence(database)
    found = explain_subject(
        subject, evidence, settings.criteria, now=instant, policy=policy, owner=owner, provider=provider
    )
    if not found.routes and (owner or provider):
        whole = explain_subject(subject, evidence, settings.criteria, now=instant, policy=policy)
        _check_name("owner", owner, [each.owner for each in whole.routes])
        _check_name("provider", provider, [each.provider for each in whole.routes])
    if as_json:
        print_json(found)
        return
    print_explanation(found)
    if found.recorded:
        print_recorded(found.recorded, found.differences)


def _check_name(kind: str, name: str | None, known: Sequence[str]) -> None:
    """Refuse the name of an owner or a provider that no route of the schedule has."""
    if name is not None and known and find_spelling(name, known) is None:
        raise UsageError(explain_unknown(kind, name, sorted(known)))


def _choose(subjects: Sequence[Subject], wanted: str | None) -> Subject:
    if wanted is None:
        if len(subjects) == 1:
            return subjects[0]
        raise UsageError(f"{len(subjects)} schedules are configured; name one: drills explain SCHEDULE_ID")
    found, _ = find_subject(subjects, wanted)
    if found is None:
        raise UsageError(explain_unknown("schedule", wanted, [each.name for each in subjects]))
    return found
