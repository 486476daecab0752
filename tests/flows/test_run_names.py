"""What a run is called: what it found, and how much of it is new."""

from collections.abc import Sequence

import pytest

from flows.run_names import Found, describe, describe_run
from rollback_drills.evidence.checks.population import NOTHING_CHANGED, Changes
from rollback_drills.readiness.judgement import Judgement
from tests.samples.builders import DRILL, judged, make_subject

DUE = {
    "ready": "2027-01-05T09:00:00Z",
    "due_soon": "2026-12-05T09:00:00Z",
    "needs_attention": "2026-11-27T09:00:00Z",
}


def found(*states: str) -> list[Judgement]:
    """Judge one schedule for each state; they are called a, b, c …"""
    return [
        judged(make_subject([DRILL], schedule_id="abcdef"[number], next_due_at=DUE[state]))
        for number, state in enumerate(states)
    ]


def changed(*names: str, gone: Sequence[str] = ()) -> Changes:
    return Changes(False, frozenset(names), gone=gone)


@pytest.mark.parametrize(
    ("states", "changes", "said"),
    [
        (["needs_attention", "ready", "due_soon"], changed("a", "b"), "a needs attention; 2 of 3 changed"),
        (["needs_attention", "ready", "needs_attention"], changed("a"), "2 need attention; 1 of 3 changed"),
        (["ready", "due_soon"], NOTHING_CHANGED, "b is due soon; nothing changed"),
        (["ready", "ready"], NOTHING_CHANGED, "all 2 ready; nothing changed"),
        (["ready", "ready"], changed(gone=["z"]), "all 2 ready; 0 of 2 changed, 1 gone"),
        (["due_soon"], changed("a"), "a is due soon; changed"),
        (["ready"], NOTHING_CHANGED, "a is ready; nothing changed"),
        (["ready"], changed(gone=["z"]), "a is ready; 0 of 1 changed, 1 gone"),
        (["ready"], None, "a is ready"),
    ],
)
def test_a_run_is_named_after_what_it_found_and_what_is_new(
    states: list[str], changes: Changes | None, said: str
) -> None:
    assert describe(Found.of(found(*states)), changes) == said
    assert describe_run(Found.of(found(*states)), changes, left_count=0) == said


def test_the_name_of_a_run_counts_what_has_not_reached_its_owners() -> None:
    name = describe_run(Found.of(found("needs_attention")), changed("a"), left_count=1_002)

    assert name == "a needs attention; changed; 1,002 not delivered"
