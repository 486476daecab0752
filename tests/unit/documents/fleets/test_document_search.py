import json
import os
from pathlib import Path
from typing import Any

import pytest

from rollback_drills.documents.fleets.document_search import search
from rollback_drills.documents.fleets.fleet import load_fleet
from rollback_drills.errors import UsageError
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.readiness.judgement import judge_all
from rollback_drills.readiness.states import Readiness
from rollback_drills_cli.lint import _find_files
from tests.samples.builders import NOW, SCHEDULE
from tests.unit.documents.fleets.test_fleet import HISTORY, named, put

LATE = {**SCHEDULE, "next_due_at": "2026-01-01T00:00:00Z"}


def names(place: Path | str) -> list[str]:
    """Return the names of the documents at a place."""
    return [name for _, name in search(str(place)).documents]


def problems(place: Path | str) -> dict[str, str]:
    """Return what could not be searched, by name."""
    return {each.name: reason for each, reason in search(str(place)).problems}


@pytest.fixture
def closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder that nobody may list, not even root."""
    folder = tmp_path / "fleet/closed"
    put(folder / "a-schedule.json", LATE)
    list_folder = os.scandir

    def refuse(path: str) -> Any:
        if os.path.realpath(path) == str(folder):
            raise PermissionError(13, "Permission denied", path)
        return list_folder(path)

    monkeypatch.setattr(os, "scandir", refuse)
    return folder


@pytest.mark.parametrize("pattern", ["fleet", "fleet/", "fleet/**/*.json", "fleet/*/*.json"])
def test_a_folder_that_cannot_be_listed_is_a_finding_beside_the_others(
    pattern: str, closed: Path, tmp_path: Path
) -> None:
    put(tmp_path / "fleet/open/b-schedule.json", {**named("b"), "next_due_at": "2027-01-01T00:00:00Z"})

    fleet = load_fleet(str(tmp_path / pattern), None)
    judged = judge_all(fleet.subjects, Criteria(), now=NOW)

    assert [each.readiness for each in judged] == [Readiness.READY, Readiness.NEEDS_ATTENTION]
    message = "closed: cannot be searched: permission denied; give access to it, or remove it"
    assert judged[1].schedule.message == message
    assert judged[1].cycle.schedule_id == "closed"


def test_a_fleet_of_which_no_folder_can_be_listed_is_a_finding(closed: Path, tmp_path: Path) -> None:
    (subject,) = load_fleet(str(tmp_path / "fleet"), None).subjects

    assert subject.schedule
    assert "cannot be searched" in subject.schedule.problem


def test_a_place_that_cannot_be_listed_itself_is_the_callers_mistake(closed: Path) -> None:
    with pytest.raises(UsageError, match=r"schedule .*closed cannot be searched: permission denied"):
        load_fleet(str(closed), None)


def test_a_folder_of_histories_that_cannot_be_listed_is_a_finding(closed: Path, tmp_path: Path) -> None:
    put(tmp_path / "schedules/a-schedule.json", named("a"))
    put(tmp_path / "fleet/b-history.json", HISTORY)

    found = load_fleet(str(tmp_path / "schedules"), str(tmp_path / "fleet")).subjects

    assert [each.schedule and each.schedule.problem.partition(":")[0] for each in found] == ["", "closed"]


def test_lint_finds_a_folder_that_cannot_be_listed(closed: Path, tmp_path: Path) -> None:
    put(tmp_path / "fleet/._a-schedule.json", "junk")

    files, findings = _find_files([tmp_path / "fleet"])

    assert files == []
    assert findings == [f"{closed}: cannot be searched: permission denied; give access to it, or remove it"]


def test_a_pattern_looks_only_where_it_must(closed: Path, tmp_path: Path) -> None:
    put(tmp_path / "fleet/b-schedule.json", named("b"))

    assert problems(tmp_path / "fleet/*.json") == {}
    assert names(tmp_path / "fleet/*.json") == ["b-schedule.json"]


@pytest.mark.parametrize("pattern", ["", "/**/*.json", "/*/*.json"])
def test_a_linked_folder_is_searched_once(pattern: str, tmp_path: Path) -> None:
    put(tmp_path / "elsewhere/apac/a-schedule.json", LATE)
    (tmp_path / "fleet/eu").mkdir(parents=True)
    (tmp_path / "fleet/apac").symlink_to("../elsewhere/apac")

    assert names(f"{tmp_path}/fleet{pattern}") == ["apac/a-schedule.json"]
    assert problems(f"{tmp_path}/fleet{pattern}") == {}


@pytest.mark.parametrize("pattern", ["", "/**/*.json"])
def test_what_is_there_twice_by_links_is_found_once_by_the_name_without(pattern: str, tmp_path: Path) -> None:
    fleet = tmp_path / "fleet"
    put(tmp_path / "elsewhere/sub/b.json", named("b"))
    put(fleet / "zone/a.json", named("a"))
    (fleet / "again").symlink_to("zone")
    (fleet / "zone/loop").symlink_to("..")
    (fleet / "zone/self").symlink_to(".")
    (fleet / "a-part").symlink_to(tmp_path / "elsewhere/sub")
    (fleet / "b-whole").symlink_to(tmp_path / "elsewhere")
    (fleet / "c-again").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/back").symlink_to(fleet)

    assert names(f"{fleet}{pattern}") == ["a-part/b.json", "zone/a.json"]
    assert problems(f"{fleet}{pattern}") == {}


def test_a_link_to_a_folder_above_is_named_as_left_out(tmp_path: Path) -> None:
    put(tmp_path / "fleet/a.json", named("a"))
    put(tmp_path / "stranger.json", {})
    (tmp_path / "fleet/up").symlink_to("..")

    assert names(tmp_path / "fleet") == ["a.json"]
    assert "contains this place, and is left out" in problems(tmp_path / "fleet")["up"]


def test_a_link_to_a_folder_that_is_gone_is_a_finding(tmp_path: Path) -> None:
    put(tmp_path / "fleet/a.json", named("a"))
    (tmp_path / "fleet/apac").symlink_to("../gone")
    (tmp_path / "fleet/README.txt").symlink_to("../gone")
    (tmp_path / "fleet/round").symlink_to("round")

    assert sorted(problems(tmp_path / "fleet")) == ["apac", "round"]
    assert "does not exist; restore the folder" in problems(tmp_path / "fleet")["apac"]


@pytest.mark.parametrize(
    "stray", ["._a-schedule.json", ".#a-schedule.json", ".a-history.json", ".git/x.json"]
)
@pytest.mark.parametrize("pattern", ["", "/*.json", "/**/*.json"])
def test_what_begins_with_a_dot_is_left_out(stray: str, pattern: str, tmp_path: Path) -> None:
    put(tmp_path / "a-schedule.json", named("a"))
    put(tmp_path / "a-history.json", HISTORY)
    put(tmp_path / stray, b"\0\5\x16\7".decode())
    (tmp_path / ".#b-schedule.json").symlink_to("somebody@host.1234:1")

    (subject,) = load_fleet(f"{tmp_path}{pattern}", None).subjects

    assert subject.schedule
    assert subject.schedule.document
    assert subject.history
    assert subject.history.document


def test_a_pattern_with_a_dot_finds_what_begins_with_one(tmp_path: Path) -> None:
    put(tmp_path / ".team/a.json", named("a"))
    put(tmp_path / "b/.c.json", named("c"))

    assert names(tmp_path / ".*/*.json") == [".team/a.json"]
    assert names(tmp_path / ".team/*.json") == ["a.json"]
    assert names(tmp_path / "b/.*.json") == [".c.json"]


def test_a_folder_whose_name_looks_like_a_pattern_is_a_folder(tmp_path: Path) -> None:
    put(tmp_path / "fleet [1]/sub/a.json", named("a"))
    put(tmp_path / "fleet 1/sub/b.json", named("b"))

    assert names(tmp_path / "fleet [1]/*/*.json") == ["sub/a.json"]


def test_a_name_in_capitals_is_found(tmp_path: Path) -> None:
    put(tmp_path / "A-SCHEDULE.JSON", named("a"))

    assert names(tmp_path) == ["A-SCHEDULE.JSON"]


def test_a_relative_place_gives_the_same_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "fleet/x/a.json", named("a"))
    monkeypatch.chdir(tmp_path)

    for place in ("fleet", "fleet/", "./fleet", f"{tmp_path}/fleet", "fleet/*/*.json"):
        assert names(place)[0].endswith("x/a.json"), place
    monkeypatch.chdir(tmp_path / "fleet")
    for place in (".", "./", "*/*.json", "**/*.json"):
        assert names(place) == ["x/a.json"], place
        assert json.loads(Path(search(place).documents[0][0]).read_text()) == named("a")


def test_lint_names_a_document_in_a_folder_that_cannot_be_entered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = os.lstat

    def refuse(path: str) -> os.stat_result:
        if path.endswith("a-schedule.json"):
            raise PermissionError(13, "Permission denied", path)
        return look(path)

    monkeypatch.setattr(os, "lstat", refuse)

    assert _find_files([tmp_path / "a-schedule.json"]) == ([str(tmp_path / "a-schedule.json")], [])
    with pytest.raises(UsageError, match=r"b-schedule\.json does not exist; fix the path"):
        _find_files([tmp_path / "b-schedule.json"])
