"""A mistake in the drill history is named where people look, with file, path and remedy."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rollback_drills.console.fleet import read_fleet
from rollback_drills.console.query import FleetQuery
from rollback_drills.console.source import read_console
from rollback_drills.documents.history import Drill, Finding, History
from rollback_drills.documents.reading.reader import Loaded, parse_document, read_document
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.subject import Subject
from rollback_drills.gate.production_readiness import production_readiness
from rollback_drills.planning.event import build_event
from rollback_drills.planning.notification_text import build_notification
from rollback_drills.readiness.acceptance import find_missing
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.readiness.history_faults import (
    REPEATS,
    SEVERITIES,
    WORDS,
    find_history_faults,
    find_unknown_words,
)
from rollback_drills.readiness.judgement import Judgement, judge_all
from rollback_drills.readiness.shared_drills import find_shared_drills
from rollback_drills.readiness.states import Readiness
from rollback_drills.reports.pages.run_page import ScheduleRun, render_fleet, render_schedule
from rollback_drills.trust.signs import KnownDrill, Memory, find_distrust
from tests.samples.builders import DRILL, NOW, checked, judged, make_subject, planned

FAULT = 'history.json: $.drills[0].executed_at is "05/11/2026"; must be an ISO 8601 timestamp'


def with_history(subject: Subject, text: str, path: str = "/fleet/history.json") -> Subject:
    """Replace the history of a schedule, as it lies on disk."""
    return msgspec.structs.replace(subject, history=parse_document(History, text.encode(), path))


@pytest.fixture(params=[None, "2026-12-05T09:00:00Z"], ids=["due from the history", "due by hand"])
def broken(request: pytest.FixtureRequest) -> Subject:
    """Return a schedule whose history has a date that cannot be read."""
    text = '{"schema_version": "x", "drills": [{"executed_at": "05/11/2026"}]}'
    return with_history(make_subject([], next_due_at=request.param), text)


def test_report_console_and_run_name_the_fault(broken: Subject) -> None:
    judgement = judged(broken)
    console = read_console(None, [broken], [judgement], now=NOW)
    run = ScheduleRun(judgement, planned(broken), [])

    assert FAULT in judgement.schedule_report.warnings[0]
    assert any(FAULT in each for each in judgement.schedule_report.operator_notes)
    assert FAULT in read_fleet(console, FleetQuery()).rows[0].warnings[0]
    assert FAULT in render_schedule(run, dry_run=True).replace("\\", "")
    assert FAULT in render_fleet([run], dry_run=True).replace("\\", "")
    assert FAULT in str(production_readiness([judgement]).checks[0])


def test_a_message_names_the_fault_and_no_folder(broken: Subject) -> None:
    plan, judgement = planned(broken), judged(broken)
    event = build_event(judgement.schedule_report, plan)

    message = build_notification(judgement.schedule_report, plan, event, plan.route_decisions[0]).summary

    assert message.count(FAULT) == 1
    assert "/fleet" not in message
    assert "?." not in message


def test_the_console_asks_to_fix_the_history_and_not_the_schedule() -> None:
    subject = with_history(make_subject([], next_due_at=None), "{")
    console = read_console(None, [subject], [judged(subject)], now=NOW)

    assert read_fleet(console, FleetQuery()).rows[0].todo == "fix the drill history"


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"evidence_refs": []}, "$.drills[0].evidence_refs is missing; name the evidence that was kept"),
        ({"runbook_ref": ""}, "$.drills[0].runbook_ref is missing; name the runbook that was followed"),
        ({"fallback_verified": False}, "$.drills[0].fallback_verified is false; must be true"),
        ({"executed_at": None}, "$.drills[0].executed_at is missing"),
        ({"status": "fail"}, '$.drills[0].status is "fail"; must be "pass"'),
        ({"status": "PASS"}, '$.drills[0].status is "PASS"; must be one of pass, fail; did you mean "pass"?'),
        ({"status": "succeeded"}, '$.drills[0].status is "succeeded"; must be one of pass, fail'),
    ],
)
def test_a_drill_that_counts_for_nothing_is_named_before_the_missing_due_time(
    changes: dict[str, Any], fault: str
) -> None:
    message = judged(make_subject([{**DRILL, **changes}], next_due_at=None)).schedule.message

    assert message.startswith(f"history.json: {fault}")
    assert "schedule.json has no $.next_due_at" in message


@pytest.mark.parametrize("policy", ["after_completion", "explicit"])
def test_a_drill_that_is_late_by_the_accepted_ones_names_the_one_that_was_not(policy: str) -> None:
    old = {**DRILL, "drill_id": "old", "executed_at": "2026-06-01T09:00:00Z"}
    subject = make_subject([old, {**DRILL, "status": "passed"}], next_due_at=None, due_policy=policy)

    message = judged(subject).schedule.message

    assert message.startswith('history.json: $.drills[1].status is "passed"; must be one of pass, fail;')
    assert message.endswith(
        "By the accepted drills, the drill of schedule.json was due 2026-07-01T09:00:00+00:00"
    )


def test_without_a_history_nothing_is_said_of_drills() -> None:
    subject = msgspec.structs.replace(make_subject([], next_due_at=None), history=None)

    message = judged(subject).schedule.message

    assert "the schedule has no drill history to derive it from" in message


def test_known_words_and_absent_ones_are_no_fault() -> None:
    drills: list[Mapping[str, Any]] = [
        {**DRILL, "status": status, "source_mode": mode, "target_mode": mode}
        for status in ("", "pass", "fail")
        for mode in ("", "disabled", "shadow", "enforce", "promoted")
    ]

    history = make_subject(drills).history

    assert history is not None
    assert history.document is not None
    assert list(find_unknown_words(history.document.drills)) == []


@pytest.mark.parametrize(
    ("of_history", "is_named"),
    [("staging", True), ("production", False), (" Production", False), ("", False)],
)
def test_a_history_of_another_environment_is_named(of_history: str, is_named: bool) -> None:
    subject = make_subject([DRILL])
    assert subject.history is not None
    assert subject.history.document is not None
    changed = msgspec.structs.replace(subject.history.document, environment=of_history)
    judgement = judged(msgspec.structs.replace(subject, history=Loaded("history.json", changed)))

    assert any("$.environment is" in each for each in judgement.schedule_report.warnings) is is_named


def test_a_history_is_of_no_other_environment_if_the_schedule_names_none() -> None:
    subject = make_subject([DRILL], environment="")
    assert subject.history is not None
    assert subject.history.document is not None
    changed = msgspec.structs.replace(subject.history.document, environment="production")
    judgement = judged(msgspec.structs.replace(subject, history=Loaded("history.json", changed)))

    assert judgement.schedule_report.warnings == ()


@pytest.mark.parametrize("key", ["status", "source_mode", "target_mode"])
def test_an_unknown_word_is_named_also_where_the_environments_agree(key: str) -> None:
    subject = make_subject([DRILL, {**DRILL, "drill_id": "older", key: "sometimes"}])
    assert subject.history is not None
    assert subject.history.document is not None
    changed = msgspec.structs.replace(subject.history.document, environment="production")
    judgement = judged(msgspec.structs.replace(subject, history=Loaded("history.json", changed)))

    (warning,) = judgement.schedule_report.warnings
    assert f'$.drills[1].{key} is "sometimes"' in warning


@pytest.mark.parametrize(("count", "is_counted"), [(3, False), (4, True)])
def test_of_many_unknown_words_a_few_are_named_and_the_others_counted(count: int, is_counted: bool) -> None:
    sometimes = {**DRILL, "source_mode": "sometimes"}
    drills: list[Mapping[str, Any]] = [{**sometimes, "drill_id": str(each)} for each in range(count)]

    (warning,) = judged(make_subject(drills)).schedule_report.warnings

    assert [f"$.drills[{each}]." in warning for each in range(4)] == [True, True, True, False]
    assert ("and 1 more" in warning, " more" in warning) == (is_counted, is_counted)


@pytest.mark.parametrize("policy", ["explicit", "fixed_sequence"])
def test_a_fault_of_the_history_is_blamed_only_where_the_due_time_comes_from_it(policy: str) -> None:
    subject = make_subject([{**DRILL, "status": "passed"}], due_policy=policy)

    message = judged(subject).schedule.message

    assert message.startswith("history.json: $.drills[0].status") is (policy == "fixed_sequence")
    assert "was due 2026-11-27T09:00:00+00:00" in message


def test_a_history_without_drills_explains_why_there_is_no_due_time() -> None:
    judgement = judged(make_subject([], next_due_at=None))

    assert judgement.history_report.warnings == ()
    assert judgement.schedule.message.startswith(judgement.history.message)


def test_a_note_does_not_say_twice_what_is_wrong_with_the_history() -> None:
    judgement = judged(make_subject([{**DRILL, "status": "passed"}], next_due_at=None))

    assert sum("$.drills[0].status" in each for each in judgement.schedule_report.operator_notes) == 1


@pytest.mark.parametrize(
    ("drills", "schema", "is_warned"),
    [
        pytest.param([DRILL], "", False, id="good"),
        pytest.param([{**DRILL, "executed_at": "2026-01-01T09:00:00Z"}], "", False, id="old"),
        pytest.param([], "", False, id="empty"),
        pytest.param([DRILL], "another", True, id="of another schema"),
        pytest.param([], "another", True, id="empty, of another schema"),
    ],
)
def test_a_history_that_is_only_old_or_empty_is_no_mistake(
    drills: list[Mapping[str, Any]], schema: str, is_warned: bool
) -> None:
    subject = make_subject(drills)
    assert subject.history is not None
    assert subject.history.document is not None
    document = subject.history.document
    changed = msgspec.structs.replace(document, schema_version=schema or document.schema_version)
    judgement = judged(msgspec.structs.replace(subject, history=Loaded("history.json", changed)))

    assert ["schema_version" in each for each in judgement.history_report.warnings] == [True] * is_warned


def judge_two(*drills: list[Mapping[str, Any]]) -> list[Judgement]:
    """Judge schedules of these names with these drills together."""
    names = ("payments", "billing", "search")
    subjects = [make_subject(some, schedule_id=name) for name, some in zip(names, drills, strict=False)]
    return judge_all(subjects, Criteria(), now=NOW)


@pytest.mark.parametrize("spell", [str, str.upper, " {} ".format])
def test_a_drill_that_two_schedules_use_is_named_for_both_and_for_no_other(
    spell: Callable[[str], str],
) -> None:
    same = {**DRILL, "drill_id": spell(DRILL["drill_id"])}
    first, second, third = judge_two([DRILL], [same], [{**DRILL, "drill_id": "other"}])

    assert "which billing uses too" in first.schedule_report.warnings[0]
    assert "which payments uses too" in second.schedule_report.warnings[0]
    assert third.schedule_report.warnings == ()
    assert {first.readiness, second.readiness} == {third.readiness}


@pytest.mark.parametrize(
    "other",
    [{**DRILL, "executed_at": "2026-11-02T09:00:00Z"}, {**DRILL, "drill_id": ""}],
    ids=["another time", "no id"],
)
def test_drills_that_only_look_alike_are_not_named(other: dict[str, Any]) -> None:
    assert [each.schedule_report.warnings for each in judge_two([DRILL], [other])] == [(), ()]


def test_drills_without_an_id_are_not_known_again() -> None:
    nameless = {**DRILL, "drill_id": ""}
    elsewhere: list[Mapping[str, Any]] = [nameless, {**DRILL, "executed_at": "2026-11-02T09:00:00Z"}]

    assert [each.schedule_report.warnings for each in judge_two([nameless, DRILL], elsewhere)] == [(), ()]


@pytest.mark.parametrize(("count", "is_counted"), [(3, False), (4, True)])
def test_of_many_shared_drills_a_few_are_named_and_the_others_counted(count: int, is_counted: bool) -> None:
    drills: list[Mapping[str, Any]] = [{**DRILL, "drill_id": str(each)} for each in range(count)]

    (warning, *_), _ = (each.schedule_report.warnings for each in judge_two(drills, drills))

    assert [f"$.drills[{each}]." in warning for each in range(4)] == [True, True, True, False]
    assert ("1 more" in warning, " more" in warning) == (is_counted, is_counted)


def test_a_schedule_that_shares_a_drill_and_has_no_id_is_named_by_its_file_if_it_has_one() -> None:
    named = make_subject([DRILL])
    unreadable = msgspec.structs.replace(named, schedule=parse_document(Schedule, b"{", "fleet/b.json"))

    assert "which fleet/b.json uses too" in find_shared_drills([named, unreadable])[0]
    assert find_shared_drills([named, msgspec.structs.replace(named, schedule=None)]).keys() == {0, 1}


def test_what_is_not_trusted_says_why_it_cannot_be_read(tmp_path: Path) -> None:
    known = Memory([KnownDrill(0, "d1", NOW)])
    for path, reason in (
        ("missing.json", "cannot be read (missing.json: does not exist"),
        ("broken.json", "cannot be read (broken.json: is not JSON"),
    ):
        (tmp_path / "broken.json").write_text("{")
        history = read_document(History, str(tmp_path / path))
        subject = msgspec.structs.replace(make_subject([]), history=history)

        (found,) = find_distrust([checked(subject)], {"payments": known}, {}, turned_bad_share=0.5, now=NOW)

        assert reason in found.reason
        assert str(tmp_path) not in found.reason


def test_a_history_that_is_good_has_no_warning_and_changes_nothing() -> None:
    judgement = judged(make_subject([DRILL], next_due_at=None))

    assert judgement.schedule_report.warnings == judgement.history_report.warnings == ()
    assert judgement.readiness in (Readiness.READY, Readiness.DUE_SOON)
    assert len(judgement.schedule_report.operator_notes) == 1


def test_the_first_unknown_words_are_named_without_punctuation_twice() -> None:
    drills = tuple(Drill(status="PASS") for _ in range(5))

    faults = find_history_faults(History(drills=drills), environment="", shared="")

    one = '$.drills[{}].status is "PASS"; must be one of pass, fail; did you mean "pass"?'
    assert faults[WORDS] == " ".join([*(one.format(index) for index in range(3)), "and 2 more"])


@pytest.mark.parametrize("again", ["payments-1", " PAYMENTS-1"])
def test_an_id_that_two_drills_of_a_history_have_is_named(again: str) -> None:
    history = History(
        drills=(Drill(drill_id="payments-1"), Drill(drill_id="payments-1"), Drill(drill_id=again))
    )

    fault = find_history_faults(history, environment="", shared="")[REPEATS]

    assert '$.drills[1].drill_id is "payments-1", which $.drills[0] has too; give each drill' in fault
    assert "$.drills[2].drill_id is " in fault


def test_an_id_in_another_spelling_is_named_if_nothing_else_is_wrong() -> None:
    history = History(drills=(Drill(drill_id="payments-1"), Drill(drill_id="Payments-1")))

    assert list(find_history_faults(history, environment="", shared="")) == [REPEATS]


def test_a_finding_that_one_drill_names_twice_is_named() -> None:
    findings = (Finding("F1", severity="high"), Finding("f1", closed_at=NOW), Finding("F2"))
    history = History(
        drills=(Drill(drill_id="a", findings=findings), Drill(drill_id="b", findings=findings[:1]))
    )

    fault = find_history_faults(history, environment="", shared="")[REPEATS]

    assert fault == (
        '$.drills[0].findings[1].finding_id is "f1", which $.drills[0].findings[0] has too; keep one of them'
    )


@pytest.mark.parametrize(
    ("severity", "blocking", "is_named"),
    [
        ("critical", "critcal", True),
        ("hihg", "high", True),
        ("Critical ", "critical", False),
        ("non-critical", "critical", False),
        ("sev-2", "sev-1", False),
        ("minor", "major", False),
        ("", "critical", False),
    ],
)
def test_a_severity_that_is_like_a_blocking_one_and_blocks_nothing_is_named(
    severity: str, blocking: str, is_named: bool
) -> None:
    drill = Drill(drill_id="a", findings=(Finding("F1", severity=severity),))

    faults = find_history_faults(History(drills=(drill,)), environment="", shared="", blocking=[blocking])

    assert (SEVERITIES in faults) is is_named
    if is_named:
        place = f'$.drills[0].findings[0].severity is "{severity}", but blocking_severities has "{blocking}"'
        assert place in faults[SEVERITIES]


def test_a_closed_finding_may_have_any_severity() -> None:
    drill = Drill(drill_id="a", findings=(Finding("F1", severity="critcal", closed_at=NOW),))

    assert not find_history_faults(History(drills=(drill,)), environment="", shared="", blocking=["critical"])


@pytest.mark.parametrize("said", ["", " ", "\u3000"])
def test_what_says_nothing_is_neither_runbook_nor_evidence(said: str) -> None:
    drill = Drill(runbook_ref=said, evidence_refs=("drill://a", said))

    assert [each.partition(";")[0] for each in find_missing(drill)][1:] == [
        "runbook_ref is missing" if not said else f'runbook_ref is "{said}"',
        f'evidence_refs is ["drill://a", "{said}"]',
    ]
    assert not judged(make_subject([{**DRILL, "runbook_ref": said}])).history.valid
    assert not judged(make_subject([{**DRILL, "evidence_refs": ["drill://a", said]}])).history.valid
    assert not judged(make_subject([DRILL], runbook_ref=said)).schedule.valid
