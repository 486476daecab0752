import dataclasses
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from rollback_drills.documents.subject import Subject
from rollback_drills.notifications.outcome import Outcome, Verdict
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.results import Delivery
from rollback_drills.notifications.states import State
from rollback_drills.outbox.rows import OutboxRow
from rollback_drills.readiness.states import Readiness, worst
from rollback_drills.reports.pages.run_page import (
    ScheduleRun,
    render_fleet,
    render_schedule,
    route_rows,
)
from tests.samples.builders import DRILL, NOW, build_notifications, judged, make_subject, planned
from tests.samples.outbox import make_entry


def make_run(state: State | None = None, **changes: Any) -> ScheduleRun:
    """Make a run over one schedule; with a state, everything was tried and ended so."""
    subject = make_subject(**changes)
    judgement, plan = judged(subject), planned(subject)
    notifications = build_notifications(judgement.schedule_report, plan) if state else ()
    deliveries = [
        Delivery(each, Verdict(Outcome.PERMANENT, detail="the reason"), 1, NOW, NOW, state)
        for each in notifications
        if state
    ]
    return ScheduleRun(judgement, plan, deliveries)


@pytest.mark.parametrize(
    ("states", "state"),
    [
        ([], Readiness.NOT_REQUESTED),
        ([Readiness.NOT_REQUESTED, Readiness.READY], Readiness.READY),
        ([Readiness.READY, Readiness.DUE_SOON], Readiness.DUE_SOON),
        ([Readiness.DUE_SOON, Readiness.NEEDS_ATTENTION, Readiness.READY], Readiness.NEEDS_ATTENTION),
    ],
)
def test_the_most_pressing_state_describes_a_fleet(states: list[Readiness], state: Readiness) -> None:
    assert worst(states) is state


HOSTILE = "<img src=x onerror=alert(1)> | [x](y) `c` *b* # h"


def is_escaped(page: str) -> bool:
    """Whether nothing of the hostile text is left that Markdown or HTML would obey."""
    return "<img" not in page and not re.search(r"(?<!\\)\[x\]|(?<!\\)`c|(?<!\\)\*b", page)


@pytest.mark.parametrize("field", ["schedule_id", "environment", "runbook_ref"])
def test_markup_in_the_texts_of_a_document_is_shown_and_not_obeyed(field: str) -> None:
    changes: dict[str, Any] = {field: HOSTILE}
    run = make_run(**changes)

    assert "&lt;img" in render_schedule(run, dry_run=False)
    assert is_escaped(render_schedule(run, dry_run=False))
    assert is_escaped(render_fleet([run], dry_run=False))


def test_markup_in_names_and_reasons_is_shown_and_not_obeyed() -> None:
    window = {
        "window_id": HOSTILE,
        "start_at": NOW.isoformat(),
        "end_at": (NOW + timedelta(hours=1)).isoformat(),
        "reason": HOSTILE,
    }
    run = make_run(owners=[HOSTILE], notification_providers=[HOSTILE], maintenance_windows=[window])

    page = render_schedule(run, dry_run=False)

    assert "&lt;img" in page
    assert is_escaped(page)


# Documents refuse names of several lines, and what begins like the path of a Windows share.
@given(st.text(alphabet="|\\`*_#", max_size=12).filter(lambda text: "\\\\" not in text))
def test_whatever_a_name_holds_every_row_of_a_table_has_its_columns(owner: str) -> None:
    page = render_schedule(make_run(owners=[f"x{owner}"]), dry_run=False)

    rows = [line for line in page.split("\n") if line.startswith("| slack")]
    assert len(rows) == 1
    assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", rows[0])) == 7


def test_the_page_of_a_schedule_tells_state_checks_and_routes() -> None:
    run = make_run(State.PERMANENT)
    taken = dataclasses.replace(run.deliveries[0], state=State.ACCEPTED)

    page = render_schedule(structs.replace(run, deliveries=[taken, *run.deliveries[1:]]), dry_run=False)

    assert page.startswith("# payments: needs attention\n")
    assert "go\\_rollback\\_drill\\_schedule\\_not\\_stale | warn" in page
    assert "Notifications sent: 1." in page
    assert "| slack | team-a | deliver | the drill needs attention |  | accepted |" in page
    assert "permanent: the reason" in page


def test_a_dry_run_says_that_nothing_was_sent() -> None:
    run = make_run()

    assert "Nothing was sent: this was a dry run." in render_schedule(run, dry_run=True)
    assert {row["outcome"] for row in route_rows(run, dry_run=True)} == {"not sent (dry run)"}
    assert {row["outcome"] for row in route_rows(run, dry_run=False)} == {""}


def test_each_route_has_a_row_with_its_own_outcome() -> None:
    rows = route_rows(make_run(State.DELIVERED), dry_run=False)

    assert [(row["owner"], row["provider"], row["outcome"]) for row in rows] == [
        ("team-a", "slack", "delivered"),
        ("team-a", "teams", "delivered"),
        ("team-b", "slack", "delivered"),
        ("team-b", "teams", "delivered"),
    ]


def test_what_was_sent_of_an_earlier_cycle_has_a_row_of_its_own() -> None:
    run = make_run(State.DELIVERED, owners=["team-a"], notification_providers=["slack"])
    (sent,) = run.deliveries
    closing = dataclasses.replace(
        sent.notification,
        notification_id="gordmsg-0",
        reason=Reason.RESOLVED,
        title="Rollback drill performed",
    )
    other = dataclasses.replace(sent, notification=closing)

    rows = route_rows(structs.replace(run, deliveries=[sent, other]), dry_run=False)

    assert [row["why"] for row in rows] == ["the drill needs attention", "resolved: Rollback drill performed"]
    assert {row["outcome"] for row in rows} == {"delivered"}


def make_dead_letter(number: int, detail: str = "refused") -> OutboxRow:
    """Make a dead letter as the outbox gives it."""
    entry = make_entry(f"payments-{number}")
    values = {"sequence": number, "message_id": entry.notification_id, "planned_at": 0.0, "queued_at": 0.0}
    return OutboxRow(
        **{name: getattr(entry, name) for name in OutboxRow.__struct_fields__ if hasattr(entry, name)}
        | values,
        state=State.PERMANENT,
        is_closed=False,
        due_at=None,
        attempt_count=3,
        unanswered_count=0,
        may_repeat=False,
        started_at=1.0,
        completed_at=2.0,
        status_code=400,
        detail=detail,
        external_ref="",
        request="",
    )


@pytest.mark.parametrize(("count", "shown", "rest"), [(0, 0, 0), (1, 1, 0), (50, 50, 0), (53, 50, 3)])
def test_dead_letters_are_listed_with_the_command_that_replays_them(
    count: int, shown: int, rest: int
) -> None:
    run = structs.replace(make_run(), dead_letters=[make_dead_letter(each) for each in range(count)])

    page = render_schedule(run, dry_run=False)

    assert page.count("| gordmsg-") == shown
    assert ("`drills outbox replay ID --by WHO --reason WHY`" in page) is bool(count)
    assert (f"{rest} more; `drills outbox list --dead` lists all of them." in page) is bool(rest)


@pytest.mark.parametrize(("count", "shown", "rest"), [(0, 0, 0), (1, 1, 0), (50, 50, 0), (53, 50, 3)])
def test_what_waits_is_listed_with_its_next_attempt(count: int, shown: int, rest: int) -> None:
    run = make_run(State.RETRY, owners=["team-a"], notification_providers=["slack"])
    (delivery,) = run.deliveries
    waiting = dataclasses.replace(delivery, next_attempt_at=NOW + timedelta(minutes=2))

    for page in (
        render_schedule(structs.replace(run, deliveries=[waiting] * count), dry_run=False),
        render_fleet([structs.replace(run, deliveries=[waiting] * count)], dry_run=False),
    ):
        assert (
            page.count("| slack | team-a | 1 Dec 2026, 09:02 UTC | the reason | 1 | retry | gordmsg-")
            == shown
        )
        assert ("## Waiting" in page) is bool(count)
        assert (f"{rest} more; `drills outbox list` lists all of them." in page) is bool(rest)


def test_a_page_counts_what_was_not_delivered() -> None:
    run = make_run(State.PENDING, owners=["team-a"], notification_providers=["slack"])
    run = structs.replace(run, dead_letters=[make_dead_letter(1), make_dead_letter(2)])

    page, fleet = render_schedule(run, dry_run=False), render_fleet([run], dry_run=False)

    assert "Notifications sent: 0, **waiting: 1**, **dead letters: 2**." in page
    assert "| 0 of 1, 1 waiting, 2 dead |" in fleet
    assert "## Dead letters" in fleet


def test_markup_in_the_answer_of_a_provider_is_shown_and_not_obeyed() -> None:
    run = structs.replace(make_run(), dead_letters=[make_dead_letter(1, HOSTILE)])

    page = render_schedule(run, dry_run=False)

    assert "&lt;img" in page
    assert is_escaped(page)


def test_the_page_of_a_fleet_counts_all_and_shows_those_that_are_not_ready() -> None:
    ready = make_run(schedule_id="calm", next_due_at="2027-01-01T00:00:00Z")
    late = make_run(State.DELIVERED, schedule_id="late")
    nothing = Subject(None, None)
    none = ScheduleRun(judged(nothing), planned(nothing), [])

    page = render_fleet([ready, late, none], dry_run=False)

    assert page.startswith("# 3 schedules\n")
    assert "Needs attention: 1, ready: 1, not requested: 1." in page
    assert "| late | needs attention" in page
    assert "4 of 4" in page
    assert "0 of 4" in render_fleet([make_run(State.RETRY)], dry_run=False)
    assert "calm" not in page


def test_a_fleet_page_stays_short_and_counts_the_rest() -> None:
    run = make_run()

    page = render_fleet([run] * 250, dry_run=True)

    assert page.count("| payments |") == 200
    assert "50 more are not shown" in page


@pytest.mark.parametrize(
    ("drills", "line"),
    [
        ([], "No drill is known."),
        (
            [DRILL],
            "Drills known: 1; the latest is drill-1, 11.0 days old; recovery took 7 of at most 15 minutes.",
        ),
        (
            [{**DRILL, "executed_at": "2026-12-11T09:00:00Z"}],
            (
                "Drills known: 1; the latest is drill-1, 10.0 days in the future;"
                " recovery took 7 of at most 15 minutes."
            ),
        ),
        (
            [{"drill_id": "d", "max_recovery_minutes": 9}],
            "Drills known: 1; the latest is d, undated; recovery took unknown of at most 9 minutes.",
        ),
    ],
)
def test_the_numbers_of_the_latest_drill_are_told(drills: list[Mapping[str, Any]], line: str) -> None:
    assert judged(make_subject(drills)).history.describe_latest() == line


def test_the_page_of_a_fleet_lists_what_of_the_documents_counts_for_nothing() -> None:
    warnings = [f"{HOSTILE}.jsonl: left out of this fleet", *(f"{number}: unclear" for number in range(300))]

    page = render_fleet([make_run()], dry_run=True, warnings=warnings)

    _, _, listed = page.partition("## Left out or unclear in the documents")
    assert listed.count("\n- ") == 201
    assert "- 101 more are not shown." in listed
    assert is_escaped(page)
    assert "Left out" not in render_fleet([make_run()], dry_run=True)
