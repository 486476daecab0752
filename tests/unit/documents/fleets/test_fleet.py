import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from rollback_drills.documents.fleets.fleet import Fleet, load_fleet
from rollback_drills.errors import UsageError
from tests.samples.builders import DRILL, SCHEDULE

HISTORY = {"schema_version": "cavra.go-backend-rollback-drill-history.v1", "drills": [DRILL]}


def put(path: Path, document: Any) -> Path:
    """Write a document, and its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def named(name: str) -> dict[str, Any]:
    """Make a schedule with an id."""
    return {**SCHEDULE, "schedule_id": name}


def found(fleet: Fleet) -> dict[str, str | None]:
    """Return the history's path of each schedule, by the schedule's id or problem."""
    return {
        (each.schedule.document.schedule_id if each.schedule.document else each.schedule.problem): (
            Path(each.history.path).name if each.history else None
        )
        for each in fleet.subjects
        if each.schedule
    }


def test_a_folder_is_searched_and_histories_belong_to_the_schedule_of_the_same_name(tmp_path: Path) -> None:
    put(tmp_path / "a-schedule.json", named("a"))
    put(tmp_path / "a-history.json", HISTORY)
    put(tmp_path / "team/go-backend-rollback-drill-schedule.json", named("b"))
    put(tmp_path / "team/go-backend-rollback-drills.json", HISTORY)
    put(tmp_path / "team/a-history.json", HISTORY)
    put(tmp_path / "c.json", named("c"))
    put(tmp_path / "routing-policy.json", {})
    put(tmp_path / ".hidden/d.json", named("d"))

    fleet = load_fleet(str(tmp_path), None)

    assert not fleet.is_single
    assert found(fleet) == {"a": "a-history.json", "b": "go-backend-rollback-drills.json", "c": None}


def test_histories_may_lie_in_a_folder_of_their_own(tmp_path: Path) -> None:
    put(tmp_path / "schedules/a.json", named("a"))
    put(tmp_path / "histories/a.json", HISTORY)

    for pattern in (tmp_path / "schedules", tmp_path / "schedules/*.json"):
        assert found(load_fleet(str(pattern), str(tmp_path / "histories"))) == {"a": "a.json"}


def test_one_file_is_one_schedule_with_the_named_history(tmp_path: Path) -> None:
    schedule, history = put(tmp_path / "s.json", named("a")), put(tmp_path / "h.json", HISTORY)

    fleet = load_fleet(str(schedule), str(history))

    assert fleet.is_single
    assert found(fleet) == {"a": "h.json"}


def test_json_lines_hold_schedules_or_records_with_their_history(tmp_path: Path) -> None:
    put(tmp_path / "docs/h.json", HISTORY)
    records = [
        {"schedule": named("inline"), "history": HISTORY},
        {"schedule": named("by-path"), "history": "docs/h.json"},
        named("bare"),
        {"schedule": named("x"), "histroy": {}},
        {"schedule": 3},
    ]
    lines = "\n".join([*map(json.dumps, records), "", "{"])

    fleet = load_fleet(str(put(tmp_path / "fleet.jsonl", lines)), None)

    documents = [each.schedule.document for each in fleet.subjects if each.schedule]
    assert [each and each.schedule_id for each in documents] == [
        "inline",
        "by-path",
        "bare",
        None,
        None,
        None,
    ]
    problems = [each.schedule.problem for each in fleet.subjects if each.schedule and each.schedule.problem]
    assert "fleet.jsonl:4: $.histroy is an unknown key" in problems[0]
    assert "fleet.jsonl:5: $.schedule is 3" in problems[1]
    assert "fleet.jsonl:7: is not JSON" in problems[2]
    histories = [each.history for each in fleet.subjects][:3]
    assert [each and bool(each.document) for each in histories] == [True, True, None]


def test_schedules_that_share_an_id_are_refused_each_naming_the_other(tmp_path: Path) -> None:
    for name in ("a", "b"):
        put(tmp_path / f"{name}.json", named("twin"))
    put(tmp_path / "c.json", named("only"))

    problems = sorted(found(load_fleet(str(tmp_path), None)))

    assert "only" in problems
    twins = [problem for problem in problems if "twin" in problem]
    assert len(twins) == 2
    assert '$.schedule_id is "twin"' in twins[0]
    assert "b.json has too" in twins[0]


@pytest.mark.parametrize(
    ("schedule", "history", "problem"),
    [
        ("empty", None, "matches no schedule"),
        ("gone", None, "gone does not exist; is its folder there?"),
        ("none/*.json", None, "matches no schedule"),
        ("none.jsonl", None, "does not exist"),
        ("fleet", "one.json", "is one file, but there may be several schedules"),
        ("one.json", "fleet", "is not one file, but there is one schedule"),
        ("fleet", "nowhere", "history .*nowhere does not exist"),
    ],
)
def test_what_cannot_be_meant_is_the_callers_mistake(
    schedule: str, history: str | None, problem: str, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    put(tmp_path / "fleet/a.json", named("a"))
    put(tmp_path / "one.json", HISTORY)

    with pytest.raises(UsageError, match=problem):
        load_fleet(str(tmp_path / schedule), history and str(tmp_path / history))


def test_a_history_that_two_schedules_could_mean_is_a_finding_of_both_and_of_no_other(tmp_path: Path) -> None:
    put(tmp_path / "a-schedule.json", named("a"))
    put(tmp_path / "a.json", named("b"))
    put(tmp_path / "c-schedule.json", named("c"))
    put(tmp_path / "a-history.json", HISTORY)
    put(tmp_path / "c-history.json", HISTORY)

    histories = [each.history for each in load_fleet(str(tmp_path), None).subjects]

    problem = "a-history.json could be the history of a-schedule.json and a.json; rename one of them"
    assert [each and each.problem for each in histories] == [problem, problem, ""]
    assert [bool(each and each.document) for each in histories] == [False, False, True]


def test_two_histories_of_one_name_are_a_finding_of_their_schedule_alone(tmp_path: Path) -> None:
    for name in ("a", "b"):
        put(tmp_path / f"{name}-schedule.json", named(name))
        put(tmp_path / f"{name}-history.json", HISTORY)
    put(tmp_path / "a_history.json", HISTORY)

    first, second = (each.history for each in load_fleet(str(tmp_path), None).subjects)

    assert first
    assert first.problem == (
        "a-history.json and a_history.json are all histories of a-schedule.json by their names;"
        " rename or remove all but one"
    )
    assert first.document is None
    assert second
    assert second.document


def test_records_whose_ids_mean_the_same_history_get_none(tmp_path: Path) -> None:
    records = [named("a-b"), named("a_b"), named("c"), {"schedule": named("x"), "history": HISTORY}]
    path = put(tmp_path / "fleet.jsonl", "\n".join(map(json.dumps, records)))
    for name in ("a-b", "c", "x"):
        put(tmp_path / f"histories/{name}-history.json", HISTORY)

    histories = [each.history for each in load_fleet(str(path), str(tmp_path / "histories")).subjects]

    assert [bool(each and each.document) for each in histories] == [False, False, True, True]
    assert histories[0]
    assert histories[0].problem == (
        "a-b-history.json could be the history of fleet.jsonl:1 and fleet.jsonl:2; rename one of them"
    )


def test_a_pipe_is_no_jsonl_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fleet.jsonl")

    with pytest.raises(UsageError, match="is not a file"):
        load_fleet(str(tmp_path / "fleet.jsonl"), None)


def test_names_in_any_script_tell_histories_apart(tmp_path: Path) -> None:
    for name in ("支付", "订单", "über"):
        put(tmp_path / f"{name}-schedule.json", named(name))
        put(tmp_path / f"{name}-history.json", HISTORY)

    assert found(load_fleet(str(tmp_path), None)) == {
        name: f"{name}-history.json" for name in ("支付", "订单", "über")
    }


def test_a_file_or_folder_that_exists_is_no_pattern(tmp_path: Path) -> None:
    file = put(tmp_path / "fleet [1]/drill[a]?.json", named("a"))

    assert load_fleet(str(file), None).is_single
    assert found(load_fleet(str(file), None)) == {"a": None}
    assert found(load_fleet(str(file.parent), None)) == {"a": None}


def test_a_folder_may_be_written_with_a_slash_at_its_end(tmp_path: Path) -> None:
    put(tmp_path / "x/a-schedule.json", named("a"))
    put(tmp_path / "x/a-history.json", HISTORY)

    assert found(load_fleet(f"{tmp_path}/", None)) == {"a": "a-history.json"}


def test_a_pattern_reaches_into_subfolders(tmp_path: Path) -> None:
    for folder in ("x", "x/y"):
        put(tmp_path / folder / "a-schedule.json", named(folder))
        put(tmp_path / folder / "a-history.json", HISTORY)

    fleet = load_fleet(str(tmp_path / "**/*.json"), None)

    assert [each.history and each.history.path for each in fleet.subjects] == [
        "x/a-history.json",
        "x/y/a-history.json",
    ]


def test_one_broken_document_does_not_stop_the_others(tmp_path: Path) -> None:
    put(tmp_path / "a.json", named("a"))
    put(tmp_path / "b.json", "{")
    put(tmp_path / "c.json", "")
    (tmp_path / "d.json").mkdir()
    (tmp_path / "e.json").symlink_to(tmp_path / "nowhere")
    put(tmp_path / "f-schedule.json", named("f"))
    put(tmp_path / "f-history.json", "[")

    fleet = load_fleet(str(tmp_path), None)

    states = [each.schedule.problem for each in fleet.subjects if each.schedule]
    assert [bool(problem) for problem in states] == [False, True, True, True, False]
    assert "is not JSON" in states[1]
    assert "is empty" in states[2]
    assert "does not exist" in states[3]
    history = fleet.subjects[-1].history
    assert history
    assert "f-history.json: $ is []" in history.problem or "is not JSON" in history.problem


def test_an_id_that_two_records_share_is_refused_on_both(tmp_path: Path) -> None:
    records = [named("twin"), named("only"), {"schedule": named("twin"), "history": HISTORY}]
    path = put(tmp_path / "fleet.jsonl", "\n".join(map(json.dumps, records)))

    problems = [each.schedule.problem for each in load_fleet(str(path), None).subjects if each.schedule]

    assert [bool(problem) for problem in problems] == [True, False, True]
    assert "fleet.jsonl:3#schedule has too" in problems[0]
    assert "fleet.jsonl:1 has too" in problems[2]


def test_of_many_namesakes_a_few_are_named(tmp_path: Path) -> None:
    path = put(tmp_path / "fleet.jsonl", "\n".join([json.dumps(named("twin"))] * 500))

    subjects = load_fleet(str(path), None).subjects

    assert all(each.schedule and each.schedule.problem for each in subjects)
    assert max(len(each.schedule.problem) for each in subjects if each.schedule) < 4 * len(str(path)) + 200


def test_schedules_without_an_id_are_no_namesakes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        put(tmp_path / f"{name}.json", named(""))

    subjects = load_fleet(str(tmp_path), None).subjects

    assert [each.schedule and each.schedule.problem for each in subjects] == ["", ""]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"[" * 100_000, "nested too deeply"),
        (b'{"schedule": ' + b'{"a":' * 950 + b"1" + b"}" * 951, "fleet.jsonl:1"),
        (b'{"interval_days": ' + b"1" * 5_000 + b"}", "thousands of digits"),
        (b"\xff\xfe", "is not UTF-8"),
        (b'{"schedule": null}', "$.schedule is missing; must be a document"),
        (b'{"schedule": {"interval_days": NaN}}', "$.interval_days is NaN"),
        (b'{"schedule": {}, "https://user:hunter2@host": 1}', "$.<a key that must not be shown>"),
        (b'{"schedule": "none.json"}', "none.json: does not exist"),
        (b'{"schedule": "a\\u0000b"}', "null byte"),
    ],
    ids=["deep", "deep inside", "digits", "not UTF-8", "null", "NaN", "private key", "path", "NUL"],
)
def test_no_record_makes_the_fleet_raise(line: bytes, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "fleet.jsonl"
    path.write_bytes(line + b"\n" + json.dumps(named("good")).encode())

    first, second = load_fleet(str(path), None).subjects

    assert first.schedule
    assert problem in first.schedule.problem
    assert "hunter2" not in first.schedule.problem
    assert second.schedule
    assert second.schedule.document


@pytest.mark.parametrize("content", ["", "\n \n"])
def test_a_jsonl_file_without_records_is_the_callers_mistake(content: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no record"):
        load_fleet(str(put(tmp_path / "fleet.jsonl", content)), None)


def test_bare_records_find_their_history_by_their_id(tmp_path: Path) -> None:
    path = put(tmp_path / "fleet.jsonl", "\n".join(json.dumps(named(name)) for name in ("a", "b")))
    put(tmp_path / "histories/a-history.json", HISTORY)

    assert found(load_fleet(str(path), str(tmp_path / "histories"))) == {"a": "a-history.json", "b": None}


def test_a_link_to_a_document_of_the_fleet_is_refused_and_its_target_is_not(tmp_path: Path) -> None:
    put(tmp_path / "b-schedule.json", named("b"))
    (tmp_path / "a-schedule.json").symlink_to("b-schedule.json")

    link, target = (each.schedule for each in load_fleet(str(tmp_path), None).subjects)

    assert link
    assert link.problem == (
        "a-schedule.json: is a link to b-schedule.json, which is read already; remove the link"
    )
    assert target
    assert target.document


def test_several_namesakes_are_named_in_the_plural(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        put(tmp_path / f"{name}.json", named("twin"))

    assert all(each.endswith("json have too; rename one") for each in found(load_fleet(str(tmp_path), None)))


def test_a_history_is_found_whatever_the_unicode_form_of_its_name(tmp_path: Path) -> None:
    put(tmp_path / "e\u0301-schedule.json", named("cafe"))
    put(tmp_path / "\u00e9-history.json", HISTORY)

    assert [bool(each.history) for each in load_fleet(str(tmp_path), None).subjects] == [True]


def test_the_ending_of_json_lines_may_have_capitals(tmp_path: Path) -> None:
    put(tmp_path / "FLEET.JSONL", json.dumps({"schedule": named("a"), "history": HISTORY}))

    assert [bool(each.history) for each in load_fleet(str(tmp_path / "FLEET.JSONL"), None).subjects] == [True]


def test_a_socket_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket is short
    with socket.socket(socket.AF_UNIX) as open_socket:
        open_socket.bind("a.json")
        assert [*found(load_fleet(".", None))] == ["a.json: is not a file; replace or remove it"]
