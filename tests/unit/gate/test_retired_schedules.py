"""Retired schedules at the gate and in production readiness, which never answer differently."""

from collections.abc import Sequence
from datetime import timedelta
from operator import itemgetter
from typing import Any

import pytest

from rollback_drills.documents.plain_json import to_plain
from rollback_drills.documents.promotion import PromotionDocuments
from rollback_drills.gate.decision import decide_gate
from rollback_drills.gate.production_readiness import production_readiness, readiness_page
from rollback_drills.gate.promotion import report_promotion
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.readiness.judgement import Judgement
from rollback_drills.readiness.states import Mode
from tests.samples.builders import DRILL, NOW, judged, make_subject

LATER = (NOW + timedelta(days=100)).isoformat()
FAILED = {**DRILL, "status": "fail"}


def judge_fleet(mode: Mode, *statuses: str) -> list[Judgement]:
    """Judge a schedule of each status, in order; a retired one has a drill that failed."""
    return [
        judged(
            make_subject(
                [FAILED if status == "retired" else DRILL],
                schedule_id=f"service-{number}",
                status=status,
                next_due_at=LATER,
            ),
            criteria=Criteria(mode),
        )
        for number, status in enumerate(statuses)
    ]


def decide(judgements: Sequence[Judgement], mode: Mode) -> dict[str, Any]:
    """Decide the gate of the drills alone."""
    documents = report_promotion(PromotionDocuments(), Criteria(mode), now=NOW)
    return to_plain(decide_gate(documents, judgements))


@pytest.mark.parametrize("mode", [Mode.ENFORCE, Mode.PROMOTED])
@pytest.mark.parametrize(
    "statuses",
    [
        ("retired", "active"),
        ("active", "retired"),
        ("retired", "retired"),
        ("retired", "active", "retired", "paused", "retired"),
    ],
)
def test_the_pages_of_production_readiness_say_what_the_gate_says(
    statuses: tuple[str, ...], mode: Mode
) -> None:
    judgements = judge_fleet(mode, *statuses)

    drills = [each for each in decide(judgements, mode)["checks"] if "_drill_" in each["id"]]
    whole = to_plain(production_readiness(judgements))
    pages = [
        to_plain(readiness_page(judgements, limit=1, offset=place)) for place in range(len(judgements) + 1)
    ]

    by_place = itemgetter("schedule_id", "id")
    assert sorted((check for page in pages for check in page["checks"]), key=by_place) == drills
    assert whole["checks"] == drills
    assert {page["acceptable"] for page in pages} == {all(each["status"] == "pass" for each in drills)}
    assert {page["status"] for page in pages} == {whole["status"]}
    assert {(page["total"], page["limit"]) for page in pages} == {(len(statuses), 1)}


def test_a_history_that_nobody_asks_for_is_not_in_the_state_of_the_histories() -> None:
    judgements = judge_fleet(Mode.ENFORCE, "retired", "active")

    gate = decide(judgements, Mode.ENFORCE)

    assert gate["acceptable"] is True
    assert gate["go_backend_rollback_drill_history"]["status"] == "ready"
    assert [each["status"] for each in gate["go_backend_rollback_drill_history"]["items"]] == [
        "needs_attention",
        "ready",
    ]


def test_those_that_block_come_first_and_a_retired_one_does_not() -> None:
    judgements = judge_fleet(Mode.ENFORCE, "retired", "paused")

    (first, _) = readiness_page(judgements, limit=1, offset=0).checks

    assert (first.schedule_id, first.state) == ("service-1", "ready")


def test_a_gate_of_retired_schedules_does_not_ask_for_documents() -> None:
    gate = decide(judge_fleet(Mode.ENFORCE, "retired"), Mode.ENFORCE)

    assert (gate["status"], gate["message"]) == (
        "not_requested",
        "nothing was checked: every schedule is retired",
    )
